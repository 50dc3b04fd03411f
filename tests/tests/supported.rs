//! The list of supported Kamailio series, which the build holds the source tree against.

#[path = "../../build/supported.rs"]
mod supported;

fn check(version: &str) -> Result<(), String> {
    supported::check(&["-DNAME='\"kamailio\"'".to_owned(), format!("-DVERSIONVAL={version}")])
}

#[test]
fn every_supported_series_is_accepted_with_any_patch_level() {
    for (major, minor) in supported::SERIES {
        for patch in [0, 3, 99] {
            assert_eq!(check(&format!("{}", major * 1_000_000 + minor * 1000 + patch)), Ok(()));
        }
    }
}

#[test]
fn any_other_series_is_refused_with_the_list() {
    for (version, name) in [("5005007", "5.5"), ("6002000", "6.2"), ("4004000", "4.4")] {
        let line = check(version).expect_err(name);
        assert!(line.contains(name) && line.contains("5.6, 5.7, 5.8, 6.0, 6.1"), "{line}");
    }
    assert!(check("unknown").is_err());
}

//! `tls_ca_path`: a path without authorities is an error, and what else is trusted beside those that it names.

use crate::common::{assert_failed, assert_replied, assert_untrusted, one_query, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, wait_until};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn server(settings: TlsSettings) -> HttpServer {
    HttpServer::start_tls(settings, |_| Response::text("safe"))
}

/// Queries of an instance whose system knows the authority of `system`. The user of the request is the name of a file below
/// `folder`, which is `tls_ca_path`; `system` means none.
fn instance(system: &TestCertificates, url: &str, folder: &Path) -> Builder {
    let assignments = format!(
        r#"if($rU != "system") {{ $http_req(tls_ca_path) = "{}/" + $rU; }} $http_req(timeout) = 8000;"#,
        folder.display()
    );
    one_query(url, &assignments, "").system_authorities(&system.ca_directory())
}

fn folder_with(path: &Path, files: &[(&str, &Path)]) {
    fs::create_dir(path).expect("a folder");
    for (name, from) in files {
        fs::copy(from, path.join(name)).expect("a file");
    }
}

/// Paths that hold no authority that OpenSSL would find.
fn useless(certificates: &TestCertificates) -> [PathBuf; 6] {
    let in_folder = |name: &str| certificates.folder().join(name);
    folder_with(&in_folder("empty"), &[]);
    folder_with(&in_folder("without-hashes"), &[("ca.pem", &certificates.ca_file())]);
    folder_with(&in_folder("revoked"), &[("01234567.r0", &certificates.ca_file())]);
    folder_with(&in_folder("dangling"), &[]);
    symlink("../gone.pem", in_folder("dangling/01234567.0")).expect("a link");
    ["missing", "empty", "without-hashes", "revoked", "dangling", "ca.pem/ca.pem"].map(in_folder)
}

#[test]
fn a_path_without_authorities_is_an_error_of_the_query() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server());
    let kamailio = instance(&certificates, &server.url("/"), certificates.folder()).start();
    assert_replied(&kamailio.message("system"), "200");
    let paths = useless(&certificates);
    for path in &paths {
        let name = path.strip_prefix(certificates.folder()).expect("it is in the folder");
        let answer = kamailio.message(&name.display().to_string());
        assert_failed(&answer, &path.display().to_string());
    }
    assert_eq!(server.requests().len(), 1, "nothing else was sent");
    // What is seen of a path holds for a second.
    fs::copy(certificates.ca_file(), &paths[0]).expect("a file");
    assert!(wait_until(PATIENCE, || seen(&kamailio.message("missing"), "X-Ok") == "1"));
    fs::remove_file(&paths[0]).expect("the file");
    assert!(wait_until(PATIENCE, || seen(&kamailio.message("missing"), "X-Ok") == "0"));
}

#[test]
fn a_path_without_authorities_refuses_the_start_and_the_check_of_the_configuration() {
    let certificates = TestCertificates::temporary();
    let nothing = || Kamailio::with_script("route[MAIN] { exit; }");
    for path in useless(&certificates) {
        let with_path = || nothing().parameter("tls_ca_path", format!("\"{}\"", path.display()));
        for ended in [with_path().start_refused(), with_path().check()] {
            assert!(!ended.status.success(), "{}", path.display());
            let line = ended.log.lines().find(|line| line.contains(&path.display().to_string()));
            assert!(line.is_some_and(|line| line.contains("tls_ca_path")), "{}", ended.log);
        }
    }
    let with_folder = || nothing().parameter("tls_ca_path", format!("\"{}\"", certificates.ca_directory().display()));
    assert!(with_folder().check().status.success());
    // The start looks from another folder than the check.
    let relative = || nothing().parameter("tls_ca_path", r#""no-such-ca.pem""#);
    assert!(relative().check().status.success());
    assert!(relative().start_refused().log.contains("no-such-ca.pem"));
}

/// A file takes the place of the system's file, a folder that of its folder, and the other one stays.
#[test]
fn authorities_of_the_system_are_trusted_beside_those_of_the_path() {
    let (system, own) = (TestCertificates::temporary(), TestCertificates::of_authority("Another authority"));
    let known = [server(system.server()), server(own.server())];
    let unknown = [server(own.server_self_signed()), server(system.server_of_unknown_authority())];
    for name in ["ca", "ca.pem"] {
        for server in &known {
            assert_replied(&instance(&system, &server.url("/"), own.folder()).start().message(name), "200");
        }
        for server in &unknown {
            assert_untrusted(&instance(&system, &server.url("/"), own.folder()).start().message(name));
            assert_eq!(server.requests().len(), 0);
        }
    }
    let only_systems = instance(&system, &known[1].url("/"), own.folder()).start().message("system");
    assert_untrusted(&only_systems);
}

//! Which Kamailio this source serves. A new series is added here, after the test suite has passed in it.

/// The supported series, as major and minor version.
pub const SERIES: [(u32, u32); 5] = [(5, 6), (5, 7), (5, 8), (6, 0), (6, 1)];

/// Holds the tree's version against the list; `flags` are its compiler flags, of which `-DVERSIONVAL` counts
/// millions for the major and thousands for the minor version.
///
/// # Errors
/// The version, and the supported ones.
pub fn check(flags: &[String]) -> Result<(), String> {
    let version = flags.iter().find_map(|flag| flag.strip_prefix("-DVERSIONVAL=")?.parse::<u32>().ok());
    let version = version.ok_or("the source tree does not tell its version (-DVERSIONVAL)")?;
    let (major, minor) = (version / 1_000_000, version / 1000 % 1000);
    if SERIES.contains(&(major, minor)) {
        return Ok(());
    }
    let list = SERIES.map(|(major, minor)| format!("{major}.{minor}")).join(", ");
    Err(format!("Kamailio {major}.{minor} is not supported; supported are {list}"))
}

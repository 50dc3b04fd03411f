//! The libcurl that the module under test finds when it runs.

use std::process::Command;

/// The first libcurl with which HTTP/2 queries share a connection.
const SHARES: [u32; 3] = [8, 12, 0];

/// Whether several HTTP/2 queries share a connection.
///
/// # Panics
/// The program `curl`, which uses the same libcurl, is not installed or does not tell its version.
pub fn shares_connections() -> bool {
    let output = Command::new("curl").arg("--version").output().expect("curl is installed");
    let text = String::from_utf8(output.stdout).expect("plain text");
    let words = text.split_whitespace();
    let version = words.filter_map(|word| word.strip_prefix("libcurl/")).next().expect("a version of libcurl");
    let numbers: Vec<u32> =
        version.split(['.', '-']).map_while(|number| number.parse().ok()).take(SHARES.len()).collect();
    numbers.as_slice() >= SHARES.as_slice()
}

//! `/etc/hosts` (hosts(5)), read line by line for a name of which nothing is known, as the C library does. HTTP workers.
//!
//! libcares reads it too, but 1.34 gives an address that stands with several names to the first of them alone, and 1.18 loses memory
//! over `localhost`.

use super::answer::MAX_ADDRESSES;
use crate::host::log;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Its path.
pub const PATH: &str = "/etc/hosts";
/// Most bytes of it that are read, so that a wrong file does not hold up the worker.
const MAX_BYTES: u64 = 16 << 20;

/// The file. What was read is kept by the cache of names, not here.
#[derive(Debug, Default)]
pub struct HostsFile {
    is_error_told: bool,
}

impl HostsFile {
    /// The addresses of `name`, in their order, those of IPv4 first; none where the file cannot be read, which an ERROR tells once.
    /// `localhost` is this machine where the file does not have it (RFC 6761 section 6.3).
    pub fn addresses(&mut self, name: &str) -> Vec<IpAddr> {
        let found = read(name).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound && !std::mem::replace(&mut self.is_error_told, true) {
                log::error!("{PATH}: {error}; its names are not known");
            }
            Vec::new()
        });
        if found.is_empty() && is_localhost(name) {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        found
    }
}

fn is_localhost(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

fn read(name: &str) -> io::Result<Vec<IpAddr>> {
    addresses(BufReader::new(File::open(PATH)?.take(MAX_BYTES)), name)
}

/// Each address once. Lines that cannot be read are passed over.
fn addresses(mut file: impl BufRead, name: &str) -> io::Result<Vec<IpAddr>> {
    let mut found = Vec::new();
    let mut line = Vec::new();
    while file.read_until(b'\n', &mut line)? > 0 && found.len() < MAX_ADDRESSES {
        if let Some(address) = address_of(&line, name).filter(|address| !found.contains(address)) {
            found.push(address);
        }
        line.clear();
    }
    found.sort_by_key(IpAddr::is_ipv6);
    Ok(found)
}

/// The address of a line that has `name` among its own, in any case (RFC 4343). A `#` begins a comment.
fn address_of(line: &[u8], name: &str) -> Option<IpAddr> {
    let line = line.split(|byte| *byte == b'#').next()?;
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let address = words.next()?;
    if !words.any(|word| word.eq_ignore_ascii_case(name.as_bytes())) {
        return None;
    }
    std::str::from_utf8(address).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str, name: &str) -> Vec<String> {
        let found = addresses(file.as_bytes(), name).expect("memory can be read");
        found.iter().map(ToString::to_string).collect()
    }

    const FILE: &str = "# 127.0.0.9 api\n\
        ::1\tlocalhost ip6-localhost api\r\n\
        127.0.0.1 localhost\n\
        \n\
        nonsense api\n\
        127.0.0.2  API.example api # 127.0.0.3 other\n\
        127.0.0.2 api\n\
        127.0.0.4 other api";

    #[test]
    fn an_address_is_that_of_all_its_names_and_a_name_has_all_its_addresses() {
        assert_eq!(of(FILE, "api"), ["127.0.0.2", "127.0.0.4", "::1"]);
        assert_eq!(of(FILE, "Other"), ["127.0.0.4"]);
        assert_eq!(of(FILE, "api.Example"), ["127.0.0.2"]);
        assert_eq!(of(FILE, "LOCALHOST"), ["127.0.0.1", "::1"]);
        for none in ["", "ap", "example", "127.0.0.2", "#"] {
            assert_eq!(of(FILE, none), Vec::<String>::new(), "{none:?}");
        }
    }

    #[test]
    fn localhost_is_the_last_label() {
        assert!(is_localhost("LocalHost") && is_localhost("a.localhost"));
        assert!(!is_localhost("localhost.example") && !is_localhost("nolocalhost"));
    }
}

//! What `tls_ca_path` names. libcurl passes over a path that it cannot read, and OpenSSL over a folder without hashed names: then
//! only the system's authorities would be known. Main at the start; HTTP workers later.

use std::ffi::{CStr, OsStr};
use std::fmt;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Known authorities, where libcurl finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorities {
    /// PEM, any number of certificates (`CURLOPT_CAINFO`).
    File,
    /// Certificates by the hashes of their names (`CURLOPT_CAPATH`).
    Folder,
}

/// Why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAuthorities {
    /// The path cannot be read, with its `errno`.
    Unreadable(i32),
    /// A folder in which OpenSSL would find nothing.
    NoHashes,
    /// Neither a file nor a folder.
    Other,
}

impl Authorities {
    /// Looks at the path. That may take time: network file systems.
    ///
    /// # Errors
    /// See [`NoAuthorities`].
    pub fn at(path: &CStr) -> Result<Self, NoAuthorities> {
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        let kind = fs::metadata(path).map_err(unreadable)?;
        if kind.is_file() {
            return Ok(Self::File);
        }
        if !kind.is_dir() {
            return Err(NoAuthorities::Other);
        }
        let mut entries = fs::read_dir(path).map_err(unreadable)?.filter_map(Result::ok);
        if entries.any(|entry| is_found(&entry)) { Ok(Self::Folder) } else { Err(NoAuthorities::NoHashes) }
    }
}

fn unreadable(error: io::Error) -> NoAuthorities {
    NoAuthorities::Unreadable(error.raw_os_error().unwrap_or(0))
}

fn is_found(entry: &DirEntry) -> bool {
    is_hash(entry.file_name().as_bytes()) && fs::metadata(entry.path()).is_ok_and(|kind| kind.is_file())
}

/// `X509_LOOKUP_hash_dir(3)`: eight hexadecimal digits, a dot, a number. Revocation lists have an `r` before the number.
fn is_hash(name: &[u8]) -> bool {
    let Some((hash, [b'.', number @ ..])) = name.split_at_checked(8) else {
        return false;
    };
    hash.iter().all(u8::is_ascii_hexdigit) && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

impl fmt::Display for NoAuthorities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(formatter, "{}", io::Error::from_raw_os_error(*error)),
            Self::NoHashes => formatter.write_str("no certificate in it has a hash for its name (openssl rehash)"),
            Self::Other => formatter.write_str("neither a file nor a folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_openssl_looks_for() {
        for name in ["01234567.0", "9abcdef0.12"] {
            assert!(is_hash(name.as_bytes()), "{name}");
        }
        for name in ["", "01234567", "01234567.", "01234567.r0", "0123456.0", "0123456g.0", "ca.pem", "012345678.0"] {
            assert!(!is_hash(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_neither_file_nor_folder_holds_none() {
        assert_eq!(Authorities::at(c"/dev/null"), Err(NoAuthorities::Other));
        assert_eq!(Authorities::at(c"/no/such/path"), Err(NoAuthorities::Unreadable(libc::ENOENT)));
    }
}

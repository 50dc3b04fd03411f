//! Origins of URLs that a worker has seen lately. libcurl's parser takes a tenth of a query's time, and most queries go where
//! others went.

use super::error::TransferError;
use super::url::Origin;
use crate::host::heap;
use std::collections::HashMap;
use std::ffi::CStr;
use std::rc::Rc;

/// More than a script names; a script that makes host names up does not fill memory.
const MOST: usize = 256;

/// Bytes of an authority that is remembered: a host name of the greatest length, and a port.
const LONGEST: usize = 255 + ":65535".len();

/// What [`Origin::of`] said of URLs, by their beginnings.
#[derive(Debug, Default)]
pub struct Origins(HashMap<Vec<u8>, Rc<Origin>>);

impl Origins {
    /// As [`Origin::of`].
    ///
    /// # Errors
    /// As [`Origin::of`].
    pub fn of(&mut self, url: &CStr) -> Result<Rc<Origin>, TransferError> {
        let Some(beginning) = plain_beginning(url.to_bytes()) else {
            return Origin::of(url).map(Rc::new);
        };
        if let Some(known) = self.0.get(beginning) {
            return Ok(Rc::clone(known));
        }
        let origin = Rc::new(Origin::of(url)?);
        if self.0.len() >= MOST {
            self.0.clear();
        }
        if let (Some(key), true) = (heap::copy(beginning), self.0.try_reserve(1).is_ok()) {
            self.0.insert(key, Rc::clone(&origin));
        }
        Ok(origin)
    }
}

/// Scheme and authority of a URL that has nothing else to be read or refused: neither user name nor encoded bytes, and
/// behind them only bytes that a URL may hold (RFC 3986 section 2).
fn plain_beginning(url: &[u8]) -> Option<&[u8]> {
    let scheme = [b"http://".as_slice(), b"https://"].into_iter().find(|scheme| url.starts_with(scheme))?;
    let behind = url.get(scheme.len()..)?;
    let authority = behind.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(behind.len());
    let (authority, rest) = behind.split_at_checked(authority)?;
    let is_plain = (1..=LONGEST).contains(&authority.len()) && authority.iter().all(|byte| is_of_authority(*byte));
    if is_plain && rest.iter().all(u8::is_ascii_graphic) { url.get(..scheme.len() + authority.len()) } else { None }
}

fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::CString;

    #[test]
    fn a_url_with_a_user_name_encoded_bytes_or_blanks_is_read_by_libcurl_each_time() {
        for url in ["http://user@h/", "http://%68/", "http://h/a b", "h/x", "http:/h/", "http://", "http://h\\@x/"] {
            assert_eq!(plain_beginning(url.as_bytes()), None, "{url}");
        }
        assert_eq!(plain_beginning(b"https://[::1]:8443?x"), Some(b"https://[::1]:8443".as_slice()));
    }

    #[test]
    fn no_more_than_so_many_are_kept() {
        let mut origins = Origins::default();
        for number in 0..=MOST {
            let url = CString::new(format!("http://h{number}/")).expect("no NUL");
            assert_eq!(origins.of(&url).expect("a good URL").host, format!("h{number}"));
        }
        assert_eq!(origins.0.len(), 1);
    }

    proptest! {
        #[test]
        fn what_is_said_is_what_libcurl_reads(urls in prop::collection::vec("https?://[aB.\\[\\]:0-9%@_-]{0,6}[/?#]?[a-c %\\\\]{0,3}", 1..20)) {
            let mut origins = Origins::default();
            for url in urls.iter().chain(&urls) {
                let url = CString::new(url.as_str()).expect("no NUL");
                prop_assert_eq!(origins.of(&url).map(|origin| (*origin).clone()), Origin::of(&url));
            }
        }
    }
}

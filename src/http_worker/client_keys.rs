//! Which key a worker's connections were opened with, by the client certificate that they show. libcurl lets a query take a kept
//! connection that shows its certificate, whatever key it was opened with; in 8.14 and later too. So the connections of a
//! certificate are kept for one key, and a query with another key has one of its own.

use crate::host::heap;
use crate::shared::clock::Instant;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// Seconds that a connection with a client certificate may have been idle when a query takes it (`CURLOPT_MAXAGE_CONN`), as
/// libcurl has it by itself.
pub const MOST_IDLE_SECONDS: u32 = 118;

/// How long after the end of a key's last query there may be a connection that was opened with it: libcurl counts whole seconds.
const LIFETIME: Duration = Duration::from_secs(MOST_IDLE_SECONDS as u64 + 2);

/// More certificates than most scripts name. Queries with others have connections of their own.
const MOST: usize = 1024;

/// The keys.
#[derive(Debug, Default)]
pub struct ClientKeys(HashMap<CString, Kept>);

#[derive(Debug)]
struct Kept {
    /// `None` where the file of the certificate holds it.
    key: Option<CString>,
    /// There is no connection any more then, unless another query comes.
    until: Instant,
}

impl ClientKeys {
    /// Whether a query with this certificate and key, which ends at `end` at the latest, may take kept connections and leave
    /// its own to others.
    pub fn may_share(&mut self, certificate: &CStr, key: Option<&CStr>, now: Instant, end: Instant) -> bool {
        let until = end.after(LIFETIME);
        if let Some(kept) = self.0.get_mut(certificate).filter(|kept| kept.until > now) {
            if kept.key.as_deref() != key {
                return false;
            }
            kept.until = kept.until.max(until);
            return true;
        }
        self.keep(certificate, key, now, until).is_some()
    }

    /// `None` when there is no room or no memory.
    fn keep(&mut self, certificate: &CStr, key: Option<&CStr>, now: Instant, until: Instant) -> Option<()> {
        let certificate = heap::c_string(certificate.to_bytes()).ok()?;
        let key = key.map(|key| heap::c_string(key.to_bytes()).ok()).map_or(Some(None), |key| key.map(Some))?;
        if self.0.len() >= MOST {
            self.0.retain(|_, kept| kept.until > now);
        }
        self.0.try_reserve(1).ok().filter(|()| self.0.len() < MOST)?;
        self.0.insert(certificate, Kept { key, until });
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn the_key_of_a_certificate_changes_when_its_connections_are_gone() {
        let mut keys = ClientKeys::default();
        let start = Instant::now();
        let end = start.after(LONG);
        assert!(keys.may_share(c"a.pem", Some(c"1.key"), start, end));
        assert!(keys.may_share(c"b.pem", Some(c"2.key"), start, end));
        for other in [Some(c"2.key"), Some(c""), None] {
            assert!(!keys.may_share(c"a.pem", other, start, end), "{other:?}");
        }
        let last = end.after(LONG);
        assert!(keys.may_share(c"a.pem", Some(c"1.key"), end, last));
        let gone = last.after(LIFETIME);
        let before = last.after(LIFETIME - Duration::from_millis(1));
        assert!(!keys.may_share(c"a.pem", None, before, before));
        assert!(keys.may_share(c"a.pem", None, gone, gone.after(LONG)));
        assert!(!keys.may_share(c"a.pem", Some(c"1.key"), gone, gone.after(LONG)));
    }

    #[test]
    fn a_query_that_ends_sooner_does_not_shorten_the_time() {
        let mut keys = ClientKeys::default();
        let start = Instant::now();
        assert!(keys.may_share(c"a.pem", None, start, start.after(LONG)));
        assert!(keys.may_share(c"a.pem", None, start, start));
        assert!(!keys.may_share(c"a.pem", Some(c"1.key"), start.after(LIFETIME), start.after(LIFETIME)));
    }

    #[test]
    fn certificates_without_room_have_connections_of_their_own() {
        let mut keys = ClientKeys::default();
        let start = Instant::now();
        let shares = |keys: &mut ClientKeys, number: usize, now: Instant| {
            keys.may_share(&CString::new(format!("{number}.pem")).unwrap(), None, now, now)
        };
        assert_eq!((0..2 * MOST).filter(|number| shares(&mut keys, *number, start)).count(), MOST);
        assert!(shares(&mut keys, MOST, start.after(LIFETIME)));
    }
}

//! What a worker has lately seen at the paths of `tls_ca_path`, so that it does not look for each query: a file system that does
//! not answer would hold up all of its queries.

use crate::host::heap;
use crate::shared::clock::Instant;
use crate::transport::authorities::{Authorities, NoAuthorities};
use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// How long it is believed.
const LIFETIME: Duration = Duration::from_secs(1);

/// More paths than a script names; the one that is known longest makes room.
const MOST: usize = 64;

type Seen = Result<Authorities, NoAuthorities>;

/// The paths, the one that is known longest first.
#[derive(Debug, Default)]
pub struct KnownAuthorities(VecDeque<Known>);

#[derive(Debug)]
struct Known {
    path: CString,
    /// When it was looked at.
    at: Instant,
    seen: Seen,
}

impl KnownAuthorities {
    /// What is at the path, or was a moment ago.
    ///
    /// # Errors
    /// There are no authorities.
    pub fn at(&mut self, path: &CStr, now: Instant) -> Seen {
        self.at_by(path, now, Authorities::at)
    }

    fn at_by(&mut self, path: &CStr, now: Instant, look: impl FnOnce(&CStr) -> Seen) -> Seen {
        let place = self.0.iter().position(|known| known.path.as_c_str() == path);
        if let Some(known) = place.and_then(|place| self.0.get_mut(place)) {
            if now.since(known.at) >= LIFETIME {
                known.seen = look(path);
                known.at = now;
            }
            return known.seen;
        }
        let seen = look(path);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        // Without memory it is looked at again.
        if let (Ok(path), Ok(())) = (heap::c_string(path.to_bytes()), self.0.try_reserve(1)) {
            self.0.push_back(Known { path, at: now, seen });
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_looked_at_once_a_second() {
        let mut known = KnownAuthorities::default();
        let (start, looks) = (Instant::now(), std::cell::Cell::new(0));
        let mut ask = |milliseconds, seen: Seen| {
            let look = |_: &CStr| {
                looks.set(looks.get() + 1);
                seen
            };
            known.at_by(c"/ca", start.after(Duration::from_millis(milliseconds)), look)
        };
        assert_eq!(ask(0, Err(NoAuthorities::NoHashes)), Err(NoAuthorities::NoHashes));
        assert_eq!(ask(999, Ok(Authorities::File)), Err(NoAuthorities::NoHashes));
        assert_eq!(ask(1000, Ok(Authorities::File)), Ok(Authorities::File));
        assert_eq!(ask(1999, Ok(Authorities::Folder)), Ok(Authorities::File));
        assert_eq!(looks.get(), 2);
    }

    #[test]
    fn many_paths_take_no_more_room() {
        let mut known = KnownAuthorities::default();
        for number in 0..10 * MOST {
            let path = CString::new(format!("/{number}")).unwrap();
            known.at_by(&path, Instant::now(), |_| Ok(Authorities::Folder)).unwrap();
        }
        assert_eq!(known.0.len(), MOST);
    }
}

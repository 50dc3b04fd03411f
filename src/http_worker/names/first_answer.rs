//! Addresses of one kind serve while those of the other are awaited (RFC 8305 section 3). HTTP workers.
//!
//! A look-up goes on for the cache, so that a host that needs the other kind has it soon.

use super::Names;
use super::lookup::Verdict;
use crate::shared::clock::Instant;
use std::rc::Rc;
use std::time::Duration;

/// How long the answer of the other kind is waited for (RFC 8305 section 8, Resolution Delay).
pub(super) const OTHER_KIND: Duration = Duration::from_millis(50);

impl<W: Ord + Copy> Names<W> {
    /// Gives those who wait the addresses that have come, once for an exchange; whether it did.
    pub(super) fn use_first_answer(&mut self, exchange: u64, now: Instant) -> bool {
        let Some(asked) = self.exchanges.get(exchange).filter(|asked| !asked.is_passed_over) else {
            return false;
        };
        let (Verdict::Addresses(addresses, ttl), Some(number)) = (asked.verdict(), asked.lookup) else {
            return false;
        };
        if std::mem::replace(&mut asked.is_used, true) {
            return false;
        }
        let until = asked.until;
        let Some(lookup) = self.lookups.get_mut(&number).filter(|lookup| lookup.name() == asked.name) else {
            return false;
        };
        let waiting = std::mem::take(&mut lookup.waiting).into_iter().collect();
        let (host, addresses) = (Rc::clone(&lookup.host), Rc::from(addresses));
        self.exchanges.look_at(exchange, until, false);
        self.abandoned.insert(number);
        self.cache.keep(&host, &addresses, ttl.min(until.since(now)), now);
        self.resolved.push_back((waiting, Ok(addresses)));
        true
    }
}

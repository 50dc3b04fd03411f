//! Which of a host's addresses is tried next, from what this worker has seen of them.

use crate::shared::clock::Instant;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// For how long an address that has failed is tried last.
const MEMORY_OF_FAILURE: Duration = Duration::from_secs(30);

/// Most addresses that something is known of; only hosts with several count.
const MOST: usize = 1024;

/// Addresses that have taken connections lately, or have not.
#[derive(Debug, Default)]
pub struct KnownAddresses(HashMap<Endpoint, Seen>);

/// An address and a port.
type Endpoint = (IpAddr, u16);

#[derive(Clone, Copy, Debug)]
enum Seen {
    Worked(Instant),
    Failed(Instant),
}

/// The least is tried first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Worked(Reverse<Instant>),
    Unknown,
    Failed(Instant),
}

impl KnownAddresses {
    /// A TCP connection has come about.
    pub fn worked(&mut self, address: IpAddr, port: u16, now: Instant) {
        self.remember((address, port), Seen::Worked(now), now);
    }

    /// None has.
    pub fn failed(&mut self, address: IpAddr, port: u16, now: Instant) {
        self.remember((address, port), Seen::Failed(now), now);
    }

    /// The one to try first: the one that worked last, then the first of those of which nothing is known, then the one whose
    /// failure is the longest ago.
    pub fn best(&self, addresses: impl Iterator<Item = IpAddr>, port: u16, now: Instant) -> Option<IpAddr> {
        addresses.min_by_key(|address| self.rank((*address, port), now))
    }

    fn rank(&self, endpoint: Endpoint, now: Instant) -> Rank {
        match self.0.get(&endpoint) {
            Some(Seen::Worked(at)) => Rank::Worked(Reverse(*at)),
            Some(Seen::Failed(at)) if now.since(*at) < MEMORY_OF_FAILURE => Rank::Failed(*at),
            _ => Rank::Unknown,
        }
    }

    fn remember(&mut self, endpoint: Endpoint, seen: Seen, now: Instant) {
        if self.0.len() >= MOST && !self.0.contains_key(&endpoint) {
            self.make_room(now);
        }
        // Without memory the order is the resolver's.
        if self.0.try_reserve(1).is_ok() {
            self.0.insert(endpoint, seen);
        }
    }

    /// Forgets failures that are over, or else whatever is the oldest.
    fn make_room(&mut self, now: Instant) {
        self.0.retain(|_, seen| !matches!(seen, Seen::Failed(at) if now.since(*at) >= MEMORY_OF_FAILURE));
        if self.0.len() < MOST {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, Seen::Worked(at) | Seen::Failed(at))| *at).map(|(key, _)| *key);
        oldest.and_then(|oldest| self.0.remove(&oldest));
    }
}

/// IPv6 and IPv4 in turn, each in its order, from the family of the first on (RFC 8305 section 4).
pub fn in_turn(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let begins_with_ipv6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv6() == begins_with_ipv6);
    let mut in_turn = Vec::with_capacity(addresses.len());
    let (mut first, mut second) = (first.drain(..), second.drain(..));
    while in_turn.len() < addresses.len() {
        in_turn.extend(first.next());
        in_turn.extend(second.next());
    }
    in_turn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<IpAddr> {
        text.split(' ').map(|address| address.parse().expect("an address")).collect()
    }

    fn order(known: &KnownAddresses, of: &str, now: Instant) -> Vec<IpAddr> {
        let mut left = addresses(of);
        let best = |left: &Vec<IpAddr>| known.best(left.iter().copied(), 80, now);
        let next = || best(&left).inspect(|next| left.retain(|other| other != next));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn what_worked_last_is_first_and_what_failed_is_last_for_half_a_minute() {
        let start = Instant::now();
        let at = |seconds| start.after(Duration::from_secs(seconds));
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut known = KnownAddresses::default();
        let all = "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4";
        assert_eq!(order(&known, all, start), addresses(all));
        known.failed(ip("10.0.0.2"), 80, at(0));
        known.failed(ip("10.0.0.1"), 80, at(1));
        assert_eq!(order(&known, all, at(1)), addresses("10.0.0.3 10.0.0.4 10.0.0.2 10.0.0.1"));
        known.worked(ip("10.0.0.3"), 80, at(2));
        known.worked(ip("10.0.0.4"), 80, at(3));
        assert_eq!(order(&known, all, at(29)), addresses("10.0.0.4 10.0.0.3 10.0.0.2 10.0.0.1"));
        assert_eq!(order(&known, all, at(30)), addresses("10.0.0.4 10.0.0.3 10.0.0.2 10.0.0.1"));
        assert_eq!(order(&known, all, at(31)), addresses("10.0.0.4 10.0.0.3 10.0.0.1 10.0.0.2"));
        known.worked(ip("10.0.0.1"), 80, at(31));
        assert_eq!(order(&known, all, at(31)).first(), Some(&ip("10.0.0.1")));
        assert_eq!(known.best(addresses(all).into_iter(), 81, at(31)), Some(ip("10.0.0.1")), "another port is unknown");
    }

    #[test]
    fn no_more_than_so_many_are_known_and_the_oldest_goes() {
        let start = Instant::now();
        let mut known = KnownAddresses::default();
        for number in 0..=MOST as u32 {
            known.worked(IpAddr::from(number.to_be_bytes()), 80, start.after(Duration::from_secs(number.into())));
        }
        assert_eq!(known.0.len(), MOST);
        assert!(!known.0.contains_key(&([0, 0, 0, 0].into(), 80)));
        known.failed([9, 9, 9, 9].into(), 80, start);
        known.failed([9, 9, 9, 8].into(), 80, start.after(MEMORY_OF_FAILURE));
        assert_eq!(known.0.len(), MOST);
        assert!(!known.0.contains_key(&([9, 9, 9, 9].into(), 80)), "its failure is over");
    }

    #[test]
    fn families_take_turns_and_the_first_begins() {
        for (given, expected) in [
            ("10.0.0.1 10.0.0.2 ::1 10.0.0.3 ::2", "10.0.0.1 ::1 10.0.0.2 ::2 10.0.0.3"),
            ("::1 ::2 ::3 10.0.0.1", "::1 10.0.0.1 ::2 ::3"),
            ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"),
        ] {
            assert_eq!(in_turn(&addresses(given)), addresses(expected));
        }
        assert!(in_turn(&[]).is_empty());
    }
}

//! What is known of names: addresses for as long as they hold and an hour beyond (RFC 8767), failures for a second. HTTP workers.

use super::Addresses;
use crate::shared::clock::Instant;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;

/// Most names that are remembered.
const MAX_NAMES: usize = 1024;
/// The least time that addresses hold: one answer serves a burst of queries.
const LEAST: Duration = Duration::from_secs(1);
/// How long an address of the hosts file is kept; a change is noticed before.
const OF_HOSTS_FILE: Duration = Duration::from_secs(3600);
/// How long a failure is remembered.
const OF_FAILURE: Duration = Duration::from_secs(1);
/// How long addresses that have run out can serve (RFC 8767 section 5 allows for days).
const STALE: Duration = Duration::from_secs(3600);

/// What is known of a name now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Its addresses.
    Addresses(Addresses),
    /// It has just failed, for that reason.
    Failure(Rc<str>),
    /// Addresses that have run out.
    Old(Addresses),
    /// Nothing.
    Nothing,
}

#[derive(Debug, Default)]
struct Entry {
    addresses: Option<(Addresses, Instant)>,
    /// Whether a server has told them: those of the hosts file are found there again when they have run out.
    is_of_server: bool,
    failure: Option<(Rc<str>, Instant)>,
    /// The later of the two.
    until: Option<Instant>,
}

/// What is known of some names. The one that runs out first goes where there are too many.
pub struct Cache {
    longest: Duration,
    entries: HashMap<Rc<str>, Entry>,
    order: BTreeSet<(Instant, Rc<str>)>,
}

impl Cache {
    /// Nothing is kept longer than `longest`; nothing at all where that is zero.
    pub fn new(longest: Duration) -> Self {
        Self { longest, entries: HashMap::new(), order: BTreeSet::new() }
    }

    /// What is known of `host`. A failure that is newer than addresses that have run out hands these out.
    pub fn get(&self, host: &str, now: Instant) -> Kept {
        let Some(entry) = self.entries.get(host) else {
            return Kept::Nothing;
        };
        let failure = entry.failure.as_ref().filter(|(_, until)| now < *until);
        match (&entry.addresses, failure) {
            (Some((addresses, until)), _) if now < *until => Kept::Addresses(Rc::clone(addresses)),
            (Some((addresses, until)), _) if entry.is_of_server && now < until.after(STALE) => {
                Kept::Old(Rc::clone(addresses))
            }
            (_, Some((reason, _))) => Kept::Failure(Rc::clone(reason)),
            _ => Kept::Nothing,
        }
    }

    /// Whether `host` has failed within the last second.
    pub fn has_just_failed(&self, host: &str, now: Instant) -> bool {
        let failure = self.entries.get(host).and_then(|entry| entry.failure.as_ref());
        failure.is_some_and(|(_, until)| now < *until)
    }

    /// Keeps addresses that a server has told for `ttl`, within the bounds.
    pub fn keep(&mut self, host: &Rc<str>, addresses: &Addresses, ttl: Duration, now: Instant) {
        self.keep_from(true, host, addresses, ttl, now);
    }

    /// Keeps addresses of the hosts file; they are never old.
    pub fn keep_of_hosts_file(&mut self, host: &Rc<str>, addresses: &Addresses, now: Instant) {
        self.keep_from(false, host, addresses, OF_HOSTS_FILE, now);
    }

    fn keep_from(&mut self, is_of_server: bool, host: &Rc<str>, addresses: &Addresses, ttl: Duration, now: Instant) {
        let until = now.after(ttl.max(LEAST).min(self.longest));
        self.change(host, until, |entry| {
            entry.addresses = Some((Rc::clone(addresses), until));
            entry.is_of_server = is_of_server;
            entry.failure = None;
        });
    }

    /// Keeps a failure. Where the servers said that the name has no addresses, the old ones are forgotten.
    pub fn fail(&mut self, host: &Rc<str>, reason: &Rc<str>, is_final: bool, now: Instant) {
        let until = now.after(OF_FAILURE.min(self.longest));
        self.change(host, until, |entry| {
            entry.failure = Some((Rc::clone(reason), until));
            if is_final {
                entry.addresses = None;
            }
        });
    }

    /// Makes addresses run out that servers have told: others are to be asked, and while none answers these serve. Forgets the rest.
    pub fn run_out(&mut self, now: Instant) {
        self.entries.retain(|_, entry| {
            entry.failure = None;
            entry.until = Some(now);
            if let Some((_, until)) = &mut entry.addresses {
                *until = now.min(*until);
            }
            entry.is_of_server && entry.addresses.is_some()
        });
        self.order = self.entries.keys().map(|host| (now, Rc::clone(host))).collect();
    }

    /// Forgets all names.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    fn change(&mut self, host: &Rc<str>, until: Instant, change: impl FnOnce(&mut Entry)) {
        if self.longest.is_zero() {
            return;
        }
        let entry = self.entries.entry(Rc::clone(host)).or_default();
        change(entry);
        if let Some(before) = entry.until.replace(until) {
            self.order.remove(&(before, Rc::clone(host)));
        }
        self.order.insert((until, Rc::clone(host)));
        if self.entries.len() > MAX_NAMES {
            if let Some((_, first)) = self.order.pop_first() {
                self.entries.remove(&first);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HOUR: Duration = Duration::from_secs(3600);

    fn some() -> Addresses {
        Rc::from([Ipv4Addr::LOCALHOST.into()])
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start.after(Duration::from_secs(seconds))
    }

    #[test]
    fn addresses_hold_for_their_ttl_within_the_bounds() {
        let start = Instant::now();
        for (longest, ttl, holds) in [(3600, 30, 30), (3600, 0, 1), (20, 30, 20), (3600, 100_000, 3600)] {
            let mut cache = Cache::new(Duration::from_secs(longest));
            cache.keep(&Rc::from("h"), &some(), Duration::from_secs(ttl), start);
            assert_eq!(cache.get("h", at(start, holds - 1)), Kept::Addresses(some()), "{longest} {ttl}");
            assert_eq!(cache.get("h", at(start, holds)), Kept::Old(some()), "{longest} {ttl}");
            assert_eq!(cache.get("h", at(start, holds + 3600)), Kept::Nothing, "{longest} {ttl}");
        }
    }

    #[test]
    fn what_servers_have_told_is_old_once_it_has_run_out_and_the_rest_is_forgotten() {
        let (start, mut cache) = (Instant::now(), Cache::new(HOUR));
        cache.keep(&Rc::from("told"), &some(), HOUR, start);
        cache.keep(&Rc::from("told-before"), &some(), LEAST, start);
        cache.keep_of_hosts_file(&Rc::from("hosts"), &some(), start);
        cache.fail(&Rc::from("failed"), &Rc::from("SERVFAIL"), false, start);
        let change = at(start, 60);
        cache.run_out(change);
        assert_eq!(cache.get("told", change), Kept::Old(some()));
        assert_eq!(cache.get("told-before", at(start, 3600)), Kept::Old(some()));
        assert_eq!(cache.get("told-before", at(start, 3602)), Kept::Nothing, "it has been old for an hour");
        for name in ["hosts", "failed"] {
            assert_eq!(cache.get(name, change), Kept::Nothing, "{name}");
        }
        cache.keep(&Rc::from("told"), &some(), HOUR, change);
        assert_eq!((cache.get("told", change), cache.order.len()), (Kept::Addresses(some()), 2));
    }

    #[test]
    fn addresses_of_the_hosts_file_are_never_old() {
        let (start, mut cache) = (Instant::now(), Cache::new(LEAST));
        cache.keep_of_hosts_file(&Rc::from("h"), &some(), start);
        assert_eq!(cache.get("h", start), Kept::Addresses(some()));
        assert_eq!(cache.get("h", at(start, 1)), Kept::Nothing);
    }

    #[test]
    fn a_failure_is_kept_for_a_second_and_only_a_final_one_forgets_addresses() {
        let start = Instant::now();
        let (host, reason): (Rc<str>, Rc<str>) = ("h".into(), "no such name".into());
        let mut cache = Cache::new(HOUR);
        cache.keep(&host, &some(), LEAST, start);
        cache.fail(&host, &reason, false, at(start, 1));
        assert_eq!(cache.get("h", at(start, 1)), Kept::Old(some()));
        cache.fail(&host, &reason, true, at(start, 1));
        assert_eq!(cache.get("h", at(start, 1)), Kept::Failure(reason));
        assert_eq!(cache.get("h", at(start, 2)), Kept::Nothing);
    }

    #[test]
    fn a_full_cache_lets_go_of_what_runs_out_first() {
        let start = Instant::now();
        let mut cache = Cache::new(HOUR);
        for number in 0..=MAX_NAMES as u64 {
            let ttl = Duration::from_secs(if number == 7 { 1 } else { 2 });
            cache.keep(&Rc::from(number.to_string()), &some(), ttl, start);
        }
        assert_eq!(cache.get("7", start), Kept::Nothing);
        assert_eq!(cache.get("0", start), Kept::Addresses(some()));
        assert_eq!((cache.entries.len(), cache.order.len()), (MAX_NAMES, MAX_NAMES));
    }

    #[test]
    fn without_time_nothing_is_kept() {
        let start = Instant::now();
        let mut cache = Cache::new(Duration::ZERO);
        cache.keep(&Rc::from("h"), &some(), HOUR, start);
        cache.fail(&Rc::from("f"), &Rc::from("x"), false, start);
        assert_eq!((cache.get("h", start), cache.get("f", start)), (Kept::Nothing, Kept::Nothing));
    }
}

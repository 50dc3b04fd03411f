//! Addresses of host names. HTTP workers.
//!
//! One look-up a name serves all who wait for it (`lookup`), `cache` keeps what came of it, `configuration` reads what the
//! machine says, `progress` leads from one question to the next, `servers` knows whom to ask first, `exchanges` are the
//! questions on their way and `answer` reads what comes back. At most `max_lookups` look-ups are under way; others wait for one of them to end. A look-up without anybody who waits goes on for
//! the cache, unless another wants its place.

mod answer;
mod cache;
mod configuration;
mod exchanges;
mod first_answer;
mod hosts_file;
mod lookup;
mod progress;
mod servers;

use crate::host::log;
use crate::shared::clock::Instant;
use crate::transport::event_loop::EventLoop;
use crate::transport::url::Origin;
use cache::{Cache, Kept};
use configuration::{Changes, Configuration, Files};
use exchanges::Exchanges;
use hosts_file::HostsFile;
use lookup::Lookup;
use servers::Servers;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// Addresses of one name, at least one.
pub type Addresses = Rc<[IpAddr]>;

/// Who waited, and for what.
pub type Resolved<W> = (Vec<W>, Known);

/// What is known of a name: its addresses, or why it has failed less than a second ago.
pub type Known = Result<Addresses, Rc<str>>;

/// Looks names up.
pub struct Names<W> {
    files: Files,
    configuration: Rc<Configuration>,
    hosts: HostsFile,
    servers: Servers,
    cache: Cache,
    exchanges: Exchanges,
    lookups: HashMap<u64, Lookup<W>>,
    by_host: HashMap<Rc<str>, u64>,
    last_lookup: u64,
    /// Look-ups that have begun.
    under_way: usize,
    max_lookups: usize,
    /// Look-ups that have not.
    queued: VecDeque<u64>,
    /// Look-ups under way that nobody waits for.
    abandoned: BTreeSet<u64>,
    resolved: VecDeque<Resolved<W>>,
    old_addresses_are_told: bool,
}

impl<W: Ord + Copy> Names<W> {
    /// Looks names up as the machine is set up to; addresses are kept for `longest` at most.
    pub fn new(event_loop: &EventLoop, max_lookups: usize, longest: Duration) -> Self {
        let now = Instant::now();
        let (files, configuration) = Files::read(now);
        Self {
            files,
            servers: Servers::new(&configuration, now),
            configuration: Rc::new(configuration),
            hosts: HostsFile::default(),
            cache: Cache::new(longest),
            exchanges: Exchanges::new(event_loop),
            lookups: HashMap::new(),
            by_host: HashMap::new(),
            last_lookup: 0,
            under_way: 0,
            max_lookups,
            queued: VecDeque::new(),
            abandoned: BTreeSet::new(),
            resolved: VecDeque::new(),
            old_addresses_are_told: false,
        }
    }

    /// What is known of `host`, without asking anybody.
    pub fn known(&mut self, host: &str, now: Instant) -> Option<Known> {
        self.look_at_files(now);
        match self.cache.get(host, now) {
            Kept::Addresses(addresses) => Some(Ok(addresses)),
            Kept::Failure(reason) => Some(Err(reason)),
            Kept::Old(addresses) if self.cache.has_just_failed(host, now) || self.servers.are_all_down() => {
                self.tell_of_old_addresses(host);
                self.refresh(host, now);
                Some(Ok(addresses))
            }
            Kept::Old(_) | Kept::Nothing => self.in_hosts_file(host, now).map(Ok),
        }
    }

    /// Whether somebody must be asked for the addresses of `origin`.
    pub fn is_unknown(&mut self, origin: &Origin, now: Instant) -> bool {
        origin.address().is_none() && self.known(&origin.host, now).is_none()
    }

    fn in_hosts_file(&mut self, host: &str, now: Instant) -> Option<Addresses> {
        if self.by_host.contains_key(host) {
            return None;
        }
        let addresses = self.hosts.addresses(host.strip_suffix('.').unwrap_or(host));
        let addresses = Some(Addresses::from(addresses)).filter(|addresses| !addresses.is_empty())?;
        self.cache.keep_of_hosts_file(&Rc::from(host), &addresses, now);
        Some(addresses)
    }

    /// Asks for a name that nobody waits for.
    fn refresh(&mut self, host: &str, now: Instant) {
        if !self.cache.has_just_failed(host, now) && !self.by_host.contains_key(host) {
            self.create(host);
            self.begin_queued(now);
        }
    }

    /// Hands `waiting` to [`Names::next_resolved`] when `host`, of which nothing is known, has been looked up.
    pub fn look_up(&mut self, host: &str, waiting: W, deadline: Instant, now: Instant) {
        let number = self.by_host.get(host).copied().unwrap_or_else(|| self.create(host));
        self.abandoned.remove(&number);
        if let Some(lookup) = self.lookups.get_mut(&number) {
            lookup.wait(waiting, deadline);
        }
        self.hurry(number, now);
        self.begin_queued(now);
    }

    fn create(&mut self, host: &str) -> u64 {
        self.last_lookup += 1;
        let host = Rc::from(host);
        self.lookups.insert(self.last_lookup, Lookup::new(&host, &self.configuration));
        self.by_host.insert(host, self.last_lookup);
        if self.queued.len() > 2 * self.lookups.len() {
            // Most of them have been given up.
            self.queued.retain(|number| self.lookups.contains_key(number));
        }
        self.queued.push_back(self.last_lookup);
        self.last_lookup
    }

    /// Forgets one who waits.
    pub fn give_up(&mut self, host: &str, waiting: W) {
        let number = self.by_host.get(host).copied();
        let Some((number, lookup)) = number.and_then(|number| Some((number, self.lookups.get_mut(&number)?))) else {
            return;
        };
        lookup.waiting.remove(&waiting);
        if !lookup.waiting.is_empty() {
            return;
        }
        if lookup.has_begun {
            self.abandoned.insert(number);
            self.begin_queued(Instant::now());
        } else {
            self.remove(number);
        }
    }

    /// Those whose names have been looked up, one look-up after the other.
    pub fn next_resolved(&mut self) -> Option<Resolved<W>> {
        self.resolved.pop_front()
    }

    /// Begins look-ups while there are places; those that nobody waits for make room.
    fn begin_queued(&mut self, now: Instant) {
        while self.under_way < self.max_lookups || !self.abandoned.is_empty() {
            let Some(number) = self.queued.pop_front() else {
                return;
            };
            let Some(lookup) = self.lookups.get_mut(&number) else {
                continue;
            };
            lookup.has_begun = true;
            let (is_wanted, name) = (!lookup.waiting.is_empty(), lookup.name().to_owned());
            if self.under_way >= self.max_lookups {
                self.abandoned.pop_first().and_then(|abandoned| self.remove(abandoned));
            }
            self.under_way += 1;
            if !is_wanted {
                self.abandoned.insert(number);
            }
            self.go_on(number, now);
            self.probe(&name, now);
        }
    }

    /// Takes a look-up out, and ends what is under way for it.
    fn remove(&mut self, number: u64) -> Option<Lookup<W>> {
        self.end_exchanges(number);
        let lookup = self.lookups.remove(&number)?;
        self.by_host.remove(&lookup.host);
        self.abandoned.remove(&number);
        if lookup.has_begun {
            self.under_way -= 1;
        }
        Some(lookup)
    }

    /// Notices a changed `resolv.conf` or `hosts`. Questions that are under way go on.
    fn look_at_files(&mut self, now: Instant) {
        let Changes { configuration, hosts } = self.files.look(now);
        if let Some(configuration) = configuration.filter(|new| *new != *self.configuration) {
            log::info!("resolv.conf has changed");
            self.servers.change(&configuration, now);
            self.configuration = Rc::new(configuration);
            self.cache.run_out(now);
        }
        if hosts {
            self.cache.clear();
            self.hosts = HostsFile::default();
        }
    }

    fn tell_of_old_addresses(&mut self, host: &str) {
        if !std::mem::replace(&mut self.old_addresses_are_told, true) {
            log::warning!("no name server answers: addresses that have run out are used, as those of {host}");
        }
    }
}

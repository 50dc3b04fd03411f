//! Addresses of host names: one look-up a name, shared by all who wait for it, and a small cache.

use crate::shared::clock::Instant;
use crate::transport::error::LoopError;
use crate::transport::event_loop::EventLoop;
use crate::transport::resolver::Resolver;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// How long addresses are used again; libcurl's own default.
const LIFETIME: Duration = Duration::from_secs(60);
/// Most names that are remembered.
const MAX_NAMES: usize = 1024;

/// Most look-ups under way; each ends by itself when its name servers do not answer.
const MAX_LOOKUPS: usize = 4096;

/// Addresses of one name, at least one.
pub type Addresses = Rc<[IpAddr]>;

/// Looks names up.
pub struct Names<W> {
    resolver: Resolver,
    cache: HashMap<String, (Instant, Addresses)>,
    lookups: HashMap<u64, Lookup<W>>,
    running: HashMap<String, u64>,
}

struct Lookup<W> {
    host: String,
    waiting: Vec<W>,
}

impl<W: PartialEq> Names<W> {
    /// Looks names up with the machine's name servers.
    ///
    /// # Errors
    /// The resolver cannot be set up.
    pub fn new(event_loop: &EventLoop) -> Result<Self, LoopError> {
        Ok(Self {
            resolver: Resolver::new(event_loop)?,
            cache: HashMap::new(),
            lookups: HashMap::new(),
            running: HashMap::new(),
        })
    }

    /// The addresses where they are known; otherwise `waiting` is handed back by [`Names::resolved`] when they are.
    ///
    /// # Errors
    /// The look-up cannot be started.
    pub fn look_up(&mut self, host: &str, waiting: W) -> Result<Option<Addresses>, LoopError> {
        let now = Instant::now();
        if let Some((until, addresses)) = self.cache.get(host) {
            if now < *until {
                return Ok(Some(Rc::clone(addresses)));
            }
        }
        let number = match self.running.get(host) {
            Some(number) => *number,
            None => self.start(host)?,
        };
        if let Some(lookup) = self.lookups.get_mut(&number) {
            lookup.waiting.push(waiting);
        }
        Ok(None)
    }

    /// Forgets one who waits; the look-up goes on for the others, and for the cache.
    pub fn give_up(&mut self, host: &str, waiting: W) {
        let lookup = self.running.get(host).and_then(|number| self.lookups.get_mut(number));
        if let Some(lookup) = lookup {
            lookup.waiting.retain(|other| *other != waiting);
        }
    }

    fn start(&mut self, host: &str) -> Result<u64, LoopError> {
        if self.lookups.len() >= MAX_LOOKUPS {
            return Err(LoopError(format!("{MAX_LOOKUPS} other names are being looked up")));
        }
        let number = self.resolver.start(host)?;
        self.running.insert(host.to_owned(), number);
        self.lookups.insert(number, Lookup { host: host.to_owned(), waiting: Vec::new() });
        Ok(number)
    }

    /// Takes the result of a look-up; returns who waits for it. Some may have given up since.
    pub fn resolved(
        &mut self,
        number: u64,
        result: Result<Vec<IpAddr>, String>,
    ) -> (Vec<W>, Result<Addresses, String>) {
        let result = result.map(Addresses::from);
        let Some(lookup) = self.lookups.remove(&number) else {
            return (Vec::new(), result);
        };
        self.running.remove(&lookup.host);
        if let Ok(addresses) = &result {
            self.remember(lookup.host, Rc::clone(addresses));
        }
        (lookup.waiting, result)
    }

    fn remember(&mut self, host: String, addresses: Addresses) {
        let now = Instant::now();
        if self.cache.len() >= MAX_NAMES {
            self.cache.retain(|_, (until, _)| now < *until);
        }
        if self.cache.len() < MAX_NAMES {
            self.cache.insert(host, (now.after(LIFETIME), addresses));
        }
    }
}

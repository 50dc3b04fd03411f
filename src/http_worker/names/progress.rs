//! From one question to the next: what answers, and their absence, do to look-ups and to what is thought of the servers.
//! HTTP workers.

use super::Names;
use super::cache::Kept;
use super::exchanges::{Asked, Question};
use super::first_answer::OTHER_KIND;
use super::lookup::{self, Lookup, Step, Verdict};
use super::servers::{Failure, ServerId};
use crate::host::fault_point::fault_point;
use crate::host::log;
use crate::shared::clock::Instant;
use crate::transport::error::LoopError;
use crate::transport::name_server::{Answer, Kind};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

impl<W: Ord + Copy> Names<W> {
    /// A socket of an exchange can be read or written.
    pub fn socket_ready(&mut self, exchange: u64, descriptor: i32, readable: bool, writable: bool) {
        if let Err(error) = self.exchanges.socket_ready(exchange, descriptor, readable, writable) {
            log::error!("a socket of a name look-up cannot be watched: {error}");
        }
    }

    /// A question has come to its end.
    pub fn answered(&mut self, exchange: u64, kind: Kind, answer: Answer) {
        fault_point!("answer");
        let now = Instant::now();
        let Some(asked) = self.exchanges.get(exchange) else {
            return;
        };
        if answer.is_of_server() {
            self.servers.answered(asked.server, &asked.name, asked.in_mixed_case, now);
        }
        asked.note(kind, answer);
        if asked.is_complete() || asked.is_passed_over && asked.has_addresses() {
            if let Some(asked) = self.end_exchange(exchange) {
                self.judge(&asked, now);
            }
        } else if asked.has_addresses() {
            self.exchanges.look_at(exchange, now.after(OTHER_KIND), true);
        }
        self.begin_queued(now);
    }

    /// When [`Names::act_when_due`] has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        self.exchanges.next_due()
    }

    /// Asks the next servers where the ones before have not answered in time.
    pub fn act_when_due(&mut self) {
        if self.next_due().is_none() {
            return;
        }
        let (now, mut has_acted) = (Instant::now(), false);
        while let Some(exchange) = self.exchanges.take_due(now) {
            self.is_due(exchange, now);
            has_acted = true;
        }
        if has_acted {
            self.begin_queued(now);
        }
    }

    fn is_due(&mut self, exchange: u64, now: Instant) {
        if self.use_first_answer(exchange, now) {
            return;
        }
        let Some(asked) = self.exchanges.get(exchange) else {
            return;
        };
        let (server, is_answered, is_copy, until) = (asked.server, asked.is_answered(), asked.is_copy, asked.until);
        let began = asked.began;
        if std::mem::replace(&mut asked.is_passed_over, true) {
            let (lookup, name) = (asked.lookup, asked.name.clone());
            self.end_exchange(exchange);
            if is_copy && !is_answered {
                self.servers.failed(server, Failure::Silent, began, now);
            }
            self.act_on(lookup, &name, Verdict::Unknown(lookup::NOBODY), false, now);
            return self.probe(&name, now);
        }
        if !is_answered {
            self.servers.failed(server, Failure::Silent, began, now);
        }
        let (lookup, name, verdict) = (asked.lookup, asked.name.clone(), asked.verdict());
        if !is_answered && now < until {
            // What it still says counts.
            self.exchanges.look_at(exchange, until, false);
        } else {
            self.end_exchange(exchange);
        }
        self.act_on(lookup, &name, verdict, true, now);
        self.probe(&name, now);
    }

    /// An exchange is complete.
    fn judge(&mut self, asked: &Asked, now: Instant) {
        if let Some(failure) = asked.failure() {
            self.servers.failed(asked.server, failure, asked.began, now);
        }
        self.act_on(asked.lookup, &asked.name, asked.verdict(), !asked.is_passed_over, now);
    }

    /// Does with a look-up what a server's verdict on `name` says. `goes_on`: the look-up waits for that alone.
    fn act_on(&mut self, lookup: Option<u64>, name: &str, verdict: Verdict, goes_on: bool, now: Instant) {
        let Some(number) = lookup else {
            return;
        };
        let Some(lookup) = self.lookups.get_mut(&number).filter(|lookup| lookup.name() == name) else {
            return;
        };
        match verdict {
            Verdict::Addresses(addresses, ttl) => self.succeed(number, addresses, ttl, now),
            Verdict::NoAddress | Verdict::NoName => {
                lookup.note_none(&verdict);
                let reason = lookup.final_reason();
                let has_another = lookup.next_name();
                self.end_exchanges(number);
                if has_another { self.go_on(number, now) } else { self.fail(number, reason, true, now) }
            }
            // The others have been asked, and one of them has told why.
            Verdict::Unknown(_) if !goes_on && lookup.exchanges.is_empty() => self.go_on(number, now),
            Verdict::Unknown(_) if !goes_on => {}
            Verdict::Unknown(reason) => {
                lookup.reason = Some(reason.to_owned());
                self.go_on(number, now);
            }
        }
    }

    /// Asks the next server; without one, the look-up ends.
    pub(super) fn go_on(&mut self, number: u64, now: Instant) {
        while let Some(lookup) = self.lookups.get_mut(&number) {
            match lookup.next() {
                Step::Ask(server) => {
                    if self.ask(number, server, now) {
                        return;
                    }
                }
                Step::Begin => {
                    let has_asked = lookup.has_asked();
                    lookup.begin(self.servers.order());
                    if has_asked {
                        self.serve_old(number, now);
                    }
                }
                Step::GiveUp => {
                    let reason = lookup.reason.clone().unwrap_or_else(|| lookup::NOBODY.to_owned());
                    let is_awaited = !lookup.exchanges.is_empty();
                    self.serve_old(number, now);
                    if is_awaited {
                        // A server that was passed over may answer yet.
                        return;
                    }
                    self.fail(number, &reason, false, now);
                }
            }
        }
    }

    /// Asks a server for the present name of a look-up; whether that was possible.
    fn ask(&mut self, number: u64, server: ServerId, now: Instant) -> bool {
        let (Some(lookup), Some((address, in_mixed_case))) =
            (self.lookups.get_mut(&number), self.servers.address(server))
        else {
            return false;
        };
        let has_old = matches!(self.cache.get(&lookup.host, now), Kept::Old(_));
        let due = now.after(lookup.patience(now, has_old));
        let until = due.max(now.after(lookup.full_patience()));
        let (name, kinds) = (lookup.name(), lookup.kinds());
        let question =
            Question { lookup: Some(number), server, address, name, kinds, in_mixed_case, due, until, began: now };
        match self.exchanges.begin(&question) {
            Ok(exchange) => {
                lookup.exchanges.push(exchange);
                true
            }
            Err(LoopError(reason)) => {
                lookup.reason = Some(reason);
                false
            }
        }
    }

    /// One whose deadline is earlier has come: the server that is being asked gets less time.
    pub(super) fn hurry(&mut self, number: u64, now: Instant) {
        let Some(lookup) = self.lookups.get(&number) else {
            return;
        };
        let has_old = matches!(self.cache.get(&lookup.host, now), Kept::Old(_));
        let at = now.after(lookup.patience(now, has_old));
        for exchange in &lookup.exchanges {
            if let Some(asked) = self.exchanges.get(*exchange).filter(|asked| !asked.is_passed_over) {
                let at = if asked.has_addresses() { at.min(now.after(OTHER_KIND)) } else { at };
                self.exchanges.look_at(*exchange, at, true);
            }
        }
    }

    /// Asks servers that do not answer whether they do, where it is time: for a name that they have just known, or for `name`, which
    /// another is asked for.
    pub(super) fn probe(&mut self, name: &str, now: Instant) {
        while let Some(server) = self.servers.to_probe(now) {
            let Some((address, in_mixed_case)) = self.servers.address(server) else {
                return;
            };
            let until = now.after(self.configuration.timeout.unwrap_or(lookup::PATIENCE));
            let (kinds, known) = (&[Kind::A], self.servers.known_name(server));
            let name = known.as_deref().unwrap_or(name);
            let question =
                Question { lookup: None, server, address, name, kinds, in_mixed_case, due: until, until, began: now };
            match self.exchanges.begin(&question) {
                Ok(exchange) => self.servers.begin_probe(server, exchange),
                Err(_) => return,
            }
        }
    }

    fn succeed(&mut self, number: u64, addresses: Vec<IpAddr>, ttl: Duration, now: Instant) {
        let Some(Lookup { host, waiting, .. }) = self.remove(number) else {
            return;
        };
        let addresses = Rc::from(addresses);
        self.cache.keep(&host, &addresses, ttl, now);
        self.old_addresses_are_told = false;
        self.resolved.push_back((waiting.into_iter().collect(), Ok(addresses)));
    }

    /// `is_final`: the servers say that there are no addresses.
    fn fail(&mut self, number: u64, reason: &str, is_final: bool, now: Instant) {
        let Some(Lookup { host, waiting, .. }) = self.remove(number) else {
            return;
        };
        let reason = Rc::from(reason);
        self.old_addresses_are_told &= !is_final;
        self.cache.fail(&host, &reason, is_final, now);
        self.resolved.push_back((waiting.into_iter().collect(), Err(reason)));
    }

    /// No server has answered so far: who waits gets addresses that have run out, where there are some. The look-up goes on.
    fn serve_old(&mut self, number: u64, now: Instant) {
        let Some(lookup) = self.lookups.get_mut(&number).filter(|lookup| !lookup.waiting.is_empty()) else {
            return;
        };
        let Kept::Old(addresses) = self.cache.get(&lookup.host, now) else {
            return;
        };
        let waiting = std::mem::take(&mut lookup.waiting).into_iter().collect();
        let host = Rc::clone(&lookup.host);
        self.abandoned.insert(number);
        self.resolved.push_back((waiting, Ok(addresses)));
        self.tell_of_old_addresses(&host);
    }

    /// Ends what is under way for a look-up.
    pub(super) fn end_exchanges(&mut self, number: u64) {
        let Some(lookup) = self.lookups.get_mut(&number) else {
            return;
        };
        for exchange in std::mem::take(&mut lookup.exchanges) {
            self.end_exchange(exchange);
        }
    }

    fn end_exchange(&mut self, exchange: u64) -> Option<Asked> {
        let asked = self.exchanges.end(exchange)?;
        self.servers.ended(asked.server, exchange);
        if let Some(lookup) = asked.lookup.and_then(|number| self.lookups.get_mut(&number)) {
            lookup.exchanges.retain(|other| *other != exchange);
        }
        Some(asked)
    }
}

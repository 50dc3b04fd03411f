//! How far the look-up of one name has come: which name and which server is next, and what answers come to. HTTP workers.
//!
//! Names are gone through as the C library does: the first that has addresses ends the look-up; for each, the first server that
//! knows decides. A server that says that it cannot tell, or nothing, leaves it to the next.

use super::answer;
use super::configuration::Configuration;
use super::servers::ServerId;
use crate::shared::clock::Instant;
use crate::transport::name_server::{Answer, Kind};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// How long a server may take where `resolv.conf` does not say.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How long the last one may take then, as there is nobody else to ask: as with the C library.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing is known where no server has said anything.
pub const NOBODY: &str = "no name server answers";

/// The look-up of one name.
pub struct Lookup<W> {
    /// The name that queries want.
    pub host: Rc<str>,
    /// Who waits, in the order of their coming.
    pub waiting: BTreeSet<W>,
    /// The earliest deadline of those that have waited.
    pub shortest: Option<Instant>,
    /// Whether it is under way.
    pub has_begun: bool,
    /// Exchanges that are under way for it.
    pub exchanges: Vec<u64>,
    /// Why it has come to nothing so far.
    pub reason: Option<String>,
    configuration: Rc<Configuration>,
    candidates: Vec<String>,
    candidate: usize,
    round: usize,
    order: std::vec::IntoIter<ServerId>,
    /// One of the names exists, without addresses.
    has_no_addresses: bool,
}

/// What a look-up does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// It asks that server.
    Ask(ServerId),
    /// It begins a round of all servers, and wants to know their order.
    Begin,
    /// No server knew.
    GiveUp,
}

impl<W: Ord + Copy> Lookup<W> {
    /// One that has not begun.
    pub fn new(host: &Rc<str>, configuration: &Rc<Configuration>) -> Self {
        Self {
            host: Rc::clone(host),
            waiting: BTreeSet::new(),
            shortest: None,
            has_begun: false,
            exchanges: Vec::new(),
            reason: None,
            configuration: Rc::clone(configuration),
            candidates: configuration.candidates(host),
            candidate: 0,
            round: 0,
            order: Vec::new().into_iter(),
            has_no_addresses: false,
        }
    }

    /// Lets one more wait, until `deadline`.
    pub fn wait(&mut self, waiting: W, deadline: Instant) {
        self.waiting.insert(waiting);
        self.shortest = Some(self.shortest.map_or(deadline, |shortest| shortest.min(deadline)));
    }

    /// The name that is asked for now.
    pub fn name(&self) -> &str {
        self.candidates.get(self.candidate).map_or("", String::as_str)
    }

    /// What is asked for.
    pub fn kinds(&self) -> &'static [Kind] {
        if self.configuration.with_ipv6 { &[Kind::A, Kind::Aaaa] } else { &[Kind::A] }
    }

    /// Whether a round has begun for the present name.
    pub fn has_asked(&self) -> bool {
        self.round > 0
    }

    /// The next server.
    pub fn next(&mut self) -> Step {
        if let Some(server) = self.order.next() {
            return Step::Ask(server);
        }
        if self.round < self.configuration.attempts { Step::Begin } else { Step::GiveUp }
    }

    /// Begins a round.
    pub fn begin(&mut self, order: Vec<ServerId>) {
        self.round += 1;
        self.order = order.into_iter();
    }

    /// Goes on to the next name; whether there is one.
    pub fn next_name(&mut self) -> bool {
        self.candidate += 1;
        self.round = 0;
        self.order = Vec::new().into_iter();
        self.candidate < self.candidates.len()
    }

    /// How long the server that was chosen may take before the next is asked. `has_old`: there are addresses that can serve.
    pub fn patience(&self, now: Instant, has_old: bool) -> Duration {
        let named = self.configuration.timeout;
        let is_last = self.order.len() == 0 && self.round >= self.configuration.attempts;
        if is_last && !has_old {
            return named.unwrap_or(LAST_PATIENCE);
        }
        let patience = named.unwrap_or(PATIENCE);
        match self.shortest.map(|deadline| deadline.since(now)) {
            // Those who waited have gone.
            Some(left) if !left.is_zero() => patience.min(left / 3),
            _ => patience,
        }
    }

    /// How long a server may take to be one that answers.
    pub fn full_patience(&self) -> Duration {
        self.configuration.timeout.unwrap_or(PATIENCE)
    }

    /// The servers say that the present name has no addresses.
    pub fn note_none(&mut self, verdict: &Verdict) {
        self.has_no_addresses |= *verdict == Verdict::NoAddress;
    }

    /// Why there are no addresses, where the servers know that.
    pub fn final_reason(&self) -> &'static str {
        if self.has_no_addresses { "the name has no address" } else { "no such name" }
    }
}

/// What the answers of one server come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Addresses, and how long they hold.
    Addresses(Vec<IpAddr>, Duration),
    /// The name exists, without addresses.
    NoAddress,
    /// There is no such name.
    NoName,
    /// Another server may know.
    Unknown(&'static str),
}

/// What answers to questions about `name` come to; one that has not come is `None`. Addresses of one kind do without the other's
/// answer.
pub fn verdict(name: &str, answers: &[(Kind, Option<Answer>)]) -> Verdict {
    let (mut addresses, mut ttl) = (Vec::new(), Duration::MAX);
    let mut empty = Verdict::NoName;
    let mut unknown = None;
    for (kind, answer) in answers {
        match answer {
            Some(Answer::Records(message)) => match answer::read(message, name, *kind) {
                Ok(found) if found.addresses.is_empty() => empty = Verdict::NoAddress,
                Ok(found) => {
                    addresses.extend(found.addresses);
                    ttl = ttl.min(found.ttl);
                }
                Err(reason) => unknown = Some(reason),
            },
            Some(Answer::NoData) => empty = Verdict::NoAddress,
            Some(Answer::NoName) => {}
            Some(Answer::Failed(reason) | Answer::NotAsked(reason)) => unknown = Some(reason),
            Some(Answer::Refused | Answer::Silent) | None => unknown = unknown.or(Some(NOBODY)),
        }
    }
    match unknown {
        _ if !addresses.is_empty() => Verdict::Addresses(addresses, ttl),
        Some(reason) => Verdict::Unknown(reason),
        None => empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(resolv_conf: &str) -> Lookup<u32> {
        let configuration = Rc::new(Configuration::parse(resolv_conf.as_bytes()).0);
        Lookup::new(&Rc::from("h.example"), &configuration)
    }

    #[test]
    fn servers_are_gone_through_as_often_as_there_are_attempts() {
        let mut lookup = lookup("options attempts:2\n");
        for round in 0..2 {
            assert_eq!(lookup.next(), Step::Begin, "{round}");
            lookup.begin(vec![1, 2]);
            assert_eq!((lookup.next(), lookup.next()), (Step::Ask(1), Step::Ask(2)));
        }
        assert_eq!(lookup.next(), Step::GiveUp);
    }

    #[test]
    fn no_server_takes_more_than_a_third_of_what_is_left_but_for_the_last() {
        let now = Instant::now();
        let mut lookup = lookup("options attempts:1\n");
        lookup.wait(1, now.after(Duration::from_millis(900)));
        lookup.wait(2, now.after(Duration::from_millis(600)));
        lookup.begin(vec![1, 2]);
        lookup.next();
        assert_eq!(lookup.patience(now, false), Duration::from_millis(200));
        assert_eq!(lookup.patience(now.after(Duration::from_millis(300)), false), Duration::from_millis(100));
        lookup.next();
        assert_eq!(lookup.patience(now, false), LAST_PATIENCE);
        assert_eq!(lookup.patience(now, true), Duration::from_millis(200));
    }

    #[test]
    fn the_time_out_of_the_file_bounds_all() {
        let now = Instant::now();
        let mut lookup = lookup("options timeout:2 attempts:1\n");
        lookup.wait(1, now.after(Duration::from_secs(60)));
        lookup.begin(vec![1, 2]);
        for _ in 0..2 {
            lookup.next();
            assert_eq!(lookup.patience(now, false), Duration::from_secs(2));
        }
    }

    #[test]
    fn only_what_a_server_knows_of_both_kinds_is_final() {
        let both = |first, second| verdict("h.example", &[(Kind::A, first), (Kind::Aaaa, second)]);
        assert_eq!(both(Some(Answer::NoName), Some(Answer::NoName)), Verdict::NoName);
        assert_eq!(both(Some(Answer::NoData), Some(Answer::NoName)), Verdict::NoAddress);
        assert_eq!(both(Some(Answer::NoData), Some(Answer::Failed("SERVFAIL"))), Verdict::Unknown("SERVFAIL"));
        assert_eq!(both(Some(Answer::NoData), None), Verdict::Unknown("no name server answers"));
    }
}

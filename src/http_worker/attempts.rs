//! The attempts of one request to connect to a host with several addresses, one at a time (RFC 8305 section 5, as far as libcurl can
//! be told).
//!
//! libcurl gets one address, and asks when it makes the socket: which one it goes to is decided then. The request may have waited
//! for a connection until then, and others may have found out meanwhile what there is to know; or libcurl has lost a kept
//! connection. Only an attempt without a TCP connection is left, so nothing has been sent.

use super::address_order::{KnownAddresses, in_turn};
use super::names::Addresses;
use crate::shared::clock::Instant;
use crate::transport::error::TransferError;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// How long an address is waited for while there is another (RFC 8305 section 8, Connection Attempt Delay).
const PATIENCE: Duration = Duration::from_millis(250);

/// Of what is left of the time to connect, an address gets this part at most.
const PART: u32 = 3;

/// What the requests of a worker have in common.
#[derive(Debug, Default)]
pub struct Common {
    /// What is known of addresses.
    pub known: RefCell<KnownAddresses>,
    /// Transfers that have begun to connect while there is another address, by their key.
    pub begun: RefCell<Vec<usize>>,
}

/// A request, and how long it may take to connect.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the query.
    pub deadline: Instant,
    /// Of all attempts together; zero for what the deadline leaves.
    pub connect_timeout: Duration,
}

/// The addresses of one request's host.
#[derive(Debug)]
pub struct Attempts {
    key: usize,
    port: u16,
    /// At least two.
    addresses: Addresses,
    limits: Limits,
    common: Rc<Common>,
    /// When libcurl got the request first.
    began: Instant,
    /// Those that have failed, in this order.
    tried: Vec<IpAddr>,
    /// Those of them that were silent, and may just be slow: when no other is left, they have another turn.
    silent: Vec<IpAddr>,
    /// Those that have had their last turn.
    refused: Vec<IpAddr>,
    /// The one whose connection is being made, and since when.
    trying: Option<(IpAddr, Instant)>,
    /// The time that those which failed have taken.
    spent: Duration,
    /// When the one that is being tried has had its time; `None` for the last.
    due: Option<Instant>,
    /// The time for which the worker's clock is set.
    pub clock: Option<Instant>,
}

impl Attempts {
    /// None yet, of transfer `key`. `None` where there is nothing to choose from.
    pub fn to(
        addresses: &Addresses,
        port: u16,
        key: usize,
        limits: Limits,
        common: &Rc<Common>,
        now: Instant,
    ) -> Option<Box<Self>> {
        (addresses.len() > 1).then(|| {
            Box::new(Self {
                key,
                port,
                addresses: Rc::clone(addresses),
                limits,
                common: Rc::clone(common),
                began: now,
                tried: Vec::new(),
                silent: Vec::new(),
                refused: Vec::new(),
                trying: None,
                spent: Duration::ZERO,
                due: None,
                clock: None,
            })
        })
    }

    /// When libcurl got the request first: the addresses were known.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// When the address that is being tried has had its time.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether a connection is being made.
    pub fn is_trying(&self) -> bool {
        self.trying.is_some()
    }

    fn is_untried(&self, address: &IpAddr) -> bool {
        !self.silent.contains(address) && !self.refused.contains(address)
    }

    fn untried(&self) -> impl Iterator<Item = IpAddr> {
        self.addresses.iter().copied().filter(|address| self.is_untried(address))
    }

    /// The address that libcurl is given; any, but one of IPv6 where there is one, because every other can take its place.
    pub fn offered(&self) -> Option<IpAddr> {
        self.addresses.iter().find(|address| address.is_ipv6()).or(self.addresses.first()).copied()
    }

    /// Begins to connect: where to. libcurl may offer what another request of the host has given it.
    pub fn connect(&mut self, offered: IpAddr, now: Instant) -> Option<IpAddr> {
        let chosen = self.next_for(offered, now)?;
        let is_last = self.untried().count() < 2;
        self.trying = Some((chosen, now));
        self.due = (!is_last).then(|| now.after(PATIENCE.min(self.left(now) / PART)));
        let mut begun = self.common.begun.borrow_mut();
        // Without memory the address gets all the time that is left.
        if !is_last && begun.try_reserve(1).is_ok() {
            begun.push(self.key);
        }
        Some(chosen)
    }

    fn next_for(&self, offered: IpAddr, now: Instant) -> Option<IpAddr> {
        let fits = |address: &IpAddr| address.is_ipv4() || offered.is_ipv6();
        let fitting = in_turn(&self.addresses).into_iter().filter(|address| fits(address) && self.is_untried(address));
        self.common.known.borrow().best(fitting, self.port, now)
    }

    /// What is left of the time to connect.
    fn left(&self, now: Instant) -> Duration {
        let deadline = self.limits.deadline.since(now);
        self.connect_timeout_left().map_or(deadline, |left| left.min(deadline))
    }

    /// What the attempts so far have left of `connect_timeout`, where there is one.
    pub fn connect_timeout_left(&self) -> Option<Duration> {
        (!self.limits.connect_timeout.is_zero()).then(|| self.limits.connect_timeout.saturating_sub(self.spent))
    }

    /// A request is about to go out on a connection, be it one that was kept. Should another be needed, all addresses count again.
    pub fn connected(&mut self, now: Instant) {
        self.due = None;
        [&mut self.tried, &mut self.silent, &mut self.refused].into_iter().for_each(Vec::clear);
        if let Some((address, _)) = self.trying.take() {
            self.common.known.borrow_mut().worked(address, self.port, now);
        }
    }

    /// Nobody has answered until now.
    pub fn was_silent(&mut self, now: Instant) {
        let silent = self.trying.map(|(address, _)| address);
        self.failed(now);
        if let Some(address) = silent {
            self.refused.retain(|other| *other != address);
            self.silent.push(address);
        }
    }

    /// No connection has come of the attempt. Without one, libcurl was offered nothing that could be taken.
    pub fn failed(&mut self, now: Instant) {
        self.due = None;
        if let Some((address, since)) = self.trying.take() {
            self.spent += now.since(since);
            if !self.tried.contains(&address) {
                self.tried.push(address);
            }
            self.refused.push(address);
            self.common.known.borrow_mut().failed(address, self.port, now);
        } else {
            let passed_over = self.untried().next();
            self.refused.extend(passed_over);
        }
        if self.untried().next().is_none() {
            self.silent.clear();
        }
    }

    /// Whether there is an address to go on with, and time.
    pub fn go_on(&self, now: Instant) -> bool {
        self.untried().next().is_some() && !self.left(now).is_zero()
    }

    /// What was tried in vain; `None` where there is a connection.
    fn in_vain(&self) -> Option<String> {
        let is_known = !self.tried.is_empty() && self.trying.is_none();
        let addresses: Vec<String> = self.tried.iter().map(IpAddr::to_string).collect();
        is_known.then(|| format!("(tried {})", addresses.join(", ")))
    }
}

/// The same error, with the addresses that were tried in vain.
pub fn with_tried(error: TransferError, attempts: Option<&Attempts>) -> TransferError {
    match attempts.and_then(Attempts::in_vain) {
        Some(tried) => error.and(&tried),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(text: &str) -> Vec<IpAddr> {
        text.split(' ').map(|address| address.parse().expect("an address")).collect()
    }

    struct Request {
        common: Rc<Common>,
        start: Instant,
        attempts: Box<Attempts>,
    }

    impl Request {
        fn to(addresses: &str, deadline: u64, connect_timeout: u64) -> Self {
            Self::beside(&Rc::default(), addresses, deadline, connect_timeout)
        }

        fn beside(common: &Rc<Common>, addresses: &str, deadline: u64, connect_timeout: u64) -> Self {
            let start = Instant::now();
            let limits = Limits { deadline: start.after(ms(deadline)), connect_timeout: ms(connect_timeout) };
            let attempts = Attempts::to(&ips(addresses).into(), 80, 7, limits, common, start).expect("several");
            Self { common: Rc::clone(common), start, attempts }
        }

        fn at(&self, milliseconds: u64) -> Instant {
            self.start.after(ms(milliseconds))
        }

        /// The attempt that begins then: where it goes to, and how long it has.
        fn connect(&mut self, milliseconds: u64) -> (String, Option<Duration>) {
            let now = self.at(milliseconds);
            let offered = self.attempts.offered().expect("there are some");
            let chosen = self.attempts.connect(offered, now).expect("one is left");
            (chosen.to_string(), self.attempts.due().map(|due| due.since(now)))
        }

        fn fail(&mut self, milliseconds: u64) {
            self.attempts.failed(self.at(milliseconds));
        }
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn each_address_has_a_quarter_of_a_second_or_a_third_and_the_last_all_that_is_left() {
        let mut request = Request::to("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4", 1_000, 0);
        assert_eq!(request.connect(0), ("10.0.0.1".to_owned(), Some(ms(250))));
        request.fail(250);
        assert_eq!(request.connect(400), ("10.0.0.2".to_owned(), Some(ms(200))));
        request.fail(400);
        assert!(request.attempts.go_on(request.at(400)));
        assert_eq!(request.connect(400), ("10.0.0.3".to_owned(), Some(ms(200))));
        request.fail(600);
        assert_eq!(request.attempts.in_vain().as_deref(), Some("(tried 10.0.0.1, 10.0.0.2, 10.0.0.3)"));
        assert_eq!(request.connect(600), ("10.0.0.4".to_owned(), None));
        assert_eq!(request.attempts.in_vain(), None, "there may be a connection yet");
        request.fail(700);
        assert!(!request.attempts.go_on(request.at(700)), "nothing is left");
        assert_eq!(*request.common.begun.borrow(), [7, 7, 7], "no clock for the last");
    }

    #[test]
    fn one_that_was_silent_has_another_turn_when_no_other_is_left() {
        let mut request = Request::to("10.0.0.1 10.0.0.2", 1_000, 0);
        assert_eq!(request.connect(0).0, "10.0.0.1");
        request.attempts.was_silent(request.at(250));
        assert_eq!(request.connect(250), ("10.0.0.2".to_owned(), None));
        request.fail(250);
        assert_eq!(request.connect(250), ("10.0.0.1".to_owned(), None));
        request.fail(300);
        assert!(!request.attempts.go_on(request.at(300)), "both have refused");
        assert_eq!(request.attempts.in_vain().as_deref(), Some("(tried 10.0.0.1, 10.0.0.2)"));
    }

    #[test]
    fn connect_timeout_counts_all_attempts_and_nothing_between_them() {
        let mut request = Request::to("10.0.0.1 10.0.0.2 10.0.0.3", 60_000, 600);
        assert_eq!(request.connect(1_000).1, Some(ms(200)));
        request.fail(1_200);
        assert_eq!(request.attempts.connect_timeout_left(), Some(ms(400)));
        request.connect(5_000);
        request.fail(5_400);
        assert_eq!(request.attempts.connect_timeout_left(), Some(ms(0)));
        assert!(!request.attempts.go_on(request.at(5_400)), "no time is left");
    }

    #[test]
    fn what_one_request_finds_out_is_known_to_one_that_begins_later() {
        let addresses = "10.0.0.1 10.0.0.2 10.0.0.3";
        let mut first = Request::to(addresses, 10_000, 0);
        let mut waits = Request::beside(&first.common, addresses, 10_000, 0);
        first.connect(0);
        first.fail(250);
        first.connect(250);
        first.fail(500);
        assert_eq!(waits.connect(500).0, "10.0.0.3");
        waits.attempts.connected(waits.at(501));
        assert_eq!((waits.attempts.in_vain(), waits.attempts.due()), (None, None));
        assert_eq!(Request::beside(&first.common, addresses, 10_000, 0).connect(502).0, "10.0.0.3");
    }

    #[test]
    fn an_address_of_ipv6_is_offered_where_there_is_one_and_only_its_place_can_be_taken() {
        let mut request = Request::to("10.0.0.1 ::1 10.0.0.2", 10_000, 0);
        assert_eq!(request.attempts.offered(), Some(ips("::1")[0]));
        assert_eq!(request.connect(0).0, "10.0.0.1");
        request.fail(0);
        let now = request.at(0);
        assert_eq!(request.attempts.connect(ips("10.0.0.9")[0], now), Some(ips("10.0.0.2")[0]), "::1 does not fit");
        request.fail(0);
        assert_eq!(request.attempts.connect(ips("10.0.0.9")[0], now), None);
        request.fail(0);
        assert!(!request.attempts.go_on(now), "each address is given up once, whatever happens");
    }

    #[test]
    fn a_host_with_one_address_needs_no_attempts() {
        let limits = Limits { deadline: Instant::now(), connect_timeout: Duration::ZERO };
        assert!(Attempts::to(&ips("10.0.0.1").into(), 80, 1, limits, &Rc::default(), Instant::now()).is_none());
    }
}

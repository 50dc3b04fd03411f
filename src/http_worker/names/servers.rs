//! The name servers: in which order they are asked, and which of them answer. HTTP workers.
//!
//! A server that is silent for as long as it may be, or at whose port nobody listens, is asked last until it answers. It comes back at no
//! cost to queries: it gets a copy of a question at once (a packet may have been lost), and then of one that goes to another server
//! once in [`BETWEEN_PROBES`], when there is one. A WARNING tells when a server goes, once it has failed twice in a row, and when it
//! comes back.
//!
//! A server is silent, too, where it waits in vain for the servers of one domain. So what it has answered since then counts for it,
//! and what it is asked at once is a name that it has just known.

use super::configuration::Configuration;
use crate::host::log;
use crate::shared::clock::Instant;
use crate::transport::name_server::ServerAddress;
use std::time::Duration;

/// The least time between two copies of questions to a server that does not answer.
const BETWEEN_PROBES: Duration = Duration::from_secs(2);
/// Failures in a row that are no accident.
const CERTAIN: u32 = 2;

/// Names a server, for as long as it is in `resolv.conf`.
pub type ServerId = u64;

/// How a server failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It did not answer in time.
    Silent,
    /// Nobody listens there.
    Refused,
}

/// One server.
#[derive(Debug)]
struct Server {
    id: ServerId,
    address: ServerAddress,
    /// In a row.
    failures: u32,
    is_told: bool,
    /// The copy of a question that is on its way to it.
    probe: Option<u64>,
    next_probe: Instant,
    /// When it answered, or failed, the last time. Questions from before tell nothing new when they fail.
    last_news: Option<Instant>,
    /// The last name that it has answered for, in mixed case; `None` since it does not answer.
    known_name: Option<String>,
    /// How often, in a row, it answered a question in plain letters after it had not answered one in mixed case.
    answers_in_plain_case_alone: u32,
}

/// All of them, in the order of `resolv.conf`.
pub struct Servers {
    list: Vec<Server>,
    rotate: bool,
    turn: usize,
    last_id: ServerId,
}

impl Servers {
    /// Those of `configuration`, of which nothing is known.
    pub fn new(configuration: &Configuration, now: Instant) -> Self {
        let mut servers = Self { list: Vec::new(), rotate: false, turn: 0, last_id: 0 };
        servers.change(configuration, now);
        servers
    }

    /// Takes the servers of another `resolv.conf`. What is known of those that stay is kept.
    pub fn change(&mut self, configuration: &Configuration, now: Instant) {
        let mut before = std::mem::take(&mut self.list);
        for address in &configuration.servers {
            let known = before.iter().position(|server| server.address == *address);
            let server = match known {
                Some(index) => before.swap_remove(index),
                None => self.unknown(address, now),
            };
            self.list.push(server);
        }
        self.rotate = configuration.rotate;
    }

    fn unknown(&mut self, address: &ServerAddress, now: Instant) -> Server {
        self.last_id += 1;
        Server {
            id: self.last_id,
            address: address.clone(),
            failures: 0,
            is_told: false,
            probe: None,
            next_probe: now,
            last_news: None,
            known_name: None,
            answers_in_plain_case_alone: 0,
        }
    }

    /// The order for one look-up: that of `resolv.conf`, which `rotate` turns, those that do not answer last.
    pub fn order(&mut self) -> Vec<ServerId> {
        let mut order: Vec<&Server> = self.list.iter().collect();
        if self.rotate && !order.is_empty() {
            let turn = self.turn % order.len();
            order.rotate_left(turn);
            self.turn = turn + 1;
        }
        order.sort_by_key(|server| server.failures > 0);
        order.iter().map(|server| server.id).collect()
    }

    /// Whether none answers.
    pub fn are_all_down(&self) -> bool {
        self.list.iter().all(|server| server.failures > 0)
    }

    /// Where a server is, and whether it is asked in mixed case; `None` where it is no longer in `resolv.conf`.
    pub fn address(&self, id: ServerId) -> Option<(&ServerAddress, bool)> {
        let server = self.list.iter().find(|server| server.id == id)?;
        let mixed_case = server.failures == 0 && server.answers_in_plain_case_alone < CERTAIN;
        Some((&server.address, mixed_case))
    }

    /// A server has answered for `name`, whatever it said.
    pub fn answered(&mut self, id: ServerId, name: &str, in_mixed_case: bool, now: Instant) {
        let Some(server) = self.server(id) else {
            return;
        };
        if in_mixed_case {
            server.answers_in_plain_case_alone = 0;
            server.known_name = Some(name.to_owned());
        } else if server.failures > 0 && server.known_name.is_none() && server.answers_in_plain_case_alone < CERTAIN {
            server.answers_in_plain_case_alone += 1;
        }
        server.failures = 0;
        server.last_news = Some(now);
        if std::mem::take(&mut server.is_told) {
            log::warning!("the name server {} answers again", server.address);
        }
    }

    /// A server has failed to answer what it was asked at `asked`.
    pub fn failed(&mut self, id: ServerId, how: Failure, asked: Instant, now: Instant) {
        let Some(server) = self.server(id) else {
            return;
        };
        if how == Failure::Silent && server.last_news.is_some_and(|last| asked < last) {
            return;
        }
        server.last_news = Some(now);
        server.failures = match how {
            Failure::Silent => server.failures.saturating_add(1),
            Failure::Refused => server.failures.max(CERTAIN),
        };
        server.next_probe = if server.failures < CERTAIN { now } else { now.after(BETWEEN_PROBES) };
        if server.failures >= CERTAIN {
            server.known_name = None;
        }
        if server.failures >= CERTAIN && !server.is_told {
            server.is_told = true;
            let what = if how == Failure::Silent { "does not answer" } else { "refuses to be asked" };
            log::warning!("the name server {} {what}: it is asked last until it answers", server.address);
        }
    }

    /// A server that should get a copy of a question now.
    pub fn to_probe(&self, now: Instant) -> Option<ServerId> {
        let is_due = |server: &&Server| server.failures > 0 && server.probe.is_none() && server.next_probe <= now;
        self.list.iter().find(is_due).map(|server| server.id)
    }

    /// What a server that should be asked whether it answers is asked for, where it has known a name.
    pub fn known_name(&self, id: ServerId) -> Option<String> {
        self.list.iter().find(|server| server.id == id)?.known_name.clone()
    }

    /// `exchange` is the copy of a question.
    pub fn begin_probe(&mut self, id: ServerId, exchange: u64) {
        if let Some(server) = self.server(id) {
            server.probe = Some(exchange);
        }
    }

    /// An exchange is over.
    pub fn ended(&mut self, id: ServerId, exchange: u64) {
        if let Some(server) = self.server(id) {
            server.probe = server.probe.filter(|probe| *probe != exchange);
        }
    }

    fn server(&mut self, id: ServerId) -> Option<&mut Server> {
        self.list.iter_mut().find(|server| server.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Servers {
        Servers::new(&Configuration::parse(text.as_bytes()).0, Instant::now())
    }

    const THREE: &str = "nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n";

    #[test]
    fn one_that_fails_is_last_until_it_answers() {
        let mut servers = servers(THREE);
        assert_eq!(servers.order(), [1, 2, 3]);
        servers.failed(1, Failure::Silent, Instant::now(), Instant::now());
        assert_eq!(servers.order(), [2, 3, 1]);
        assert_eq!(servers.order(), [2, 3, 1]);
        servers.answered(1, "a.example", true, Instant::now());
        assert_eq!(servers.order(), [1, 2, 3]);
    }

    #[test]
    fn rotate_turns_the_order() {
        let mut servers = servers(&format!("{THREE}options rotate\n"));
        let orders: Vec<Vec<ServerId>> = (0..4).map(|_| servers.order()).collect();
        assert_eq!(orders, [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]);
        servers.failed(2, Failure::Refused, Instant::now(), Instant::now());
        assert_eq!(servers.order(), [3, 1, 2]);
    }

    #[test]
    fn one_probe_at_a_time_and_not_often() {
        let (mut servers, now) = (servers(THREE), Instant::now());
        assert_eq!(servers.to_probe(now), None);
        servers.failed(2, Failure::Silent, now, now);
        assert_eq!(servers.to_probe(now), Some(2));
        servers.begin_probe(2, 7);
        assert_eq!(servers.to_probe(now), None);
        servers.ended(2, 7);
        servers.failed(2, Failure::Silent, now, now);
        assert_eq!(servers.to_probe(now), None);
        assert_eq!(servers.to_probe(now.after(BETWEEN_PROBES)), Some(2));
    }

    #[test]
    fn one_that_changes_the_case_is_asked_in_plain_letters_after_two_times() {
        let (mut servers, now) = (servers(THREE), Instant::now());
        for times in 1..=CERTAIN {
            servers.failed(1, Failure::Silent, now, now);
            servers.answered(1, "a.example", false, now);
            assert_eq!(servers.address(1).map(|(_, mixed)| mixed), Some(times < CERTAIN));
        }
        servers.failed(2, Failure::Silent, now, now);
        servers.answered(2, "a.example", false, now);
        servers.answered(2, "a.example", true, now);
        assert_eq!(servers.address(2).map(|(_, mixed)| mixed), Some(true));
    }

    #[test]
    fn those_that_stay_keep_what_is_known_of_them() {
        let (mut servers, now) = (servers(THREE), Instant::now());
        servers.failed(2, Failure::Silent, now, now);
        let other = Configuration::parse(b"nameserver 10.0.0.2\nnameserver 10.0.0.9\n").0;
        servers.change(&other, now);
        assert_eq!(servers.order(), [4, 2]);
    }

    #[test]
    fn what_a_server_has_answered_meanwhile_counts_for_it() {
        let (mut servers, start) = (servers(THREE), Instant::now());
        let at = |seconds| start.after(Duration::from_secs(seconds));
        servers.answered(1, "a.example", true, at(1));
        servers.failed(1, Failure::Silent, at(0), at(2));
        assert_eq!(servers.order(), [1, 2, 3]);
        for _ in 0..5 {
            servers.failed(1, Failure::Silent, at(2), at(3));
        }
        assert_eq!(servers.order(), [2, 3, 1]);
        assert_eq!(servers.known_name(1).as_deref(), Some("a.example"), "a burst is one failure");
        servers.failed(1, Failure::Silent, at(3), at(4));
        assert_eq!(servers.known_name(1), None);
    }
}

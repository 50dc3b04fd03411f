//! Every trouble of [`Case`], all at the same time in one worker: each query's route runs at its deadline, never before,
//! and queries to a healthy host do not notice.
//!
//! `make deadlines` prints the figures, and holds them against what an idle machine must keep.

use super::case::{Case, Trouble};
use super::healthy;
use super::timed::{self, HEALTHY, Row, Timed, allowed, assert_on_time};
use crate::common::{assert_replied, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Kamailio;
use end_to_end::sip::{Sent, SipClient};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The first deadline. They differ, so that queries end one by one while others go on.
const SHORTEST: Duration = Duration::from_millis(1000);
/// From one to the next.
const MORE: Duration = Duration::from_millis(10);
/// Between two queries.
const BETWEEN: Duration = Duration::from_millis(20);

/// A name server that gets questions and answers none. Its address is this process's own.
struct DeadNameServer(UdpSocket);

impl DeadNameServer {
    fn start() -> Self {
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 79, high, low.clamp(1, 254));
        Self(UdpSocket::bind((address, 53)).expect("an address of one's own"))
    }

    fn resolv_conf(&self) -> String {
        format!("nameserver {}\n", self.0.local_addr().expect("it is bound").ip())
    }

    /// The questions so far.
    fn questions(&self) -> Vec<String> {
        self.0.set_nonblocking(true).expect("an open socket");
        let mut packet = [0; 512];
        let next =
            || self.0.recv(&mut packet).ok().map(|length| String::from_utf8_lossy(&packet[..length]).into_owned());
        std::iter::from_fn(next).collect()
    }
}

/// One for each case, in their order.
fn deadlines(cases: &[Case]) -> Vec<Duration> {
    (0..).map(|place| SHORTEST + MORE * place).take(cases.len()).collect()
}

/// Asks for one query after the other, as calls come, and not for all in one moment: a dozen TLS handshakes in a row are
/// work that other queries wait for.
fn ask_all(client: &SipClient, cases: &[Case], deadlines: &[Duration]) -> Vec<Timed> {
    let ask = |(case, deadline): (&Case, &Duration)| {
        thread::sleep(BETWEEN);
        timed::send(client, &case.url, *deadline)
    };
    let sent: Vec<Sent> = cases.iter().zip(deadlines).map(ask).collect();
    timed::answers(client, &sent)
}

/// What came of the cases, and of the queries to the healthy host meanwhile.
fn run(kamailio: &Kamailio, cases: &[Case], deadlines: &[Duration], healthy_url: &str) -> (Vec<Timed>, Vec<Timed>) {
    thread::scope(|scope| {
        let (under_way, ended) = mpsc::channel();
        let load = scope.spawn(move || healthy::load(&kamailio.client(), healthy_url, &ended));
        let answers = ask_all(&kamailio.client(), cases, deadlines);
        drop(under_way);
        (answers, load.join().expect("no assertion failed"))
    })
}

fn row((case, (timed, deadline)): (&Case, (Timed, Duration))) -> Row {
    let is_looking_up = seen(&timed.answer, "X-Error").ends_with(&format!("looking up {}", case.dead_name()));
    assert_eq!(is_looking_up, case.trouble == Trouble::NameServerDead, "{case}: {}", timed.answer.text());
    Row { what: case.to_string(), timed, deadline }
}

/// How long the queries to the healthy host took, in order.
fn healthy_durations(answers: &[Timed]) -> Vec<Duration> {
    answers.iter().for_each(|timed| assert_replied(&timed.answer, "200"));
    let mut durations: Vec<Duration> = answers.iter().map(Timed::took).collect();
    durations.sort_unstable();
    let [median, most, longest] =
        [50, 99, 100].map(|percent| durations[(durations.len() * percent / 100).saturating_sub(1)]);
    println!("{} queries to a healthy host: median {median:?}, 99 % {most:?}, longest {longest:?}", durations.len());
    durations
}

fn assert_unhindered(durations: &[Duration], length: Duration) {
    assert!(healthy::INTERVAL * durations.len() as u32 >= length, "{} queries are too few", durations.len());
    let slow: Vec<&Duration> = durations.iter().filter(|duration| **duration >= allowed(HEALTHY)).collect();
    assert!(slow.is_empty(), "queries to a healthy host took {slow:?}");
}

#[test]
fn every_query_ends_at_its_deadline_and_a_healthy_host_does_not_notice() {
    let certificates = TestCertificates::temporary();
    let names = DeadNameServer::start();
    let healthy = HttpServer::start(|_| Response::text("x"));
    // A name too, but one of the hosts file.
    let healthy_url = healthy.url("/").replace("127.0.0.1", "localhost");
    let kamailio = timed::instance(&certificates).resolv_conf(&names.resolv_conf()).start();
    let cases = Case::all(&certificates, &kamailio.client());
    let deadlines = deadlines(&cases);

    let (answers, healthy_answers) = run(&kamailio, &cases, &deadlines, &healthy_url);
    let healthy_durations = healthy_durations(&healthy_answers);
    let longest = deadlines[deadlines.len() - 1];
    let rows: Vec<Row> = cases.iter().zip(answers.into_iter().zip(deadlines)).map(row).collect();
    assert_on_time(&rows);
    assert_unhindered(&healthy_durations, longest);
    assert_eq!(kamailio.counts()[3], cases.len() as i64, "timeouts");
    let questions = names.questions();
    for case in cases {
        case.assert_met(&questions);
    }
}

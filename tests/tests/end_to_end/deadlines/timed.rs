//! Queries whose script tells when they were called and when their route ran, by the clock of the machine; and how late
//! is too late.

use crate::common::{assert_failed, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::{Sent, SipClient, SipMessage};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much later than its deadline a route may run on an idle machine.
pub const LATENESS: Duration = Duration::from_millis(50);
/// How long a query to a healthy host may take on an idle machine.
pub const HEALTHY: Duration = Duration::from_millis(20);
/// How many times as much a machine may take that is busy with other things, as CI's is. A deadline that is not kept,
/// or a worker that stands still, is beyond that too.
const BUSY: u32 = 40;

/// `bound` where `IDLE_MACHINE` is set, and [`BUSY`] times as much otherwise.
pub fn allowed(bound: Duration) -> Duration {
    if std::env::var_os("IDLE_MACHINE").is_some() { bound } else { bound * BUSY }
}

/// Each request names the URL and the deadline of its query. The time of the call is taken before it and that of the
/// route at its begin, so what lies between is never less than what the module had.
const SCRIPT: &str = r#"
    route[MAIN] {
        {first}
        t_newtran();
        $http_req(timeout) = $(hdr(X-Timeout){s.int});
        $avp(called) = $TV(Sn);
        http_async_query("$hdr(X-Url)", "TIMED");
        t_reply("500", "Not suspended");
    }
    route[TIMED] {
        $var(ran) = $TV(Sn);
        append_to_reply("X-Called: $avp(called)\r\nX-Ran: $var(ran)\r\n");
        append_to_reply("X-Ok: $http_ok\r\nX-Status: $http_rs\r\nX-Error: $http_err_text\r\n");
        t_reply("200", "Answered");
        {then}
    }"#;

/// An instance for [`send`] that trusts the tests' own authority and follows redirects for longer than any deadline.
pub fn instance(certificates: &TestCertificates) -> Builder {
    Kamailio::with_script(SCRIPT)
        .set("first", "")
        .set("then", "")
        .parameter("curl_follow_redirect", 1)
        .parameter("max_redirects", 50)
        .trusting(certificates)
}

/// Asks for a query to `url`.
pub fn send(client: &SipClient, url: &str, deadline: Duration) -> Sent {
    let headers = format!("X-Url: {url}\r\nX-Timeout: {}\r\n", deadline.as_millis());
    client.send("MESSAGE", "timed", &headers, "")
}

/// What came of a query.
#[derive(Clone, Debug)]
pub struct Timed {
    /// The answer of the script.
    pub answer: SipMessage,
    /// When the function was about to be called.
    pub called: SystemTime,
    /// When the route began.
    pub ran: SystemTime,
}

impl Timed {
    /// Reads an answer.
    pub fn new(answer: SipMessage) -> Self {
        let (called, ran) = (time(seen(&answer, "X-Called")), time(seen(&answer, "X-Ran")));
        Self { answer, called, ran }
    }

    /// From the call to the route.
    pub fn took(&self) -> Duration {
        since(self.called, self.ran)
    }
}

/// From `earlier` to `later`, which is never before it.
#[track_caller]
pub fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).expect("one comes after the other")
}

/// `$TV(Sn)`: seconds and microseconds.
fn time(text: &str) -> SystemTime {
    let (seconds, microseconds) = text.split_once('.').expect("seconds and microseconds");
    let [seconds, microseconds] = [seconds, microseconds].map(|text| text.parse::<u64>().expect("a number"));
    UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

/// The answers to these requests, in their order. Loopback loses nothing, so nothing is sent again.
pub fn answers(client: &SipClient, sent: &[Sent]) -> Vec<Timed> {
    let mut answers = vec![None; sent.len()];
    while answers.contains(&None) {
        let answer = client.receive(PATIENCE).expect("a route for each query");
        if let Some(place) = sent.iter().position(|sent| answer.is_for(sent)).filter(|_| answer.status() >= 200) {
            answers[place] = Some(answer);
        }
    }
    answers.into_iter().flatten().map(Timed::new).collect()
}

/// One query, and what came of it.
pub fn ask(client: &SipClient, url: &str, deadline: Duration) -> Timed {
    answers(client, &[send(client, url, deadline)]).remove(0)
}

/// What a query was to show about deadlines.
pub struct Row {
    /// Its name in the printed table.
    pub what: String,
    /// What came of it.
    pub timed: Timed,
    /// When its route was to run, from the call.
    pub deadline: Duration,
}

impl Row {
    fn print(&self) {
        let late = self.timed.took().as_secs_f64() - self.deadline.as_secs_f64();
        println!("{:<32} {:6.2} ms late", self.what, late * 1000.0);
    }

    fn assert_on_time(&self) {
        let Self { what, timed, deadline } = self;
        assert_failed(&timed.answer, &format!("{} ms passed while ", deadline.as_millis()));
        let took = timed.took();
        assert!(took >= *deadline, "{what}: {took:?} is before its deadline of {deadline:?}");
        assert!(took <= *deadline + allowed(LATENESS), "{what}: {took:?} for a deadline of {deadline:?}");
    }
}

/// Prints how late the routes were, and asserts that each ran because of its deadline, in time and not before.
pub fn assert_on_time(rows: &[Row]) {
    rows.iter().for_each(Row::print);
    rows.iter().for_each(Row::assert_on_time);
}

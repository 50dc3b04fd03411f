//! Stops the HTTP worker until deadlines have passed, and lets it go on.

use super::timed::{self, LATENESS, Timed, allowed, since};
use crate::common::assert_failed;
use end_to_end::certificates::TestCertificates;
use end_to_end::kamailio::{Builder, Kamailio, pause, resume};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Deadline of the queries that expire. The worker is stopped well before it, on a busy machine too.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// Deadline of the others.
pub const LONG: Duration = Duration::from_secs(30);

/// Where the worker is when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Waiting for something to happen: the signal ends that wait, and at first nothing but timers is looked at.
    Wait,
    /// In a callback. What has become ready since is seen together with the deadlines.
    Callback,
}

/// Nobody listens there, so the route runs at once.
const BLOCKING_URL: &str = "http://127.0.0.1:1/blocking";

/// A callback that runs until a request to `go`.
const BLOCKING: &str = r#"
    if($hdr(X-Url) =~ "/blocking$") {
        xlog("L_NOTICE", "blocking\n");
        while($shv(go) == 0) { usleep("1000"); }
    }"#;
const GO: &str = r#"if($rU == "go") { $shv(go) = 1; sl_send_reply("200", "OK"); exit; }"#;

/// An instance whose worker can be stopped in either place.
pub fn instance(certificates: &TestCertificates) -> Builder {
    timed::instance(certificates)
        .modules(&["cfgutils"])
        .before("max_while_loops=1000000")
        .lines("modparam(\"pv\", \"shvset\", \"go=i:0\")")
        .set("first", GO)
        .set("then", BLOCKING)
}

/// A worker that stands still.
pub struct Stopped<'a> {
    kamailio: &'a Kamailio,
    /// Its process id.
    pub worker: u32,
}

impl<'a> Stopped<'a> {
    /// Stops the worker of `kamailio`.
    pub fn at(place: Place, kamailio: &'a Kamailio) -> Self {
        let [worker] = kamailio.http_workers();
        if place == Place::Callback {
            timed::send(&kamailio.client(), BLOCKING_URL, LONG);
            kamailio.wait_for_log("blocking");
        }
        pause(worker);
        Self { kamailio, worker }
    }

    /// Lets it go on once every query that was called before now has expired; says when.
    pub fn go_on_after_the_deadline(self) -> SystemTime {
        let until = Instant::now() + DEADLINE;
        self.kamailio.message("go");
        thread::sleep(until.saturating_duration_since(Instant::now()));
        let now = SystemTime::now();
        resume(self.worker);
        now
    }
}

/// Asserts that the deadlines ended the queries as soon as the worker went on; prints how late the last of them was.
pub fn assert_expired(what: &str, answers: &[Timed], continued: SystemTime) {
    for timed in answers {
        assert_failed(&timed.answer, &format!("{} ms passed while ", DEADLINE.as_millis()));
    }
    let last = answers.iter().map(|timed| since(continued, timed.ran)).max().unwrap_or_default();
    println!("{what:<32} {:6.2} ms after the worker went on", last.as_secs_f64() * 1000.0);
    assert!(last <= allowed(LATENESS), "{what}: {last:?} after the worker went on");
}

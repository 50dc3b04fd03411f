//! Calls whose transaction goes on without the query that suspended it: cancelled, timed out, answered by somebody else,
//! relayed by a failure route. The query then ends with an answer or by its deadline, and nobody notices.

use crate::common::{Call, callee};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::memcheck;
use end_to_end::sip::SipClient;
use std::thread;
use std::time::Duration;

/// How the query ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Answer,
    Deadline,
}

/// How long the query takes: by then its transaction has been abandoned.
fn query() -> Duration {
    memcheck::patience(Duration::from_millis(1500))
}

/// Calls one after the other, to see whether each leaves something in shared memory.
const CALLS: i64 = 4;

const SCRIPT: &str = r#"
    route[MAIN] {
        if(is_method("CANCEL")) { t_relay_cancel(); exit; }
        if(is_method("ACK")) { exit; }
        t_newtran();
        $sht(open=>index) = $T(id_index);
        $sht(open=>label) = $T(id_label);
        {armed}
        $http_req(timeout) = {timeout};
        http_async_query("{url}", "LATE");
    }
    failure_route[ONWARD] { $ru = "sip:{callee}"; t_relay(); }
    route[LATE] { xlog("L_NOTICE", "the callback ran\n"); t_reply("500", "Late"); }"#;

struct Stage {
    kamailio: Kamailio,
    server: HttpServer,
    callee: SipClient,
    end: End,
}

impl Stage {
    /// `fr_timer` in ms; `armed` stands in the script before the query.
    fn new(end: End, fr_timer: u64, armed: &str) -> Self {
        let server = HttpServer::start(move |_| match end {
            End::Answer => Response::text("x").after(query()),
            End::Deadline => Response::steps(vec![Step::WaitForever]),
        });
        let callee = callee();
        let timeout = if matches!(end, End::Deadline) { query() } else { 10 * query() };
        let kamailio = Kamailio::with_script(SCRIPT)
            .modules(&["tmx", "htable"])
            .lines("modparam(\"htable\", \"htable\", \"open=>size=4;\")")
            .lines(&format!("modparam(\"tm\", \"fr_timer\", {fr_timer})\nmodparam(\"tm\", \"wt_timer\", 300)"))
            .parameter("memory_manager", "\"sys\"")
            .set("url", server.url("/"))
            .set("timeout", timeout.as_millis())
            .set("callee", callee.address())
            .set("armed", armed)
            .start();
        Self { kamailio, server, callee, end }
    }

    /// The counts after `calls` queries have ended.
    fn wait_for_the_end_of(&self, calls: i64) {
        self.kamailio.wait_for_counts(match self.end {
            End::Answer => [calls, calls, 0, 0, 0],
            End::Deadline => [calls, 0, 0, calls, 0],
        });
    }

    /// Runs calls that each abandon their query, and sees that nothing is left of them and that no callback ran.
    fn abandon(&self, call: impl Fn(&Self, i64)) {
        let mut used = Vec::new();
        for number in 1..=CALLS {
            call(self, number);
            self.wait_for_the_end_of(number);
            self.kamailio.wait_for_no_transaction();
            used.push(self.kamailio.shared_memory_used());
        }
        assert_eq!(used[1], used[3], "shared memory after each call with {:?}: {used:?}", self.end);
        assert_eq!(self.kamailio.log_lines("the callback ran"), Vec::<String>::new());
    }

    /// Sends an INVITE and waits until its query is under way.
    fn invite(&self, number: i64) -> (SipClient, end_to_end::sip::Sent) {
        let caller = self.kamailio.client();
        let sent = caller.send("INVITE", "bob", "", "");
        self.server.wait_for_requests(number as usize, PATIENCE);
        (caller, sent)
    }

    /// Index and label of the transaction that was made last.
    fn open_transaction(&self) -> String {
        let number = |name| {
            let dump = self.kamailio.rpc(&["htable.get", "open", name]);
            let value = dump.lines().find_map(|line| line.trim().strip_prefix("value: ").map(str::to_owned));
            value.expect("the script stored it")
        };
        format!("{}:{}", number("index"), number("label"))
    }
}

/// Both ends of a query, at the same time.
fn with_each_end(test: impl Fn(End) + Sync) {
    let test = &test;
    thread::scope(|scope| {
        scope.spawn(move || test(End::Answer));
        test(End::Deadline);
    });
}

#[test]
fn a_cancelled_call_gets_its_487_and_its_query_ends_unnoticed() {
    with_each_end(|end| {
        Stage::new(end, 30_000, "").abandon(|stage, number| {
            let (caller, sent) = stage.invite(number);
            caller.cancel(&sent);
            assert_eq!(caller.final_answer(&sent).expect("a final answer").status(), 487);
            assert_eq!(stage.kamailio.counts()[4], 1, "the query is still under way");
        });
    });
}

#[test]
fn a_call_that_fr_timer_ends_gets_its_408_and_its_query_ends_unnoticed() {
    with_each_end(|end| {
        Stage::new(end, 500, "").abandon(|stage, number| {
            let (caller, sent) = stage.invite(number);
            assert_eq!(caller.final_answer(&sent).expect("a final answer").status(), 408);
            assert_eq!(stage.kamailio.counts()[4], 1, "the query is still under way");
        });
    });
}

#[test]
fn a_call_that_somebody_else_answers_is_let_go() {
    with_each_end(|end| {
        Stage::new(end, 30_000, "").abandon(|stage, number| {
            let (caller, sent) = stage.invite(number);
            stage.kamailio.rpc(&["tm.reply", "480", "Somebody else", &stage.open_transaction(), "x", ".", ""]);
            assert_eq!(caller.final_answer(&sent).expect("a final answer").reason(), "Somebody else");
            assert_eq!(stage.kamailio.counts()[4], 1, "the query is still under way");
        });
    });
}

#[test]
fn a_call_that_a_failure_route_relays_on_is_answered_by_its_callee() {
    with_each_end(|end| {
        Stage::new(end, 500, "t_on_failure(\"ONWARD\");").abandon(|stage, number| {
            let call = Call::start(&stage.kamailio, &stage.callee);
            stage.callee.reply(&call.invite, 180, "Ringing");
            assert_eq!(stage.kamailio.counts()[4], 1, "the query is still under way");
            // Its end comes while the callee rings, and must leave the call alone.
            stage.wait_for_the_end_of(number);
            stage.callee.reply(&call.invite, 200, "OK");
            assert_eq!(call.answer().status(), 200);
        });
    });
}

//! More calls than the server has memory, places or descriptors for: each of them is answered all the same, and whoever
//! needs no HTTP does not notice.

use crate::common::{REPORT, assert_replied};
use crate::deadlines::allowed;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE, pause, resume};
use end_to_end::sip::{Sent, SipClient};
use end_to_end::sipp::Calls;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Where each answer comes from: 486 from the route, 503 from the script after a refused query, 500 from the script where
/// tm has no memory for a transaction, 408 from tm.
const SCRIPT: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { exit; }
        if(!t_newtran()) { sl_send_reply("500", "No transaction"); exit; }
        $http_req(timeout) = 25000;
        if(!http_async_query("{url}", "ANSWER")) { t_reply("503", "Refused"); }
    }
    route[ANSWER] {
        if(!t_reply("486", "Looked up")) { xlog("L_NOTICE", "looked up and not answered\n"); }
    }"#;
const ANSWERS: &[u16] = &[486, 503, 500, 408];

/// How long an OPTIONS may wait for its answer on an idle machine.
const PROMPT: Duration = Duration::from_millis(50);

fn starved(url: &str, megabytes: u32) -> Kamailio {
    Kamailio::with_script(SCRIPT)
        .set("url", url)
        .parameter("workers", 1)
        // tm's own default, instead of the tests': it also bounds how long a reply is sent again.
        .lines("modparam(\"tm\", \"wt_timer\", 5000)")
        .shared_memory(megabytes)
        .descriptor_limit(1024, 4096)
        .start()
}

/// Runs `load`, and asks the server all the while whether it is there.
fn under(kamailio: &Kamailio, load: impl FnOnce() -> Result<(), String>) {
    let over = AtomicBool::new(false);
    let (result, answers) = thread::scope(|scope| {
        let watch = scope.spawn(|| answers_until(&over, kamailio));
        let result = load();
        over.store(true, Ordering::Relaxed);
        (result, watch.join().expect("the watch does not panic"))
    });
    if let Err(error) = result {
        panic!("{error}\n{:?}\n{}", kamailio.counts(), kamailio.log());
    }
    let Answers { asked, answered, slowest } = answers;
    println!("{answered} of {asked} OPTIONS were answered, within {slowest:?}; the counts are {:?}", kamailio.counts());
    assert!(answered * 10 >= asked * 9, "{answered} of {asked} OPTIONS were answered");
    assert!(slowest < allowed(PROMPT), "an OPTIONS was answered after {slowest:?}");
}

/// What a watch has seen.
#[derive(Default)]
struct Answers {
    asked: u32,
    answered: u32,
    slowest: Duration,
}

/// The first time after which a SIP client sends a request again (RFC 3261 section 17.1.2.1).
const T1: Duration = Duration::from_millis(500);

/// Asks every 20 ms. What the system drops because the socket of the server is full at that moment is asked again after T1, where
/// an answer may take that long.
fn answers_until(over: &AtomicBool, kamailio: &Kamailio) -> Answers {
    let mut answers = Answers::default();
    while !over.load(Ordering::Relaxed) {
        let client = kamailio.client();
        let started = Instant::now();
        let sent = client.send("OPTIONS", "is-it-ready", "", "");
        answers.asked += 1;
        if is_answered(&client, &sent, started + 2 * allowed(PROMPT)) {
            answers.answered += 1;
            answers.slowest = answers.slowest.max(started.elapsed());
        }
        thread::sleep(Duration::from_millis(20));
    }
    answers
}

fn is_answered(client: &SipClient, sent: &Sent, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if client.receive(left.min(T1)).is_some() {
            return true;
        }
        client.send_again(sent);
    }
}

/// Each accepted query had one end, each route could answer, and the server is as it was.
fn assert_sound(kamailio: &Kamailio) {
    let [requests, replies, errors, timeouts, in_flight] = kamailio.counts();
    assert!(replies * 2 > requests, "{replies} of {requests} queries were answered");
    assert_eq!((requests, in_flight), (replies + errors + timeouts, 0));
    assert_eq!(kamailio.log_lines("looked up and not answered"), Vec::<String>::new());
    kamailio.wait_for_no_transaction();
    assert_eq!(kamailio.message("after").status(), 486);
}

fn everyone_is_answered(megabytes: u32, count: u32) {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_secs(1)));
    let kamailio = starved(&server.url("/"), megabytes);
    let calls = Calls { count, rate: 5000, method: "INVITE", user: "alice", answers: ANSWERS };
    under(&kamailio, || calls.run(kamailio.address(), kamailio.folder()));
    assert_sound(&kamailio);
}

#[test]
fn two_thousand_calls_at_once_with_64_mb() {
    everyone_is_answered(64, 2000);
}

#[test]
fn five_thousand_calls_at_once_with_64_mb() {
    everyone_is_answered(64, 5000);
}

#[test]
fn fifteen_hundred_calls_at_once_with_16_mb() {
    everyone_is_answered(16, 1500);
}

#[test]
fn a_worker_that_stands_still_for_five_seconds_under_a_thousand_calls_a_second() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = starved(&server.url("/"), 64);
    let [worker] = kamailio.http_workers();
    let calls = Calls { count: 8000, rate: 1000, method: "INVITE", user: "alice", answers: ANSWERS };
    under(&kamailio, || {
        thread::scope(|scope| {
            scope.spawn(|| {
                server.wait_for_requests(500, PATIENCE);
                pause(worker);
                thread::sleep(Duration::from_secs(5));
                resume(worker);
            });
            calls.run(kamailio.address(), kamailio.folder())
        })
    });
    assert_sound(&kamailio);
}

/// Every parameter as it is by default; only the healthy peer's deadline allows for a busy machine. Asks the slow peer for calls to `slow`, and the healthy one for others.
const DEFAULTS: &str = r#"
    route[MAIN] {
        t_newtran();
        if($rU == "slow") { http_async_query("{slow}", "REPLY"); } else { $http_req(timeout) = 10000; http_async_query("{healthy}", "REPLY"); }
        t_reply("503", "Refused");
    }"#;

/// The least shared memory that was free, and the most queries that were in flight, while the healthy peer's answers
/// came, one after the other.
fn extremes_until(over: &AtomicBool, kamailio: &Kamailio) -> (i64, i64) {
    let (mut free, mut in_flight) = (i64::MAX, 0);
    while !over.load(Ordering::Relaxed) {
        assert_replied(&kamailio.message("healthy"), "200");
        free = free.min(kamailio.rpc_numbers(&["core.shmmem"])["free"]);
        in_flight = in_flight.max(kamailio.counts()[4]);
    }
    (free, in_flight)
}

#[test]
fn a_slow_peer_leaves_a_server_of_64_mb_its_memory_and_other_peers_their_answers() {
    let slow = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let healthy = HttpServer::start(|_| Response::text("x"));
    let kamailio = Kamailio::with_script(&format!("{DEFAULTS}{REPORT}"))
        .set("slow", slow.url("/"))
        .set("healthy", healthy.url("/"))
        .set("seen", "")
        .start();
    let calls = Calls { count: 3000, rate: 500, method: "MESSAGE", user: "slow", answers: &[200] };
    let over = AtomicBool::new(false);
    let (result, extremes) = thread::scope(|scope| {
        let watch = scope.spawn(|| extremes_until(&over, &kamailio));
        let result = calls.run(kamailio.address(), kamailio.folder());
        over.store(true, Ordering::Relaxed);
        (result, watch.join())
    });
    result.expect("every call is answered");
    let (free, in_flight) = extremes.expect("the healthy peer's answers come");
    println!("at least {free} bytes of shared memory were free, and at most {in_flight} queries in flight");
    assert!(in_flight > 100, "the slow peer held up only {in_flight} queries");
    assert!(free > 8 << 20, "only {free} bytes of shared memory were free");
    assert_eq!(kamailio.log_lines("query refused"), Vec::<String>::new());
}

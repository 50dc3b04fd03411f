//! A call fails while the server starts: it refuses to run and says why, or it serves.

use crate::stage::builder;
use end_to_end::faults::{Faults, Kind};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};

/// More faults than any start has calls.
const MOST_CALLS: i32 = 200;

/// Starts a server for each call of a kind that its start makes; returns what failed.
fn sweep(kind: Kind, memory_manager: &str) -> Vec<String> {
    let server = HttpServer::start(|_| Response::text("x"));
    let mut failed = Vec::new();
    for call in 1..MOST_CALLS {
        let faults = Faults::none();
        faults.arm(kind, call);
        let started = builder(&faults, memory_manager)
            .set("url", server.url(""))
            .set("secure", server.url(""))
            .set("port-of-server", server.port())
            .try_start();
        assert!(faults.are_attached(), "the module has no fault injection");
        let started = started.map(|mut kamailio| {
            wait_until(PATIENCE, || faults.worker_runs() || kamailio.has_ended());
            kamailio
        });
        let Some(name) = faults.disarm() else {
            return failed;
        };
        let what = format!("{kind:?} {call} ({name})");
        match started {
            Ok(kamailio) => assert_serves_or_ends(kamailio, &what),
            Err(log) => assert_says_why(&log, &what),
        }
        failed.push(name);
    }
    panic!("{kind:?}: no end of calls; the last: {:?}", failed.last());
}

/// A worker that cannot start ends the server, maybe after the others have answered.
fn assert_serves_or_ends(mut kamailio: Kamailio, what: &str) {
    let client = kamailio.client();
    let sent = client.send("MESSAGE", "plain", "", "");
    let mut answer = None;
    let decided = wait_until(PATIENCE, || {
        answer = client.receive(std::time::Duration::from_millis(50)).filter(|answer| answer.is_for(&sent));
        if answer.take_if(|answer| answer.status() == 408).is_some() {
            kamailio.remind_of_ended_children();
        }
        answer.is_some() || kamailio.has_ended()
    });
    assert!(decided, "{what}: neither an answer nor an end; the log:\n{}", kamailio.log());
    match answer {
        Some(answer) => assert_eq!(answer.header("X-Ok"), Some("1"), "{what}:\n{}", answer.text()),
        None => {
            assert_says_why(&kamailio.log(), what);
            kamailio.kill();
        }
    }
}

fn assert_says_why(log: &str, what: &str) {
    let says_why = |line: &str| {
        line.contains("http_async_client") && ["ERROR:", "CRITICAL:"].iter().any(|level| line.contains(level))
    };
    assert!(log.lines().any(says_why), "{what}: nobody says why:\n{log}");
    assert!(!log.contains("exited by a signal"), "{what}: a crash:\n{log}");
}

fn sweep_all(kinds: &[(Kind, &str, usize)]) {
    for (kind, memory_manager, least) in kinds {
        let failed = sweep(*kind, memory_manager);
        assert!(failed.len() >= *least, "{kind:?}: only {failed:?} failed");
    }
}

#[test]
fn every_allocation_of_the_start_that_fails_is_refused_or_survived() {
    sweep_all(&[(Kind::OurShm, "shm", 5), (Kind::LibcurlMemory, "sys", 5), (Kind::CorePrivate, "sys", 1)]);
}

#[test]
fn every_call_of_the_start_that_fails_is_refused_or_survived() {
    let kinds = [(Kind::Libcurl, 10), (Kind::Libevent, 5), (Kind::Wake, 1)];
    sweep_all(&kinds.map(|(kind, least)| (kind, "sys", least)));
}

#[test]
fn a_loop_that_fails_ends_the_server_with_a_critical_line() {
    let faults = Faults::none();
    let mut kamailio = builder(&faults, "sys").set("port-of-server", 9).start();
    faults.arm(Kind::Loop, 1);
    kamailio.client().send("MESSAGE", "plain", "", "");
    assert!(wait_until(PATIENCE, || kamailio.has_ended()), "the log:\n{}", kamailio.log());
    assert_eq!(faults.disarm().as_deref(), Some("event_base_loop"));
    assert!(kamailio.log().contains("CRITICAL: http_async_client"), "the log:\n{}", kamailio.log());
    kamailio.kill();
}

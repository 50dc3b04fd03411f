//! SIGTERM comes at a moment in which a worker must not leave, or might not notice.

use crate::stage::{Stage, builder};
use end_to_end::faults::{Faults, Kind};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Ended;

/// What a worker says that has ended where nothing is under way, instead of a second later wherever it stood.
const AT_REST: &str = "an HTTP worker ends at rest";

/// The worker has ended well, and main could take everything down.
fn assert_ended_at_rest(ended: &Ended, what: &str) {
    assert!(ended.log.contains(AT_REST), "{what}: {}", ended.log);
    assert!(ended.status.success() && ended.cores.is_empty(), "{what}: {}: {}", ended.status, ended.log);
}

/// Whoever waits for the lock would wait for ever.
#[test]
fn a_worker_does_not_leave_with_the_lock_of_shared_memory() {
    let stage = Stage::start("sys");
    stage.faults.arm(Kind::SignalInShm, 1);
    // Its block is one of Kamailio's.
    drop(stage.kamailio.client().send("MESSAGE", "large", "", ""));
    let ended = stage.kamailio.wait_for_own_end();
    assert_eq!(stage.faults.disarm().as_deref(), Some("shm_free"));
    assert_ended_at_rest(&ended, "in the allocator");
}

#[test]
fn a_signal_that_comes_before_a_worker_waits_is_not_lost() {
    let server = HttpServer::start(|_| Response::text("x"));
    for place in ["start", "wait", "callback"] {
        let faults = Faults::none();
        faults.arm(Kind::SignalAt(place), 1);
        let builder = builder(&faults, "sys").set("url", server.url("")).set("port-of-server", server.port());
        match builder.try_start() {
            Ok(kamailio) => {
                drop(kamailio.client().send("MESSAGE", "plain", "", ""));
                assert_ended_at_rest(&kamailio.wait_for_own_end(), place);
            }
            Err(log) => assert!(log.contains(AT_REST), "{place}: {log}"),
        }
        assert_eq!(faults.disarm().as_deref(), Some(place));
    }
}

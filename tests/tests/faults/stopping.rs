//! SIGTERM comes at a moment in which a worker must not leave, or might not notice.

use crate::stage::{Stage, builder};
use end_to_end::faults::{Faults, Kind};
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
    for kind in [Kind::SignalAfterFork, Kind::SignalAt("start"), Kind::SignalAt("wait")] {
        let faults = Faults::none();
        faults.arm(kind, 1);
        let ended = builder(&faults, "sys").set("url", "").set("port-of-server", 9).start_refused();
        assert!(faults.disarm().is_some(), "{kind:?}: no signal was sent");
        assert_ended_at_rest(&ended, &format!("{kind:?}"));
    }
}

//! The module panics: in each place that its sources name (`fault_point!`), each time that a query passes it.

use crate::stage::{Mercy, Stage, USER_OF_NAME, builder};
use end_to_end::faults::{Faults, Kind};
use std::collections::BTreeSet;
use std::path::Path;

/// Of the process of a worker, before it serves: no query passes it.
const START: &str = "start";

/// Queries that pass all places, with that for a name: with and without a transaction, on a kept connection, redirected.
const USERS: [&str; 4] = ["plain", "sent", "kept", "redirected"];

/// The names in the sources.
fn places() -> BTreeSet<&'static str> {
    let mut places = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../src")), &mut places);
    places
}

fn collect(folder: &Path, places: &mut BTreeSet<&'static str>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, places);
        } else {
            let source = std::fs::read_to_string(&path).expect("a source is text");
            let names =
                source.lines().filter_map(|line| line.trim().strip_prefix("fault_point!(\"")?.strip_suffix("\");"));
            places.extend(names.map(|name| &*String::leak(name.to_owned())));
        }
    }
}

#[test]
fn a_panic_in_any_place_leaves_each_query_its_one_end() {
    let stage = Stage::start("sys");
    let mut places = places();
    assert!(places.remove(START) && places.len() > 10, "{places:?}");
    let before = stage.holdings_after(&USERS);
    let passed_by = |place: &'static str, user| !stage.sweep(Kind::PanicAt(place), user, Mercy::None).is_empty();
    let mut passed: BTreeSet<&str> = BTreeSet::new();
    for place in &places {
        passed.extend(USERS.iter().filter(|user| passed_by(place, user)).map(|_| *place));
    }
    stage.holdings_after(&USERS).assert_as(&before, "panics");
    // libcurl remembers each name.
    passed.extend(places.iter().filter(|place| passed_by(place, USER_OF_NAME)));
    assert_eq!(passed, places, "no query passes the others");
    let ended = stage.kamailio.stop();
    assert!(ended.status.success() && ended.cores.is_empty(), "{}: {}", ended.status, ended.log);
    assert!(ended.critical_lines().iter().all(|line| line.contains("asked for by a test")), "{}", ended.log);
}

/// main forks its children from within the start of this module: a worker must never get back there.
#[test]
fn a_worker_that_panics_before_it_serves_ends_itself_and_the_server_with_it() {
    let faults = Faults::none();
    faults.arm(Kind::PanicAt(START), 1);
    let started = builder(&faults, "sys").set("port-of-server", 9).try_start();
    let log = started.map_or_else(|log| log, |kamailio| kamailio.wait_for_own_end().log);
    assert_eq!(faults.disarm().as_deref(), Some(START));
    assert!(log.contains("an HTTP worker cannot go on: internal error"), "{log}");
    assert!(log.contains("child process") && !log.contains("HTTP worker 0 cannot be started"), "{log}");
}

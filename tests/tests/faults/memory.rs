//! An allocation fails.

use crate::stage::{Mercy, Stage, USER_OF_NAME, USERS};
use end_to_end::faults::Kind;

#[test]
fn each_allocation_of_libcurl_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::LibcurlMemory, &USERS, Mercy::None, 30);
    stage.sweep(Kind::LibcurlMemory, USER_OF_NAME, Mercy::None);
}

#[test]
fn each_allocation_in_shared_memory_fails_once() {
    let stage = Stage::start("shm");
    // Now and then a slab of libcurl's. Queries as small as these take a block that was there before.
    stage.sweep_all(Kind::OurShm, &USERS, Mercy::None, 1);
    stage.sweep(Kind::OurShm, USER_OF_NAME, Mercy::None);
}

/// A query that is larger than the blocks that wait for queries asks for one of its own.
#[test]
fn the_allocation_of_a_large_query_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::OurShm, &["large"], Mercy::None, 1);
}

#[test]
fn each_allocation_of_libcurl_is_a_private_one_among_shared_ones_once() {
    let stage = Stage::start("shm");
    stage.sweep_all(Kind::LibcurlScarce, &USERS, Mercy::None, 30);
    stage.sweep(Kind::LibcurlScarce, USER_OF_NAME, Mercy::None);
}

#[test]
fn each_allocation_of_the_core_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::CoreShm, &["plain", "invited", "relayed"], Mercy::TransactionMayEnd, 3);
    stage.sweep_all(Kind::CorePrivate, &["plain", "invited", "relayed", "sent"], Mercy::TransactionMayEnd, 5);
}

#[test]
fn each_allocation_of_libevent_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::LibeventMemory, &["plain"], Mercy::None, 1);
}

#[test]
fn each_large_allocation_of_ours_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::RustMemory, &["large"], Mercy::None, 10);
}

#[test]
fn each_allocation_of_c_ares_fails_once() {
    let stage = Stage::start("sys");
    let failed = stage.sweep(Kind::CaresMemory, USER_OF_NAME, Mercy::None);
    assert!(failed.len() >= 10, "only {failed:?} failed");
}

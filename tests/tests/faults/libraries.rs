//! A call of a library fails.

use crate::stage::{Mercy, Stage, USER_OF_NAME, USERS};
use end_to_end::faults::Kind;

#[test]
fn each_call_of_libcurl_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::Libcurl, &USERS, Mercy::None, 30);
    stage.sweep_all(Kind::Multi, &["plain", "secure", "redirected"], Mercy::None, 2);
    stage.sweep(Kind::Libcurl, USER_OF_NAME, Mercy::None);
}

#[test]
fn each_call_of_libevent_and_of_the_eventfd_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::Libevent, &["plain", "secure", "redirected"], Mercy::None, 2);
    stage.sweep_all(Kind::Wake, &["plain", "sent"], Mercy::None, 2);
    stage.sweep(Kind::Libevent, USER_OF_NAME, Mercy::None);
}

#[test]
fn each_call_of_openssl_fails_once() {
    let stage = Stage::start("sys");
    // What another connection resumes, and what makes it a session, twice for two tickets.
    stage.sweep_all(Kind::OpenSsl, &["secure"], Mercy::None, 4);
}

#[test]
fn each_call_of_c_ares_fails_once() {
    let stage = Stage::start("sys");
    let failed = stage.sweep(Kind::Cares, USER_OF_NAME, Mercy::None);
    assert!(failed.len() >= 4, "only {failed:?} failed");
}

//! A worker without queries sleeps.

use crate::common::{assert_replied, one_query};
use end_to_end::context_switches::context_switches;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use std::time::{Duration, Instant};

/// Whatever wakes a worker more often than that shows.
const IDLE: Duration = Duration::from_secs(3);

/// Waits until the worker has not run for [`IDLE`]: what its last query left behind may wake it once more.
fn assert_sleeps(kamailio: &Kamailio) {
    let [worker] = kamailio.http_workers();
    let mut count = context_switches(worker);
    let mut since = Instant::now();
    let sleeps = wait_until(PATIENCE, || {
        let now = context_switches(worker);
        if now != count {
            (count, since) = (now, Instant::now());
        }
        since.elapsed() >= IDLE
    });
    assert!(sleeps, "the worker runs every now and then; {count} times by now");
}

#[test]
fn a_worker_that_has_had_no_query_sleeps() {
    let server = HttpServer::start(|_| Response::text("x"));
    assert_sleeps(&one_query(&server.url("/"), "", "").start());
}

#[test]
fn a_worker_whose_queries_have_ended_sleeps_although_connections_are_kept() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").start();
    (0..5).for_each(|_| assert_replied(&kamailio.message("alice"), "200"));
    assert_sleeps(&kamailio);
}

//! Stopping with many suspended calls, and starting again at once.

use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Builder, Ended, Kamailio, PATIENCE, wait_until};
use std::time::{Duration, Instant};

const IN_FLIGHT: usize = 500;

/// How long an operator waits for the end. Kamailio itself ends in some 20 ms.
const SOON: Duration = Duration::from_secs(5);

const SCRIPT: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { exit; }
        t_newtran();
        $http_req(timeout) = 20000;
        http_async_query("{url}$rU", "REPLY");
        t_reply("500", "Not suspended");
    }
    route[REPLY] { t_reply("200", "Answered"); }"#;

/// Answers nobody but `alice`.
fn server() -> HttpServer {
    HttpServer::start(|request| match request.target.as_str() {
        "/alice" => Response::text("x"),
        _ => Response::steps(vec![Step::WaitForever]),
    })
}

/// Sends INVITEs until that many of them wait for the HTTP server.
fn suspend_calls(kamailio: &Kamailio, server: &HttpServer) {
    const AT_ONCE: usize = 20;
    let client = kamailio.client();
    for count in (AT_ONCE..=IN_FLIGHT).step_by(AT_ONCE) {
        (0..AT_ONCE).for_each(|_| drop(client.send("INVITE", "bob", "", "")));
        let there = wait_until(PATIENCE, || kamailio.counts()[4] >= count as i64);
        assert!(there, "{:?} instead of {count} in flight; the log:\n{}", kamailio.counts(), kamailio.log());
    }
    server.wait_for_requests(IN_FLIGHT, PATIENCE);
    assert_eq!(kamailio.transactions(), IN_FLIGHT as i64);
}

fn stops_and_starts_again(builder: &Builder) {
    let server = server();
    let builder = builder.clone().set("url", server.url("/")).descriptor_limit(1024, 4096);
    let kamailio = builder.clone().start();
    suspend_calls(&kamailio, &server);
    let port = kamailio.address().port();
    let before = Instant::now();
    let ended = kamailio.stop_at_once();
    let took = before.elapsed();
    let again = builder.port(port).start();
    assert!(took < SOON, "it took {took:?} to stop; the log:\n{}", ended.log);
    ended.assert_clean();
    assert_eq!(again.message("alice").reason(), "Answered");
    assert_eq!(again.counts(), [1, 1, 0, 0, 0]);
}

fn instances(manager: &str) -> Vec<Builder> {
    let with = |workers| {
        Kamailio::with_script(SCRIPT)
            .parameter("workers", workers)
            .parameter("memory_manager", format!("\"{manager}\""))
    };
    let alone = [1, 4].map(with);
    let beside = [1, 4].map(|workers| with(workers).modules(&["http_client"]));
    let before = [1, 4].map(|workers| with(workers).after_module("loadmodule \"http_client.so\""));
    alone.into_iter().chain(beside).chain(before).collect()
}

#[test]
fn five_hundred_suspended_calls_do_not_hold_up_the_end() {
    instances("sys").iter().for_each(stops_and_starts_again);
}

#[test]
fn five_hundred_transfers_in_shared_memory_do_not_hold_up_the_end() {
    instances("shm").iter().for_each(stops_and_starts_again);
}

/// An instance whose callback runs `statements` and then says "it went on"; stopped while it runs them.
fn stopped_in_a_callback(statements: &str) -> (Ended, Duration) {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { http_async_query("{url}", "REPLY"); }
        route[REPLY] { xlog("L_NOTICE", "in the callback\n"); {statements} xlog("L_NOTICE", "it went on\n"); t_reply("200", "Answered"); }"#;
    let builder = Kamailio::with_script(script).modules(&["cfgutils"]).set("url", server.url("/"));
    let kamailio = builder.set("statements", statements).start();
    drop(kamailio.client().send("MESSAGE", "alice", "", ""));
    kamailio.wait_for_log("in the callback");
    let before = Instant::now();
    let ended = kamailio.stop_at_once();
    (ended, before.elapsed())
}

#[test]
fn a_callback_that_runs_is_finished_before_its_worker_ends() {
    let (ended, _) = stopped_in_a_callback(r#"usleep("500000");"#);
    assert!(ended.log.contains("it went on"), "{}", ended.log);
    ended.assert_clean();
}

#[test]
fn a_callback_that_does_not_return_does_not_hold_up_the_end() {
    let forever = r#"$var(i) = 0; while($var(i) < 1000) { usleep("100000"); $var(i) = $var(i) + 1; }"#;
    let (ended, took) = stopped_in_a_callback(forever);
    assert!(took < SOON, "it took {took:?} to stop; the log:\n{}", ended.log);
    assert!(!ended.log.contains("it went on"), "{}", ended.log);
    ended.assert_clean();
}

//! The module as a file, and its processes.

use crate::common::{assert_replied, one_query};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE, module_file, wait_until};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

#[test]
fn the_file_exports_what_kamailio_needs_and_nothing_else() {
    let output =
        Command::new("nm").args(["-D", "--defined-only"]).arg(module_file()).output().expect("nm is installed");
    let names: BTreeSet<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.rsplit(' ').next().map(str::to_owned))
        .collect();
    let expected = ["exports", "mod_register", "module_flags", "module_interface_ver", "module_version"];
    assert_eq!(names, expected.map(str::to_owned).into());
}

#[test]
fn workers_run_as_the_user_and_group_that_kamailio_is_given() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").arguments(&["-u", "nobody", "-g", "nogroup"]).start();
    assert_replied(&kamailio.message("alice"), "200");
    let [worker] = kamailio.http_workers();
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("the worker is there");
    let ids = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect(name).trim().to_owned();
    assert!(ids("Uid:").starts_with("65534") && ids("Gid:").starts_with("65534"), "{status}");
}

#[test]
fn it_stops_with_queries_in_flight() {
    let server = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let script = r#"
        route[MAIN] {
            $http_req(timeout) = 60000;
            http_async_query("{url}", "DONE");
            sl_send_reply("200", "OK");
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).parameter("workers", 2).start();
    let client = kamailio.client();
    for _ in 0..50 {
        client.send("MESSAGE", "alice", "", "");
    }
    server.wait_for_requests(50, PATIENCE);
    let ended = kamailio.stop_at_once();
    assert!(ended.status.success() && ended.critical_lines().is_empty(), "{}\n{}", ended.status, ended.log);
}

#[test]
fn an_idle_worker_uses_no_processor_time() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").start();
    assert_replied(&kamailio.message("alice"), "200");
    server.close_idle_connections();
    let [worker] = kamailio.http_workers();
    let switches = || {
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("the worker is there");
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).expect("Linux counts them");
        line.rsplit('\t').next().expect("a number").parse::<u64>().expect("a number")
    };
    // Wake-ups right after the last transfer are libcurl's own; then there must be a whole second without any.
    let quiet = wait_until(PATIENCE, || {
        let before = switches();
        std::thread::sleep(Duration::from_secs(1));
        switches() == before
    });
    assert!(quiet, "the idle worker still wakes up");
}

#[test]
fn two_hundred_calls_at_once_under_a_limit_of_1024_descriptors() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(500)));
    for (soft, hard) in [(1024, 1024), (1024, 4096)] {
        let kamailio = one_query(&server.url("/"), "", "")
            .descriptor_limit(soft, hard)
            .parameter("connection_timeout", 9000)
            .start();
        let answers = kamailio.client().transact_all("MESSAGE", "alice", 200);
        assert_eq!(answers.len(), 200, "the log:\n{}", kamailio.log());
        answers.iter().for_each(|answer| assert_replied(answer, "200"));
        assert_eq!(kamailio.counts()[4], 0);
        assert_eq!(kamailio.counts()[2..4], [0, 0]);
    }
}

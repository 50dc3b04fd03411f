//! The module parameters: what each does, and what a wrong value gets.

use crate::common::{assert_failed, assert_replied, one_query};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::sockets;
use std::time::Duration;

const NOTHING: &str = "route[MAIN] { sl_send_reply(\"200\", \"OK\"); }";

#[test]
fn workers_are_that_many_processes_of_that_name() {
    let kamailio = Kamailio::with_script(NOTHING).parameter("workers", 3).start();
    let [_, _, _] = kamailio.http_workers();
    let kamailio = Kamailio::with_script(NOTHING).start();
    let [_] = kamailio.http_workers();
}

/// The first of these has all its memory in queues and reserves; the second has some left.
#[test]
fn more_workers_than_shared_memory_has_room_for_are_warned_of_and_serve_where_they_can() {
    const WARNING: &str = "WARNING: http_async_client [module/life.rs";
    let server = HttpServer::start(|_| Response::text("x"));
    let with = |workers: u32, queue_size: u32| {
        one_query(&server.url("/"), "", "")
            .parameter("workers", workers)
            .parameter("queue_size", queue_size)
            .parameter("memory_manager", "\"sys\"")
            .shared_memory(8)
    };
    let log = with(64, 8192).try_start().map_or_else(|log| log, |kamailio| kamailio.stop().log);
    let warning = log.lines().find(|line| line.contains(WARNING)).unwrap_or_else(|| panic!("{log}"));
    assert!(warning.contains("64 workers set aside") && warning.contains("use -m 49 or more"), "{warning}");
    let kamailio = with(64, 256).start();
    assert_replied(&kamailio.message("alice"), "200");
    kamailio.wait_for_log("64 workers set aside");
    let kamailio = with(1, 8192).start();
    assert_eq!(kamailio.log_lines(WARNING), Vec::<String>::new());
}

#[test]
fn queries_go_to_the_least_loaded_worker() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_secs(2)));
    let script = r#"route[MAIN] {
        $http_req(timeout) = 10000; http_async_query("{url}", "DONE");
        $http_req(timeout) = 10000; http_async_query("{url}", "DONE");
        sl_send_reply("200", "OK");
    }
    route[DONE] { xlog("L_NOTICE", "done in $pp\n"); }"#;
    let kamailio = Kamailio::with_script(script).parameter("workers", 2).set("url", server.url("/")).start();
    kamailio.message("alice");
    assert!(wait_until(PATIENCE, || kamailio.log_lines("done in").len() == 2));
    let in_process: Vec<String> = kamailio
        .log_lines("done in")
        .iter()
        .map(|line| line.rsplit("done in ").next().expect("what it was split at").to_owned())
        .collect();
    assert_ne!(in_process[0], in_process[1]);
}

#[test]
fn connection_timeout_is_the_deadline_of_every_query() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_secs(5)));
    assert_failed(&one_query(&server.url("/"), "", "").start().message("alice"), "500 ms");
    let kamailio = one_query(&server.url("/"), "", "").parameter("connection_timeout", 120).start();
    assert_failed(&kamailio.message("alice"), "120 ms");
}

#[test]
fn a_connection_timeout_that_tm_does_not_wait_for_is_warned_of() {
    let kamailio = Kamailio::with_script(NOTHING)
        .lines("modparam(\"tm\", \"fr_timer\", 700)")
        .parameter("connection_timeout", 900)
        .start();
    let line = kamailio.wait_for_log("fr_timer");
    assert!(line.contains("WARNING") && line.contains("900 ms"), "{line}");
    let kamailio = Kamailio::with_script(NOTHING).start();
    assert_eq!(kamailio.log_lines("fr_timer"), Vec::<String>::new());
}

#[test]
fn hash_size_is_rounded_down_to_a_power_of_two_with_a_warning() {
    let line = Kamailio::with_script(NOTHING).parameter("hash_size", 1000).start().wait_for_log("hash_size");
    assert!(line.contains("WARNING") && line.contains("512"), "{line}");
    let kamailio = Kamailio::with_script(NOTHING).parameter("hash_size", 1024).start();
    assert_eq!(kamailio.log_lines("hash_size"), Vec::<String>::new());
}

#[test]
fn hash_size_bounds_the_idle_connections_that_are_kept() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(200)));
    let script = r#"route[MAIN] {
        $var(i) = 0;
        while($var(i) < 8) { http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[DONE] { return; }"#;
    for (hash_size, kept) in [(2, 2), (64, 8)] {
        let builder = Kamailio::with_script(script).parameter("hash_size", hash_size).set("url", server.url("/"));
        let kamailio = builder.parameter("connection_timeout", 5000).start();
        kamailio.message("alice");
        kamailio.wait_for_counts([8, 8, 0, 0, 0]);
        assert!(wait_until(PATIENCE, || server.open_connections() == kept), "{} are open", server.open_connections());
        drop(kamailio);
        assert!(wait_until(PATIENCE, || server.open_connections() == 0));
    }
}

#[test]
fn curl_verbose_logs_what_libcurl_does_without_secrets() {
    let server =
        HttpServer::start(|_| Response::text("x").header("Set-Cookie", "id=topsecret1").header("X-Seen", "yes"));
    let url = server.url("/").replace("http://", "http://bob:topsecret2@");
    let assignments = r#"$http_req(hdr) = "Cookie: topsecret3"; $http_req(hdr) = "X-Mine: visible";
        $http_req(username) = "alice"; $http_req(password) = "topsecret4"; $http_req(authmethod) = 1;"#;
    let kamailio = one_query(&url, assignments, "").parameter("curl_verbose", 1).start();
    assert_replied(&kamailio.message("alice"), "200");
    for text in ["curl > X-Mine: visible", "curl < X-Seen: yes", "curl < HTTP/1.1 200", "curl * "] {
        assert!(kamailio.wait_for_log(text).contains("INFO"), "{text}");
    }
    kamailio.wait_for_log("Authorization: [hidden]");
    assert!(!kamailio.log().contains("topsecret"), "{}", kamailio.log());
    assert!(!kamailio.log().contains("YWxpY2U6"), "{}", kamailio.log());
    let kamailio = one_query(&server.url("/"), "", "").debug(3).start();
    kamailio.message("alice");
    assert_eq!(kamailio.log_lines("curl "), Vec::<String>::new());
}

#[test]
fn curl_follow_redirect_is_the_default_of_every_query() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/" => Response::new(302, "Found").header("Location", "/there"),
        _ => Response::text("there"),
    });
    assert_replied(&one_query(&server.url("/"), "", "").start().message("alice"), "302");
    let kamailio = one_query(&server.url("/"), "", "").parameter("curl_follow_redirect", 1).start();
    assert_replied(&kamailio.message("alice"), "200");
    let kamailio = one_query(&server.url("/"), "$http_req(follow_redirect) = 0;", "");
    assert_replied(&kamailio.parameter("curl_follow_redirect", 1).start().message("alice"), "302");
}

/// Shared memory that one hanging transfer takes, in bytes.
fn shared_memory_per_transfer(manager: &str) -> i64 {
    const QUERIES: i64 = 100;
    let server = HttpServer::start(|_| Response::steps(vec![end_to_end::http_server::Step::WaitForever]));
    let script = r#"route[MAIN] {
        if($rU == "before") { sl_send_reply("200", "OK"); exit; }
        $var(i) = 0;
        while($var(i) < 100) { http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[DONE] { return; }"#;
    let builder = Kamailio::with_script(script).parameter("memory_manager", format!("\"{manager}\""));
    let kamailio = builder.parameter("connection_timeout", 15000).set("url", server.url("/")).start();
    let before = kamailio.shared_memory_used();
    kamailio.message("alice");
    server.wait_for_requests(QUERIES as usize, PATIENCE);
    (kamailio.shared_memory_used() - before) / QUERIES
}

#[test]
fn memory_manager_decides_where_libcurls_memory_lies() {
    let (shm, sys) = (shared_memory_per_transfer("shm"), shared_memory_per_transfer("sys"));
    eprintln!("shared memory per hanging transfer: shm {shm} bytes, sys {sys} bytes");
    assert!(shm > 5_000, "{shm} bytes a transfer are too few for an easy handle");
    assert!(sys < 1_500, "{sys} bytes a transfer are more than the query itself");
}

#[test]
fn memory_manager_without_effect_is_warned_of() {
    let warning = "memory_manager has no effect";
    let kamailio = Kamailio::with_script(NOTHING).modules(&["http_client"]).start();
    assert_eq!(kamailio.log_lines(warning).len(), 1, "{}", kamailio.log());
    let kamailio = Kamailio::with_script(NOTHING).after_module("loadmodule \"http_client.so\"").start();
    assert_eq!(kamailio.log_lines(warning), Vec::<String>::new());
}

#[test]
fn tcp_keepalive_parameters_set_the_socket_options() {
    let server = HttpServer::start(|_| Response::text("x"));
    for (on, expected) in [(0, None), (1, Some((45, 13)))] {
        let kamailio = one_query(&server.url("/"), "", "")
            .parameter("tcp_keepalive", on)
            .parameter("tcp_ka_idle", 45)
            .parameter("tcp_ka_interval", 13)
            .start();
        assert_replied(&kamailio.message("alice"), "200");
        let [worker] = kamailio.http_workers();
        assert_eq!(sockets::keepalive(worker, server.port()), expected);
    }
    let kamailio = one_query(&server.url("/"), "", "").parameter("tcp_keepalive", 1).start();
    assert_replied(&kamailio.message("alice"), "200");
    let [worker] = kamailio.http_workers();
    assert_eq!(sockets::keepalive(worker, server.port()), Some((60, 60)), "libcurl's defaults");
}

#[test]
fn authmethod_is_the_default_of_every_query() {
    let server = HttpServer::start(|_| Response::text("x"));
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#;
    for (builder, expected) in [
        (one_query(&server.url("/"), credentials, ""), None),
        (one_query(&server.url("/"), credentials, "").parameter("authmethod", 1), Some("Basic YWxpY2U6c2VjcmV0")),
    ] {
        assert_replied(&builder.start().message("alice"), "200");
        assert_eq!(server.requests().last().expect("one a turn").header("Authorization"), expected);
    }
}

#[test]
fn a_wrong_value_refuses_the_start_and_the_check_with_one_line() {
    for (name, value, allowed) in [
        ("workers", "0", "1 to 64"),
        ("workers", "\"many\"", "1 to 64"),
        ("connection_timeout", "0", "1 to 3600000"),
        ("hash_size", "-1", "0 to 65536"),
        ("tls_version", "8", "0 to 7"),
        ("tls_verify_host", "\"3x\"", "a whole number"),
        ("tls_verify_peer", "\"\"", "a whole number"),
        ("curl_verbose", "\"yes\"", "a whole number"),
        ("curl_follow_redirect", "\"yes\"", "a whole number"),
        ("memory_manager", "\"pkg\"", "\"shm\" or \"sys\""),
        ("memory_manager", "1", "\"shm\" or \"sys\""),
        ("tls_client_cert", "1", "a path"),
        ("tls_client_key", "1", "a path"),
        ("tls_ca_path", "1", "a path"),
        ("tcp_keepalive", "\"yes\"", "a whole number"),
        ("tcp_ka_idle", "-1", "0 to 32767"),
        ("tcp_ka_interval", "32768", "0 to 32767"),
        ("authmethod", "0", "1 to 31"),
        ("authmethod", "32", "1 to 31"),
    ] {
        let builder = Kamailio::with_script(NOTHING).parameter(name, value);
        for ended in [builder.clone().start_refused(), builder.check()] {
            assert!(!ended.status.success(), "{name}={value} was taken");
            let lines: Vec<&str> = ended.log.lines().filter(|line| line.contains("http_async_client [")).collect();
            assert_eq!(lines.len(), 1, "{name}={value}:\n{}", ended.log);
            let line = lines[0];
            assert!(line.contains(name) && line.contains(value) && line.contains(allowed), "{line}");
        }
    }
}

#[test]
fn values_at_the_ends_of_their_ranges_are_taken() {
    for (name, values) in [
        ("workers", ["1", "2"]),
        ("connection_timeout", ["1", "3600000"]),
        ("hash_size", ["0", "65536"]),
        ("tls_version", ["0", "7"]),
        ("tls_verify_host", ["-1", "3"]),
        ("tls_verify_peer", ["-1", "2"]),
        ("curl_follow_redirect", ["-1", "2"]),
        ("tcp_keepalive", ["-1", "2"]),
        ("authmethod", ["1", "31"]),
        ("tcp_ka_idle", ["0", "32767"]),
    ] {
        for value in values {
            let ended = Kamailio::with_script(NOTHING).parameter(name, value).check();
            assert!(ended.status.success(), "{name}={value}:\n{}", ended.log);
        }
    }
}

#[test]
fn without_tm_the_start_is_refused_with_one_line() {
    for builder in [
        Kamailio::with_script(NOTHING).only_modules(&["sl", "pv", "ctl"]),
        Kamailio::with_script(NOTHING).only_modules(&["sl", "pv", "ctl"]).after_module("loadmodule \"tm.so\""),
    ] {
        let ended = builder.start_refused();
        assert!(!ended.status.success());
        let lines: Vec<&str> = ended.log.lines().filter(|line| line.contains("http_async_client [")).collect();
        assert!(lines.len() == 1 && lines[0].contains("tm module must be loaded before"), "{}", ended.log);
    }
}

#[test]
fn kamailio_c_accepts_a_good_script() {
    let ended = one_query("http://127.0.0.1/", "$http_req(timeout) = 1;", "").check();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(ended.log.contains("config file ok"), "{}", ended.log);
}

//! Every limit that a script or an operator sets: at it, and one past it.

use crate::common::{assert_failed, assert_refused, assert_replied, one_query};
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, pause, resume};
use end_to_end::sip::SipMessage;
use std::net::TcpListener;
use std::time::Duration;

/// The answer to one query with a module parameter, and to one with the key of the same name.
fn by_parameter_and_by_key(url: &str, name: &str, value: i64, more: &str) -> [SipMessage; 2] {
    let by_parameter = one_query(url, more, "").parameter(name, value);
    let by_key = one_query(url, &format!("{more} $http_req({name}) = {value};"), "");
    [by_parameter, by_key].map(|builder| builder.start().message("alice"))
}

#[test]
fn a_body_of_max_response_size_is_taken_and_one_byte_more_is_not() {
    let server = HttpServer::start(|_| Response::text("x".repeat(1000)));
    for answer in by_parameter_and_by_key(&server.url("/"), "max_response_size", 1000, "") {
        assert_replied(&answer, "200");
    }
    for answer in by_parameter_and_by_key(&server.url("/"), "max_response_size", 999, "") {
        assert_failed(&answer, "the response body is longer than 999 bytes");
    }
}

/// Redirects from `/N` to `/N-1`, down to `/0`.
fn countdown(request: &Request) -> Response {
    match request.target.trim_start_matches('/').parse::<u32>() {
        Ok(0) | Err(_) => Response::text("arrived"),
        Ok(left) => Response::new(302, "Found").header("Location", format!("/{}", left - 1)),
    }
}

#[test]
fn max_redirects_are_followed_and_one_more_is_not() {
    let server = HttpServer::start(countdown);
    let follow = "$http_req(follow_redirect) = 1;";
    for (limit, at_it, past_it) in [(0, "/0", "/1"), (2, "/2", "/3"), (7, "/7", "/8")] {
        for answer in by_parameter_and_by_key(&server.url(at_it), "max_redirects", limit, follow) {
            assert_replied(&answer, "200");
        }
        for answer in by_parameter_and_by_key(&server.url(past_it), "max_redirects", limit, follow) {
            assert_failed(&answer, &format!("{limit} is the limit"));
        }
    }
}

#[test]
fn a_connection_has_its_own_limit_of_time() {
    // Accepted by the system, and no TLS handshake ever answered.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = format!("https://{}/", listener.local_addr().expect("it is bound"));
    let deadline = "$http_req(timeout) = 60000;";
    for answer in by_parameter_and_by_key(&silent, "connect_timeout", 300, deadline) {
        assert_failed(&answer, "time");
    }
    let slow = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(800)));
    for answer in by_parameter_and_by_key(&slow.url("/"), "connect_timeout", 300, deadline) {
        assert_replied(&answer, "200");
    }
}

/// Four queries of one message, none of them suspended; says how many were accepted.
fn four_queries(url: &str) -> Builder {
    let script = r#"
        route[MAIN] {
            $var(i) = 0; $var(accepted) = 0;
            while($var(i) < 4) {
                $http_req(timeout) = 8000;
                if(http_async_query("{url}$var(i)", "NOTED")) { $var(accepted) = $var(accepted) + 1; }
                $var(i) = $var(i) + 1;
            }
            append_to_reply("X-Accepted: $var(accepted)\r\n");
            sl_send_reply("200", "OK");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs $http_err\n"); }"#;
    Kamailio::with_script(script).set("url", url)
}

#[test]
fn queue_size_queries_wait_and_one_more_is_refused() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = four_queries(&server.url("/")).parameter("queue_size", 3).start();
    let [worker] = kamailio.http_workers();
    pause(worker);
    let answer = kamailio.message("alice");
    resume(worker);
    assert_eq!(answer.header("X-Accepted"), Some("3"), "{}", kamailio.log());
    kamailio.wait_for_log("the queue is full (3 queries)");
    kamailio.wait_for_counts([3, 3, 0, 0, 0]);
    let again = kamailio.message("alice");
    assert!(matches!(again.header("X-Accepted"), Some("3" | "4")), "the places are free again: {}", again.text());
}

#[test]
fn max_in_flight_transfers_run_and_the_next_waits() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(300)));
    let kamailio = four_queries(&server.url("/")).parameter("max_in_flight", 2).start();
    assert_eq!(kamailio.message("alice").header("X-Accepted"), Some("4"));
    kamailio.wait_for_counts([4, 4, 0, 0, 0]);
    let requests = server.wait_for_requests(4, PATIENCE);
    for pair in requests.windows(3) {
        let [first, _, third] = pair else { panic!("three requests") };
        assert!(third.at.duration_since(first.at) >= Duration::from_millis(290), "three at once");
    }
}

#[test]
fn what_waits_beyond_max_in_flight_ends_at_its_deadline_and_is_never_sent() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(1500)));
    let kamailio = one_query(
        &server.url("/$rU"),
        "$http_req(timeout) = 5000; if($rU == \"second\") { $http_req(timeout) = 300; }",
        "",
    )
    .parameter("max_in_flight", 1)
    .start();
    let client = kamailio.client();
    let first = client.send("MESSAGE", "first", "", "");
    server.wait_for_requests(1, PATIENCE);
    let second = client.send("MESSAGE", "second", "", "");
    assert_failed(&client.final_answer(&second).expect("a final answer"), "300 ms passed while waiting in the queue");
    assert_replied(&client.final_answer(&first).expect("a final answer"), "200");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn max_connections_per_host_makes_transfers_share_them() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(100)));
    let of = |limit: u32| {
        let before = server.requests().len();
        let kamailio = four_queries(&server.url("/")).parameter("max_connections_per_host", limit).start();
        assert_eq!(kamailio.message("alice").header("X-Accepted"), Some("4"));
        kamailio.wait_for_counts([4, 4, 0, 0, 0]);
        let requests = server.wait_for_requests(before + 4, PATIENCE);
        let mut connections: Vec<u64> = requests.iter().skip(before).map(|request| request.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        connections.len()
    };
    assert_eq!(of(0), 4);
    assert_eq!(of(2), 2);
    assert_eq!(of(1), 1);
}

#[test]
fn a_limit_outside_its_range_is_refused() {
    let server = HttpServer::start(|_| Response::text("x"));
    for (name, value) in [("max_response_size", 0), ("max_redirects", 51), ("connect_timeout", -1)] {
        let assignment = format!("$http_req({name}) = {value};");
        assert_refused(&one_query(&server.url("/"), &assignment, "").start().message("alice"));
        one_query(&server.url("/"), "", "").parameter(name, value).start_refused();
    }
    for (name, value) in [("queue_size", 0), ("max_in_flight", 0), ("max_connections_per_host", -1)] {
        let ended = one_query(&server.url("/"), "", "").parameter(name, value).start_refused();
        assert!(ended.log.contains(&format!("parameter {name}: {value} is refused")), "{}", ended.log);
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_query_that_waits_starts_when_one_before_it_has_ended_at_once() {
    // connect(2) refuses the address by itself: no event of a socket tells of that end.
    let script = r#"
        route[MAIN] {
            $var(i) = 0;
            while($var(i) < 5) {
                $http_req(timeout) = 5000;
                http_async_query("http://255.255.255.255/", "DONE");
                $var(i) = $var(i) + 1;
            }
            sl_send_reply("200", "OK");
        }
        route[DONE] { xlog("L_NOTICE", "done: $http_err\n"); }"#;
    let kamailio = Kamailio::with_script(script).parameter("max_in_flight", 1).start();
    kamailio.message("alice");
    kamailio.wait_for_counts([5, 0, 5, 0, 0]);
}

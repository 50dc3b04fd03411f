//! One deadline over everything, and limits on what a peer may send.

mod nothing_late;
mod stop;
mod stopped_worker;
mod timed;

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use std::net::UdpSocket;
use std::time::Duration;

/// µs that a query with a deadline of 400 ms took, and what it was doing.
fn expired(url: &str) -> String {
    let report = r#"append_to_reply("X-Total: $http_time(total)\r\n");"#;
    let kamailio = one_query(url, "$http_req(timeout) = 400;", report).start();
    let answer = kamailio.message("alice");
    assert_failed(&answer, "400 ms passed while ");
    let total: u64 = seen(&answer, "X-Total").parse().expect("a number");
    assert!((300_000..3_000_000).contains(&total), "{total} µs for a deadline of 400 ms");
    kamailio.wait_for_counts([1, 0, 0, 1, 0]);
    seen(&answer, "X-Error").to_owned()
}

#[test]
fn activity_does_not_extend_the_deadline() {
    let header_drip = HttpServer::start(|_| {
        Response::drip(b"HTTP/1.1 200 OK\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Duration::from_millis(50))
    });
    let body_drip = HttpServer::start(|_| {
        let mut steps = vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec())];
        for _ in 0..200 {
            steps.extend([Step::Send(b"x".to_vec()), Step::Wait(Duration::from_millis(20))]);
        }
        Response::steps(steps)
    });
    let provisional = HttpServer::start(|_| {
        let mut steps = Vec::new();
        for _ in 0..200 {
            steps.extend([
                Step::Send(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()),
                Step::Wait(Duration::from_millis(20)),
            ]);
        }
        Response::steps(steps)
    });
    let silent = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    assert!(expired(&silent.url("/")).contains("waiting for"));
    for server in [header_drip, body_drip, provisional] {
        expired(&server.url("/"));
    }
}

#[test]
fn a_dead_name_server_holds_up_only_the_queries_for_its_names() {
    let server = HttpServer::start(|_| Response::text("x"));
    let dead = UdpSocket::bind("127.0.0.77:53").expect("a free address");
    let script = r#"
        route[MAIN] {
            t_newtran();
            if($rU == "dead") { $http_req(timeout) = 1500; http_async_query("http://dead.example/", "REPLY"); }
            else { http_async_query("{url}", "REPLY"); }
        }"#;
    let kamailio = Kamailio::with_script(&format!("{script}{}", crate::common::REPORT))
        .set("url", server.url("/"))
        .set("seen", "")
        .resolv_conf("nameserver 127.0.0.77\n")
        .start();
    let client = kamailio.client();
    let sent = client.send("MESSAGE", "dead", "", "");
    let mut question = [0; 512];
    dead.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
    dead.recv(&mut question).expect("the worker asks the name server");
    for _ in 0..10 {
        assert_replied(&kamailio.message("alive"), "200");
    }
    assert_eq!(kamailio.counts()[4], 1, "the other query still waits");
    let answer = client.final_answer(&sent).expect("a final answer");
    assert_failed(&answer, "looking up dead.example");
    kamailio.wait_for_counts([11, 10, 0, 1, 0]);
}

#[test]
fn names_of_the_hosts_file_are_found_without_a_name_server() {
    let server = HttpServer::start(|_| Response::text("x"));
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let builder = one_query(&url, "", "").resolv_conf("nameserver 127.0.0.78\n");
    assert_replied(&builder.start().message("alice"), "200");
}

#[test]
fn a_query_that_waited_past_its_deadline_is_not_sent() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { $http_req(timeout) = 300; http_async_query("{url}", "NOTED"); sl_send_reply("200", "OK"); }
        route[NOTED] { xlog("L_NOTICE", "noted $http_ok $http_err\n"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    let worker = kamailio.processes("Http Async Worker")[0];
    end_to_end::kamailio::pause(worker);
    kamailio.message("alice");
    std::thread::sleep(Duration::from_millis(400));
    end_to_end::kamailio::resume(worker);
    assert!(kamailio.wait_for_log("noted 0").contains("waiting in the queue"));
    kamailio.wait_for_counts([1, 0, 0, 1, 0]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_response_at_the_limit_is_taken_and_one_past_it_is_an_error() {
    let megabyte = HttpServer::start(|_| Response::new(200, "OK").body(vec![b'x'; 1024 * 1024]));
    let kamailio = one_query(&megabyte.url("/"), "", r#"append_to_reply("X-Bs: $http_bs\r\n");"#).start();
    let answer = kamailio.message("alice");
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Bs"), "1048576");
    let beyond = HttpServer::start(|_| Response::new(200, "OK").body(vec![b'x'; 1024 * 1024 + 1]));
    assert_failed(&one_query(&beyond.url("/"), "", "").start().message("alice"), "1048576 bytes");
    let headers = HttpServer::start(|_| {
        (0..17).fold(Response::new(200, "OK"), |response, _| response.header("X", "y".repeat(4090)))
    });
    assert_failed(&one_query(&headers.url("/"), "", "").start().message("alice"), "65536 bytes");
}

#[test]
fn endless_redirects_end_at_the_limit() {
    let server = HttpServer::start(|_| Response::new(302, "Found").header("Location", "/again"));
    let answer = one_query(&server.url("/"), "$http_req(follow_redirect) = 1;", "").start().message("alice");
    assert_failed(&answer, "edirect");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn environment_proxies_are_not_used() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").environment("http_proxy", "http://127.0.0.1:1/").start();
    assert_replied(&kamailio.message("alice"), "200");
}

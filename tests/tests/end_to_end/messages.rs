//! Which message a script is working on: what it sets for one never reaches another, and what is not SIP never suspends.

use crate::common::instance;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, free_tcp_port};
use std::io::{Read, Write};
use std::net::TcpStream;

fn server() -> HttpServer {
    HttpServer::start(|_| Response::text("x"))
}

/// A script for one message runs inside the script of another.
#[test]
fn a_message_inside_another_leaves_the_outer_ones_parameters_alone() {
    let server = server();
    let script = r#"
        route[MAIN] {
            t_newtran();
            $http_req(method) = "PUT";
            $http_req(hdr) = "X-Mine: yes";
            $http_req(suspend) = 0;
            $uac_req(method) = "OPTIONS";
            $uac_req(ruri) = "sip:nobody@127.0.0.1:9";
            $uac_req(furi) = "sip:me@127.0.0.1";
            $uac_req(turi) = "sip:nobody@127.0.0.1";
            uac_req_send();
            http_async_query("{url}outer", "NOTED");
            $var(accepted) = $rc;
            append_to_reply("X-Returned: $var(accepted)\r\n");
            t_reply("200", "OK");
        }
        event_route[tm:local-request] {
            $http_req(hdr) = "X-Inner: yes";
            http_async_query("{url}inner", "NOTED");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let kamailio = instance(&server, script).modules(&["rr", "uac"]).start();
    let answer = kamailio.message("alice");
    assert_eq!(answer.header("X-Returned"), Some("1"), "{}", kamailio.log());
    let requests = server.wait_for_requests(2, PATIENCE);
    let to = |path: &str| requests.iter().find(|request| request.target == path).expect("was asked");
    assert_eq!(to("/outer").method, "PUT");
    assert_eq!((to("/outer").header("x-mine"), to("/outer").header("x-inner")), (Some("yes"), None));
    assert_eq!((to("/inner").header("x-mine"), to("/inner").header("x-inner")), (None, Some("yes")));
}

/// Kamailio numbers the messages that it makes for event routes apart from those that it receives, both from 1: the
/// first that this instance receives asks whether it is up, so it queries for that one too.
#[test]
fn what_an_event_route_leaves_behind_does_not_reach_the_first_sip_message() {
    let server = server();
    let configuration = r#"#!KAMAILIO
        debug=2
        log_stderror=yes
        children=1
        listen=udp:127.0.0.1:{port}
        disable_tcp=yes
        mpath="{modules}"
        loadmodule "tm.so"
        loadmodule "sl.so"
        loadmodule "pv.so"
        loadmodule "kex.so"
        loadmodule "ctl.so"
        loadmodule "{module}"
        modparam("ctl", "binrpc", "unix:{folder}/ctl")
        request_route { http_async_query("{url}", "NOTED"); sl_send_reply("200", "OK"); }
        event_route[core:worker-one-init] {
            $http_req(hdr) = "Authorization: of another";
            $http_req(body) = "of another";
        }
        route[NOTED] { return; }"#;
    let kamailio = Kamailio::with_script("").whole_configuration(configuration).set("url", server.url("/")).start();
    assert_eq!(kamailio.message("alice").status(), 200, "{}", kamailio.log());
    for request in server.wait_for_requests(2, PATIENCE) {
        assert_eq!((request.method.as_str(), request.header("authorization")), ("GET", None));
    }
}

/// tm calls the route type of whatever runs a script a request's, and an HTTP request with SIP's headers gets a
/// transaction.
#[test]
fn an_http_request_never_suspends_even_with_a_transaction() {
    let server = server();
    let script = r#"
        route[MAIN] { sl_send_reply("200", "OK"); }
        event_route[xhttp:request] {
            $var(transaction) = 0;
            if(t_newtran()) { $var(transaction) = 1; }
            http_async_query("{url}", "NOTED");
            xhttp_reply("200", "OK", "text/plain", "transaction $var(transaction), query $rc");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let port = free_tcp_port();
    let kamailio = instance(&server, script)
        .modules(&["xhttp"])
        .before(&format!("listen=tcp:127.0.0.1:{port}\ntcp_accept_no_cl=yes"))
        .start();
    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("Kamailio listens");
    connection.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    let request = "GET sip:newtran@127.0.0.1 HTTP/1.1\r\nHost: 127.0.0.1\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKa1\r\n\
        From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\nCall-ID: an-http-request\r\nCSeq: 1 GET\r\n\
        Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    connection.write_all(request.as_bytes()).expect("Kamailio reads");
    let answer = read_until(&mut connection, b"query 1");
    assert!(answer.contains("transaction 1, query 1"), "{answer}\n{}", kamailio.log());
    kamailio.wait_for_log("noted 200");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

fn read_until(connection: &mut TcpStream, end: &[u8]) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.windows(end.len()).any(|window| window == end) {
        match connection.read(&mut buffer) {
            Ok(length) if length > 0 => answer.extend_from_slice(&buffer[..length]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_timer_route_never_suspends_even_with_a_transaction() {
    let server = server();
    let script = r#"
        route[MAIN] { sl_send_reply("200", "OK"); }
        route[TICK] {
            $var(transaction) = 0;
            if(t_newtran()) { $var(transaction) = 1; }
            http_async_query("{url}", "NOTED");
            xlog("L_NOTICE", "tick: transaction $var(transaction), query $rc\n");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let kamailio = instance(&server, script)
        .modules(&["rtimer"])
        .lines("modparam(\"rtimer\", \"timer\", \"name=ticks;interval=1;mode=1;\")\nmodparam(\"rtimer\", \"exec\", \"timer=ticks;route=TICK\")")
        .start();
    kamailio.wait_for_log("tick: transaction 1, query 1");
    kamailio.wait_for_log("noted 200");
}

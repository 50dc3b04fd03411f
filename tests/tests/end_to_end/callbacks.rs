//! Callback routes without a transaction: each runs on a message of its own.

use crate::common::callee;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use std::collections::HashSet;
use std::time::Duration;

#[test]
fn nothing_of_one_callback_is_seen_in_the_next() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { http_async_query("{url}", "NOTED"); sl_send_reply("200", "OK"); }
        route[NOTED] {
            xlog("L_NOTICE", "noted ru=$ru flag=$(mf{s.int}) avp=$avp(a) xavp=$xavp(x) hdr=$hdr(X-Added) id=$mi\n");
            $ru = "sip:changed@127.0.0.1"; setflag(5); $avp(a) = "left"; $xavp(x) = "left";
            append_hf("X-Added: 1\r\n"); msg_apply_changes();
        }"#;
    let kamailio = Kamailio::with_script(script).modules(&["textopsx"]).set("url", server.url("/")).start();
    for count in 1..=3 {
        kamailio.message("alice");
        kamailio.wait_for_counts([count, count, 0, 0, 0]);
    }
    // A query is counted right before its callback runs.
    assert!(wait_until(PATIENCE, || kamailio.log_lines("noted ").len() == 3), "{}", kamailio.log());
    let noted = kamailio.log_lines("noted ");
    for line in noted {
        assert!(line.contains("ru=sip:you@kamailio.org flag=0 avp=<null> xavp=<null> hdr=<null>"), "{line}");
    }
}

/// Without a transaction tm keeps what is armed for the whole process.
#[test]
fn routes_that_one_callback_arms_are_not_armed_in_the_next() {
    let server = HttpServer::start(|_| Response::text("x"));
    let callee = callee();
    let script = r#"
        route[MAIN] { http_async_query("{url}", "$rU"); sl_send_reply("200", "OK"); }
        route[arms] {
            t_on_branch("BRANCH"); t_on_reply("REPLY"); t_on_branch_failure("branch"); t_on_failure("FAILURE");
            xlog("L_NOTICE", "armed\n");
        }
        route[relays] { $ru = "sip:bob@{callee}"; t_relay(); }
        branch_route[BRANCH] { xlog("L_NOTICE", "an armed route: branch\n"); }
        onreply_route[REPLY] { xlog("L_NOTICE", "an armed route: reply\n"); }
        event_route[tm:branch-failure:branch] { xlog("L_NOTICE", "an armed route: branch failure\n"); }
        failure_route[FAILURE] { xlog("L_NOTICE", "an armed route: failure\n"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).set("callee", callee.address()).start();
    kamailio.message("arms");
    kamailio.wait_for_log("armed");
    kamailio.message("relays");
    let request = callee.receive_request(PATIENCE).expect("it is relayed");
    callee.reply(&request, 486, "Busy Here");
    kamailio.wait_for_no_transaction();
    assert_eq!(kamailio.log_lines("an armed route"), Vec::<String>::new());
}

#[test]
fn each_callback_without_a_transaction_relays_a_request_of_its_own() {
    const COUNT: usize = 20;
    let server = HttpServer::start(|_| Response::text("x"));
    let callee = callee();
    let script = r#"
        route[MAIN] { http_async_query("{url}", "RELAYED"); sl_send_reply("200", "OK"); }
        route[RELAYED] { $ru = "sip:bob@{callee}"; if(!t_relay()) { xlog("L_NOTICE", "not relayed\n"); } }"#;
    let kamailio = Kamailio::with_script(script)
        .parameter("workers", 2)
        .set("url", server.url("/"))
        .set("callee", callee.address())
        .start();
    kamailio.client().transact_all("MESSAGE", "alice", COUNT);
    let (mut calls, mut branches, mut tags) = (HashSet::new(), HashSet::new(), HashSet::new());
    while calls.len() < COUNT {
        let request = callee.receive_request(PATIENCE).expect("each callback relays a request");
        callee.reply(&request, 200, "OK");
        calls.insert(request.header("Call-ID").expect("a Call-ID").to_owned());
        tags.insert(request.header("From").expect("a From").to_owned());
        let made = *request.headers("Via").last().expect("the made-up Via");
        branches.insert(made.to_owned());
        assert!(made.contains(";branch=z9hG4bK"), "{made}");
    }
    assert_eq!((branches.len(), tags.len()), (COUNT, COUNT));
    assert!(kamailio.log_lines("not relayed").is_empty() && kamailio.log_lines("ERROR").is_empty());
}

#[test]
fn a_slow_callback_is_warned_of() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { http_async_query("{url}", "SLOW"); sl_send_reply("200", "OK"); }
        route[SLOW] { usleep("300000"); }"#;
    let kamailio = Kamailio::with_script(script).modules(&["cfgutils"]).set("url", server.url("/")).start();
    kamailio.message("alice");
    assert!(kamailio.wait_for_log("all queries of its worker waited").contains("WARNING"));
}

#[test]
fn an_empty_callback_route_ends_the_query() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { http_async_query("{url}", "EMPTY"); sl_send_reply("200", "OK"); }
        route[EMPTY] { ; }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    kamailio.message("alice");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

#[test]
fn in_flight_counts_what_has_not_ended() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(1500)));
    let script = r#"
        route[MAIN] { $http_req(timeout) = 9000; http_async_query("{url}", "DONE"); sl_send_reply("200", "OK"); }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    kamailio.message("alice");
    assert_eq!(kamailio.counts(), [1, 0, 0, 0, 1]);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

#[test]
fn each_query_counts_as_reply_error_or_timeout() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/late" => Response::text("x").after(Duration::from_secs(3)),
        _ => Response::new(500, "Internal Server Error"),
    });
    let script = r#"
        route[MAIN] {
            http_async_query("{url}/", "DONE");
            http_async_query("{url}/late", "DONE");
            http_async_query("http://127.0.0.1:1/", "DONE");
            http_async_query("{url}/", "UNKNOWN");
            sl_send_reply("200", "OK");
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("")).start();
    kamailio.message("alice");
    kamailio.wait_for_counts([4, 2, 1, 1, 0]);
    assert_eq!(kamailio.statistics()["panics"], 0);
}

//! Chains of queries in one transaction, and calls that it refuses or does not wait for.

use crate::common::{REPORT, assert_replied, instance, seen};
use end_to_end::http_server::{HttpServer, Response};
use std::time::Duration;

/// `{count}` queries in one transaction, then `{end}`.
const CHAIN: &str = r#"
    route[MAIN] { t_newtran(); $avp(count) = 1; http_async_query("{url}$avp(count)", "NEXT"); }
    route[NEXT] {
        if($http_rs != 200 || $http_rb != "/" + $avp(count)) { t_reply("500", "Wrong answer"); exit; }
        if($avp(count) < {count}) {
            $avp(count) = $avp(count) + 1;
            http_async_query("{url}$avp(count)", "NEXT");
            t_reply("500", "Not suspended");
            exit;
        }
        {end}
    }"#;

fn echo() -> HttpServer {
    HttpServer::start(|request| Response::text(&request.target))
}

#[test]
fn five_queries_follow_each_other_in_one_transaction() {
    let server = echo();
    let end = r#"append_to_reply("X-Count: $avp(count)\r\n"); t_reply("200", "OK");"#;
    let kamailio = instance(&server, CHAIN).set("count", 5).set("end", end).start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.status(), answer.header("X-Count")), (200, Some("5")), "{}", answer.text());
    kamailio.wait_for_counts([5, 5, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_relay_after_twelve_suspensions_has_no_branch_left() {
    let server = echo();
    let end = r#"$ru = "sip:127.0.0.1:9"; if(!t_relay()) { t_reply("500", "No branch left"); }"#;
    let kamailio = instance(&server, CHAIN).set("count", 12).set("end", end).start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.status(), answer.reason()), (500, "No branch left"), "{}", answer.text());
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_thirteenth_suspension_is_refused_and_the_script_goes_on() {
    let server = echo();
    let kamailio = instance(&server, CHAIN).set("count", 13).set("end", "t_reply(\"200\", \"OK\");").start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.status(), answer.reason()), (500, "Not suspended"), "{}", answer.text());
    kamailio.wait_for_log("tm cannot suspend the transaction");
    kamailio.wait_for_counts([12, 12, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_late_answer_does_not_resume_the_suspension_of_another_query() {
    let server = HttpServer::start(|request| {
        Response::text("x").after(Duration::from_millis(if request.target == "/first" { 1500 } else { 900 }))
    });
    let script = r#"
        route[MAIN] {
            if(is_method("ACK")) { exit; }
            t_newtran();
            t_on_failure("LATE");
            $http_req(timeout) = 8000;
            http_async_query("{url}first", "FIRST");
        }
        failure_route[LATE] { $http_req(timeout) = 8000; http_async_query("{url}second", "SECOND"); }
        route[FIRST] { t_reply("200", "First"); }
        route[SECOND] { t_reply("200", "Second"); }"#;
    let kamailio = instance(&server, script)
        .lines("modparam(\"tm\", \"fr_timer\", 1000)\nmodparam(\"tm\", \"fr_inv_timer\", 9000)")
        .start();
    for method in ["INVITE", "MESSAGE"] {
        let answer = kamailio.client().transact(method, "bob");
        assert_eq!(answer.expect("a final answer").reason(), "Second", "{method}");
    }
    kamailio.wait_for_counts([4, 4, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_reply_sent_before_the_query_refuses_it() {
    let server = echo();
    let script = r#"route[MAIN] { t_newtran(); t_reply("202", "Accepted"); http_async_query("{url}", "REPLY"); xlog("L_NOTICE", "returned $rc\n"); }"#;
    let kamailio = instance(&server, &format!("{script}{REPORT}")).set("seen", "").start();
    assert_eq!(kamailio.message("alice").status(), 202);
    kamailio.wait_for_log("returned -1");
    kamailio.wait_for_counts([0; 5]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_callback_that_sends_no_reply_ends_in_tms_own() {
    let server = echo();
    let script = r#"route[MAIN] { t_newtran(); http_async_query("{url}", "QUIET"); } route[QUIET] { return; }"#;
    let kamailio = instance(&server, script).start();
    assert_eq!(kamailio.message("alice").status(), 500);
    kamailio.wait_for_no_transaction();
}

#[test]
fn avps_and_flags_of_the_request_are_there_in_the_callback() {
    let server = echo();
    let script = r#"route[MAIN] { $avp(a) = "kept"; setflag(3); t_newtran(); http_async_query("{url}", "REPLY"); }"#;
    let report = r#"if(isflagset(3)) { append_to_reply("X-Flag: 3\r\n"); } append_to_reply("X-Avp: $avp(a)\r\n");"#;
    let kamailio = instance(&server, &format!("{script}{REPORT}")).set("seen", report).start();
    let answer = kamailio.message("alice");
    assert_replied(&answer, "200");
    assert_eq!((seen(&answer, "X-Flag"), seen(&answer, "X-Avp")), ("3", "kept"));
}

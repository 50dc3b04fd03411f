//! Transactions that have a life of their own while a query flies, and chains of queries in one.

use crate::common::{Call, REPORT, assert_replied, callee, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use std::time::Duration;

fn instance(server: &HttpServer, script: &str) -> Builder {
    Kamailio::with_script(script).set("url", server.url("/"))
}

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

fn slow() -> HttpServer {
    HttpServer::start(|_| Response::text("x").after(Duration::from_millis(1500)))
}

const SUSPENDED_INVITE: &str = r#"
    route[MAIN] {
        if(is_method("CANCEL")) { if(t_relay_cancel()) { exit; } exit; }
        if(is_method("ACK")) { exit; }
        t_newtran();
        $http_req(timeout) = 5000;
        {before}
        http_async_query("{url}", "REPLY");
    }"#;

#[test]
fn a_cancelled_transaction_gets_its_487_and_the_query_is_counted() {
    let server = slow();
    let kamailio = instance(&server, &format!("{SUSPENDED_INVITE}{REPORT}")).set("before", "").set("seen", "").start();
    let caller = kamailio.client();
    let sent = caller.send("INVITE", "bob", "", "");
    server.wait_for_requests(1, PATIENCE);
    caller.cancel(&sent);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    assert_eq!(caller.final_answer(&sent).expect("a final answer").status(), 487);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_transaction_that_timed_out_is_answered_by_tm_and_let_go() {
    let server = slow();
    let kamailio = instance(&server, &format!("{SUSPENDED_INVITE}{REPORT}"))
        .set("before", "")
        .set("seen", "")
        .lines("modparam(\"tm\", \"fr_timer\", 500)")
        .start();
    let answer = kamailio.client().transact("INVITE", "bob").expect("a final answer");
    assert_eq!(answer.status(), 408);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_failure_route_that_relays_on_keeps_the_transaction_and_its_references() {
    let server = slow();
    let callee = callee();
    let script = r#"failure_route[ONWARD] { $ru = "sip:{callee}"; t_relay(); }"#;
    let kamailio = instance(&server, &format!("{SUSPENDED_INVITE}{REPORT}{script}"))
        .set("before", "t_on_failure(\"ONWARD\");")
        .set("seen", "")
        .set("callee", callee.address())
        .lines("modparam(\"tm\", \"fr_timer\", 500)")
        .start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 180, "Ringing");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_transaction_that_somebody_else_answered_is_let_go() {
    let server = slow();
    let script = format!("{SUSPENDED_INVITE}{REPORT}");
    let before = "$sht(a=>index) = $T(id_index); $sht(a=>label) = $T(id_label);";
    let answerer = r#"
        event_route[core:worker-one-init] { return; }"#;
    let kamailio = instance(&server, &format!("{script}{answerer}"))
        .modules(&["tmx", "htable"])
        .lines("modparam(\"htable\", \"htable\", \"a=>size=4;\")")
        .set("before", before)
        .set("seen", "")
        .start();
    let caller = kamailio.client();
    let sent = caller.send("MESSAGE", "bob", "", "");
    server.wait_for_requests(1, PATIENCE);
    let item = |name: &str| {
        let dump = kamailio.rpc(&["htable.get", "a", name]);
        let value = dump.lines().find_map(|line| line.trim().strip_prefix("value: ")).expect("it was stored");
        value.to_owned()
    };
    let id = format!("{}:{}", item("index"), item("label"));
    kamailio.rpc(&["tm.reply", "480", "Somebody else", &id, "x", ".", ""]);
    let answer = caller.final_answer(&sent).expect("a final answer");
    assert_eq!(answer.status(), 480);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
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

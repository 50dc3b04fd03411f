//! From which route the function suspends, and what it returns.

use crate::common::{Call, REPORT, assert_replied, callee, instance, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::PATIENCE;
use std::time::Duration;

fn server() -> HttpServer {
    HttpServer::start(|_| Response::text("x"))
}

#[test]
fn a_request_with_a_transaction_is_suspended_and_the_script_stops() {
    let server = server();
    let script = r#"
        route[MAIN] {
            t_newtran();
            route(ASK);
            xlog("L_NOTICE", "the script went on\n");
        }
        route[ASK] { http_async_query("{url}", "REPLY"); xlog("L_NOTICE", "the script went on\n"); }"#;
    let kamailio = instance(&server, &format!("{script}{REPORT}")).set("seen", "").start();
    assert_replied(&kamailio.message("alice"), "200");
    assert_eq!(kamailio.log_lines("went on"), Vec::<String>::new());
    kamailio.wait_for_no_transaction();
}

#[test]
fn without_a_transaction_the_script_goes_on_and_the_route_runs_later() {
    let server = server();
    let script = r#"
        route[MAIN] {
            http_async_query("{url}", "NOTED");
            append_to_reply("X-Returned: $rc\r\n");
            sl_send_reply("200", "OK");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs $rm\n"); }"#;
    let kamailio = instance(&server, script).start();
    assert_eq!(seen(&kamailio.message("alice"), "X-Returned"), "1");
    kamailio.wait_for_log("noted 200 OPTIONS");
}

#[test]
fn an_invite_is_relayed_after_its_query_and_answered_end_to_end() {
    let server = server();
    let callee = callee();
    let script = r#"
        route[MAIN] {
            if(is_method("ACK")) { t_relay(); exit; }
            t_newtran();
            http_async_query("{url}", "RELAY");
        }
        route[RELAY] { $ru = "sip:{callee}"; append_hf("X-Status: $http_rs\r\n"); t_relay(); }"#;
    let kamailio = instance(&server, script).set("callee", callee.address()).start();
    let call = Call::start(&kamailio, &callee);
    assert_eq!((call.invite.method(), call.invite.header("X-Status")), ("INVITE", Some("200")));
    callee.reply(&call.invite, 180, "Ringing");
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_failure_route_is_suspended() {
    let server = server();
    let callee = callee();
    let script = r#"
        route[MAIN] {
            if(is_method("ACK")) { exit; }
            t_on_failure("BUSY");
            $ru = "sip:{callee}";
            t_relay();
        }
        failure_route[BUSY] { http_async_query("{url}", "REPLY"); }"#;
    let kamailio =
        instance(&server, &format!("{script}{REPORT}")).set("callee", callee.address()).set("seen", "").start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 486, "Busy Here");
    assert_replied(&call.answer(), "200");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_branch_route_never_suspends() {
    let server = server();
    let callee = callee();
    let script = r#"
        route[MAIN] {
            if(is_method("ACK")) { t_relay(); exit; }
            t_on_branch("ASK");
            $ru = "sip:{callee}";
            t_relay();
        }
        branch_route[ASK] { http_async_query("{url}", "NOTED"); xlog("L_NOTICE", "returned $rc\n"); }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let kamailio = instance(&server, script).set("callee", callee.address()).start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_log("returned 1");
    kamailio.wait_for_log("noted 200");
}

#[test]
fn a_reply_route_is_suspended_and_the_reply_goes_on_after_it() {
    let server = server();
    let callee = callee();
    let kamailio = instance(&server, REPLY_ROUTE).set("callee", callee.address()).set("when", "200").start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_log("resumed reply 200 with 200");
    kamailio.wait_for_no_transaction();
}

const REPLY_ROUTE: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { t_relay(); exit; }
        t_on_reply("ANSWER");
        $ru = "sip:{callee}";
        t_relay();
    }
    onreply_route[ANSWER] {
        if($rs == {when}) {
            http_async_query("{url}", "RESUMED");
            xlog("L_NOTICE", "went on with $rs, returned $rc\n");
        }
    }
    route[RESUMED] { xlog("L_NOTICE", "resumed reply $rs with $http_rs\n"); }"#;

#[test]
fn a_second_suspension_of_one_transaction_is_refused_and_its_reply_goes_its_way() {
    let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(300)));
    let callee = callee();
    let kamailio = instance(&server, REPLY_ROUTE).set("callee", callee.address()).set("when", "$rs").start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 180, "Ringing");
    server.wait_for_requests(1, PATIENCE);
    callee.reply(&call.invite, 200, "OK");
    kamailio.wait_for_log("went on with 200, returned -1");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_second_query_from_a_resumed_reply_is_suspended_and_nothing_stays_in_memory() {
    let server = server();
    let callee = callee();
    let script = REPLY_ROUTE.replace(
        "route[RESUMED] {",
        "route[RESUMED] { http_async_query(\"{url}\", \"AGAIN\"); xlog(\"L_NOTICE\", \"not suspended: $rc\\n\"); }\nroute[AGAIN] {",
    );
    let kamailio = instance(&server, &script).set("callee", callee.address()).set("when", "200").start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_log("resumed reply 200 with 200");
    assert_eq!(kamailio.log_lines("not suspended"), Vec::<String>::new());
    kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_timer_route_never_suspends() {
    let server = server();
    let script = r#"
        route[MAIN] { sl_send_reply("200", "OK"); }
        route[TICK] { http_async_query("{url}", "NOTED"); xlog("L_NOTICE", "returned $rc\n"); }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let kamailio = instance(&server, script)
        .modules(&["rtimer"])
        .lines("modparam(\"rtimer\", \"timer\", \"name=t;interval=1;mode=1;\")\nmodparam(\"rtimer\", \"exec\", \"timer=t;route=TICK\")")
        .start();
    kamailio.wait_for_log("returned 1");
    kamailio.wait_for_log("noted 200");
}

#[test]
fn an_event_route_before_the_workers_exist_waits_in_the_queue() {
    let server = server();
    let script = r#"
        route[MAIN] { sl_send_reply("200", "OK"); }
        event_route[htable:mod-init] { $http_req(timeout) = 10000; http_async_query("{url}", "NOTED"); xlog("L_NOTICE", "returned $rc\n"); }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let builder = instance(&server, script).after_module("loadmodule \"htable.so\"");
    let kamailio = builder.lines("modparam(\"htable\", \"htable\", \"a=>size=4;\")").start();
    kamailio.wait_for_log("returned 1");
    kamailio.wait_for_log("noted 200");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

#[test]
fn local_request_branch_failure_and_onsend_routes_never_suspend() {
    let server = server();
    let callee = callee();
    let script = r#"
        route[MAIN] {
            if(is_method("ACK")) { exit; }
            $uac_req(method) = "OPTIONS"; $uac_req(ruri) = "sip:{callee}"; $uac_req(furi) = "sip:a@b"; $uac_req(turi) = "sip:c@d";
            uac_req_send();
            t_on_branch_failure("FAILED");
            $ru = "sip:{callee}";
            t_relay();
        }
        event_route[tm:branch-failure:FAILED] { $var(where) = "branch-failure"; route(ASK); }
        event_route[tm:local-request] { $var(where) = "local-request"; route(ASK); }
        onsend_route { if($rm == "INVITE") { http_async_query("{url}", "NOTED"); xlog("L_NOTICE", "onsend returned $rc\n"); } }
        reply_route { $var(where) = "reply"; route(ASK); }
        route[ASK] { http_async_query("{url}", "NOTED"); xlog("L_NOTICE", "$var(where) returned $rc\n"); }
        route[NOTED] { return; }"#;
    let kamailio = instance(&server, script)
        .modules(&["rr", "uac"])
        .set("callee", callee.address())
        .before("onsend_route_reply=no")
        .start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 486, "Busy Here");
    assert_eq!(call.answer().status(), 486);
    for place in ["branch-failure", "local-request", "onsend", "reply"] {
        kamailio.wait_for_log(&format!("{place} returned 1"));
    }
}

#[test]
fn a_register_authenticates_by_digest_before_its_query() {
    let server = server();
    let script = r#"
        route[MAIN] {
            if(!pv_www_authenticate("tests", "secret", "0")) { www_challenge("tests", "1"); exit; }
            t_newtran();
            http_async_query("{url}", "REPLY");
        }"#;
    let kamailio = instance(&server, &format!("{script}{REPORT}")).modules(&["auth"]).set("seen", "").start();
    let client = kamailio.client();
    let challenge = client.transact("REGISTER", "alice").expect("a challenge");
    assert_eq!(challenge.status(), 401);
    let authorization = end_to_end::sip_digest::authorization(&challenge, "REGISTER", "alice", "secret");
    let answer = client.transact_with("REGISTER", "alice", &authorization, "").expect("a final answer");
    assert_replied(&answer, "200");
}

//! Replies that are suspended while other things happen to their transaction.

use crate::common::{Call, callee};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::{SipClient, SipMessage};
use std::time::Duration;

/// Relays to `{callee}` on one or two branches; a reply that matches `{when}` waits for an HTTP answer.
const SCRIPT: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { exit; }
        t_newtran();
        t_on_reply("ANSWER");
        $ru = "sip:{callee}";
        {fork}
        t_relay();
    }
    onreply_route[ANSWER] {
        if({when}) {
            $http_req(timeout) = 8000;
            http_async_query("{url}", "RESUMED");
            xlog("L_NOTICE", "went on with $rs, returned $rc\n");
        }
    }
    route[RESUMED] { xlog("L_NOTICE", "resumed $rs\n"); }"#;

const FORK: &str = "append_branch(\"sip:second@{callee}\");";

fn instance(delay: u64, when: &str, fork: &str, callee: &SipClient) -> (HttpServer, Builder) {
    let server = HttpServer::start(move |_| Response::text("x").after(Duration::from_millis(delay)));
    let builder = Kamailio::with_script(SCRIPT)
        .modules(&["corex", "tmx"])
        .set("callee", callee.address())
        .set("url", server.url("/"))
        .set("when", when)
        .set("fork", fork);
    (server, builder)
}

/// The two INVITEs of a forked call.
fn branches(call: &Call, callee: &SipClient) -> [SipMessage; 2] {
    let second = std::iter::from_fn(|| callee.receive_request(PATIENCE))
        .find(|request| request.method() == "INVITE" && request.uri() != call.invite.uri());
    [call.invite.clone(), second.expect("the second branch")]
}

#[test]
fn a_final_reply_passes_while_a_provisional_one_is_suspended() {
    for status in [486, 200] {
        let callee = callee();
        let (server, builder) = instance(700, "$rs == 180", "", &callee);
        let kamailio = builder.start();
        let call = Call::start(&kamailio, &callee);
        callee.reply(&call.invite, 180, "Ringing");
        server.wait_for_requests(1, PATIENCE);
        callee.reply(&call.invite, status, "Final");
        assert_eq!(call.answer().status(), status);
        kamailio.wait_for_counts([1, 1, 0, 0, 0]);
        kamailio.wait_for_no_transaction();
    }
}

#[test]
fn a_provisional_reply_is_relayed_after_its_query() {
    let callee = callee();
    let (_server, builder) = instance(100, "$rs == 183", "", &callee);
    let kamailio = builder.start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 183, "Session Progress");
    let relayed = std::iter::from_fn(|| call.provisional(PATIENCE)).find(|reply| reply.status() == 183);
    assert!(relayed.is_some(), "{}", kamailio.log());
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_log("resumed 183");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_branch_that_times_out_under_its_suspended_reply_harms_nothing() {
    let callee = callee();
    let (_server, builder) = instance(1500, "$rs == 180 && $T_branch_idx == 0", FORK, &callee);
    let timers = "modparam(\"tm\", \"fr_timer\", 800)\nmodparam(\"tm\", \"fr_inv_timer\", 5000)";
    let kamailio = builder.lines(timers).start();
    let call = Call::start(&kamailio, &callee);
    let [first, second] = branches(&call, &callee);
    callee.reply(&first, 180, "Ringing");
    callee.reply(&second, 180, "Ringing");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    callee.reply(&second, 200, "OK");
    callee.reply(&first, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_negative_reply_is_not_suspended_and_its_failure_route_goes_on() {
    for (fork, branch_count) in [("", 1), (FORK, 2)] {
        let callee = callee();
        let (_server, builder) = instance(100, "$rs == 486", &format!("{fork} t_on_failure(\"NEXT\");"), &callee);
        let next = r#"modparam("tm", "fr_inv_timer", 9000)"#;
        let kamailio = builder.lines(next).more(SERIAL).start();
        let call = Call::start(&kamailio, &callee);
        let first = if branch_count == 1 { vec![call.invite.clone()] } else { branches(&call, &callee).to_vec() };
        first.iter().for_each(|invite| callee.reply(invite, 486, "Busy Here"));
        let next = std::iter::from_fn(|| callee.receive_request(PATIENCE))
            .find(|request| request.method() == "INVITE" && request.uri().contains("next@"));
        callee.reply(&next.expect("the failure route goes on"), 200, "OK");
        assert_eq!(call.answer().status(), 200);
        kamailio.wait_for_log("went on with 486, returned -1");
        kamailio.wait_for_counts([0; 5]);
        kamailio.wait_for_no_transaction();
    }
}

/// A failure route that tries one more.
const SERIAL: &str = r#"failure_route[NEXT] { $ru = "sip:next@{callee}"; append_branch(); t_relay(); }"#;

#[test]
fn a_provisional_reply_after_its_branchs_final_one_is_not_suspended() {
    let callee = callee();
    let (_server, builder) = instance(100, "$rs == 180", FORK, &callee);
    let kamailio = builder.children(1).start();
    let call = Call::start(&kamailio, &callee);
    let [first, second] = branches(&call, &callee);
    callee.reply(&first, 486, "Busy Here");
    callee.reply(&first, 180, "Ringing");
    kamailio.wait_for_log("went on with 180, returned -1");
    callee.reply(&second, 486, "Busy Here");
    assert_eq!(call.answer().status(), 486);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_retransmission_of_a_suspended_final_reply_waits_with_it() {
    let callee = callee();
    let (server, builder) = instance(700, "$rs == 200", "", &callee);
    let kamailio = builder.start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 200, "OK");
    server.wait_for_requests(1, PATIENCE);
    callee.reply(&call.invite, 200, "OK");
    kamailio.wait_for_log("went on with 200, returned -1");
    assert_eq!(kamailio.counts()[4], 1, "the query still waits");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_log("resumed 200");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_reply_to_a_request_of_the_servers_own_goes_its_way_and_its_query_too() {
    let callee = callee();
    let (_server, builder) = instance(100, "$rs >= 200", "", &callee);
    let local = r#"event_route[tm:local-request] { t_on_reply("ANSWER"); }"#;
    let send = r#"$uac_req(method) = "OPTIONS"; $uac_req(ruri) = "sip:{callee}"; $uac_req(furi) = "sip:a@b";
        $uac_req(turi) = "sip:c@d"; uac_req_send(); t_reply("200", "OK"); exit;"#;
    let kamailio = builder.modules(&["rr", "uac"]).more(local).set("fork", send).start();
    assert_eq!(kamailio.message("alice").status(), 200);
    let options = callee.receive_request(PATIENCE).expect("a request of Kamailio's own");
    callee.reply(&options, 200, "OK");
    kamailio.wait_for_log("went on with 200, returned 1");
    // The callback runs on a message of its own.
    kamailio.wait_for_log("resumed <null>");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_failure_route_may_query_after_an_abandoned_provisional_reply() {
    let callee = callee();
    let (server, builder) = instance(700, "$rs == 180", "t_on_failure(\"ASK\");", &callee);
    let route = r#"
        failure_route[ASK] { http_async_query("{url}", "ASKED"); }
        route[ASKED] { t_reply("480", "Asked"); }"#;
    let kamailio = builder.parameter("connection_timeout", 5000).more(route).start();
    let call = Call::start(&kamailio, &callee);
    callee.reply(&call.invite, 180, "Ringing");
    server.wait_for_requests(1, PATIENCE);
    callee.reply(&call.invite, 486, "Busy Here");
    assert_eq!(call.answer().reason(), "Asked");
    kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_request_with_open_branches_is_not_suspended() {
    let callee = callee();
    let (_server, builder) = instance(100, "$rs == 999", "", &callee);
    let after = r#"t_relay(); http_async_query("{url}", "RESUMED"); xlog("L_NOTICE", "after the relay: $rc\n"); exit;"#;
    let kamailio = builder.set("fork", after).start();
    let call = Call::start(&kamailio, &callee);
    kamailio.wait_for_log("after the relay: -1");
    callee.reply(&call.invite, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    kamailio.wait_for_no_transaction();
}

#[test]
fn forked_calls_with_suspended_replies_leak_no_shared_memory() {
    let callee = callee();
    let (_server, builder) = instance(50, "$rs >= 180", FORK, &callee);
    let kamailio = builder.parameter("memory_manager", "\"sys\"").lines("modparam(\"tm\", \"wt_timer\", 300)").start();
    let mut used = Vec::new();
    for _ in 0..3 {
        for _ in 0..15 {
            let call = Call::start(&kamailio, &callee);
            for branch in branches(&call, &callee) {
                callee.reply(&branch, 180, "Ringing");
                callee.reply(&branch, 486, "Busy Here");
            }
            assert_eq!(call.answer().status(), 486);
        }
        kamailio.wait_for_no_transaction();
        used.push(kamailio.shared_memory_used());
    }
    assert_eq!(used[1], used[2], "shared memory after each turn: {used:?}");
}

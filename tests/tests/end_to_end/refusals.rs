//! A refused query leaves the call as if it had not been made.

use crate::common::{Call, assert_refused, callee, one_query};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};

/// Refuses a query in the request, failure and reply route of one call, and relays all the same.
const REFUSED_EVERYWHERE: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { t_relay(); exit; }
        t_newtran();
        route(REFUSED);
        t_on_failure("NEXT");
        t_on_reply("ANSWER");
        $ru = "sip:{callee}";
        if(!t_relay()) { t_reply("500", "Not relayed"); }
    }
    failure_route[NEXT] {
        route(REFUSED);
        t_on_reply("ANSWER");
        $ru = "sip:{callee}";
        append_branch();
        t_relay();
    }
    onreply_route[ANSWER] { route(REFUSED); }
    route[REFUSED] { http_async_query("http://127.0.0.1:1/", "NO_SUCH_ROUTE"); xlog("L_NOTICE", "returned $rc\n"); return 1; }"#;

#[test]
fn a_call_is_relayed_and_answered_after_refusals_in_request_failure_and_reply_route() {
    let callee = callee();
    let kamailio =
        Kamailio::with_script(REFUSED_EVERYWHERE).modules(&["corex"]).set("callee", callee.address()).start();
    let call = Call::start(&kamailio, &callee);
    let first = &call.invite;
    callee.reply(first, 486, "Busy Here");
    let second = std::iter::from_fn(|| callee.receive_request(PATIENCE))
        .find(|request| request.method() == "INVITE" && request.header("Via") != first.header("Via"))
        .expect("the failure route relays on");
    callee.reply(&second, 180, "Ringing");
    callee.reply(&second, 200, "OK");
    assert_eq!(call.answer().status(), 200);
    let returned = kamailio.log_lines("returned ");
    assert!(returned.len() >= 4 && returned.iter().all(|line| line.ends_with("returned -1")), "{returned:?}");
    kamailio.wait_for_counts([0; 5]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_full_queue_refuses_at_the_call_and_ends_what_it_took() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            $var(refused) = 0; $var(i) = 0;
            while($var(i) < 9000) {
                $http_req(timeout) = 60000;
                if(!http_async_query("{url}", "DONE")) { $var(refused) = $var(refused) + 1; }
                $var(i) = $var(i) + 1;
            }
            xlog("L_NOTICE", "refused <$var(refused)>\n");
            sl_send_reply("200", "OK");
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script)
        .before("max_while_loops=10000")
        .parameter("memory_manager", "\"sys\"")
        .set("url", server.url("/"))
        .start();
    let [worker] = kamailio.http_workers();
    end_to_end::kamailio::pause(worker);
    kamailio.message("alice");
    let line = kamailio.wait_for_log("refused <");
    end_to_end::kamailio::resume(worker);
    assert!(line.contains("refused <808>"), "{line}");
    assert_eq!(kamailio.log_lines("the queue is full").len(), 808);
    kamailio.wait_for_counts([8192, 8192, 0, 0, 0]);
}

#[test]
fn exhausted_shared_memory_refuses_at_the_call() {
    let script = r#"
        route[MAIN] {
            $var(b) = "0123456789abcdef"; $var(i) = 0;
            while($var(i) < 12) { $var(b) = $var(b) + $var(b); $var(i) = $var(i) + 1; }
            $var(i) = 0; $var(refused) = 0;
            while($var(i) < 200) {
                $http_req(body) = $var(b); $http_req(timeout) = 60000;
                if(!http_async_query("http://127.0.0.1:1/", "DONE")) { $var(refused) = $var(refused) + 1; }
                $var(i) = $var(i) + 1;
            }
            if($var(refused) > 0) { sl_send_reply("200", "Some refused"); } else { sl_send_reply("500", "None refused"); }
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).before("max_while_loops=1000").shared_memory(8).start();
    let [worker] = kamailio.http_workers();
    end_to_end::kamailio::pause(worker);
    let answer = kamailio.message("alice");
    end_to_end::kamailio::resume(worker);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    kamailio.wait_for_log("exhausted");
    assert_eq!(kamailio.message("alice").reason().len(), "Some refused".len());
}

#[test]
fn an_unknown_route_is_refused_at_the_call_and_nothing_is_sent() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { t_newtran(); http_async_query("{url}", "NOWHERE"); append_to_reply("X-Returned: $rc\r\n"); t_reply("500", "Not suspended"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    assert_refused(&kamailio.message("alice"));
    let lines = kamailio.log_lines("ERROR: http_async_client");
    assert!(lines.len() == 1 && lines[0].contains("NOWHERE"), "{lines:?}");
    assert_eq!(server.requests().len(), 0);
    kamailio.wait_for_counts([0; 5]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_refused_query_leaves_no_parameters_behind() {
    let server = HttpServer::start(|_| Response::text("x"));
    let assignments = r#"$http_req(hdr) = "X-Foo: bar"; $http_req(method) = "PUT"; http_async_query("", "REPLY");"#;
    let answer = one_query(&server.url("/"), assignments, "").start().message("alice");
    crate::common::assert_replied(&answer, "200");
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.header("X-Foo")), ("GET", None));
}

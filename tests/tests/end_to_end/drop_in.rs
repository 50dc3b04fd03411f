//! Where a script would notice that it does not run on the C module: what that one does, and scripts rely on.

use crate::common::{Call, REPORT, assert_refused, assert_replied, callee, instance, one_query, seen};
use end_to_end::http_server::handlers::redirect;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::sip::SipMessage;
use std::time::Duration;

fn echo() -> HttpServer {
    HttpServer::start(|_| Response::text("x"))
}

/// What asked a server that challenges nobody: 403 unless the credentials come at once.
fn let_in(request: &Request) -> Response {
    match request.header("Authorization") {
        Some(_) => Response::text("inside"),
        None => Response::new(403, "Forbidden"),
    }
}

const IN_URL: &str = "Basic Ym9iOnBA"; // bob:p@

#[test]
fn credentials_of_a_url_go_out_at_once_unless_a_way_to_authenticate_is_set() {
    let server = HttpServer::start(let_in);
    let url = server.url("/").replace("http://", "http://bob:p%40@");
    let user = r#"$http_req(username) = "alice"; $http_req(password) = "a";"#;
    for (assignments, parameter, sent) in [
        ("", 3, Some(IN_URL)),
        ("", 1, Some(IN_URL)),
        (r#"$http_req(password) = "other";"#, 3, Some("Basic Ym9iOm90aGVy")),
        ("", 2, None),
        ("$http_req(authmethod) = 3;", 3, None),
        ("$http_req(authmethod) = 3; $http_req(authmethod) = $null;", 3, Some(IN_URL)),
        (user, 3, None),
    ] {
        server.forget_requests();
        let answer = one_query(&url, assignments, "").parameter("authmethod", parameter).start().message("alice");
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{assignments} {parameter}");
        assert_eq!(requests[0].header("Authorization"), sent, "{assignments} {parameter}");
        assert_replied(&answer, if sent.is_some() { "200" } else { "403" });
    }
}

#[test]
fn credentials_of_a_url_stay_with_their_origin() {
    let elsewhere = HttpServer::start(let_in);
    let target = elsewhere.url("/");
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/away" => redirect(302, &target)(request),
        "/within" => redirect(302, "/there")(request),
        _ => let_in(request),
    });
    for (path, status) in [("/within", "200"), ("/away", "403")] {
        let url = server.url(path).replace("http://", "http://bob:p%40@");
        assert_replied(&one_query(&url, "$http_req(follow_redirect) = 1;", "").start().message("alice"), status);
    }
    assert!(server.requests().iter().all(|request| request.header("Authorization") == Some(IN_URL)));
    assert_eq!(elsewhere.requests()[0].header("Authorization"), None);
}

#[test]
fn one_line_end_behind_a_header_is_taken_off() {
    let server = echo();
    let script = r#"
        route[MAIN] {
            t_newtran();
            $http_req(hdr) = "X-A: one\r\n";
            $http_req(hdr) = "X-B: two\n";
            $http_req(hdr) = "X-Empty;\r\n";
            $http_req(hdr) = "\r\n";
            http_append_header("X-C: three\r\n");
            http_async_set("hdr", "X-D: four\n");
            $http_req(body) = "whole";
            http_async_query("{url}", "REPLY");
        }"#;
    let kamailio = instance(&server, &format!("{script}{REPORT}")).set("seen", "").start();
    assert_replied(&kamailio.message("alice"), "200");
    let request = server.requests().remove(0);
    for (name, value) in [("X-A", "one"), ("X-B", "two"), ("X-C", "three"), ("X-D", "four"), ("X-Empty", "")] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.body, b"whole");
    assert_eq!(kamailio.log_lines("ERROR"), Vec::<String>::new());
}

#[test]
fn a_line_end_inside_a_header_is_refused_and_a_second_one_behind_it() {
    let server = echo();
    for header in ["X-A: b\\r\\nX-Smuggled: c", "X-A: b\\r\\n\\r\\n", "X-A: b\\n\\n", "X-A: b\\r\\nX-B: c\\r\\n"] {
        for assignment in [format!("$http_req(hdr) = \"{header}\";"), format!("http_append_header(\"{header}\");")] {
            assert_refused(&one_query(&server.url("/"), &assignment, "").start().message("alice"));
        }
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_query_whose_route_is_not_there_goes_out_with_one_warning_a_name() {
    let server = echo();
    let script = r#"
        route[MAIN] {
            http_async_query("{url}webhook", "NOWHERE");
            append_to_reply("X-Returned: $rc\r\n");
            http_async_send("{url}webhook", "NOWHERE");
            http_async_send("{url}webhook", "NO_BETTER");
            http_async_send("{url}webhook", "");
            http_async_query("{url}webhook", "");
            append_to_reply("X-Without: $rc\r\n");
            sl_send_reply("200", "OK");
        }"#;
    let kamailio = instance(&server, script).children(1).start();
    let answer = kamailio.message("alice");
    assert_eq!((seen(&answer, "X-Returned"), seen(&answer, "X-Without")), ("1", "1"), "{}", answer.text());
    kamailio.wait_for_counts([5, 5, 0, 0, 0]);
    assert_eq!(server.requests().len(), 5);
    let lines = kamailio.log_lines("http_async_client [");
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, name) in lines.iter().zip(["NOWHERE", "NO_BETTER"]) {
        assert!(line.contains("WARNING") && line.contains(name), "{line}");
    }
}

#[test]
fn a_query_whose_route_is_not_there_is_refused_where_it_would_suspend() {
    let server = echo();
    for name in ["NOWHERE", ""] {
        let script = format!(
            r#"route[MAIN] {{ t_newtran(); http_async_query("{{url}}", "{name}"); append_to_reply("X-Returned: $rc\r\n");
                t_reply("500", "Not suspended"); }}"#
        );
        let kamailio = instance(&server, &script).start();
        assert_refused(&kamailio.message("alice"));
        let lines = kamailio.log_lines("http_async_client [");
        assert!(lines.len() == 1 && lines[0].contains("ERROR") && lines[0].contains(name), "{lines:?}");
        kamailio.wait_for_counts([0; 5]);
        kamailio.wait_for_no_transaction();
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_id_is_an_empty_string_before_any_query() {
    let script = r#"route[MAIN] {
        if($http_req_id == $null) { append_to_reply("X-Null: yes\r\n"); }
        $ru = "sip:bob@127.0.0.1";
        $rU = $http_req_id;
        append_to_reply("X-Id: <$http_req_id>\r\nX-Length: $(http_req_id{s.len})\r\n");
        sl_send_reply("200", "OK");
    }"#;
    let kamailio = Kamailio::with_script(script).start();
    let answer = kamailio.message("alice");
    assert_eq!((seen(&answer, "X-Id"), seen(&answer, "X-Length"), answer.header("X-Null")), ("<>", "0", None));
    assert_eq!(kamailio.log_lines("http_async_client"), Vec::<String>::new());
}

/// Relays; each reply waits for an HTTP answer.
const EACH_REPLY: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { exit; }
        t_newtran();
        t_on_reply("ANSWER");
        $ru = "sip:{callee}";
        t_relay();
    }
    onreply_route[ANSWER] {
        $http_req(timeout) = 8000;
        http_async_query("{url}", "RESUMED");
        xlog("L_NOTICE", "went on with $rs, returned $rc\n");
    }
    route[RESUMED] { xlog("L_NOTICE", "resumed $rs\n"); }"#;

#[test]
fn a_retransmission_of_a_suspended_reply_is_no_error() {
    for status in [180, 200] {
        let server = HttpServer::start(|_| Response::text("x").after(Duration::from_millis(700)));
        let callee = callee();
        let kamailio = instance(&server, EACH_REPLY).set("callee", callee.address()).start();
        let call = Call::start(&kamailio, &callee);
        callee.reply(&call.invite, status, "Same");
        server.wait_for_requests(1, PATIENCE);
        callee.reply(&call.invite, status, "Same");
        kamailio.wait_for_log(&format!("went on with {status}, returned -1"));
        kamailio.wait_for_log(&format!("resumed {status}"));
        assert_eq!(kamailio.log_lines("ERROR: http_async_client"), Vec::<String>::new(), "{status}");
        if status < 200 {
            // Another reply is another query: that one is told.
            callee.reply(&call.invite, 183, "Other");
            server.wait_for_requests(2, PATIENCE);
            callee.reply(&call.invite, 200, "OK");
            kamailio.wait_for_log("went on with 200, returned -1");
            assert_eq!(kamailio.log_lines("the transaction is suspended already").len(), 1);
        }
        assert_eq!(call.answer().status(), 200);
        kamailio.wait_for_no_transaction();
    }
}

#[test]
fn the_event_route_of_a_request_of_the_servers_own_goes_on_with_its_query_sent() {
    let server = echo();
    let callee = callee();
    let script = r#"
        route[MAIN] {
            $uac_req(method) = "OPTIONS"; $uac_req(ruri) = "sip:{callee}"; $uac_req(furi) = "sip:a@b";
            $uac_req(turi) = "sip:c@d"; $uac_req(evroute) = 1; uac_req_send();
            sl_send_reply("200", "OK");
        }
        event_route[uac:reply] {
            http_async_query("{url}", "NOTED");
            xlog("L_NOTICE", "went on, returned $rc\n");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs $rm\n"); }"#;
    let kamailio = instance(&server, script).modules(&["rr", "uac"]).set("callee", callee.address()).start();
    assert_eq!(kamailio.message("alice").status(), 200);
    let options = callee.receive_request(PATIENCE).expect("a request of Kamailio's own");
    callee.reply(&options, 200, "OK");
    kamailio.wait_for_log("went on, returned 1");
    kamailio.wait_for_log("noted 200 OPTIONS");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_callback_that_leaves_its_transaction_alone_is_warned_of_once() {
    let server = echo();
    let script = r#"
        route[MAIN] { t_newtran(); http_async_query("{url}", "$rU"); }
        route[forgets] { xlog("L_NOTICE", "forgets $http_rs\n"); }
        route[answers] { t_reply("200", "Answered"); }
        route[again] { http_async_query("{url}", "answers"); }
        route[relays] { $ru = "sip:nobody@127.0.0.1:9"; t_set_fr(0, 300); t_relay(); }"#;
    let kamailio = instance(&server, script).start();
    for (user, status) in [("answers", 200), ("again", 200), ("forgets", 500), ("forgets", 500), ("relays", 408)] {
        assert_eq!(kamailio.message(user).status(), status, "{user}");
    }
    let lines = kamailio.log_lines("http_async_client [");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARNING") && lines[0].contains("forgets"), "{}", lines[0]);
    kamailio.wait_for_no_transaction();
}

/// tm lets no branch be added to a call that the caller has given up, and answers it with 487.
#[test]
fn a_callback_whose_caller_has_given_up_is_not_blamed_for_it() {
    let server = echo();
    let script = r#"
        route[MAIN] {
            if(is_method("CANCEL")) { t_relay_cancel(); exit; }
            if(is_method("ACK")) { t_check_trans(); exit; }
            t_newtran();
            http_async_query("{url}", "RELAYS");
        }
        route[RELAYS] {
            xlog("L_NOTICE", "runs\n");
            while(!t_is_canceled()) { usleep("50000"); }
            $ru = "sip:nobody@127.0.0.1:9";
            t_relay();
            xlog("L_NOTICE", "relayed: $rc\n");
        }"#;
    let kamailio = instance(&server, script).modules(&["tmx", "cfgutils"]).start();
    let caller = kamailio.client();
    let sent = caller.send("INVITE", "bob", "", "");
    kamailio.wait_for_log("runs");
    caller.cancel(&sent);
    assert!(kamailio.wait_for_log("relayed: ").contains("relayed: -"));
    assert_eq!(caller.final_answer(&sent).expect("an answer").status(), 487);
    kamailio.wait_for_no_transaction();
    assert_eq!(kamailio.log_lines("neither a reply nor a branch"), Vec::<String>::new());
}

#[test]
fn a_transaction_that_a_callback_makes_ends_with_it_unless_it_waits_for_a_branch() {
    let server = echo();
    let callee = callee();
    let script = r#"
        route[MAIN] { http_async_query("{url}", "$rU"); sl_send_reply("200", "OK"); }
        route[makes] { t_newtran(); xlog("L_NOTICE", "made [$T(id_label)]\n"); }
        route[answers] { t_newtran(); t_reply("200", "To nobody"); }
        route[looks] { if(t_is_set("failure_route")) { xlog("L_NOTICE", "looks: a transaction\n"); } else { xlog("L_NOTICE", "looks: none\n"); } }
        route[relays] { t_on_reply("RELAYED"); t_on_failure("FAILED"); $ru = "sip:{callee}"; t_relay(); }
        onreply_route[RELAYED] { xlog("L_NOTICE", "relayed: $rs\n"); }
        failure_route[FAILED] { xlog("L_NOTICE", "failed: $T_reply_code\n"); }"#;
    let kamailio = instance(&server, script).modules(&["tmx"]).set("callee", callee.address()).start();
    for _ in 0..5 {
        for user in ["makes", "answers", "looks"] {
            assert_eq!(kamailio.message(user).status(), 200);
        }
    }
    assert!(wait_until(PATIENCE, || kamailio.log_lines("looks: ").len() == 5), "{}", kamailio.log());
    assert_eq!(kamailio.log_lines("looks: none").len(), 5);
    kamailio.wait_for_no_transaction();
    assert_eq!(kamailio.message("relays").status(), 200);
    let request = callee.receive_request(PATIENCE).expect("it is relayed");
    assert_eq!(kamailio.message("looks").status(), 200);
    assert!(wait_until(PATIENCE, || kamailio.log_lines("looks: ").len() == 6), "{}", kamailio.log());
    assert_eq!(kamailio.transactions(), 1, "it waits for its branch");
    callee.reply(&request, 486, "Busy Here");
    kamailio.wait_for_log("relayed: 486");
    kamailio.wait_for_log("failed: 486");
    kamailio.wait_for_no_transaction();
    assert_eq!(kamailio.log_lines("ERROR: http_async_client"), Vec::<String>::new());
}

/// A call that another process is busy with is looked up by its Call-ID, and told to ring.
#[test]
fn a_transaction_that_a_callback_looks_up_is_not_ended_with_it() {
    let server = echo();
    let script = r#"
        route[MAIN] {
            if($rU == "alice") { http_async_query("{url}", "RINGS"); }
            if($rU == "done") { $shv(done) = 1; }
            if(!is_method("INVITE")) { sl_send_reply("200", "OK"); exit; }
            t_newtran();
            $shv(call) = $ci;
            $shv(number) = $cs;
            xlog("L_NOTICE", "busy\n");
            while($shv(done) == 0) { usleep("20000"); }
            t_reply("480", "Later");
        }
        route[RINGS] { t_reply_callid("$shv(call)", "$shv(number)", "180", "Ringing"); xlog("L_NOTICE", "rang $rc\n"); }"#;
    let kamailio = instance(&server, script)
        .modules(&["tmx", "cfgutils"])
        .before("max_while_loops=10000")
        .lines("modparam(\"pv\", \"shvset\", \"done=i:0\")")
        .start();
    let caller = kamailio.client();
    let sent = caller.send("INVITE", "bob", "", "");
    kamailio.wait_for_log("busy");
    for times in 1..=2 {
        assert_eq!(kamailio.message("alice").status(), 200);
        // The second callback begins after the end of the first.
        assert!(wait_until(PATIENCE, || kamailio.log_lines("rang 1").len() == times), "{}", kamailio.log());
    }
    let transactions = kamailio.rpc_numbers(&["tm.stats"]);
    assert_eq!((transactions["current"], transactions["waiting"]), (1, 0), "{transactions:?}");
    assert_eq!(kamailio.message("done").status(), 200);
    assert_eq!(caller.final_answer(&sent).expect("an answer").status(), 480);
    kamailio.wait_for_no_transaction();
}

/// Stateless 200s that have been sent.
fn sent_replies(kamailio: &Kamailio) -> i64 {
    kamailio.rpc_numbers(&["sl.stats"])["200"]
}

#[test]
fn no_reply_leaves_for_a_message_that_nobody_sent() {
    let server = echo();
    let script = r#"
        route[MAIN] { http_async_query("{url}", "REPLIES"); sl_send_reply("200", "OK"); }
        route[REPLIES] {
            sl_send_reply("200", "To nobody");
            xlog("L_NOTICE", "stateless: $rc\n");
            send_reply("200", "To nobody");
            xlog("L_NOTICE", "either: $rc\n");
            t_newtran();
            t_reply("200", "To nobody");
            xlog("L_NOTICE", "stateful: $rc\n");
        }"#;
    let kamailio = instance(&server, script).start();
    let before = sent_replies(&kamailio);
    kamailio.message("alice");
    for how in ["stateless", "either", "stateful"] {
        let line = kamailio.wait_for_log(&format!("{how}: "));
        assert!(line.contains(": -"), "{line}");
    }
    assert_eq!(sent_replies(&kamailio) - before, 1, "the one to alice");
    kamailio.wait_for_no_transaction();
}

#[test]
fn what_a_callback_forwards_leaves() {
    let server = echo();
    let callee = callee();
    let script = r#"
        route[MAIN] { http_async_query("{url}", "FORWARDS"); sl_send_reply("200", "OK"); }
        route[FORWARDS] { $du = "sip:{callee}"; forward(); }"#;
    let kamailio = instance(&server, script).set("callee", callee.address()).start();
    kamailio.message("alice");
    assert!(callee.receive_request(PATIENCE).is_some(), "{}", kamailio.log());
    kamailio.wait_for_no_transaction();
}

/// The answer of a query, as `{seen}` of [`ERRORS`] shows it.
fn error(answer: &SipMessage) -> [String; 4] {
    ["X-Err", "X-Class", "X-Number", "X-Error"].map(|header| seen(answer, header).to_owned())
}

const ERRORS: &str = r#"append_to_reply("X-Err: $http_err\r\nX-Class: $http_err_class\r\nX-Number: $http_errno\r\n");
    $var(next) = $http_errno + 1; append_to_reply("X-Next: $var(next)\r\n");"#;

#[test]
fn an_error_has_a_class_and_a_number_and_a_time_limit_is_timeout() {
    let late = HttpServer::start(|_| Response::text("x").after(Duration::from_secs(3)));
    let endless = HttpServer::start(redirect(302, "/again"));
    let long = HttpServer::start(|_| Response::text("four"));
    let not_http = HttpServer::start(|_| Response::raw(b"SSH-2.0-nothing\r\n".to_vec()).then_close());
    let silent = HttpServer::start(|_| Response::raw(Vec::new()).then_close());
    let unanswered = end_to_end::unanswered_port::UnansweredPort::new(
        std::net::TcpListener::bind("127.0.0.1:0").expect("a free port"),
    );
    let nobody = format!("http://{}/", unanswered.address());
    let script = format!("route[MAIN] {{ t_newtran(); route(ASK); }}\n{REPORT}");
    for (url, assignments, class, number, text) in [
        (late.url("/"), "$http_req(timeout) = 150;", "timeout", "28", "150 ms passed while waiting for 127.0.0.1"),
        (nobody, "$http_req(connect_timeout) = 150;", "timeout", "28", "onnect"),
        ("http://no-such-host.invalid/".to_owned(), "", "dns", "6", "no-such-host.invalid"),
        ("http://127.0.0.1:1/".to_owned(), "", "connect", "7", "onnect"),
        (silent.url("/").replace("http:", "https:"), "", "tls", "35", "SSL"),
        (not_http.url("/"), "", "protocol", "1", "HTTP/0.9"),
        (silent.url("/"), "", "protocol", "52", "Empty reply"),
        ("http://".to_owned(), "", "protocol", "3", "URL"),
        ("file:///etc/passwd".to_owned(), "", "protocol", "1", "rotocol"),
        (long.url("/"), "$http_req(max_response_size) = 3;", "limit", "63", "3 bytes"),
        (endless.url("/"), "$http_req(follow_redirect) = 1;", "limit", "47", "5 is the limit"),
    ] {
        let ask =
            format!(r#"route[ASK] {{ $http_req(timeout) = 8000; {assignments} http_async_query("{url}", "REPLY"); }}"#);
        let kamailio = Kamailio::with_script(&format!("{script}{ask}")).set("seen", ERRORS).start();
        let answer = kamailio.message("alice");
        let [error, seen_class, seen_number, seen_text] = error(&answer);
        assert_eq!((seen_class.as_str(), seen_number.as_str()), (class, number), "{url}: {error} {seen_text}");
        assert_eq!(seen(&answer, "X-Next"), (number.parse::<u32>().expect("a number") + 1).to_string());
        assert!(seen_text.contains(text), "{text:?} is not in {seen_text:?}");
        let (expected, counts) =
            if class == "timeout" { ("TIMEOUT", [1, 0, 0, 1, 0]) } else { (seen_text.as_str(), [1, 0, 1, 0, 0]) };
        assert_eq!(error, expected);
        kamailio.wait_for_counts(counts);
    }
}

#[test]
fn without_an_error_its_variables_are_null() {
    let server = echo();
    let answer = one_query(&server.url("/"), "", ERRORS).start().message("alice");
    assert_replied(&answer, "200");
    assert_eq!(error(&answer), ["<null>"; 4]);
}

#[test]
fn a_length_beyond_the_limit_ends_the_query_at_the_head() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let server = HttpServer::start(move |_| {
        Response::steps(vec![
            end_to_end::http_server::Step::Send(head.into()),
            end_to_end::http_server::Step::WaitForever,
        ])
    });
    let kamailio =
        one_query(&server.url("/"), "$http_req(timeout) = 60000; $http_req(max_response_size) = 999;", ERRORS).start();
    let answer = kamailio.message("alice");
    assert_eq!((seen(&answer, "X-Class"), seen(&answer, "X-Number")), ("limit", "63"), "{}", answer.text());
    assert!(seen(&answer, "X-Error").contains("the response body is longer than 999 bytes"));
}

/// A length that no body of that length follows, or one that nobody takes.
#[test]
fn a_length_without_a_body_of_the_query_ends_nothing() {
    let server = HttpServer::start(|request| match (request.target.as_str(), request.header("Authorization")) {
        ("/not-modified", _) => Response::raw(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n".to_vec()),
        ("/challenge", None) => {
            Response::new(401, "Who").header("WWW-Authenticate", "Basic realm=\"x\"").body(vec![b'x'; 1000])
        }
        ("/redirect", _) => Response::new(302, "Found").header("Location", "/there").body(vec![b'x'; 1000]),
        ("/head", _) => Response::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec()),
        _ => Response::text("x"),
    });
    for (path, assignments, status) in [
        ("/not-modified", "", "304"),
        ("/head", "$http_req(method) = \"HEAD\";", "200"),
        ("/challenge", "$http_req(username) = \"alice\"; $http_req(password) = \"a\";", "200"),
        ("/redirect", "$http_req(follow_redirect) = 1;", "200"),
    ] {
        let limits = "$http_req(timeout) = 8000; $http_req(max_response_size) = 999;";
        let answer = one_query(&server.url(path), &format!("{limits} {assignments}"), "").start().message("alice");
        assert_eq!(seen(&answer, "X-Status"), status, "{path}\n{}", answer.text());
    }
}

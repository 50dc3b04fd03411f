//! What a script finds again in its callback, and what it does not: the manual's table "What survives a suspension", and the notes
//! below it.

use crate::common::{Call, callee, instance};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::rtpengine::Rtpengine;
use std::time::Duration;

/// Sets all there is, before and after the transaction is made, queries twice, and relays to `{callee}`.
const SCRIPT: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { t_check_trans(); exit; }
        $ru = "sip:before@{callee}";
        $du = "sip:{callee};before=1";
        t_newtran();
        $ru = "sip:after@{callee}";
        $du = "sip:{callee};after=1";
        $avp(a) = "kept";
        $xavp(x=>f) = "kept";
        $xavu(u) = "kept";
        $var(v) = "kept";
        setflag(5);
        setbflag(3);
        append_hf("X-Before: kept\r\n");
        append_to_reply("X-Reply: kept\r\n");
        replace_body("old", "new");
        append_branch("sip:second@{callee}");
        t_on_branch("BRANCH");
        t_on_reply("REPLY");
        t_on_failure("FAILURE");
        http_async_query("{url}", "FIRST");
    }
    route[FIRST] {
        xlog("L_NOTICE", "first: $ru $du avp $avp(a) xavp $xavp(x=>f) xavu $xavu(u) var $var(v) flags $mf bflags $bf, $hdr(X-Before)\n");
        append_hf("X-First: lost\r\n");
        append_to_reply("X-Reply-First: lost\r\n");
        setflag(6);
        $avp(a) = "first";
        $xavp(x[0]=>g) = "first";
        $ru = "sip:first@{callee}";
        $du = "sip:{callee};first=1";
        http_async_query("{url}", "SECOND");
    }
    route[SECOND] {
        xlog("L_NOTICE", "second: $ru $du avp $avp(a) xavp $xavp(x=>f) $xavp(x=>g) flags $mf, $hdr(X-Before)\n");
        append_hf("X-Second: kept\r\n");
        append_to_reply("X-Reply-Second: kept\r\n");
        if($rU == "before" && $hdr(X-Reject) == $null) { t_relay(); exit; }
        t_reply("480", "Rejected");
    }
    branch_route[BRANCH] { xlog("L_NOTICE", "branch_route $ru, flags $bf\n"); }
    onreply_route[REPLY] { xlog("L_NOTICE", "onreply_route $rs\n"); }
    failure_route[FAILURE] { xlog("L_NOTICE", "failure_route\n"); }
"#;

#[test]
fn what_the_table_of_the_manual_says_survives_survives_and_nothing_else() {
    let server = HttpServer::start(|_| Response::text("x"));
    let callee = callee();
    let kamailio = instance(&server, SCRIPT).modules(&["corex"]).set("callee", callee.address()).start();
    let call = Call::start(&kamailio, &callee);
    let at = callee.address();
    // $ru and $du as they were when the transaction was made; $var() is the process's own; branch flags are gone.
    let before = format!("sip:before@{at} sip:{at};before=1");
    kamailio.wait_for_log(&format!("first: {before} avp kept xavp kept xavu kept var 0 flags 32 bflags 0, <null>"));
    // What the first callback sets with AVPs and flags is there, its $ru is not.
    kamailio.wait_for_log(&format!("second: {before} avp first xavp kept first flags 96, <null>"));
    // Headers of request_route and of the last callback.
    let header = |name| call.invite.header(name);
    let seen = (header("X-Before"), header("X-First"), header("X-Second"));
    assert_eq!(seen, (Some("kept"), None, Some("kept")), "{}", call.invite.text());
    assert_eq!(call.invite.uri(), format!("sip:before@{at}"));
    // No second branch, and what was armed before is armed.
    callee.reply(&call.invite, 486, "Busy Here");
    assert_eq!(call.answer().status(), 486);
    kamailio.wait_for_log(&format!("branch_route sip:before@{at}, flags 0"));
    kamailio.wait_for_log("onreply_route 486");
    kamailio.wait_for_log("failure_route");
    assert_eq!(kamailio.log_lines("branch_route sip:").len(), 1, "{}", kamailio.log());

    let caller = kamailio.client();
    let sent = caller.send("INVITE", "bob", "Content-Type: text/plain\r\n", "old");
    let mut requests = std::iter::from_fn(|| callee.receive_request(PATIENCE));
    let invite = requests.find(|request| request.method() == "INVITE" && request.is_for(&sent)).expect("the INVITE");
    assert_eq!(invite.body(), "new");
    callee.reply(&invite, 486, "Busy Here");
    assert_eq!(caller.final_answer(&sent).expect("an answer").status(), 486);

    let rejected = kamailio.client().transact_with("INVITE", "bob", "X-Reject: yes\r\n", "").expect("an answer");
    let header = |name| rejected.header(name);
    let seen = (header("X-Reply"), header("X-Reply-First"), header("X-Reply-Second"));
    assert_eq!(seen, (Some("kept"), None, Some("kept")), "{}", rejected.text());
}

/// One query; `{callback}` is its callback.
const ONE: &str = r#"
    route[MAIN] {
        if(is_method("ACK")) { t_check_trans(); exit; }
        t_newtran();
        http_async_query("{url}", "CALLBACK");
    }
    route[CALLBACK] { {callback} }
"#;

fn callback(server: &HttpServer, statements: &str) -> Builder {
    instance(server, ONE).modules(&["tmx"]).set("callback", statements)
}

#[test]
fn the_code_of_a_reply_in_a_callback_is_0_and_a_critical_line() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = callback(&server, r#"$var(code) = "Code " + $T_reply_code; t_reply("480", "$var(code)");"#).start();
    assert_eq!(kamailio.message("alice").reason(), "Code 0");
    let ended = kamailio.stop();
    let lines = ended.critical_lines();
    assert!(lines.len() == 1 && lines[0].contains("pv_get_tm_reply_code"), "{lines:?}");
}

#[test]
fn a_body_in_quotes_ends_at_pv_buffer_size_and_one_without_does_not() {
    let long = format!(r#"{{"padding": "{}", "end": "found"}}"#, "x".repeat(12_000));
    let server = HttpServer::start(move |_| Response::json(long.clone()));
    let statements = r#"
        $avp(body) = $http_rb;
        $var(quoted) = "none"; $var(bare) = "none";
        jansson_get("end", "$http_rb", "$var(quoted)");
        jansson_get("end", $http_rb, "$var(bare)");
        $var(seen) = "" + $(avp(body){s.len}) + " " + $var(quoted) + " " + $var(bare);
        t_reply("200", "$var(seen)");"#;
    let kamailio = callback(&server, statements).modules(&["jansson"]).before("pv_buffer_size=8192").start();
    assert_eq!(kamailio.message("alice").reason(), "12031 none found");
    assert!(kamailio.log().contains("no more space for spec value"), "{}", kamailio.log());
    let large = callback(&server, statements).modules(&["jansson"]).before("pv_buffer_size=65536").start();
    assert_eq!(large.message("alice").reason(), "12031 found found");
}

#[test]
fn a_destination_of_a_body_with_a_line_end_is_none_until_it_is_trimmed() {
    let callee = callee();
    let at = callee.address();
    let server = HttpServer::start(move |_| Response::text(format!("sip:{at}\n")));
    let statements = r#"
        $du = $http_rb;
        if(!t_relay()) xlog("L_NOTICE", "not relayed\n");
        $du = $(http_rb{s.trim});
        t_relay();"#;
    let kamailio = callback(&server, statements).start();
    let call = Call::start(&kamailio, &callee);
    kamailio.wait_for_log("not relayed");
    callee.reply(&call.invite, 486, "Busy Here");
    assert_eq!(call.answer().status(), 486);
}

/// All that a MESSAGE is answered with.
fn answers(kamailio: &Kamailio) -> Vec<u16> {
    let client = kamailio.client();
    client.send("MESSAGE", "alice", "", "");
    let first = client.receive(PATIENCE).expect("an answer").status();
    kamailio.wait_for_no_transaction();
    let others = std::iter::from_fn(|| client.receive(Duration::from_millis(1)));
    std::iter::once(first).chain(others.map(|answer| answer.status())).collect()
}

#[test]
fn sl_send_reply_in_a_callback_goes_past_the_transaction_which_answers_again() {
    let server = HttpServer::start(|_| Response::text("x"));
    let stateless = callback(&server, r#"sl_send_reply("480", "Stateless");"#).start();
    assert_eq!(answers(&stateless), [480, 500]);
    let stateful = callback(&server, r#"send_reply("480", "In The Transaction");"#).start();
    assert_eq!(answers(&stateful), [480]);
}

#[test]
fn rtpengine_manage_in_a_callback_is_a_delete() {
    let rtpengine = Rtpengine::start();
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = callback(&server, r#"rtpengine_manage(); t_reply("480", "Managed");"#)
        .modules(&["rtpengine"])
        .lines(&format!("modparam(\"rtpengine\", \"rtpengine_sock\", \"{}\")", rtpengine.socket()))
        .start();
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n";
    let answer = kamailio.client().transact_with("INVITE", "bob", "Content-Type: application/sdp\r\n", sdp);
    assert_eq!(answer.expect("an answer").status(), 480);
    rtpengine.wait_for_commands("delete", 1);
    assert_eq!(rtpengine.commands("offer"), 0);
}

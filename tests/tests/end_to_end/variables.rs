//! The `$http_*` variables.

use crate::common::{ask, assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Kamailio;
use std::time::Duration;

const RESPONSE: &[u8] = b"HTTP/1.1 404 Not Found Here\r\nX-Several: one\r\nx-several:  two \r\nX-SEVERAL: three\r\n\
                          Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nbo\0dy\r\n";

fn with_response(seen: &str) -> end_to_end::sip::SipMessage {
    let server = HttpServer::start(|_| Response::raw(RESPONSE.to_vec()));
    one_query(&server.url("/"), "", &format!("$var(name) = \"x-Several\"; $var(i) = 1; {seen}"))
        .start()
        .message("alice")
}

#[test]
fn any_status_is_ok_and_its_reason_is_there() {
    let answer = with_response("");
    assert_replied(&answer, "404");
    assert_eq!(seen(&answer, "X-Reason"), "Not Found Here");
}

#[test]
fn message_and_body_are_byte_for_byte_with_their_lengths() {
    let answer = with_response(
        r#"append_to_reply("X-Mb: $(http_mb{s.encode.hexa})\r\nX-Rb: $(http_rb{s.encode.hexa})\r\n");
           append_to_reply("X-Ml: $http_ml\r\nX-Bs: $http_bs\r\n");"#,
    );
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(seen(&answer, "X-Mb"), hexadecimal(RESPONSE));
    assert_eq!(seen(&answer, "X-Rb"), hexadecimal(b"bo\0dy\r\n"));
    assert_eq!(seen(&answer, "X-Ml"), RESPONSE.len().to_string());
    assert_eq!(seen(&answer, "X-Bs"), "7");
}

#[test]
fn lengths_and_status_are_numbers() {
    let answer =
        with_response(r#"$var(sum) = $http_rs + $http_bs + $http_ok; append_to_reply("X-Sum: $var(sum)\r\n");"#);
    assert_eq!(seen(&answer, "X-Sum"), "412");
}

#[test]
fn headers_are_found_by_name_in_any_case_and_by_index() {
    let answer = with_response(
        r#"append_to_reply("X-First: $http_hdr(X-Several)\r\nX-Second: $(http_hdr(x-several)[1])\r\n");
           append_to_reply("X-Last: $(http_hdr(X-Several)[-1])\r\nX-Third-Last: $(http_hdr(X-Several)[-3])\r\n");
           append_to_reply("X-Beyond: $(http_hdr(X-Several)[3])\r\nX-Before: $(http_hdr(X-Several)[-4])\r\n");
           append_to_reply("X-All: $(http_hdr(X-Several)[*])\r\nX-None: $http_hdr(X-Nothing)\r\n");
           append_to_reply("X-Any: $http_hdr(*)\r\nX-Any-Last: $(http_hdr(*)[-1])\r\n");
           append_to_reply("X-Named: $http_hdr($var(name))\r\nX-Named-Index: $(http_hdr($var(name))[$var(i)])\r\n");"#,
    );
    for (header, value) in [
        ("X-First", "one"),
        ("X-Second", "two"),
        ("X-Last", "three"),
        ("X-Third-Last", "one"),
        ("X-Beyond", "<null>"),
        ("X-Before", "<null>"),
        ("X-All", "one,two,three"),
        ("X-None", "<null>"),
        ("X-Any", "one"),
        ("X-Any-Last", "7"),
        ("X-Named", "one"),
        ("X-Named-Index", "two"),
    ] {
        assert_eq!(seen(&answer, header), value, "{header}");
    }
}

#[test]
fn times_are_microseconds_from_the_start_in_their_order() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(100)));
    let report = r#"append_to_reply("X-Times: $http_time(lookup) $http_time(connect) $http_time(pretransfer) $http_time(starttransfer) $http_time(total)\r\nX-Zero: $http_time(appconnect) $http_time(redirect)\r\n");"#;
    let answer = one_query(&server.url("/"), "", report).start().message("alice");
    let times: Vec<u64> = seen(&answer, "X-Times").split(' ').map(|time| time.parse().expect("a number")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[4] >= 100_000 && times[2] < 100_000 && times[4] < 500_000, "{times:?}");
    assert_eq!(seen(&answer, "X-Zero"), "0 0");
}

#[test]
fn an_error_has_a_text_and_nothing_else() {
    let answer = one_query(
        "http://127.0.0.1:1/",
        "",
        r#"append_to_reply("X-Rb: $http_rb $http_mb $http_ml $http_bs $http_hdr(A)\r\n");"#,
    )
    .start()
    .message("alice");
    assert_failed(&answer, "onnect");
    assert_eq!(seen(&answer, "X-Rb"), "<null> <null> <null> <null> <null>");
    assert_eq!(seen(&answer, "X-Reason"), "<null>");
}

#[test]
fn outside_a_callback_all_are_null_and_nothing_is_logged() {
    let script = r#"route[MAIN] {
        append_to_reply("X-Seen: $http_ok $http_err $http_rs $http_rr $http_hdr(A) $http_mb $http_ml $http_rb $http_bs $http_time(total) $http_err_text $http_err_class $http_errno\r\n");
        sl_send_reply("200", "OK");
    }"#;
    let kamailio = Kamailio::with_script(script).start();
    let answer = kamailio.message("alice");
    assert_eq!(seen(&answer, "X-Seen"), ["<null>"; 13].join(" "));
    assert_eq!(kamailio.log_lines("http_async_client"), Vec::<String>::new());
}

#[test]
fn the_id_names_a_query_before_and_in_its_callback() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            $http_req(suspend) = 0;
            http_async_query("{url}", "NOTED");
            xlog("L_NOTICE", "sent<$http_req_id>\n");
            sl_send_reply("200", "OK");
        }
        route[NOTED] {
            xlog("L_NOTICE", "ended<$http_req_id>\n");
            if($http_rb == "x" && $http_hdr(X-Chain) == $null) {
                http_async_query("{url}", "LAST");
                xlog("L_NOTICE", "sent<$http_req_id>\n");
            }
        }
        route[LAST] { xlog("L_NOTICE", "last<$http_req_id>\n"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    kamailio.message("alice");
    let last = kamailio.wait_for_log("last<");
    let id = |line: &str| line.split(['<', '>']).rev().nth(1).expect("between brackets").to_owned();
    let sent: Vec<String> = kamailio.log_lines("sent<").iter().map(|line| id(line)).collect();
    assert_eq!(id(&kamailio.log_lines("ended<")[0]), sent[0]);
    assert_eq!(id(&last), sent[1]);
    assert_ne!(sent[0], sent[1]);
}

#[test]
fn every_id_is_another() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").start();
    let mut ids: Vec<String> = (0..20).map(|_| seen(&kamailio.message("alice"), "X-Id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[test]
fn an_id_is_another_after_a_restart_of_the_same_process() {
    let server = HttpServer::start(|_| Response::text("x"));
    let first_id = || {
        let kamailio = one_query(&server.url("/"), "", "").children(1).start();
        seen(&kamailio.message("alice"), "X-Id").to_owned()
    };
    assert_ne!(first_id(), first_id());
}

#[test]
fn an_id_does_not_show_up_in_the_next_message() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = format!(
        r#"route[MAIN] {{
            if($rU == "look") {{ append_to_reply("X-Id: $http_req_id\r\n"); sl_send_reply("200", "OK"); exit; }}
            $http_req(suspend) = 0;
            http_async_query("{{url}}", "REPLY");
            sl_send_reply("200", "OK");
        }}{}"#,
        "route[REPLY] { return; }"
    );
    let kamailio = Kamailio::with_script(&script).children(1).set("url", server.url("/")).start();
    kamailio.message("alice");
    assert_eq!(seen(&kamailio.message("look"), "X-Id"), "");
}

#[test]
fn no_body_is_an_empty_string() {
    let server = HttpServer::start(|_| Response::raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()));
    let answer =
        one_query(&server.url("/"), "", r#"append_to_reply("X-Body: <$http_rb> $http_bs\r\n");"#).start().message("a");
    assert_replied(&answer, "204");
    assert_eq!(seen(&answer, "X-Body"), "<> 0");
}

#[test]
fn the_default_method_is_get() {
    let server = HttpServer::start(|_| Response::text("x"));
    assert_replied(&ask(&server, ""), "200");
    assert_eq!(server.requests()[0].method, "GET");
}

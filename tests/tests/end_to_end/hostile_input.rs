//! What a SIP peer may get into a script's strings: control bytes in everything that goes to HTTP.

use crate::common::{assert_failed, assert_refused, assert_replied, one_query};
use end_to_end::http_server::handlers::digest_auth;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio};

/// Bytes in the user part of the request, as hexadecimal digits, put in front of `{tail}` in `$var(x)`.
const DECODE: &str = r#"$var(x) = $(rU{s.decode.hexa}) + "X-Smuggled: yes";"#;

/// Control bytes that a script can get out of a SIP message: line ends, alone and together, NUL, ESC, DEL.
const CONTROL_BYTES: [&str; 6] = ["0d0a", "0a", "0d", "00", "1b", "7f"];

/// Asserts that each control byte refuses the query, that nothing is sent and that each line of the log is one line.
fn assert_all_refused(server: &HttpServer, builder: Builder) {
    let kamailio = builder.start();
    for bytes in CONTROL_BYTES {
        let before = kamailio.log_lines("ERROR: http_async_client").len();
        assert_refused(&kamailio.message(&format!("626f62{bytes}")));
        assert!(kamailio.log_lines("ERROR: http_async_client").len() > before, "no line says why");
    }
    let log = kamailio.log();
    assert!(!log.lines().any(|line| line.starts_with("X-Smuggled")), "{log}");
    assert!(!log.contains(['\x1b', '\0']), "{log}");
    kamailio.wait_for_counts([0; 5]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn control_bytes_in_a_text_that_becomes_part_of_the_request_refuse_the_query() {
    let server = HttpServer::start(digest_auth("bob", "secret", |_| Response::text("x")));
    for assignment in [
        r#"$http_req(username) = $var(x);"#,
        r#"$http_req(password) = $var(x);"#,
        r#"$http_req(hdr) = "X-Mine: " + $var(x);"#,
        r#"$http_req(hdr) = "X-" + $var(x);"#,
        r#"$http_req(method) = $var(x);"#,
        r#"http_async_set("username", "$var(x)");"#,
        r#"http_append_header("X-Mine: $var(x)");"#,
    ] {
        assert_all_refused(&server, one_query(&server.url("/"), &format!("{DECODE} {assignment}"), ""));
    }
}

#[test]
fn control_bytes_in_the_url_refuse_the_query() {
    let server = HttpServer::start(|_| Response::text("x"));
    assert_all_refused(&server, one_query(&server.url("/$var(x)"), DECODE, ""));
    let url = server.url("/").replace("http://", "http://$var(x)@");
    assert_all_refused(&server, one_query(&url, DECODE, ""));
}

#[test]
fn control_bytes_in_the_name_of_a_route_are_an_unknown_route() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            t_newtran();
            {decode}
            http_async_query("{url}", "$var(x)");
            append_to_reply("X-Returned: $rc\r\n");
            t_reply("500", "Not suspended");
        }"#;
    assert_all_refused(&server, Kamailio::with_script(script).set("decode", DECODE).set("url", server.url("/")));
}

#[test]
fn a_nul_in_a_path_refuses_the_query_and_a_line_end_in_it_is_a_file_that_is_not_there() {
    let server = HttpServer::start(|_| Response::text("x"));
    for key in ["tls_ca_path", "tls_client_cert", "tls_client_key"] {
        let assignment = format!("{DECODE} $http_req({key}) = $var(x);");
        let kamailio = one_query(&server.url("/"), &assignment, "").start();
        assert_refused(&kamailio.message("2f746d7000"));
        // Plain HTTP reads no such file.
        assert_replied(&kamailio.message("2f746d700d0a"), "200");
        let secure = server.url("/").replace("http:", "https:");
        let kamailio = one_query(&secure, &assignment, "").start();
        let answer = kamailio.message("2f746d700d0a");
        assert_failed(&answer, "");
        assert_eq!(answer.header("X-Smuggled"), None, "{}", answer.text());
    }
}

#[test]
fn a_body_and_xdata_hold_any_bytes() {
    let server = HttpServer::start(|request| Response::new(200, "OK").body(request.body.clone()));
    let assignments = r#"$http_req(body) = $(rU{s.decode.hexa}); $http_req(xdata) = $(rU{s.decode.hexa});"#;
    let report = r#"append_to_reply("X-Body: $(http_rb{s.encode.hexa}) $(http_xdata{s.encode.hexa})\r\n");"#;
    let kamailio = one_query(&server.url("/"), assignments, report).start();
    let answer = kamailio.message("000d0a1b7fff");
    assert_replied(&answer, "200");
    assert_eq!(answer.header("X-Body"), Some("000d0a1b7fff 000d0a1b7fff"));
}

#[test]
fn a_host_that_is_no_ascii_takes_no_memory_for_good() {
    let host = "\u{e9}".repeat(3000);
    let kamailio = one_query(&format!("http://{host}/"), "", "").parameter("memory_manager", "\"shm\"").start();
    // What the first queries take stays with the worker: handles, buffers.
    (0..5).for_each(|_| assert_failed(&kamailio.message("alice"), "the host name has 6000 bytes, 255 are allowed"));
    kamailio.wait_for_no_transaction();
    let before = kamailio.shared_memory_used();
    (0..50).for_each(|_| assert_failed(&kamailio.message("alice"), "the host name has 6000 bytes, 255 are allowed"));
    kamailio.wait_for_no_transaction();
    let lost = kamailio.shared_memory_used() - before;
    assert!(lost < 50 * 1000, "{lost} bytes for 50 queries");
}

#[test]
fn encoded_control_bytes_in_the_credentials_of_a_url_end_the_query_unsent() {
    let server = HttpServer::start(|_| {
        Response::new(401, "Who").header("WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\", qop=\"auth\"")
    });
    let url = server.url("/").replace("http://", "http://bob%0d%0aX-Evil:%20y:pw@");
    assert_failed(&one_query(&url, "", "").start().message("alice"), "control bytes in a user name or password");
    let lead = url.clone();
    let leading = HttpServer::start(move |_| Response::new(302, "Found").header("Location", lead.clone()));
    let follow = "$http_req(follow_redirect) = 1; $http_req(timeout) = 8000;";
    let answer = one_query(&leading.url("/"), follow, "").start().message("alice");
    assert_failed(&answer, "control bytes in a user name or password");
    assert_eq!(server.requests().len(), 0);
}

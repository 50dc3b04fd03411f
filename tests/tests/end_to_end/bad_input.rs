//! Bad input from the script: one clear line, nothing sent, nothing lost.

use crate::common::{REPORT, assert_failed, assert_refused, one_query};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Kamailio;

#[test]
fn an_unknown_key_keeps_the_script_from_loading_and_the_line_names_the_keys() {
    for (variable, keys) in [("$http_req(bdy)", ["body", "tcp_ka_idle"]), ("$http_time(sum)", ["total", "redirect"])] {
        let script = format!("route[MAIN] {{ $var(x) = {variable}; $var(y) = $http_ok; }}");
        let ended = Kamailio::with_script(&script).check();
        assert!(!ended.status.success(), "{variable} was taken");
        let lines: Vec<&str> = ended.log.lines().filter(|line| line.contains("http_async_client [")).collect();
        assert!(!lines.is_empty(), "{}", ended.log);
        assert!(keys.iter().all(|key| lines[0].contains(key)), "{lines:?}");
    }
}

#[test]
fn a_refused_assignment_refuses_the_query_after_it_with_one_line_each() {
    let server = HttpServer::start(|_| Response::text("x"));
    for (assignment, allowed) in [
        (r#"$http_req(timeout) = "soon";"#, "1 to 3600000"),
        (r#"$http_req(timeout) = 0;"#, "1 to 3600000"),
        (r#"$http_req(timeout) = -1;"#, "1 to 3600000"),
        (r#"$http_req(method) = "P";"#, "GET, POST, PUT, DELETE, PATCH"),
        (r#"$http_req(method) = "TRACE";"#, "GET, POST, PUT, DELETE, PATCH"),
        (r#"$http_req(method) = 1;"#, "GET, POST, PUT, DELETE, PATCH"),
        (r#"$http_req(hdr) = "X-A: b\r\nX-Smuggled: c";"#, "one header line"),
        (r#"$http_req(hdr) = "no colon";"#, "one header line"),
        (r#"$http_req(hdr) = " X-A: b";"#, "one header line"),
        (r#"$http_req(hdr) = "X-A : b";"#, "one header line"),
        (r#"$http_req(hdr) = 1;"#, "one header line"),
        (r#"$http_req(body) = 1;"#, "a string"),
        (r#"$http_req(authmethod) = 32;"#, "1 to 31"),
        (r#"$http_req(authmethod) = "x";"#, "1 to 31"),
        (r#"$http_req(username) = 1;"#, "a string"),
        (r#"$http_req(password) = 1;"#, "a string"),
        (r#"$http_req(tls_client_cert) = 1;"#, "a string"),
        (r#"$http_req(tls_client_key) = 1;"#, "a string"),
        (r#"$http_req(tls_ca_path) = 1;"#, "a string"),
        (r#"$http_req(suspend) = "no";"#, "a whole number"),
        (r#"$http_req(tcp_keepalive) = "no";"#, "a whole number"),
        (r#"$http_req(tcp_ka_idle) = 32768;"#, "0 to 32767"),
        (r#"$http_req(tcp_ka_interval) = -1;"#, "0 to 32767"),
        (r#"$http_req(follow_redirect) = "no";"#, "a whole number"),
        (r#"$http_req(all) = 0;"#, "$null"),
    ] {
        let kamailio = one_query(&server.url("/"), assignment, "").start();
        assert_refused(&kamailio.message("alice"));
        let lines = kamailio.log_lines("ERROR: http_async_client");
        assert_eq!(lines.len(), 2, "{assignment}: {lines:?}");
        assert!(lines[0].contains(allowed), "{assignment}: {}", lines[0]);
        kamailio.wait_for_no_transaction();
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn after_a_refused_assignment_the_parameters_are_back_to_their_defaults() {
    let server = HttpServer::start(|_| Response::text("x"));
    let assignments =
        r#"$http_req(hdr) = "X-Foo: bar"; $http_req(timeout) = "soon"; http_async_query("{url}", "REPLY");"#;
    let kamailio = one_query(&server.url("/"), assignments, "").start();
    crate::common::assert_replied(&kamailio.message("alice"), "200");
    assert_eq!(server.requests()[0].header("X-Foo"), None);
}

#[test]
fn bad_urls_are_refused_at_the_call() {
    let long = format!("http://127.0.0.1/{}", "a".repeat(8192));
    for (url, reason) in [
        ("", "the URL is empty"),
        ("http://127.0.0.1/\r\nX-Smuggled: x", "control byte 0x0d"),
        ("http://127.0.0.1/\tx", "control byte 0x09"),
        (long.as_str(), "8192 are allowed"),
    ] {
        let kamailio = one_query(url, "", "").start();
        assert_refused(&kamailio.message("alice"));
        let lines = kamailio.log_lines("ERROR: http_async_client");
        assert!(lines.len() == 1 && lines[0].contains(reason), "{url:?}: {lines:?}");
        kamailio.wait_for_counts([0; 5]);
        kamailio.wait_for_no_transaction();
    }
}

#[test]
fn urls_that_libcurl_refuses_end_in_the_error_route() {
    for (url, text) in [
        ("http://", "URL"),
        ("http://127.0.0.1:99999/", "URL"),
        ("file:///etc/passwd", "rotocol"),
        ("gopher://127.0.0.1/", "rotocol"),
        ("http://[::1/", "URL"),
    ] {
        let kamailio = one_query(url, "", "").start();
        assert_failed(&kamailio.message("alice"), text);
        kamailio.wait_for_counts([1, 0, 1, 0, 0]);
    }
}

#[test]
fn peers_that_fail_end_in_the_error_route_with_libcurls_words() {
    let not_http = HttpServer::start(|_| Response::raw(b"SSH-2.0-nothing\r\n".to_vec()).then_close());
    let cut_short = HttpServer::start(|_| {
        Response::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec()).then_close()
    });
    let silent = HttpServer::start(|_| Response::raw(Vec::new()).then_close());
    for (url, text) in [
        ("http://no-such-host.invalid/".to_owned(), "resolve host"),
        ("http://127.0.0.1:1/".to_owned(), "onnect"),
        (not_http.url("/"), "HTTP/0.9"),
        (cut_short.url("/"), "95 bytes"),
        (silent.url("/"), "Empty reply"),
        (silent.url("/").replace("http:", "https:"), "SSL"),
    ] {
        let kamailio = one_query(&url, "", "").parameter("connection_timeout", 8000).start();
        assert_failed(&kamailio.message("alice"), text);
        kamailio.wait_for_counts([1, 0, 1, 0, 0]);
    }
}

#[test]
fn an_assignment_that_is_refused_in_the_callback_refuses_the_next_query_there() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] { t_newtran(); http_async_query("{url}", "AGAIN"); }
        route[AGAIN] { $http_req(method) = "P"; http_async_query("{url}", "REPLY"); t_reply("500", "Refused again"); }"#;
    let kamailio =
        Kamailio::with_script(&format!("{script}{REPORT}")).set("seen", "").set("url", server.url("/")).start();
    assert_eq!(kamailio.message("alice").reason(), "Refused again");
    assert_eq!(server.requests().len(), 1);
}

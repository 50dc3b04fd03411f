//! The functions of the 4.4 generation and those of newer ones: each as its `$http_req` key.

use crate::common::{REPORT, assert_failed, assert_refused, assert_replied, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use std::time::Duration;

fn echo() -> HttpServer {
    HttpServer::start(|_| Response::text("x"))
}

/// A request whose script is `{statements}`; `t_newtran()` has made its transaction.
fn with_statements(server: &HttpServer, statements: &str) -> Builder {
    let script = "route[MAIN] { t_newtran(); {statements} append_to_reply(\"X-Returned: $rc\\r\\n\"); \
                  t_reply(\"500\", \"Not suspended\"); }";
    Kamailio::with_script(&format!("{script}{REPORT}"))
        .set("url", server.url("/"))
        .set("seen", r#"append_to_reply("X-Xdata: $http_xdata\r\n");"#)
        .set("statements", statements)
}

#[test]
fn a_query_of_three_parameters_posts_its_body() {
    let server = echo();
    let kamailio = with_statements(&server, r#"http_async_query("{url}", "{'user':'$rU'}", "REPLY");"#).start();
    assert_replied(&kamailio.message("alice"), "200");
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", b"{'user':'alice'}".as_slice()));
}

#[test]
fn a_query_of_three_parameters_keeps_what_was_set() {
    let server = echo();
    let statements =
        r#"$http_req(method) = "PUT"; http_append_header("X-Foo: bar"); http_async_query("{url}", "b", "REPLY");"#;
    assert_replied(&with_statements(&server, statements).start().message("alice"), "200");
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.header("X-Foo")), ("PUT", Some("bar")));
}

#[test]
fn a_query_of_three_parameters_posts_an_empty_body_too() {
    let server = echo();
    let kamailio = with_statements(&server, r#"http_async_query("{url}", "", "REPLY");"#).start();
    assert_replied(&kamailio.message("alice"), "200");
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.header("Content-Length")), ("POST", Some("0")));
}

#[test]
fn header_method_and_timeout_functions_take_variables() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(700)));
    let statements = r#"$var(method) = "DELETE"; $var(timeout) = 150;
        http_append_header("X-Call: $ci"); http_set_method("$var(method)"); http_set_timeout("$var(timeout)");
        http_async_query("{url}", "REPLY");"#;
    assert_failed(&with_statements(&server, statements).start().message("alice"), "150 ms");
    let request = server.requests().remove(0);
    assert_eq!(request.method, "DELETE");
    assert!(request.header("X-Call").is_some_and(|value| value.ends_with("@tests")));
}

#[test]
fn http_set_method_takes_whole_names_in_any_case() {
    let server = echo();
    for method in ["patch", "HEAD", "Options", "delete"] {
        let statements = format!("http_set_method(\"{method}\"); http_async_query(\"{{url}}\", \"REPLY\");");
        assert_replied(&with_statements(&server, &statements).start().message("alice"), "200");
        assert_eq!(server.requests().pop().expect("one a turn").method, method.to_uppercase());
    }
}

#[test]
fn http_async_suspend_0_lets_the_script_go_on() {
    let ask = |argument: &str| {
        let server = echo();
        let statements = format!("http_async_suspend(\"{argument}\"); http_async_query(\"{{url}}\", \"REPLY\");");
        let answer = with_statements(&server, &statements).start().message("alice");
        assert_eq!(server.wait_for_requests(1, PATIENCE).len(), 1);
        answer
    };
    let answer = ask("0");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Not suspended", "1"));
    assert_replied(&ask("1"), "200");
}

#[test]
fn tls_functions_and_keys_decide_for_one_query() {
    let certificates = TestCertificates::temporary();
    let path = |path: std::path::PathBuf| path.display().to_string();
    let ask = |settings, statements: &str| {
        let server = HttpServer::start_tls(settings, |_| Response::text("safe"));
        let statements = format!("{statements} http_async_query(\"{{url}}\", \"REPLY\");");
        with_statements(&server, &statements).parameter("connection_timeout", 8000).start().message("alice")
    };
    let authority = format!("http_set_tls_ca_path(\"{}\");", path(certificates.ca_directory()));
    assert_failed(&ask(certificates.server(), ""), "SSL");
    assert_replied(&ask(certificates.server(), &authority), "200");
    for trust in ["tls_verify_peer(\"0\");", "$http_req(tls_verify_peer) = 0;"] {
        assert_replied(&ask(certificates.server_self_signed(), trust), "200");
    }
    assert_failed(&ask(certificates.server_with_other_name(), &authority), "SSL");
    for trust in ["tls_verify_host(\"0\");", "$http_req(tls_verify_host) = 0;"] {
        assert_replied(&ask(certificates.server_with_other_name(), &format!("{authority} {trust}")), "200");
    }
    let client = format!(
        "{authority} http_set_tls_client_cert(\"{}\"); http_set_tls_client_key(\"{}\");",
        path(certificates.client_certificate()),
        path(certificates.client_key())
    );
    assert_replied(&ask(certificates.server_requiring_client_certificate(), &client), "200");
}

#[test]
fn any_number_but_0_is_yes() {
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server_with_other_name(), |_| Response::text("safe"));
    let trust = format!("$http_req(tls_ca_path) = \"{}\";", certificates.ca_directory().display());
    for yes in ["tls_verify_host(\"3\");", "tls_verify_host(\"-1\");", "$http_req(tls_verify_host) = 7;"] {
        let statements =
            format!("{trust} $http_req(tls_verify_host) = 0; {yes} http_async_query(\"{{url}}\", \"REPLY\");");
        assert_failed(&with_statements(&server, &statements).start().message("alice"), "SSL");
    }
    let server = HttpServer::start_tls(certificates.server_self_signed(), |_| Response::text("safe"));
    for yes in ["tls_verify_peer(\"2\");", "$http_req(tls_verify_peer) = -1;"] {
        let statements = format!("$http_req(tls_verify_peer) = 0; {yes} http_async_query(\"{{url}}\", \"REPLY\");");
        assert_failed(&with_statements(&server, &statements).start().message("alice"), "SSL");
    }
    let server = HttpServer::start(|_| Response::new(302, "Found").header("Location", "/"));
    let statements = r#"$http_req(follow_redirect) = -1; $http_req(suspend) = 0; $http_req(suspend) = -1;
        http_async_query("{url}", "REPLY");"#;
    assert_failed(&with_statements(&server, statements).start().message("alice"), "5 is the limit");
}

#[test]
fn a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query() {
    let server = echo();
    for (call, allowed) in [
        (r#"http_set_timeout("soon")"#, "1 to 3600000"),
        (r#"http_set_timeout("0")"#, "1 to 3600000"),
        (r#"http_set_method("TRACE")"#, "GET, POST"),
        (r#"http_set_method("P")"#, "GET, POST"),
        (r#"http_append_header("no colon")"#, "one header line"),
        (r#"http_append_header("X-A : b")"#, "one header line"),
        (r#"http_append_header("X-A: b\r\nX-Smuggled: c")"#, "one header line"),
        (r#"http_async_suspend("x")"#, "a whole number"),
        (r#"tls_verify_host("x")"#, "a whole number"),
        (r#"tls_verify_peer("")"#, "a whole number"),
        (r#"http_async_set("no_such_key", "1")"#, "the keys are all, hdr"),
        (r#"http_set_timeout("$avp(nothing)")"#, "1 to 3600000"),
    ] {
        let statements =
            format!("if({call}) {{ t_reply(\"200\", \"Taken\"); exit; }} http_async_query(\"{{url}}\", \"REPLY\");");
        let kamailio = with_statements(&server, &statements).start();
        assert_refused(&kamailio.message("alice"));
        let lines = kamailio.log_lines("ERROR: http_async_client");
        assert!(lines.len() == 2 && lines[0].contains(allowed), "{call}: {lines:?}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn send_never_suspends_and_carries_its_string_to_the_callback() {
    let server = echo();
    let script = r#"
        route[MAIN] {
            t_newtran();
            http_async_send("{url}", "NOTED");
            $var(first) = $rc;
            http_async_send_xdata("{url}", "NOTED", "call of $rU");
            append_to_reply("X-Returned: $var(first) $rc\r\n");
            t_reply("200", "Went on");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs <$http_xdata> $rm\n"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Went on", "1 1"));
    kamailio.wait_for_log("noted 200 <<null>> OPTIONS");
    kamailio.wait_for_log("noted 200 <call of alice> OPTIONS");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_suspended_query_carries_a_string_too_and_null_takes_it_back() {
    let server = echo();
    let ask = |statements: &str| with_statements(&server, statements).start().message("alice");
    let answer = ask(r#"$http_req(xdata) = "mine"; http_async_query("{url}", "REPLY");"#);
    assert_eq!(seen(&answer, "X-Xdata"), "mine");
    let answer = ask(r#"$http_req(xdata) = "mine"; $http_req(xdata) = $null; http_async_query("{url}", "REPLY");"#);
    assert_eq!(seen(&answer, "X-Xdata"), "<null>");
    assert_eq!(server.requests()[0].body.len(), 0);
}

#[test]
fn an_empty_string_for_the_callback_is_null_there() {
    let server = echo();
    let set = r#"$http_req(xdata) = "mine"; $http_req(xdata) = "";"#;
    let suspended = format!(r#"{set} http_async_query("{{url}}", "REPLY");"#);
    assert_eq!(seen(&with_statements(&server, &suspended).start().message("alice"), "X-Xdata"), "<null>");
    let kamailio = with_statements(&server, r#"http_async_send_xdata("{url}", "NOTED", "");"#)
        .more(r#"route[NOTED] { xlog("L_NOTICE", "noted <$http_xdata>\n"); }"#)
        .start();
    kamailio.message("alice");
    kamailio.wait_for_log("noted <<null>>");
}

#[test]
fn newer_methods_go_out_with_their_bodies() {
    let server = echo();
    for (method, body, sent) in [
        ("PATCH", "", ""),
        ("PATCH", "b", "b"),
        ("OPTIONS", "", ""),
        ("OPTIONS", "b", "b"),
        ("HEAD", "", ""),
        ("HEAD", "b", ""),
    ] {
        let set = if body.is_empty() { String::new() } else { format!("$http_req(body) = \"{body}\";") };
        let answer = one_query(&server.url("/"), &format!("$http_req(method) = \"{method}\"; {set}"), "")
            .start()
            .message("alice");
        assert_replied(&answer, "200");
        let request = server.requests().pop().expect("one a turn");
        assert_eq!((request.method.as_str(), request.body.as_slice()), (method, sent.as_bytes()));
    }
}

#[test]
fn http_version_asks_for_http_2() {
    let server = echo();
    let asked = |version: &str| {
        let assignments = format!("$http_req(http_version) = {version};");
        let kamailio = one_query(&server.url("/"), &assignments, "").parameter("connection_timeout", 5000).start();
        (kamailio.message("alice"), server.requests().pop())
    };
    let (answer, request) = asked("1");
    assert_replied(&answer, "200");
    assert_eq!(request.expect("a request").header("Upgrade"), Some("h2c"));
    let (answer, request) = asked("0");
    assert_replied(&answer, "200");
    assert_eq!(request.expect("a request").header("Upgrade"), None);
    // The server speaks HTTP/1.1 alone: what comes is the preface of HTTP/2, which it cannot answer.
    let (answer, _) = asked("2");
    assert_eq!(seen(&answer, "X-Ok"), "0", "{}", answer.text());
}

#[test]
fn a_query_from_xhttp_never_suspends_and_its_callback_runs() {
    let server = echo();
    let script = r#"
        route[MAIN] { sl_send_reply("200", "OK"); }
        event_route[xhttp:request] {
            http_async_query("{url}?from=$(hu{s.urlencode.param})", "NOTED");
            xhttp_reply("200", "OK", "text/plain", "$rc");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;
    let port = end_to_end::kamailio::free_tcp_port();
    let kamailio = Kamailio::with_script(script)
        .modules(&["xhttp"])
        .before(&format!("listen=tcp:127.0.0.1:{port}\ntcp_accept_no_cl=yes"))
        .set("url", server.url("/"))
        .start();
    let output = std::process::Command::new("curl")
        .args(["--silent", "--max-time", "10", &format!("http://127.0.0.1:{port}/path")])
        .output()
        .expect("curl is installed");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1", "{}", kamailio.log());
    let requests = server.wait_for_requests(1, PATIENCE);
    assert!(
        requests
            .iter()
            .any(|request| request.target.contains("from=%2fpath") || request.target.contains("from=%2Fpath"))
    );
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

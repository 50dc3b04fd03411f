//! The keys of `$http_req`.

use crate::common::{ask, assert_failed, assert_replied, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::sockets;
use std::time::Duration;

/// The request that the HTTP server got for some assignments.
fn sent_for(assignments: &str) -> Request {
    let server = HttpServer::start(|_| Response::text("x"));
    assert_replied(&ask(&server, assignments), "200");
    server.requests().remove(0)
}

#[test]
fn hdr_adds_headers_and_null_removes_them() {
    let request = sent_for(
        r#"$http_req(hdr) = "X-Gone: x"; $http_req(hdr) = $null;
           $http_req(hdr) = "X-Call: " + $ci; $http_req(hdr) = "X-Foo: bar"; $http_req(hdr) = "X-Foo: baz";"#,
    );
    assert_eq!(request.header_values("X-Foo"), ["bar", "baz"]);
    assert!(request.header("X-Call").is_some_and(|value| value.ends_with("@tests")));
    assert_eq!(request.header("X-Gone"), None);
}

#[test]
fn hdr_replaces_removes_and_empties_as_libcurl_does() {
    let request =
        sent_for(r#"$http_req(hdr) = "Accept:"; $http_req(hdr) = "Host: other"; $http_req(hdr) = "X-Empty;";"#);
    assert_eq!(request.header("Accept"), None);
    assert_eq!(request.header("Host"), Some("other"));
    assert_eq!(request.header("X-Empty"), Some(""));
}

#[test]
fn a_body_makes_a_post_and_null_removes_it() {
    let request = sent_for(r#"$http_req(body) = "{\"a\": 1}";"#);
    assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", b"{\"a\": 1}".as_slice()));
    assert_eq!(request.header("Content-Type"), Some("application/x-www-form-urlencoded"));
    let request = sent_for(r#"$http_req(body) = "a"; $http_req(body) = $null;"#);
    assert_eq!((request.method.as_str(), request.body.as_slice()), ("GET", b"".as_slice()));
}

#[test]
fn an_empty_string_means_not_set() {
    let set = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(authmethod) = 1;
        $http_req(body) = "b"; $http_req(hdr) = "X-Foo: bar";"#;
    let empty = r#"$http_req(username) = ""; $http_req(password) = ""; $http_req(body) = ""; $http_req(hdr) = "";
        http_append_header("");"#;
    let request = sent_for(&format!("{set} {empty}"));
    assert_eq!((request.method.as_str(), request.header("Content-Length"), request.body.len()), ("GET", None, 0));
    assert_eq!((request.header("Authorization"), request.header("X-Foo")), (None, Some("bar")));
    let request = sent_for(r#"$http_req(method) = "POST"; $http_req(body) = "";"#);
    assert_eq!((request.method.as_str(), request.header("Content-Length")), ("POST", Some("0")));
    assert_eq!(request.header("Content-Type"), None, "there is no content that could have a type");
}

#[test]
fn an_empty_tls_path_means_none() {
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server(), |_| Response::text("safe"));
    let ask = |assignments: &str| {
        let instance = one_query(&server.url("/"), assignments, "").parameter("connection_timeout", 8000);
        let missing = ["tls_client_cert", "tls_client_key"];
        let instance = missing.into_iter().fold(instance, |instance, name| instance.parameter(name, "\"/missing\""));
        instance.trusting(&certificates).start().message("alice")
    };
    assert_eq!(seen(&ask(""), "X-Ok"), "0", "the files that the parameters name are missing");
    let keys = r#"$http_req(tls_client_cert) = ""; $http_req(tls_client_key) = "";"#;
    let functions = r#"http_set_tls_client_cert(""); http_set_tls_client_key("");"#;
    for shows_nothing in [keys, functions] {
        assert_replied(&ask(shows_nothing), "200");
        for trusts_nobody in [r#"$http_req(tls_ca_path) = "";"#, r#"http_set_tls_ca_path("");"#] {
            assert_failed(&ask(&format!("{shows_nothing} {trusts_nobody}")), "SSL");
        }
    }
}

#[test]
fn a_large_body_is_sent_without_waiting_for_100_continue() {
    let script = r#"$var(b) = "0123456789abcdef"; $var(i) = 0;
        while($var(i) < 11) { $var(b) = $var(b) + $var(b); $var(i) = $var(i) + 1; }
        $http_req(body) = $var(b);"#;
    let request = sent_for(script);
    assert_eq!(request.body.len(), 32768);
    assert_eq!(request.header("Expect"), None);
}

#[test]
fn every_method_goes_out_with_and_without_a_body() {
    for method in ["GET", "POST", "PUT", "DELETE", "put"] {
        let request = sent_for(&format!(r#"$http_req(method) = "{method}";"#));
        assert_eq!((request.method.as_str(), request.body.len()), (method.to_uppercase().as_str(), 0));
        let request = sent_for(&format!(r#"$http_req(method) = "{method}"; $http_req(body) = "b";"#));
        assert_eq!(
            (request.method.as_str(), request.body.as_slice()),
            (method.to_uppercase().as_str(), b"b".as_slice())
        );
    }
    assert_eq!(sent_for(r#"$http_req(method) = "PUT"; $http_req(method) = $null;"#).method, "GET");
}

#[test]
fn timeout_is_the_deadline_in_milliseconds_and_null_is_the_default() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(700)));
    assert_failed(&ask(&server, "$http_req(timeout) = 150;"), "150 ms");
    assert_replied(&ask(&server, "$http_req(timeout) = 5000;"), "200");
    assert_failed(&ask(&server, "$http_req(timeout) = 5000; $http_req(timeout) = $null;"), "500 ms");
}

#[test]
fn username_and_password_authenticate_and_null_removes_them() {
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(authmethod) = 1;"#;
    assert_eq!(sent_for(credentials).header("Authorization"), Some("Basic YWxpY2U6c2VjcmV0"));
    let removed = format!("{credentials} $http_req(username) = $null; $http_req(password) = $null;");
    assert_eq!(sent_for(&removed).header("Authorization"), None);
}

#[test]
fn authmethod_3_asks_the_server_first_and_null_is_the_default() {
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#;
    let basic = sent_for(&format!("{credentials} $http_req(authmethod) = 1;"));
    assert_eq!(basic.header("Authorization"), Some("Basic YWxpY2U6c2VjcmV0"), "1 sends them at once");
    assert_eq!(sent_for(credentials).header("Authorization"), None);
    let reset = format!("{credentials} $http_req(authmethod) = 1; $http_req(authmethod) = $null;");
    assert_eq!(sent_for(&reset).header("Authorization"), None);
}

#[test]
fn suspend_0_lets_the_script_go_on() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            t_newtran();
            $http_req(suspend) = {suspend};
            http_async_query("{url}", "NOTED");
            append_to_reply("X-Returned: $rc\r\n");
            t_reply("200", "Went on");
        }
        route[NOTED] { xlog("L_NOTICE", "noted $http_rs for $rm\n"); t_reply("200", "Resumed"); }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("/")).set("suspend", "0").start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Went on", "1"));
    kamailio.wait_for_log("noted 200 for OPTIONS");
    for suspends in ["1", "$null"] {
        let kamailio = Kamailio::with_script(script).set("url", server.url("/")).set("suspend", suspends).start();
        assert_eq!(kamailio.message("alice").reason(), "Resumed");
    }
}

#[test]
fn follow_redirect_decides_for_one_query() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/asked" => Response::new(302, "Found").header("Location", "/there"),
        _ => Response::text("there"),
    });
    assert_replied(&ask(&server, "$http_req(follow_redirect) = 1;"), "200");
    assert_replied(&ask(&server, "$http_req(follow_redirect) = 1; $http_req(follow_redirect) = 0;"), "302");
    assert_replied(&ask(&server, "$http_req(follow_redirect) = 1; $http_req(follow_redirect) = $null;"), "302");
    let kamailio = one_query(&server.url("/asked"), "$http_req(follow_redirect) = $null;", "")
        .parameter("curl_follow_redirect", 1)
        .start();
    assert_replied(&kamailio.message("alice"), "200");
}

#[test]
fn keepalive_sets_the_socket_options_in_both_spellings() {
    for (on, idle, interval) in
        [("tcp_keepalive", "tcp_ka_idle", "tcp_ka_interval"), ("keepalive", "ka-idle", "ka-interval")]
    {
        let assignments = format!("$http_req({on}) = 1; $http_req({idle}) = 31; $http_req({interval}) = 17;");
        assert_eq!(keepalive_for(&assignments), Some((31, 17)));
    }
    assert_eq!(keepalive_for("$http_req(tcp_keepalive) = 1; $http_req(tcp_keepalive) = $null;"), None);
}

/// Idle time and interval of the worker's socket, where keep-alive is on.
fn keepalive_for(assignments: &str) -> Option<(i32, i32)> {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), assignments, "").start();
    assert_replied(&kamailio.message("alice"), "200");
    let [worker] = kamailio.http_workers();
    sockets::keepalive(worker, server.port())
}

#[test]
fn parameters_belong_to_one_query() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            $http_req(hdr) = "X-Foo: bar"; $http_req(method) = "PUT";
            http_async_query("{url}/1", "DONE");
            http_async_query("{url}/2", "DONE");
            sl_send_reply("200", "OK");
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).set("url", server.url("")).start();
    kamailio.message("alice");
    let requests = server.wait_for_requests(2, PATIENCE);
    let of = |target: &str| requests.iter().find(|request| request.target == target).expect("both were sent");
    assert_eq!((of("/1").method.as_str(), of("/1").header("X-Foo")), ("PUT", Some("bar")));
    assert_eq!((of("/2").method.as_str(), of("/2").header("X-Foo")), ("GET", None));
}

#[test]
fn pending_parameters_end_with_their_message() {
    let server = HttpServer::start(|_| Response::text("x"));
    let script = r#"
        route[MAIN] {
            if($rU == "set") { $http_req(hdr) = "X-Foo: bar"; $http_req(method) = "P"; sl_send_reply("200", "OK"); exit; }
            http_async_query("{url}/", "DONE");
            append_to_reply("X-Returned: $rc\r\n");
            sl_send_reply("200", "OK");
        }
        route[DONE] { return; }"#;
    let kamailio = Kamailio::with_script(script).children(1).set("url", server.url("")).start();
    kamailio.message("set");
    assert_eq!(seen(&kamailio.message("use"), "X-Returned"), "1");
    assert_eq!(server.wait_for_requests(1, PATIENCE)[0].header("X-Foo"), None);
}

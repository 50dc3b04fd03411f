//! HTTP/1.1 and HTTP/2, plain and over TLS.

use crate::common::{assert_replied, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio};

const REPORT: &str = r#"append_to_reply("X-Body: $http_rb\r\nX-Connection: $http_hdr(x-connection)\r\n");
    append_to_reply("X-Start: $(http_mb{s.substr,0,6})\r\n");"#;

/// An instance that asks for the HTTP version that is the user of the request.
fn versions(url: &str) -> Builder {
    one_query(url, "$http_req(http_version) = $(rU{s.int});", REPORT).parameter("connection_timeout", 8000)
}

/// How the server was asked by a query for that version.
fn asked(kamailio: &Kamailio, version: &str) -> String {
    let answer = kamailio.message(version);
    assert_replied(&answer, "200");
    seen(&answer, "X-Body").to_owned()
}

#[test]
fn every_query_for_http2_at_once_is_answered() {
    let server = Http2Server::start();
    let kamailio = versions(&server.url("/")).start();
    for _ in 0..5 {
        assert_eq!(asked(&kamailio, "2"), "HTTP/2.0 GET");
    }
    assert_eq!(seen(&kamailio.message("2"), "X-Start"), "HTTP/2");
}

#[test]
fn http2_at_once_carries_methods_and_bodies() {
    let server = Http2Server::start();
    let assignments = r#"$http_req(http_version) = 2; $http_req(method) = $rU; $http_req(body) = "sent";"#;
    let kamailio = one_query(&server.url("/"), assignments, REPORT).start();
    for method in ["POST", "PUT", "POST"] {
        assert_eq!(asked(&kamailio, method), format!("HTTP/2.0 {method} sent"));
    }
}

#[test]
fn queries_for_different_versions_do_not_get_in_each_others_way() {
    let server = Http2Server::start();
    let kamailio = versions(&server.url("/")).start();
    for version in ["2", "0", "2", "1", "0", "2", "2", "1", "0"] {
        // libcurl may use a kept connection that speaks HTTP/2 for a query that leaves the version to it.
        let seen = asked(&kamailio, version);
        assert!(seen == "HTTP/2.0 GET" || (seen == "HTTP/1.1 GET" && version != "2"), "{seen} for version {version}");
    }
}

#[test]
fn a_challenge_of_http2_at_once_is_answered_beside_kept_connections() {
    let server = Http2Server::start();
    let credentials =
        r#"$http_req(http_version) = $(rU{s.int}); $http_req(username) = "alice"; $http_req(password) = "x";"#;
    let kamailio = one_query(&server.url("/challenged"), credentials, REPORT).start();
    for version in ["0", "2", "2", "0", "2"] {
        let seen = asked(&kamailio, version);
        assert!(seen == "HTTP/2.0 GET" || (seen == "HTTP/1.1 GET" && version != "2"), "{seen} for version {version}");
    }
}

#[test]
fn a_server_without_http2_gets_http1() {
    let server = HttpServer::start(|_| Response::text("old"));
    let kamailio = versions(&server.url("/")).start();
    for version in ["0", "1", "0"] {
        assert_eq!(asked(&kamailio, version), "old");
    }
}

#[test]
fn over_tls_both_sides_agree_on_http2() {
    let certificates = TestCertificates::temporary();
    let server = Http2Server::start_tls(certificates.server());
    let kamailio = versions(&server.url("/")).trusting(&certificates).start();
    for version in ["0", "1", "2", "0", "2", "1", "2"] {
        assert_eq!(asked(&kamailio, version), "HTTP/2.0 GET", "version {version}");
    }
    // The connection is kept, whatever the version that opened it.
    assert_eq!(seen(&kamailio.message("0"), "X-Connection"), "1");
}

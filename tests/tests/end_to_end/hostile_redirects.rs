//! Where a redirect may not lead, and what it may not take along.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::handlers::basic_auth;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::sip::SipMessage;

const FOLLOW: &str = "$http_req(follow_redirect) = 1;";

/// A server whose `/asked` redirects to these bytes; all else is answered.
fn redirecting(location: impl Into<Vec<u8>>) -> HttpServer {
    let location = location.into();
    HttpServer::start(move |request| match request.target.as_str() {
        "/asked" => {
            let head = [b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ".as_slice(), &location, b"\r\n\r\n"];
            Response::raw(head.concat())
        }
        _ => Response::text("there"),
    })
}

fn follow(server: &HttpServer, assignments: &str) -> SipMessage {
    one_query(&server.url("/asked"), &format!("{FOLLOW} {assignments}"), "").start().message("alice")
}

#[test]
fn nothing_but_http_is_fetched_however_the_scheme_is_written() {
    for location in [
        "gopher://127.0.0.1:1/x",
        "dict://127.0.0.1:1/x",
        "FILE:///etc/passwd",
        "file:/etc/passwd",
        "ldap://127.0.0.1/",
        "smb://127.0.0.1/",
        "telnet://127.0.0.1:1/",
        "data:text/plain,x",
        "\\\\127.0.0.1\\share",
    ] {
        let server = redirecting(location);
        let answer = follow(&server, "");
        // What is no URL of its own is a path on the server that said it.
        if location.starts_with('\\') { assert_replied(&answer, "200") } else { assert_failed(&answer, "rotocol") }
    }
}

#[test]
fn control_bytes_in_a_location_end_the_query() {
    for location in [b"/a\x01b".as_slice(), b"/a\x7fb", b"/a\tb", b"http://127.0.0.1\x0b/", b"/a\rX-Smuggled: yes"] {
        let server = redirecting(location);
        assert_failed(&follow(&server, ""), "control bytes in the URL of a redirect");
        assert_eq!(server.requests().len(), 1, "{location:?} was followed");
    }
}

#[test]
fn a_location_is_as_long_as_a_head_may_be_and_no_longer() {
    let server = redirecting(format!("/{}", "a".repeat(60_000)));
    assert_replied(&follow(&server, ""), "200");
    assert_eq!(server.requests()[1].target.len(), 60_001);
    let server = redirecting(format!("/{}", "a".repeat(70_000)));
    assert_failed(&follow(&server, ""), "65536 bytes");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn credentials_in_a_location_take_the_place_of_the_querys_own() {
    let elsewhere = HttpServer::start(basic_auth("eve", "told", |_| Response::text("inside")));
    let server = redirecting(elsewhere.url("/there").replace("http://", "http://eve:told@"));
    let own = r#"$http_req(username) = "alice"; $http_req(password) = "own"; $http_req(authmethod) = 1;"#;
    assert_replied(&follow(&server, own), "200");
    let shown = elsewhere.requests().pop().expect("it was followed");
    assert_eq!(shown.header("Authorization"), Some("Basic ZXZlOnRvbGQ="));
}

#[test]
fn a_redirect_is_followed_to_this_machine_when_redirects_are_followed_at_all() {
    let inner = HttpServer::start(|_| Response::text("inner"));
    let body = r#"append_to_reply("X-Body: $http_rb\r\n");"#;
    for name in ["127.0.0.1", "localhost"] {
        let server = redirecting(inner.url("/").replace("127.0.0.1", name));
        let kamailio =
            one_query(&server.url("/asked"), "if($rU == \"follow\") { $http_req(follow_redirect) = 1; }", body);
        let kamailio = kamailio.start();
        assert_replied(&kamailio.message("alice"), "302");
        let answer = kamailio.message("follow");
        assert_replied(&answer, "200");
        assert_eq!(seen(&answer, "X-Body"), "inner");
    }
}

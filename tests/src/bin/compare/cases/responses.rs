//! Responses as servers really send them.

use super::{Section, reasons};
use crate::case::{Case, Service, plain};
use end_to_end::http_server::handlers::digest_auth;
use end_to_end::http_server::{Response, Step};
use std::time::Duration;

fn raw(bytes: &'static [u8]) -> Service {
    plain(|_| Response::raw(bytes.to_vec()))
}

fn closing(bytes: &'static [u8]) -> Service {
    plain(|_| Response::raw(bytes.to_vec()).then_close())
}

fn redirecting(status: u16) -> Service {
    plain(move |request| match request.target.as_str() {
        "/asked" => {
            Response::new(status, "Elsewhere").header("Location", "/there").header("X-Last", "no").body("not this")
        }
        _ => Response::text("there").header("X-Last", "yes"),
    })
}

/// The section.
pub fn section() -> Section {
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(authmethod) = 2;"#;
    let drip = || {
        plain(|_| {
            Response::drip(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nonly slowly", Duration::from_millis(60))
        })
    };
    let mut cases = vec![
        Case::query("digest", credentials)
            .service(plain(digest_auth("alice", "secret", |_| Response::text("inside").header("X-Last", "yes"))))
            .sees("http_hdr(X-Last)").better(&["$http_rs", "$http_rr", "$http_rb", "$http_hdr(X-Last)"], reasons::FINAL),
        Case::query("several 1xx responses first", "")
            .service(raw(b"HTTP/1.1 100 Continue\r\nX-Last: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Last: no\r\n\r\n\
                           HTTP/1.1 200 Fine\r\nX-Last: yes\r\nContent-Length: 4\r\n\r\nbody"))
            .sees("http_hdr(X-Last)").better(&["$http_rs", "$http_rr", "$http_rb", "$http_hdr(X-Last)"], reasons::FINAL),
        Case::query("NUL bytes in the body", "")
            .service(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\na\0b\0\0cd"))
            .sees("http_bs").better(&["$http_rb"], "The body is as received."),
        Case::query("HTTP/1.0", "").service(closing(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold")),
        Case::query("no reason phrase", "").service(raw(b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx")).better(&["$http_rs", "$http_rr", "$http_rb", "log"], "An HTTP response without a reason phrase is read; the C module reads HTTP with Kamailio's SIP parser."),
        Case::query("an empty reason phrase", "").service(raw(b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx")),
        Case::query("a Via header field", "").service(raw(b"HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\nX-Last: yes\r\nContent-Length: 1\r\n\r\nx")).sees("http_hdr(Via)").sees("http_hdr(X-Last)").better(&["$http_hdr(Via)"], "A Via header field is one like any other; Kamailio's SIP parser takes it for a SIP Via."),
        Case::query("header fields with SIP names", "")
            .service(raw(b"HTTP/1.1 200 OK\r\nFrom: webmaster@example.org\r\nTo: nobody\r\nContact: here\r\nExpires: Thu, 01 Dec 1994 16:00:00 GMT\r\nContent-Length: 1\r\n\r\nx"))
            .sees("http_hdr(From)")
            .sees("http_hdr(Expires)"),
        Case::query("a chunked body", "").service(plain(|_| Response::chunked(["one ", "two"], &[]))).sees("http_bs"),
        Case::query("a folded header field", "")
            .service(raw(b"HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 1\r\n\r\nx"))
            .sees("http_hdr(X-Folded)").better(&["$http_hdr(X-Folded)"], "A folded value is one line, with a blank for each fold, as RFC 9112 section 5.2 wants it."),
        Case::query("204 without a body", "").service(plain(|_| Response::new(204, "No Content"))).sees("http_bs").better(&["$http_rb", "log"], "A response without a body has an empty one, and reading it logs nothing."),
        Case::query("200 with an empty body", "").service(plain(|_| Response::text(""))).sees("http_bs"),
        Case::query("500 is a response", "").service(plain(|_| Response::new(500, "Broken").body("why"))),
        Case::query("a body of 200,000 bytes", "").service(plain(|_| Response::text("x".repeat(200_000)))).sees_only(&["http_ok", "http_rs", "http_bs"]),
        Case::query("a body beyond 1 MiB", "").service(plain(|_| Response::text("x".repeat(3_000_000)))).sees_only(&["http_ok", "http_rs", "http_bs"]).better(&["$http_ok", "errors", "replies"], "A response has a limit, 1 MiB, so that no peer can fill the memory; the query ends in an error that says so."),
        Case::query("a body cut short", "").service(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")).better(&["log"], reasons::FAILED),
        Case::query("a connection closed without an answer", "").service(plain(|_| Response::steps(vec![Step::Close]))).better(&["log"], reasons::FAILED),
        Case::query("a connection reset", "").service(plain(|_| Response::steps(vec![Step::Reset]))).better(&["log"], reasons::FAILED),
        Case::query("no HTTP at all", "").service(closing(b"220 mail.example.org ESMTP\r\n")).better(&["log"], reasons::FAILED),
        Case::query("bytes that drip past the deadline", "$http_req(timeout) = 500;").service(drip()).better(&["$http_ok", "replies", "timeouts"], "One deadline over everything; in C bytes that arrive extend it."),
        Case::query("an endless series of redirects", "$http_req(follow_redirect) = 1;")
            .service(plain(|_| Response::new(302, "Found").header("Location", "/asked"))).better(&["log"], reasons::FAILED).better(&["HTTP requests"], "Five redirects are followed, not thirty."),
        Case::query("a redirect to another host with credentials", r#"$http_req(follow_redirect) = 1; $http_req(hdr) = "Authorization: Bearer token";"#)
            .service(plain(|request| match request.target.as_str() {
                "/asked" => Response::new(302, "Found").header("Location", format!("http://localhost:{}/there", request.header("Host").and_then(|host| host.rsplit(':').next()).unwrap_or_default())),
                _ => Response::text("there"),
            })).better(&["$http_rs", "$http_rr", "$http_rb"], reasons::FINAL),
        Case::query("a kept connection that the server has closed", "").service(plain(|_| Response::text("x").then_close())).calls(crate::case::Calls::Messages(3)),
    ];
    for status in [301, 303, 307] {
        cases.push(
            Case::query(
                &format!("a POST redirected with {status}"),
                r#"$http_req(follow_redirect) = 1; $http_req(body) = "b";"#,
            )
            .service(redirecting(status))
            .sees("http_hdr(X-Last)")
            .sees("http_mb")
            .better(&["$http_rs", "$http_rr", "$http_rb", "$http_mb", "$http_hdr(X-Last)"], reasons::FINAL),
        );
    }
    Section { heading: "Responses", about: "As servers really send them.", cases }
}

//! libcurl's handles keep options from one query to the next: nothing of a query is ever seen in another.

use crate::common::assert_replied;
use crate::common::one_query;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Builder, Kamailio};

/// Kinds of queries, each named by the user of the request: what is assigned before the query, and the URL.
const KINDS: [(&str, &str, &str); 13] = [
    ("get", "", "http://127.0.0.1:{port}/get?x=1"),
    ("other-get", "", "http://127.0.0.1:{port}/other"),
    ("named", "", "http://localhost:{port}/named"),
    ("header", r#"$http_req(hdr) = "X-One: 1"; $http_req(hdr) = "Cookie: a=b";"#, "http://127.0.0.1:{port}/header"),
    ("post", r#"$http_req(body) = "a=1&b=2";"#, "http://127.0.0.1:{port}/post"),
    ("empty-post", r#"$http_req(method) = "POST";"#, "http://127.0.0.1:{port}/empty-post"),
    (
        "json",
        r#"$http_req(body) = "{\"a\":1}"; $http_req(hdr) = "Content-Type: application/json";"#,
        "http://127.0.0.1:{port}/json",
    ),
    ("put", r#"$http_req(method) = "PUT"; $http_req(body) = "put";"#, "http://127.0.0.1:{port}/put"),
    ("delete", r#"$http_req(method) = "DELETE";"#, "http://127.0.0.1:{port}/delete"),
    ("head", r#"$http_req(method) = "HEAD";"#, "http://127.0.0.1:{port}/head"),
    (
        "basic",
        r#"$http_req(username) = "bob"; $http_req(password) = "secret"; $http_req(authmethod) = 1;"#,
        "http://127.0.0.1:{port}/basic",
    ),
    ("in-url", "$http_req(authmethod) = 1;", "http://ann:hidden@127.0.0.1:{port}/in-url"),
    (
        "get-with-body",
        r#"$http_req(method) = "GET"; $http_req(body) = "strange";"#,
        "http://127.0.0.1:{port}/get-with-body",
    ),
];

fn instance(server: &HttpServer) -> Builder {
    let assignments: String = KINDS
        .iter()
        .map(|(kind, assigned, url)| {
            let url = url.replace("{port}", &server.port().to_string());
            format!("if($rU == \"{kind}\") {{ {assigned} $var(url) = \"{url}\"; }}\n")
        })
        .collect();
    one_query("$var(url)", &assignments, "")
}

/// What the server gets for one query of a kind.
fn asked(kamailio: &Kamailio, server: &HttpServer, kind: &str) -> Asked {
    server.forget_requests();
    assert_replied(&kamailio.message(kind), "200");
    let Request { method, target, mut headers, body, .. } = server.requests().remove(0);
    headers.sort();
    Asked { method, target, headers, body }
}

#[derive(Debug, PartialEq)]
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

#[test]
fn a_request_is_the_same_whatever_query_was_before_it() {
    let server = HttpServer::start(|_| Response::new(200, "OK"));
    let alone = KINDS.map(|(kind, _, _)| asked(&instance(&server).start(), &server, kind));
    let kamailio = instance(&server).start();
    for (before, _, _) in KINDS {
        for ((kind, _, _), alone) in KINDS.iter().zip(&alone) {
            asked(&kamailio, &server, before);
            assert_eq!(asked(&kamailio, &server, kind), *alone, "{kind} after {before}");
        }
    }
}

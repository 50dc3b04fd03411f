//! libcurl's handles keep options from one query to the next: nothing of a query is ever seen in another.

use crate::common::{assert_replied, one_query, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
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

/// Kinds of queries over TLS, each named by the user of the request: what is assigned before the query.
fn tls_kinds(certificates: &TestCertificates, unknown: &TestCertificates) -> [(&'static str, String); 8] {
    let path = |path: std::path::PathBuf| format!("\"{}\"", path.display());
    let known = format!("$http_req(tls_ca_path) = {};", path(certificates.ca_file()));
    let shown = format!(
        "$http_req(tls_client_cert) = {}; $http_req(tls_client_key) = {};",
        path(certificates.client_certificate()),
        path(certificates.client_key())
    );
    [
        ("strict", known.clone()),
        ("by-folder", format!("$http_req(tls_ca_path) = {};", path(certificates.ca_directory()))),
        ("other-authority", format!("$http_req(tls_ca_path) = {};", path(unknown.ca_file()))),
        ("system", "$http_req(tls_ca_path) = $null;".to_owned()),
        ("any-peer", "$http_req(tls_verify_peer) = 0; $http_req(tls_verify_host) = 0;".to_owned()),
        ("any-name", format!("{known} $http_req(tls_verify_host) = 0;")),
        ("shown", format!("{known} {shown}")),
        ("shown-post", format!("{known} {shown} $http_req(body) = \"posted\";")),
    ]
}

/// Whether the query of a kind is answered by each of the servers, which see what it shows.
fn answered(kamailio: &Kamailio, servers: &[HttpServer], kind: &str) -> Vec<bool> {
    let ask = |server: &HttpServer| {
        let lines = format!("X-Url: {}\r\n", server.url("/"));
        let answer = kamailio.client().transact_with("MESSAGE", kind, &lines, "").expect("a final answer");
        seen(&answer, "X-Ok") == "1"
    };
    servers.iter().map(ask).collect()
}

#[test]
fn what_one_query_trusts_and_shows_is_not_what_the_next_one_does() {
    let certificates = TestCertificates::temporary();
    let unknown = TestCertificates::of_authority("Another authority");
    let closing =
        |settings: TlsSettings| HttpServer::start_tls(settings, |_| Response::text("x").header("Connection", "close"));
    let servers = [
        closing(certificates.server()),
        closing(certificates.server_with_other_name()),
        closing(certificates.server_self_signed()),
        closing(certificates.server_requiring_client_certificate()),
    ];
    let kinds = tls_kinds(&certificates, &unknown);
    let assignments: String =
        kinds.iter().map(|(kind, assigned)| format!("if($rU == \"{kind}\") {{ {assigned} }}\n")).collect();
    let instance = one_query("$hdr(X-Url)", &assignments, "").parameter("connection_timeout", 8000);
    let kamailio = instance.start();
    let expected = |kind: &str| match kind {
        "strict" | "by-folder" => [true, false, false, false],
        "any-peer" => [true, true, true, false],
        "any-name" => [true, true, false, false],
        "shown" | "shown-post" => [true, false, false, true],
        _ => [false; 4],
    };
    for (before, _) in &kinds {
        for (kind, _) in &kinds {
            answered(&kamailio, &servers[..1], before);
            assert_eq!(answered(&kamailio, &servers, kind), expected(kind), "{kind} after {before}");
        }
    }
    let posted = servers.iter().flat_map(HttpServer::requests).filter(|request| request.body == b"posted");
    assert!(posted.count() > 0);
}

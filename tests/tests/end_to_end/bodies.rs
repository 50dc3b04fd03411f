//! A body arrives whole, whoever used its connection before: libcurl answers a challenge by a request without a body first, and
//! others are on their way at the same time.

use crate::common::{REPORT, assert_replied, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::handlers::digest_auth;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::{SipClient, SipMessage};
use std::collections::BTreeMap;

/// Every method alone, those that must be challenged among them, and unions with and without.
const METHODS: [u32; 12] = [1, 2, 3, 4, 8, 10, 11, 16, 17, 18, 24, 31];
const VERBS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];

/// A query as the header lines of the request say. The callback's transaction tells what came of it.
const ASKED: &str = r#"
route[MAIN] {
    t_newtran();
    if($hdr(X-Authmethod) != $null) { $http_req(authmethod) = $(hdr(X-Authmethod){s.int}); }
    if($hdr(X-User) != $null) { $http_req(username) = $hdr(X-User); $http_req(password) = "secret"; }
    if($hdr(X-Version) != $null) { $http_req(http_version) = $(hdr(X-Version){s.int}); }
    $http_req(follow_redirect) = 1;
    $http_req(method) = $hdr(X-Method);
    $http_req(body) = $hdr(X-Body);
    $http_req(timeout) = 20000;
    http_async_query($hdr(X-Url), "REPLY");
    t_reply("500", "Not suspended");
}
"#;

fn instance() -> Builder {
    let seen = r#"append_to_reply("X-Response: $http_rb\r\n");"#;
    Kamailio::with_script(&format!("{ASKED}{REPORT}")).set("seen", seen)
}

/// Who is asked, and how.
#[derive(Clone, Copy)]
enum Credentials {
    None,
    ByKeys(u32),
    InUrl(u32),
}

/// The header lines of one query with a body of its own.
fn lines(url: String, verb: &str, body: &str, credentials: Credentials) -> String {
    let (url, more) = match credentials {
        Credentials::None => (url, String::new()),
        Credentials::ByKeys(method) => (url, format!("X-User: bob\r\nX-Authmethod: {method}\r\n")),
        Credentials::InUrl(method) => (url.replace("://", "://bob:secret@"), format!("X-Authmethod: {method}\r\n")),
    };
    format!("X-Url: {url}\r\nX-Method: {verb}\r\nX-Body: {body}\r\n{more}")
}

/// What the callback of one query saw.
fn ask(kamailio: &Kamailio, lines: &str, status: &str) -> SipMessage {
    let answer = kamailio.client().transact_with("MESSAGE", "alice", lines, "").expect("a final answer");
    assert_replied(&answer, status);
    answer
}

/// What the server has got under `/plain`, by body.
fn assert_whole(server: &HttpServer, expected: &[String]) {
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for request in server.requests().iter().filter(|request| request.target.starts_with("/plain")) {
        *arrived.entry(String::from_utf8_lossy(&request.body).into_owned()).or_default() += 1;
    }
    let missing: Vec<_> = expected.iter().filter(|body| arrived.get(*body) != Some(&1)).collect();
    assert!(missing.is_empty(), "{} of {} bodies are lost: {missing:?}", missing.len(), expected.len());
}

/// A probe that is not challenged leaves its connection to the next query.
#[test]
fn a_body_arrives_on_the_connection_of_a_probe_whatever_the_method() {
    let server = HttpServer::start(|request: &Request| match request.target.as_str() {
        "/refused" => Response::new(403, "Forbidden"),
        _ => Response::text("x"),
    });
    let behind = server.url("/plain/behind");
    let elsewhere = HttpServer::start(move |_| Response::new(307, "Elsewhere").header("Location", behind.clone()));
    let kamailio = instance().start();
    let mut expected = Vec::new();
    for method in METHODS {
        for verb in VERBS {
            for credentials in [Credentials::ByKeys(method), Credentials::InUrl(method)] {
                let body = format!("plain-{}", expected.len());
                ask(&kamailio, &lines(server.url("/refused"), verb, "lost", credentials), "403");
                // User name and password are not for the origin behind a redirect.
                ask(&kamailio, &lines(elsewhere.url("/"), verb, &body, credentials), "200");
                expected.push(body);
                let body = format!("plain-{}", expected.len());
                ask(&kamailio, &lines(server.url("/refused"), verb, "lost", credentials), "403");
                // An at sign does not make a user.
                let path = if expected.len() % 4 == 1 { "/plain" } else { "/plain/sip:bob@example" };
                ask(&kamailio, &lines(server.url(path), verb, &body, Credentials::None), "200");
                expected.push(body);
            }
        }
    }
    // One that NTLM was begun on is not for others, with newer libcurls.
    assert!(server.connections() <= 2, "the queries share connections");
    assert_whole(&server, &expected);
}

/// The server offers Basic alone, so that a query that wants Digest ends with its probe.
#[test]
fn a_body_arrives_on_the_connection_of_a_probe_over_tls_and_http2() {
    let certificates = TestCertificates::temporary();
    let (open, encrypted) = (Http2Server::start(), Http2Server::start_tls(certificates.server()));
    let kamailio = instance().trusting(&certificates).start();
    for (server, version) in [(&open, 0), (&open, 2), (&open, 1), (&encrypted, 0), (&encrypted, 1)] {
        for verb in ["POST", "PUT"] {
            let of = |path, body, credentials| {
                format!("{}X-Version: {version}\r\n", lines(server.url(path), verb, body, credentials))
            };
            ask(&kamailio, &of("/challenged", "lost", Credentials::ByKeys(2)), "401");
            let answer = ask(&kamailio, &of("/", "whole", Credentials::None), "200");
            assert!(seen(&answer, "X-Response").ends_with(&format!("{verb} whole")), "{version}: {}", answer.text());
        }
    }
}

#[test]
fn bodies_arrive_beside_queries_that_are_challenged() {
    const EACH: usize = 20;
    let digest = digest_auth("bob", "secret", |_| Response::text("x"));
    let server = HttpServer::start(move |request: &Request| match request.target.as_str() {
        target if target.starts_with("/plain") => Response::text("x"),
        "/redirected" => Response::new(307, "Elsewhere").header("Location", "/plain/behind"),
        _ => digest(request),
    });
    let kamailio = instance().start();
    let client = kamailio.client();
    let (mut plain, mut challenged) = (Vec::new(), Vec::new());
    for method in [2, 3, 16, 10, 18] {
        let mut queries = Vec::new();
        for index in 0..EACH {
            let verb = VERBS[index % 3];
            for path in ["/plain", "/redirected"] {
                let body = format!("plain-{}", plain.len());
                queries.push(lines(server.url(path), verb, &body, Credentials::None));
                plain.push(body);
            }
            let by = if index % 2 == 0 { Credentials::ByKeys(method) } else { Credentials::InUrl(method) };
            let body = format!("challenged-{}", challenged.len());
            queries.push(lines(server.url("/challenged"), verb, &body, by));
            challenged.push(body);
        }
        transact_all(&client, &queries);
    }
    assert_whole(&server, &plain);
    let answered = |request: &&Request| request.target == "/challenged" && request.header("Authorization").is_some();
    let answered: Vec<Request> = server.requests().iter().filter(answered).cloned().collect();
    for body in challenged {
        let times = answered.iter().filter(|request| request.body == body.as_bytes()).count();
        assert!(times >= 1, "{body} is lost");
    }
}

/// All of them at once; each is answered by a 200 of the server.
fn transact_all(client: &SipClient, queries: &[String]) {
    let open: Vec<_> = queries.iter().map(|lines| client.send("MESSAGE", "alice", lines, "")).collect();
    let mut answered = vec![false; open.len()];
    while answered.contains(&false) {
        let message = client.receive(PATIENCE).expect("an answer to each");
        if message.status() < 200 {
            continue;
        }
        let index = open.iter().position(|sent| message.is_for(sent)).expect("an answer to one of them");
        assert_eq!(seen(&message, "X-Status"), "200", "{}", message.text());
        answered[index] = true;
    }
}

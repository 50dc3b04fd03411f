//! HTTP servers that go away in the middle of a response: an error, once and at once, whatever framing the body has.

use crate::common::{assert_failed, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::PATIENCE;
use std::time::{Duration, Instant};

/// The deadline of the queries. The error must not wait for it.
const DEADLINE: Duration = Duration::from_secs(15);

const PROMPTLY: Duration = Duration::from_secs(5);

/// Begun with a length, begun with a chunk and cut between two, cut within a chunk.
const BEGINNINGS: [&str; 3] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe first bytes",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nthe first bytes",
];

/// What a server does when its process is killed: FIN, or RST when the client had more to say; with TLS no alert.
fn broken(target: &str) -> Response {
    let (beginning, end) = target[1..].split_once('/').expect("/beginning/end");
    let beginning = BEGINNINGS[beginning.parse::<usize>().expect("a number")];
    let end = match end {
        "close" => Step::Close,
        "reset" => Step::Reset,
        "vanish" => Step::Vanish,
        other => panic!("no end {other}"),
    };
    Response::steps(vec![Step::Send(beginning.into()), Step::Wait(Duration::from_millis(50)), end])
}

/// Each beginning with each of these ends.
fn assert_each_fails_at_once(server: &HttpServer, assignments: &str, ends: &[&str]) {
    let url = server.url("/$(rU{s.select,0,-})/$(rU{s.select,1,-})");
    let kamailio = one_query(&url, assignments, "").parameter("connection_timeout", DEADLINE.as_millis()).start();
    let mut count = 0;
    for beginning in 0..BEGINNINGS.len() {
        for end in ends {
            let before = Instant::now();
            let answer = kamailio.message(&format!("{beginning}-{end}"));
            assert_failed(&answer, "");
            assert!(before.elapsed() < PROMPTLY, "{beginning}, {end}: {}", seen(&answer, "X-Error"));
            count += 1;
            kamailio.wait_for_counts([count, 0, count, 0, 0]);
        }
    }
    assert_eq!(server.wait_for_requests(count as usize, PATIENCE).len(), count as usize, "a request was sent again");
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_connection_that_ends_within_a_body_is_an_error_at_once() {
    let server = HttpServer::start(|request| broken(&request.target));
    assert_each_fails_at_once(&server, "", &["close", "reset"]);
}

#[test]
fn a_tls_connection_that_ends_within_a_body_is_an_error_at_once_with_or_without_an_alert() {
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server(), |request| broken(&request.target));
    let trust = format!("$http_req(tls_ca_path) = \"{}\";", certificates.ca_file().display());
    assert_each_fails_at_once(&server, &trust, &["close", "reset", "vanish"]);
}

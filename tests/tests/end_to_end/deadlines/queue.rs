//! Queries that wait for others to end. No other query can be healthy meanwhile: it would wait as well.

use super::destination::Destination;
use super::timed::{self, Row, assert_on_time};
use crate::common::seen;
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::PATIENCE;
use end_to_end::sip::Sent;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_millis(500);
/// Of what they wait for: later than a busy machine may be.
const LONGER: Duration = Duration::from_millis(3000);

fn silent() -> Response {
    Response::steps(vec![Step::WaitForever])
}

#[test]
fn queries_that_wait_beyond_max_in_flight_end_at_their_deadline() {
    let certificates = TestCertificates::temporary();
    let slow = HttpServer::start(|_| silent());
    let destinations = Destination::all(&certificates, |_| Response::text("x"));
    let kamailio = timed::instance(&certificates).parameter("max_in_flight", 1).start();
    let client = kamailio.client();
    destinations.iter().for_each(|destination| destination.warm_up(&client));

    let first = timed::send(&client, &slow.url("/"), LONGER);
    slow.wait_for_requests(1, PATIENCE);
    let send = |destination: &Destination| timed::send(&client, &destination.url(), DEADLINE);
    let waiting: Vec<Sent> = destinations.iter().map(send).collect();
    let mut answers = timed::answers(&client, &[vec![first], waiting].concat());
    let mut rows = vec![Row { what: "what they waited for".to_owned(), timed: answers.remove(0), deadline: LONGER }];
    for (timed, destination) in answers.into_iter().zip(&destinations) {
        assert!(seen(&timed.answer, "X-Error").ends_with("waiting in the queue"), "{}", timed.answer.text());
        rows.push(Row { what: format!("Queue, {destination}"), timed, deadline: DEADLINE });
    }
    assert_on_time(&rows);
    kamailio.wait_for_counts([7, 2, 0, 5, 0]);
    destinations.iter().for_each(Destination::assert_nothing_was_sent);
}

/// The only connection that there may be is in use, so there is no difference between a fresh and a kept one.
#[test]
fn queries_that_wait_for_a_connection_end_at_their_deadline() {
    let certificates = TestCertificates::temporary();
    let servers = [HttpServer::start(|_| silent()), HttpServer::start_tls(certificates.server(), |_| silent())];
    let kamailio = timed::instance(&certificates).parameter("max_connections_per_host", 1).start();
    let client = kamailio.client();

    let send = |server: &HttpServer, deadline| timed::send(&client, &server.url("/"), deadline);
    let first = servers.each_ref().map(|server| send(server, LONGER));
    servers.iter().for_each(|server| drop(server.wait_for_requests(1, PATIENCE)));
    let waiting = servers.each_ref().map(|server| send(server, DEADLINE));
    let answers = timed::answers(&client, &[waiting, first].concat());
    let expected = [
        ("Connection, http", DEADLINE),
        ("Connection, https", DEADLINE),
        ("what it waited for, http", LONGER),
        ("what it waited for, https", LONGER),
    ];
    let row = |(timed, (what, deadline)): (_, (&str, _))| Row { what: what.to_owned(), timed, deadline };
    assert_on_time(&answers.into_iter().zip(expected).map(row).collect::<Vec<_>>());
    kamailio.wait_for_counts([4, 0, 0, 4, 0]);
    assert_eq!(servers.map(|server| (server.requests().len(), server.connections())), [(1, 1); 2]);
}

//! A worker that could not run until deadlines had passed. When it goes on, expired queries end before it does anything
//! else, and a response that has arrived meanwhile changes nothing.

use super::destination::Destination;
use super::stop::{DEADLINE, LONG, Place, Stopped, assert_expired, instance};
use super::timed;
use crate::common::assert_replied;
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::sip::{Sent, SipClient};
use end_to_end::sockets::unread_bytes;
use std::sync::{Arc, Barrier};
use std::time::{Instant, SystemTime};

fn send_all(destinations: &[Destination], client: &SipClient) -> Vec<Sent> {
    destinations.iter().map(|destination| timed::send(client, &destination.url(), DEADLINE)).collect()
}

/// The servers answer these requests when the test says so.
fn held(certificates: &TestCertificates) -> (Vec<Destination>, Arc<Barrier>) {
    let barrier = Arc::new(Barrier::new(5));
    let handlers = Arc::clone(&barrier);
    let destinations = Destination::all(certificates, move |request| {
        if request.target == "/asked" {
            handlers.wait();
        }
        Response::text("late")
    });
    (destinations, barrier)
}

/// One moment on both clocks: requests are noted by the one, routes by the other.
struct Clocks(Instant, SystemTime);

impl Clocks {
    fn read() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    fn system_time(&self, later: Instant) -> SystemTime {
        self.1 + later.duration_since(self.0)
    }
}

fn wait_until_in_flight(kamailio: &Kamailio, count: i64) {
    assert!(wait_until(PATIENCE, || kamailio.counts()[4] == count), "{:?} in flight", kamailio.counts());
}

fn expired_queries_come_first(place: Place) {
    let certificates = TestCertificates::temporary();
    let (under_way, barrier) = held(&certificates);
    let queued = Destination::all(&certificates, |_| Response::text("never"));
    let patient = HttpServer::start(|_| Response::text("in time"));
    let kamailio = instance(&certificates).start();
    let client = kamailio.client();
    under_way.iter().chain(&queued).for_each(|destination| destination.warm_up(&client));

    let mut expiring = send_all(&under_way, &client);
    under_way.iter().for_each(Destination::wait_for_request);
    let stopped = Stopped::at(place, &kamailio);
    let waits_longer = timed::send(&client, &patient.url("/"), LONG);
    wait_until_in_flight(&kamailio, 5);
    expiring.extend(send_all(&queued, &client));
    wait_until_in_flight(&kamailio, 9);
    barrier.wait();
    let arrived = |destination: &Destination| unread_bytes(stopped.worker, destination.server.port()) > 0;
    assert!(wait_until(PATIENCE, || under_way.iter().all(arrived)), "the responses do not arrive");

    let clocks = Clocks::read();
    let continued = stopped.go_on_after_the_deadline();
    let answers = timed::answers(&client, &[expiring, vec![waits_longer]].concat());
    let (last, expired) = answers.split_last().expect("as many as were sent");
    assert_expired(&format!("Stopped, {place:?}"), expired, continued);
    assert_replied(&last.answer, "200");
    let sent = clocks.system_time(patient.requests()[0].at);
    assert!(expired.iter().all(|timed| timed.ran < sent), "a route ran after another query was sent");
    queued.iter().for_each(Destination::assert_nothing_was_sent);
    under_way.iter().for_each(|destination| destination.server.wait_for_open_connections(0, PATIENCE));
    assert_eq!(kamailio.counts()[3], 8, "timeouts");
}

#[test]
fn expired_queries_come_first_when_the_worker_waited() {
    expired_queries_come_first(Place::Wait);
}

#[test]
fn expired_queries_come_first_when_the_worker_was_busy() {
    expired_queries_come_first(Place::Callback);
}

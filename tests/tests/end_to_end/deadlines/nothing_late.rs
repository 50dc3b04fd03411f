//! A worker that could not run until deadlines had passed, and connections that got ready for their requests
//! meanwhile: no request goes out on them.

use super::stop::{DEADLINE, LONG, Place, Stopped, assert_expired, instance};
use super::timed;
use crate::common::assert_replied;
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{PATIENCE, wait_until};
use end_to_end::sip::{Sent, SipClient};
use end_to_end::sockets::{TcpState, any_connection_to, unread_bytes};
use end_to_end::unanswered_port::UnansweredPort;
use std::net::TcpListener;

/// What keeps the connection from being ready.
enum Obstacle {
    /// The system has taken the connection; nobody answers in it.
    Handshake(TcpListener),
    /// The SYN is not answered.
    Syn(UnansweredPort),
}

/// One query to a server that is not there yet, or not any more.
struct Case {
    obstacle: Obstacle,
    tls: Option<TlsSettings>,
}

impl Case {
    fn new(listener: TcpListener, syn: bool, tls: Option<TlsSettings>) -> Self {
        let obstacle = if syn { Obstacle::Syn(UnansweredPort::new(listener)) } else { Obstacle::Handshake(listener) };
        Self { obstacle, tls }
    }

    /// HTTP and HTTPS, a server that was never there and one that has gone and left a kept connection. A plain
    /// connection that the system has taken is ready: the request is on its way before the deadline.
    fn all(certificates: &TestCertificates, client: &SipClient) -> Vec<Self> {
        let mut cases = Vec::new();
        for reused in [false, true] {
            for (syn, tls) in [(true, None), (true, Some(certificates.server())), (false, Some(certificates.server()))]
            {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let listener = if reused { gone(listener, tls.clone(), client) } else { listener };
                cases.push(Self::new(listener, syn, tls));
            }
        }
        cases
    }

    fn port(&self) -> u16 {
        let address = match &self.obstacle {
            Obstacle::Handshake(listener) => listener.local_addr().expect("it is bound"),
            Obstacle::Syn(port) => port.address(),
        };
        address.port()
    }

    fn send(&self, client: &SipClient) -> Sent {
        let host = if self.tls.is_some() { "https://localhost" } else { "http://127.0.0.1" };
        timed::send(client, &format!("{host}:{}/", self.port()), DEADLINE)
    }

    fn is_under_way(&self) -> bool {
        let state = match &self.obstacle {
            Obstacle::Handshake(_) => TcpState::Established,
            Obstacle::Syn(_) => TcpState::SynSent,
        };
        any_connection_to(self.port(), state)
    }

    /// Removes the obstacle, and waits until the worker could send its request, or the next part of the handshake.
    fn get_ready(self, worker: u32) -> HttpServer {
        let serve = |listener, tls| {
            HttpServer::take_over(listener, tls, |_| Response::text("too late")).expect("threads for a server")
        };
        match self.obstacle {
            Obstacle::Handshake(listener) => {
                let server = serve(listener, self.tls);
                assert!(wait_until(PATIENCE, || unread_bytes(worker, server.port()) > 0), "no handshake");
                server
            }
            Obstacle::Syn(port) => {
                let before = port.queued() as u64;
                let server = serve(port.answer(), self.tls);
                assert!(wait_until(PATIENCE, || server.connections() > before), "no SYN");
                server
            }
        }
    }
}

/// A server that has answered once, kept the connection, and hangs since.
fn gone(listener: TcpListener, tls: Option<TlsSettings>, client: &SipClient) -> TcpListener {
    let server = HttpServer::take_over(listener, tls, |_| Response::text("warm")).expect("threads for a server");
    assert_replied(&timed::ask(client, &server.url("/"), LONG).answer, "200");
    assert_eq!(server.open_connections(), 1, "it is kept");
    server.leave()
}

fn nothing_is_sent(place: Place) {
    let certificates = TestCertificates::temporary();
    let kamailio = instance(&certificates).start();
    let client = kamailio.client();
    let cases = Case::all(&certificates, &client);
    let sent: Vec<Sent> = cases.iter().map(|case| case.send(&client)).collect();
    assert!(wait_until(PATIENCE, || cases.iter().all(Case::is_under_way)), "no connections");
    let stopped = Stopped::at(place, &kamailio);
    let servers: Vec<HttpServer> = cases.into_iter().map(|case| case.get_ready(stopped.worker)).collect();

    let continued = stopped.go_on_after_the_deadline();
    assert_expired(&format!("Nothing late, {place:?}"), &timed::answers(&client, &sent), continued);
    for server in servers {
        server.wait_for_open_connections(0, PATIENCE);
        assert_eq!(server.requests().len(), 0, "requests after the deadline");
    }
}

#[test]
fn nothing_is_sent_late_when_the_worker_waited() {
    nothing_is_sent(Place::Wait);
}

#[test]
fn nothing_is_sent_late_when_the_worker_was_busy() {
    nothing_is_sent(Place::Callback);
}

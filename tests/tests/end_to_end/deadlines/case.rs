//! The cases of the matrix: what is wrong with a server, over HTTP or HTTPS, met on a fresh connection or on one that has
//! served before.

use super::timed;
use crate::common::assert_replied;
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::sip::SipClient;
use end_to_end::unanswered_port::UnansweredPort;
use std::fmt::{Display, Formatter};
use std::net::TcpListener;
use std::time::Duration;

/// Between two signs of life from a server that never gets to an end.
const DRIP: Duration = Duration::from_millis(25);
/// Signs of life; they go on for longer than any deadline, and what a test allows beyond it.
const DRIPS: usize = 1000;
/// Before each of the redirects, of which a query follows 50 at most: longer than any deadline together.
const REDIRECT: Duration = Duration::from_millis(50);
/// Of the queries that make a connection which is kept.
const LONG: Duration = Duration::from_secs(10);

/// What keeps a query from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers for the name.
    NameServerDead,
    /// Nobody answers the SYN.
    SynUnanswered,
    /// Nobody answers in the connection.
    HandshakeHangs,
    /// Nobody answers the request.
    NoFirstByte,
    /// Headers that come byte by byte.
    HeaderDrip,
    /// A body that comes byte by byte.
    BodyDrip,
    /// 1xx responses.
    Provisional,
    /// Redirects.
    Redirects,
}

impl Trouble {
    pub const ALL: [Self; 8] = [
        Self::NameServerDead,
        Self::SynUnanswered,
        Self::HandshakeHangs,
        Self::NoFirstByte,
        Self::HeaderDrip,
        Self::BodyDrip,
        Self::Provisional,
        Self::Redirects,
    ];

    /// What the server does with the request; `elsewhere` is where the trouble is when it is not in the server itself.
    fn response(self, elsewhere: &str) -> Response {
        let dripping = |first: &str, each: &str| {
            let mut steps = vec![Step::Send(first.into())];
            for _ in 0..DRIPS {
                steps.extend([Step::Wait(DRIP), Step::Send(each.into())]);
            }
            Response::steps(steps)
        };
        match self {
            Self::NameServerDead | Self::SynUnanswered | Self::HandshakeHangs => redirect(elsewhere),
            Self::NoFirstByte => Response::steps(vec![Step::WaitForever]),
            Self::HeaderDrip => dripping("HTTP/1.1 200 OK\r\nX-Long: ", "a"),
            Self::BodyDrip => dripping("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "a"),
            Self::Provisional => dripping("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
            Self::Redirects => redirect("/asked").after(REDIRECT),
        }
    }
}

fn redirect(location: &str) -> Response {
    Response::new(302, "Found").header("Location", location)
}

/// Where a query goes, and what is there.
#[derive(Debug)]
pub struct Case {
    pub trouble: Trouble,
    pub encrypted: bool,
    pub reused: bool,
    pub url: String,
    /// The server of the first request, unless it has gone.
    server: Option<HttpServer>,
    unanswered: Option<UnansweredPort>,
    silent: Option<TcpListener>,
}

impl Case {
    /// Every case that there is. A dead name server has no connection that could be reused, nor has HTTP a TLS handshake:
    /// the query gets there by a redirect, from a fresh or a kept connection. A SYN or a TLS handshake on a kept
    /// connection means that its server has gone; the query finds out and makes a new one.
    pub fn all(certificates: &TestCertificates, client: &SipClient) -> Vec<Self> {
        let mut cases = Vec::new();
        for trouble in Trouble::ALL {
            for (encrypted, reused) in [(false, false), (false, true), (true, false), (true, true)] {
                cases.push(Self::new(trouble, encrypted, reused).prepare(certificates, client));
            }
        }
        cases
    }

    fn new(trouble: Trouble, encrypted: bool, reused: bool) -> Self {
        Self { trouble, encrypted, reused, url: String::new(), server: None, unanswered: None, silent: None }
    }

    fn prepare(self, certificates: &TestCertificates, client: &SipClient) -> Self {
        match (self.trouble, self.encrypted, self.reused) {
            (Trouble::NameServerDead, _, false) => Self { url: self.dead_url(), ..self },
            (Trouble::NameServerDead, _, true) => {
                let elsewhere = self.dead_url();
                self.with_server(elsewhere, certificates, client)
            }
            (Trouble::SynUnanswered, ..) => {
                let port = UnansweredPort::new(self.abandoned(certificates, client));
                let url = self.at(port.address().port());
                Self { url, unanswered: Some(port), ..self }
            }
            (Trouble::HandshakeHangs, true, _) => {
                let silent = self.abandoned(certificates, client);
                let url = self.at(port_of(&silent));
                Self { url, silent: Some(silent), ..self }
            }
            (Trouble::HandshakeHangs, false, _) => {
                let silent = any_port();
                let elsewhere = format!("https://localhost:{}/", port_of(&silent));
                Self { silent: Some(silent), ..self }.with_server(elsewhere, certificates, client)
            }
            _ => self.with_server(String::new(), certificates, client),
        }
    }

    fn scheme(&self) -> &'static str {
        if self.encrypted { "https" } else { "http" }
    }

    /// As [`HttpServer::url`]: a connection is kept for the host of the URL.
    fn at(&self, port: u16) -> String {
        let host = if self.encrypted { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{port}/asked", self.scheme())
    }

    /// The name that nobody answers for; each case has one of its own.
    pub fn dead_name(&self) -> String {
        format!("{}-{}.example", self.scheme(), if self.reused { "reused" } else { "fresh" })
    }

    fn dead_url(&self) -> String {
        format!("{}://{}/", self.scheme(), self.dead_name())
    }

    fn serve(&self, listener: TcpListener, elsewhere: String, certificates: &TestCertificates) -> HttpServer {
        let trouble = self.trouble;
        let tls = self.encrypted.then(|| certificates.server());
        HttpServer::take_over(listener, tls, move |request| match request.target.as_str() {
            "/warm" => Response::text("warm"),
            _ => trouble.response(&elsewhere),
        })
        .expect("threads for a server")
    }

    fn with_server(self, elsewhere: String, certificates: &TestCertificates, client: &SipClient) -> Self {
        let server = self.serve(any_port(), elsewhere, certificates);
        if self.reused {
            warm_up(&server, client);
        }
        Self { url: server.url("/asked"), server: Some(server), ..self }
    }

    /// A listening socket that nobody serves; for a kept connection, that of its server, which has gone.
    fn abandoned(&self, certificates: &TestCertificates, client: &SipClient) -> TcpListener {
        if !self.reused {
            return any_port();
        }
        let server = self.serve(any_port(), String::new(), certificates);
        warm_up(&server, client);
        server.leave()
    }

    /// Asserts that the query met its trouble as the case says. `questions` are those that the dead name server got.
    pub fn assert_met(self, questions: &[String]) {
        let what = self.to_string();
        if let Some(server) = &self.server {
            assert_asked_in_one_connection(server, self.reused, &what);
        }
        if self.trouble == Trouble::NameServerDead {
            let name = self.dead_name().replace(".example", "");
            assert!(questions.iter().any(|question| question.contains(&name)), "{what}: no question for {name}");
        }
        if let Some(port) = self.unanswered {
            assert_eq!(port.others(), 0, "{what}: the SYN was answered");
        }
        if let Some(silent) = self.silent {
            silent.set_nonblocking(true).expect("an open socket");
            silent.accept().unwrap_or_else(|error| panic!("{what}: no new connection ({error})"));
        }
    }
}

impl Display for Case {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let connection = if self.reused { "reused" } else { "fresh" };
        write!(formatter, "{:?}, {connection}, {}", self.trouble, self.scheme())
    }
}

/// The query's first request is the first one of its connection, or the second.
fn assert_asked_in_one_connection(server: &HttpServer, reused: bool, what: &str) {
    let requests = server.requests();
    let before = requests.iter().take_while(|request| request.target == "/warm").count();
    assert_eq!(before, usize::from(reused), "{what}: requests before");
    assert!(requests.len() > before, "{what}: the server was not asked");
    assert!(requests.iter().all(|request| request.connection == 1), "{what}: {requests:#?}");
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("it is bound").port()
}

fn any_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn warm_up(server: &HttpServer, client: &SipClient) {
    assert_replied(&timed::ask(client, &server.url("/warm"), LONG).answer, "200");
    assert_eq!(server.open_connections(), 1, "the connection is kept");
}

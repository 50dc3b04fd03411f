//! Servers for one query each: over HTTP and over HTTPS, with a kept connection to it and with none.

use super::timed;
use crate::common::assert_replied;
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::PATIENCE;
use end_to_end::sip::SipClient;
use std::fmt::{Display, Formatter};
use std::time::Duration;

/// Of the query that makes a kept connection.
const LONG: Duration = Duration::from_secs(30);

/// One of them.
pub struct Destination {
    /// Its server.
    pub server: HttpServer,
    encrypted: bool,
    reused: bool,
}

impl Destination {
    /// All four.
    pub fn all(
        certificates: &TestCertificates,
        handler: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static,
    ) -> Vec<Self> {
        let of = |(encrypted, reused)| {
            let handler = handler.clone();
            let server = if encrypted {
                HttpServer::start_tls(certificates.server(), handler)
            } else {
                HttpServer::start(handler)
            };
            Self { server, encrypted, reused }
        };
        [(false, false), (false, true), (true, false), (true, true)].map(of).into()
    }

    /// Leaves a kept connection where there is to be one.
    pub fn warm_up(&self, client: &SipClient) {
        if self.reused {
            assert_replied(&timed::ask(client, &self.server.url("/warm"), LONG).answer, "200");
            assert_eq!(self.server.open_connections(), 1, "the connection is kept");
        }
    }

    /// Where the query goes.
    pub fn url(&self) -> String {
        self.server.url("/asked")
    }

    /// Waits until the query's request is there, in the connection that was kept.
    pub fn wait_for_request(&self) {
        let requests = self.server.wait_for_requests(1 + usize::from(self.reused), PATIENCE);
        assert!(requests.iter().all(|request| request.connection == 1), "{self}: {requests:#?}");
    }

    /// Asserts that there is no request of the query's.
    pub fn assert_nothing_was_sent(&self) {
        let targets: Vec<String> = self.server.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(targets, vec!["/warm"; usize::from(self.reused)], "{self}");
    }
}

impl Display for Destination {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.reused { "reused, " } else { "fresh, " })?;
        formatter.write_str(if self.encrypted { "https" } else { "http" })
    }
}

//! Host names: name servers that fail, what they answer, how long that is kept, and who waits for whom.

mod answers;
mod bound;
mod cache;
mod forgery;
mod international;
mod search;
mod servers;

use crate::common::{REPORT, assert_replied, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio};
use end_to_end::name_server::{NameServer, Question, Reply};
use end_to_end::sip::{Sent, SipClient, SipMessage};
use std::fs;

/// Longer than any test takes to find out, in ms.
const LONG: u32 = 15_000;

/// Each request names the URL and the deadline of its query.
const SCRIPT: &str = r#"
route[MAIN] {
    t_newtran();
    $http_req(timeout) = $(hdr(X-Timeout){s.int});
    $var(returned) = 0;
    http_async_query("$hdr(X-Url)", "REPLY");
    $var(returned) = $rc;
    append_to_reply("X-Returned: $var(returned)\r\n");
    t_reply("500", "Not suspended");
}
"#;

/// A server, and a peer of its queries that answers all of them.
struct Stage {
    http: HttpServer,
    kamailio: Kamailio,
    client: SipClient,
}

impl Stage {
    /// With `resolv_conf` as its `/etc/resolv.conf`.
    fn new(resolv_conf: &str) -> Self {
        Self::with(resolv_conf, |builder| builder)
    }

    fn with(resolv_conf: &str, set_up: impl FnOnce(Builder) -> Builder) -> Self {
        let http = HttpServer::start(|_| Response::text("x"));
        let builder = Kamailio::with_script(&format!("{SCRIPT}{REPORT}")).set("seen", "");
        let kamailio = set_up(builder.resolv_conf(resolv_conf).parameter("curl_follow_redirect", 1)).start();
        let client = kamailio.client();
        Self { http, kamailio, client }
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.http.port())
    }

    /// Begins a query to `host` with a deadline in ms.
    fn send(&self, host: &str, deadline: u32) -> Sent {
        self.send_by(&self.client, host, deadline)
    }

    /// The same, from a client of its own, whose answer is there when it is wanted: one client throws away what comes for others while
    /// it waits, and asks again.
    fn send_apart(&self, host: &str, deadline: u32) -> (SipClient, Sent) {
        let client = self.kamailio.client();
        let sent = self.send_by(&client, host, deadline);
        (client, sent)
    }

    fn send_by(&self, client: &SipClient, host: &str, deadline: u32) -> Sent {
        let headers = format!("X-Url: {}\r\nX-Timeout: {deadline}\r\n", self.url(host));
        client.send("MESSAGE", "alice", &headers, "")
    }

    /// What came of a query to `host` with a deadline in ms.
    fn ask_within(&self, host: &str, deadline: u32) -> SipMessage {
        let sent = self.send(host, deadline);
        let answer = self.client.final_answer(&sent);
        answer.unwrap_or_else(|| panic!("no final answer for {host}; the log:\n{}", self.kamailio.log()))
    }

    fn ask(&self, host: &str) -> SipMessage {
        self.ask_within(host, LONG)
    }

    #[track_caller]
    fn assert_found(&self, host: &str) {
        assert_replied(&self.ask(host), "200");
    }

    #[track_caller]
    fn assert_not_found(&self, host: &str, why: &str) {
        let answer = self.ask(host);
        let error = seen(&answer, "X-Error");
        assert!(error.contains(host) && error.contains(why), "{host}: {}", answer.text());
    }

    /// Writes `/etc/resolv.conf` or `/etc/hosts` anew.
    fn write(&self, file: &str, text: &str) {
        fs::write(self.kamailio.folder().join(file), text).expect("the run folder can be written");
    }
}

fn server(script: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> NameServer {
    NameServer::start(script).expect("port 53 of loopback")
}

/// One that knows every name: this machine.
fn good() -> NameServer {
    server(Question::this_machine)
}

fn silent() -> NameServer {
    server(|_| Reply::Silence)
}

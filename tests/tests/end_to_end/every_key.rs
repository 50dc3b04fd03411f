//! Every key of `$http_req` at once: what `http_async_set` sets, and what `all` takes back.

use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::sockets;
use std::time::Duration;

const SCRIPT: &str = r#"
route[MAIN] {
    t_newtran();
    {statements}
    http_async_query("{url}", "SEEN");
    if($rc == 1) { t_reply("200", "Went on"); } else { t_reply("200", "Refused"); }
}
route[SEEN] {
    xlog("L_NOTICE", "seen <$http_ok $http_rs $http_xdata>\n");
    if($rm == "MESSAGE") { t_reply("200", "Resumed"); }
}"#;

/// The keys that show in a plain request, each with another value than its default.
const PLAIN: [(&str, &str); 13] = [
    ("hdr", "X-Foo: bar"),
    ("body", "b"),
    ("method", "PUT"),
    ("timeout", "5000"),
    ("username", "alice"),
    ("password", "secret"),
    ("authmethod", "1"),
    ("suspend", "0"),
    ("tcp_keepalive", "1"),
    ("tcp_ka_idle", "31"),
    ("tcp_ka_interval", "17"),
    ("follow_redirect", "1"),
    ("xdata", "mine"),
];

/// What a key or a function of the script makes of a key and a value.
type Set = fn(&str, &str) -> String;

fn by_function(key: &str, value: &str) -> String {
    format!("if(!http_async_set(\"{key}\", \"{value}\")) {{ t_reply(\"500\", \"{key} was refused\"); exit; }}\n")
}

fn by_assignment(key: &str, value: &str) -> String {
    let value = if value.parse::<i32>().is_ok() { value.to_owned() } else { format!("\"{value}\"") };
    format!("$http_req({key}) = {value};\n")
}

fn all<'a>(set: Set, values: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> String {
    values.into_iter().map(|(key, value)| set(key, value)).collect()
}

/// What came of one query: the reason of the answer, and what the callback saw.
struct Asked {
    kamailio: Kamailio,
    reason: String,
    seen: String,
}

impl Asked {
    /// Keep-alive times of the connection to `server`.
    fn keepalive(&self, server: &HttpServer) -> Option<(i32, i32)> {
        let [worker] = self.kamailio.http_workers();
        sockets::keepalive(worker, server.port())
    }
}

fn ask(server: &HttpServer, statements: &str) -> Asked {
    let kamailio = Kamailio::with_script(SCRIPT).set("statements", statements).set("url", server.url("/")).start();
    let reason = kamailio.message("alice").reason().to_owned();
    let seen = kamailio.wait_for_log("seen <").split("seen ").last().unwrap_or_default().to_owned();
    Asked { kamailio, reason, seen }
}

/// Redirects after a time; a query with the default timeout gets the redirect only.
fn redirecting(after: u64) -> HttpServer {
    HttpServer::start(move |request| match request.target.as_str() {
        "/" => Response::new(307, "Elsewhere").header("Location", "/there").after(Duration::from_millis(after)),
        _ => Response::text("there"),
    })
}

#[test]
fn http_async_set_takes_every_key() {
    let statements = all(by_function, &PLAIN);
    let other_spelling = statements.replace("tcp_keepalive", "keepalive").replace("tcp_ka_", "ka-");
    for statements in [statements, other_spelling] {
        let server = redirecting(700);
        let asked = ask(&server, &statements);
        assert_eq!((asked.reason.as_str(), asked.seen.as_str()), ("Went on", "<1 200 mine>"));
        assert_eq!(asked.keepalive(&server), Some((31, 17)));
        let requests = server.requests();
        for request in &requests {
            assert_eq!((request.method.as_str(), request.body.as_slice()), ("PUT", b"b".as_slice()));
            assert_eq!(request.header("X-Foo"), Some("bar"));
            assert_eq!(request.header("Authorization"), Some("Basic YWxpY2U6c2VjcmV0"));
        }
        assert_eq!(requests.len(), 2);
    }
    let server = redirecting(0);
    ask(&server, &by_function("http_version", "1"));
    assert_eq!(server.requests()[0].header("Upgrade"), Some("h2c"));
}

/// The keys that show in a TLS handshake.
struct TlsKeys {
    certificates: TestCertificates,
}

impl TlsKeys {
    fn create() -> Self {
        Self { certificates: TestCertificates::temporary() }
    }

    /// The statement that sets one of them to what opens the door.
    fn set(&self, set: Set, key: &str) -> String {
        let value = match key {
            "tls_ca_path" => self.certificates.ca_directory().display().to_string(),
            "tls_client_cert" => self.certificates.client_certificate().display().to_string(),
            "tls_client_key" => self.certificates.client_key().display().to_string(),
            _ => "0".to_owned(),
        };
        set(key, &value)
    }

    fn set_all(&self, set: Set, keys: &[&str]) -> String {
        keys.iter().map(|key| self.set(set, key)).collect()
    }

    fn ask(&self, server: Server, statements: &str) -> String {
        let server = HttpServer::start_tls(server(&self.certificates), |_| Response::text("safe"));
        ask(&server, &format!("{statements} $http_req(timeout) = 8000;")).seen
    }
}

/// A kind of TLS server.
type Server = fn(&TestCertificates) -> TlsSettings;

/// Each kind of server, and the keys without which no query gets through to it.
const SERVERS: [(Server, &[&str]); 4] = [
    (TestCertificates::server, &["tls_ca_path"]),
    (TestCertificates::server_self_signed, &["tls_verify_peer"]),
    (TestCertificates::server_with_other_name, &["tls_ca_path", "tls_verify_host"]),
    (TestCertificates::server_requiring_client_certificate, &["tls_ca_path", "tls_client_cert", "tls_client_key"]),
];

#[test]
fn http_async_set_takes_every_tls_key() {
    let keys = TlsKeys::create();
    for (server, needed) in SERVERS {
        assert_eq!(keys.ask(server, &keys.set_all(by_function, needed)), "<1 200 <null>>", "{needed:?}");
    }
}

/// `all` takes back every key, so that what is set after it is all that is sent.
fn assert_resets(reset: &str) {
    let http_version = by_assignment("http_version", "1");
    let everything = format!("{}{http_version}{reset}\n", all(by_assignment, &PLAIN));
    let server = redirecting(0);
    let asked = ask(&server, &everything);
    assert_eq!((asked.reason.as_str(), asked.seen.as_str()), ("Resumed", "<1 307 <null>>"));
    assert_eq!(asked.keepalive(&server), None);
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.body.len()), ("GET", 0));
    for header in ["X-Foo", "Authorization", "Upgrade"] {
        assert_eq!(request.header(header), None);
    }
    // These two show only together with another key.
    let again =
        all(by_assignment, PLAIN.iter().filter(|(key, _)| ["username", "password", "tcp_keepalive"].contains(key)));
    let server = redirecting(0);
    let asked = ask(&server, &format!("{everything}{again}"));
    assert_eq!((server.requests()[0].header("Authorization"), asked.keepalive(&server)), (None, Some((60, 60))));
    assert_eq!(ask(&redirecting(700), &everything).seen, "<0 <null> <null>>");
}

/// Without any one of the keys that a server needs, no query gets through.
fn assert_resets_tls(reset: &str) {
    let keys = TlsKeys::create();
    for (server, needed) in SERVERS {
        for lacking in needed {
            let others: Vec<&str> = needed.iter().filter(|key| *key != lacking).copied().collect();
            let (all, others) = (keys.set_all(by_assignment, needed), keys.set_all(by_assignment, &others));
            let seen = keys.ask(server, &format!("{all} {reset} {others}"));
            assert_eq!(seen, "<0 <null> <null>>", "{lacking} is still set");
        }
    }
}

#[test]
fn all_null_resets_every_key() {
    assert_resets("$http_req(all) = $null;");
}

#[test]
fn all_null_resets_every_tls_key() {
    assert_resets_tls("$http_req(all) = $null;");
}

#[test]
fn http_async_set_all_resets_every_key() {
    assert_resets(r#"http_async_set("all", "");"#);
    let refused = ask_refused(r#"http_async_set("all", "x");"#);
    assert!(refused.contains("it takes $null or an empty string"), "{refused}");
    // A refused assignment is taken back, too.
    let asked = ask(&redirecting(0), r#"http_async_set("timeout", "soon"); http_async_set("all", "");"#);
    assert_eq!(asked.reason, "Resumed");
}

/// The line about a refused assignment.
fn ask_refused(statement: &str) -> String {
    let kamailio = Kamailio::with_script(SCRIPT).set("statements", statement).set("url", "http://127.0.0.1:1/").start();
    assert_eq!(kamailio.message("alice").reason(), "Refused");
    wait_until(PATIENCE, || kamailio.log_lines("ERROR: http_async_client").len() == 2);
    kamailio.log_lines("ERROR: http_async_client").remove(0)
}

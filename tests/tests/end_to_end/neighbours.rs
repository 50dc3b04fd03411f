//! Beside tls.so and http_client.so, which use the same OpenSSL and the same libcurl: every load order, whatever libcurl's
//! memory is, with HTTPS queries of both modules under SIP over TLS.

use crate::common::{REPORT, assert_replied, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, free_tcp_port};
use end_to_end::sip::SipMessage;
use end_to_end::sip_tls::SipTlsClient;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

const OWN: &str = "http_async_client";

/// Load orders of the three, and of two without the third.
const ORDERS: [&[&str]; 10] = [
    &["tls", "http_client", OWN],
    &["tls", OWN, "http_client"],
    &["http_client", "tls", OWN],
    &["http_client", OWN, "tls"],
    &[OWN, "tls", "http_client"],
    &[OWN, "http_client", "tls"],
    &["tls", OWN],
    &[OWN, "tls"],
    &["http_client", OWN],
    &[OWN, "http_client"],
];

/// Instances that are up at the same time; they wait more than they work.
const AT_ONCE: usize = 8;

/// A query that suspends; `{blocking}` is one of http_client's in the SIP worker, and `{seen}` one in the HTTP worker.
const SCRIPT: &str = r#"
    route[MAIN] {
        if($rU == "blocking") {
            {blocking}
            t_newtran();
            append_to_reply("X-Blocking: $var(status) $var(body)\r\n");
            t_reply("200", "Asked");
            exit;
        }
        t_newtran();
        http_async_query("{url}", "REPLY");
        t_reply("500", "Not suspended");
    }"#;

const BLOCKING: &str = r#"http_client_query("{url}", "$var(body)"); $var(status) = $rc;"#;

const BLOCKING_CALLBACK: &str = r#"
    if($rU == "both") { {blocking} append_to_reply("X-Blocking: $var(status) $var(body)\r\n"); }"#;

/// One way to start the server.
#[derive(Clone, Copy, Debug)]
struct Variant {
    order: &'static [&'static str],
    memory_manager: &'static str,
    at_exit: bool,
    /// `None` is Kamailio's default.
    tls_threads_mode: Option<u8>,
}

impl Variant {
    fn has(&self, module: &str) -> bool {
        self.order.contains(&module)
    }

    /// Those of the order before the module under test, and those after it.
    fn others(&self) -> (&'static [&'static str], &'static [&'static str]) {
        let own = self.order.iter().position(|module| *module == OWN).expect("each order has it");
        (&self.order[..own], &self.order[own + 1..])
    }
}

/// What all instances share.
struct Setup {
    certificates: TestCertificates,
    server: HttpServer,
}

impl Setup {
    fn new() -> Self {
        let certificates = TestCertificates::temporary();
        // Each query makes a connection of its own, and so a handshake.
        let answer = |_: &Request| Response::text("safe").header("Connection", "close");
        let server = HttpServer::start_tls(certificates.server(), answer);
        Self { certificates, server }
    }

    fn instance(&self, variant: &Variant, tls_port: u16) -> Builder {
        let (before, after) = variant.others();
        let mut builder = Kamailio::with_script(&format!("{SCRIPT}{REPORT}"))
            .set("url", self.server.url("/"))
            .set("blocking", "")
            .set("seen", "")
            .children(1)
            .modules(before)
            .after_module(&after.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect::<String>())
            .parameter("memory_manager", format!("\"{}\"", variant.memory_manager))
            .parameter("connection_timeout", 9000)
            .trusting(&self.certificates);
        if variant.has("http_client") {
            builder = builder.set("blocking", BLOCKING).set("seen", BLOCKING_CALLBACK);
            builder = builder.http_client_trusting(&self.certificates);
        }
        if variant.has("tls") {
            builder = builder.sip_over_tls(tls_port, &self.certificates);
        }
        if let Some(mode) = variant.tls_threads_mode {
            builder = builder.before(&format!("tls_threads_mode={mode}"));
        }
        if variant.at_exit { builder } else { builder.arguments(&["--atexit=no"]) }
    }
}

/// Queries of both modules while SIP over TLS runs; then it stops.
fn works(setup: &Setup, variant: &Variant) {
    let tls_port = free_tcp_port();
    let kamailio = setup.instance(variant, tls_port).start();
    let user = if variant.has("http_client") { "both" } else { "alice" };
    if variant.has("http_client") {
        // Before there is SIP over TLS: Kamailio 5.6 lets OpenSSL's errors of one SIP worker reach another.
        assert_asked_blocking(&kamailio.message("blocking"));
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            let answers = kamailio.client().transact_all("MESSAGE", user, 5);
            assert_eq!(answers.len(), 5, "{variant:?}; the log:\n{}", kamailio.log());
            answers.iter().for_each(|answer| assert_answered(answer, variant));
        });
        if variant.has("tls") {
            let address = SocketAddr::from(([127, 0, 0, 1], tls_port));
            let mut client = SipTlsClient::connect(address, &setup.certificates);
            (0..3).for_each(|_| assert_answered(&client.transact("MESSAGE", user), variant));
        }
    });
    assert_warned(&kamailio, variant);
    kamailio.stop().assert_clean();
}

/// What the manual says about load orders is what the log says.
fn assert_warned(kamailio: &Kamailio, variant: &Variant) {
    let (before, _) = variant.others();
    let without_effect = before.contains(&"http_client") && variant.memory_manager == "shm";
    let lines = kamailio.log_lines("memory_manager has no effect");
    assert_eq!(lines.len(), usize::from(without_effect), "{variant:?}; the log:\n{}", kamailio.log());
}

fn assert_answered(answer: &SipMessage, variant: &Variant) {
    assert_replied(answer, "200");
    if variant.has("http_client") {
        assert_asked_blocking(answer);
    }
}

fn assert_asked_blocking(answer: &SipMessage) {
    assert_eq!(seen(answer, "X-Blocking"), "200 safe", "{}", answer.text());
}

/// Whether this Kamailio knows the core parameter `tls_threads_mode`.
fn has_threads_modes() -> bool {
    let check = Kamailio::with_script("route[MAIN] { exit; }").before("tls_threads_mode=2").check();
    let has = check.status.success();
    assert!(has || check.log.contains("syntax error"), "it is refused for another reason:\n{}", check.log);
    has
}

fn all_work(variants: &[Variant]) {
    let setup = Setup::new();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    works(&setup, variant);
                }
            });
        }
    });
}

#[test]
fn every_load_order_works_whatever_libcurls_memory_and_the_end_are() {
    let mut variants = Vec::new();
    for order in ORDERS {
        for memory_manager in ["shm", "sys"] {
            for at_exit in [true, false] {
                variants.push(Variant { order, memory_manager, at_exit, tls_threads_mode: None });
            }
        }
    }
    all_work(&variants);
}

#[test]
fn every_load_order_works_in_every_tls_threads_mode() {
    if !has_threads_modes() {
        return;
    }
    // 2 is Kamailio's default, which the test above has tried; Kamailio 6 takes 1 for 2.
    let modes = [(0, "shm"), (0, "sys"), (1, "shm")];
    let mut variants = Vec::new();
    for order in ORDERS.into_iter().filter(|order| order.contains(&"tls")) {
        for (mode, memory_manager) in modes {
            for at_exit in [true, false] {
                variants.push(Variant { order, memory_manager, at_exit, tls_threads_mode: Some(mode) });
            }
        }
    }
    all_work(&variants);
}

/// With tls.so, OpenSSL keeps what belongs to a thread in shared memory, and every process is forked from one thread:
/// errors of a TCP worker would become those of an HTTP worker, or be freed by both.
#[test]
fn failing_tls_of_sip_peers_leaves_queries_alone() {
    const QUERIES: usize = 300;
    const FAILURES: usize = 50;
    let setup = Setup::new();
    let [mut modes, with_modes] = [vec![None], vec![Some(0), Some(2)]];
    if has_threads_modes() {
        modes = with_modes;
    }
    for tls_threads_mode in modes {
        let variant = Variant { order: &["tls", OWN], memory_manager: "sys", at_exit: true, tls_threads_mode };
        let port = free_tcp_port();
        let kamailio = setup.instance(&variant, port).start();
        let (over, failed) = (AtomicBool::new(false), AtomicUsize::new(0));
        thread::scope(|scope| {
            let peer = scope.spawn(|| fail_handshakes(port, &over, &failed));
            let mut answers = Vec::new();
            while !peer.is_finished() && (answers.len() < QUERIES || failed.load(Ordering::Relaxed) < FAILURES) {
                let asked = answers.len() + 20;
                answers.extend(kamailio.client().transact_all("MESSAGE", "alice", 20));
                assert_eq!(answers.len(), asked, "{variant:?}; the log:\n{}", kamailio.log());
            }
            over.store(true, Ordering::Relaxed);
            peer.join().expect("the server takes connections");
            answers.iter().for_each(|answer| assert_replied(answer, "200"));
        });
    }
}

/// A peer that does not speak TLS, again and again; counts how often it was refused.
fn fail_handshakes(port: u16, over: &AtomicBool, failed: &AtomicUsize) {
    while !over.load(Ordering::Relaxed) {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
        // The server closes; whether it first sends an alert is its affair.
        let refused = socket.write_all(b"GET / HTTP/1.0\r\n\r\n").and_then(|()| socket.read_to_end(&mut Vec::new()));
        if refused.is_ok() || refused.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

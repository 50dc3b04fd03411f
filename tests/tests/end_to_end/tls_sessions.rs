//! TLS sessions: new connections of a worker resume them, under the same terms only, and their number is bounded.

use crate::common::{assert_replied, one_query, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{Handshakes, HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio};
use end_to_end::resident_memory::resident_memory;
use std::net::TcpListener;
use std::path::Path;

/// An instance that trusts the authority, and asks this server.
fn instance(certificates: &TestCertificates, url: &str, assignments: &str) -> Builder {
    one_query(url, assignments, "").parameter("connection_timeout", 8000).trusting(certificates)
}

/// Each way to keep a session: TLS 1.2 and 1.3, at the server and in a ticket.
fn all_kinds(certificates: &TestCertificates) -> [(&'static str, TlsSettings); 4] {
    let server = certificates.server();
    [
        ("TLS 1.2, id", server.clone().only_tls12()),
        ("TLS 1.2, ticket", server.clone().only_tls12().with_tickets()),
        ("TLS 1.3, once", server.clone().only_tls13()),
        ("TLS 1.3, ticket", server.only_tls13().with_tickets()),
    ]
}

fn quoted(path: impl AsRef<Path>) -> String {
    format!("\"{}\"", path.as_ref().display())
}

/// A connection for each query.
fn closing(settings: TlsSettings) -> HttpServer {
    HttpServer::start_tls(settings, |_| answer())
}

fn answer() -> Response {
    Response::text("x").header("Connection", "close")
}

fn assert_all_replied(kamailio: &Kamailio, user: &str, count: u64) {
    (0..count).for_each(|_| assert_replied(&kamailio.message(user), "200"));
}

#[test]
fn queries_on_connections_of_their_own_make_one_full_handshake() {
    const QUERIES: u64 = 10;
    let certificates = TestCertificates::temporary();
    for (kind, settings) in all_kinds(&certificates) {
        for manager in ["shm", "sys"] {
            let server = closing(settings.clone());
            let instance = instance(&certificates, &server.url("/"), "").parameter("memory_manager", quoted(manager));
            let kamailio = instance.parameter("workers", 1).start();
            assert_all_replied(&kamailio, "alice", QUERIES);
            assert_eq!(server.connections(), QUERIES);
            let expected = Handshakes { full: 1, resumed: QUERIES - 1 };
            assert_eq!(server.handshakes(), expected, "{kind}, {manager}");
            kamailio.stop().assert_clean();
        }
    }
}

/// With the allocator whose own sum is right: see `https-soak`.
fn beside_tls_so(certificates: &TestCertificates, builder: Builder) -> Kamailio {
    let (certificate, key) = (certificates.server_certificate(), certificates.server_key());
    let (certificate, key) = (quoted(certificate), quoted(key));
    let tls = format!("modparam(\"tls\", \"certificate\", {certificate})\nmodparam(\"tls\", \"private_key\", {key})");
    builder.arguments(&["-x", "fm"]).before("enable_tls=yes").lines(&tls).start()
}

#[test]
fn sessions_are_resumed_beside_tls_so_in_both_load_orders() {
    const QUERIES: u64 = 5;
    let certificates = TestCertificates::temporary();
    for loads_first in [true, false] {
        let server = closing(certificates.server());
        let instance = instance(&certificates, &server.url("/"), "");
        let instance =
            if loads_first { instance.modules(&["tls"]) } else { instance.after_module("loadmodule \"tls.so\"") };
        let kamailio = beside_tls_so(&certificates, instance);
        assert_all_replied(&kamailio, "alice", QUERIES);
        assert_eq!(server.handshakes(), Handshakes { full: 1, resumed: QUERIES - 1 });
        kamailio.stop().assert_clean();
    }
}

#[test]
fn sessions_leave_nothing_in_the_shared_memory_that_tls_so_gives_to_openssl() {
    // A session that is left there takes some kilobytes.
    const QUERIES: u64 = 100;
    const LEAST_LEAK: i64 = 1000 * QUERIES as i64;
    let certificates = TestCertificates::temporary();
    let server = closing(certificates.server());
    let instance = instance(&certificates, &server.url("/"), "").parameter("memory_manager", quoted("sys"));
    let kamailio = beside_tls_so(&certificates, instance.modules(&["tls"]));
    let used_after = |queries| {
        assert_all_replied(&kamailio, "alice", queries);
        kamailio.wait_for_no_transaction();
        kamailio.shared_memory_used()
    };
    let before = used_after(20);
    let after = used_after(QUERIES);
    assert!(after - before < LEAST_LEAK / 2, "{before} bytes, then {after}");
    assert_eq!(server.handshakes(), Handshakes { full: 1, resumed: 19 + QUERIES });
}

/// Each makes queries under other terms, the first under those of the parameters.
const USERS: [&str; 5] = ["alice", "any-peer", "any-name", "other-authorities", "certified"];

fn with_terms(certificates: &TestCertificates, server: &HttpServer) -> Kamailio {
    let (certificate, key) = (quoted(certificates.client_certificate()), quoted(certificates.client_key()));
    let (authorities, stranger) = (quoted(certificates.ca_directory()), quoted(certificates.self_signed_certificate()));
    let terms = format!(
        r#"if($rU == "any-peer") {{ $http_req(tls_verify_peer) = 0; }}
           else if($rU == "any-name") {{ $http_req(tls_verify_host) = 0; }}
           else if($rU == "other-authorities") {{ $http_req(tls_ca_path) = {authorities}; }}
           else if($rU == "other-trust") {{ $http_req(tls_ca_path) = {stranger}; }}
           else if($rU == "certified") {{
               $http_req(tls_client_cert) = {certificate};
               $http_req(tls_client_key) = {key};
           }}"#
    );
    instance(certificates, &server.url("/"), &terms).parameter("workers", 1).start()
}

#[test]
fn a_session_serves_queries_of_the_same_terms_alone() {
    let certificates = TestCertificates::temporary();
    for (kind, settings) in all_kinds(&certificates) {
        let server = closing(settings);
        let kamailio = with_terms(&certificates, &server);
        for round in 1..=3 {
            USERS.iter().for_each(|user| assert_all_replied(&kamailio, user, 1));
            let users = USERS.len() as u64;
            assert_eq!(server.handshakes(), Handshakes { full: users, resumed: (round - 1) * users }, "{kind}");
        }
    }
}

/// Who may ask such a server, and who may not.
fn welcome_and_refused(certificates: &TestCertificates) -> [(TlsSettings, &'static str, &'static str); 4] {
    [
        (certificates.server_self_signed(), "any-peer", "alice"),
        (certificates.server_with_other_name(), "any-name", "alice"),
        (certificates.server(), "alice", "other-trust"),
        (certificates.server_requiring_client_certificate(), "certified", "alice"),
    ]
}

#[test]
fn a_session_helps_no_query_under_terms_that_would_fail() {
    let certificates = TestCertificates::temporary();
    for (settings, welcome, refused) in welcome_and_refused(&certificates) {
        for settings in [settings.clone().only_tls12().with_tickets(), settings.only_tls13().with_tickets()] {
            let server = closing(settings);
            let kamailio = with_terms(&certificates, &server);
            for round in 1..=3 {
                assert_all_replied(&kamailio, welcome, 2);
                // A certificate that was found wrong once is no better when its session comes again.
                for _ in 0..2 {
                    assert_eq!(seen(&kamailio.message(refused), "X-Ok"), "0", "{refused} after {welcome}");
                }
                assert_eq!(server.requests().len(), 2 * round);
            }
            assert!(server.handshakes().resumed >= 5, "{:?}", server.handshakes());
        }
    }
}

#[test]
fn a_server_that_does_not_know_its_sessions_any_more_gets_a_full_handshake() {
    let certificates = TestCertificates::temporary();
    for (kind, settings) in all_kinds(&certificates) {
        let server = closing(settings.clone());
        let kamailio = instance(&certificates, &server.url("/"), "").parameter("workers", 1).start();
        assert_all_replied(&kamailio, "alice", 3);
        let listener = server.leave();
        let server = HttpServer::take_over(listener, Some(settings), |_| answer()).expect("a server");
        assert_all_replied(&kamailio, "alice", 3);
        assert_eq!(server.handshakes(), Handshakes { full: 1, resumed: 2 }, "{kind}");
    }
}

/// Bytes that a worker may take for sessions once it has had more peers than it remembers.
const GROWTH: i64 = 700_000;

#[test]
fn sessions_with_many_hosts_take_no_more_memory() {
    let certificates = TestCertificates::temporary();
    let listener = TcpListener::bind("0.0.0.0:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let settings = certificates.server().only_tls13().with_tickets();
    let _server = HttpServer::take_over(listener, Some(settings), |_| answer()).expect("a server");
    // The certificate is not for all of these addresses.
    let url = format!("https://127.0.$(rU{{s.select,0,-}}).$(rU{{s.select,1,-}}):{port}/");
    let kamailio = instance(&certificates, &url, "").parameter("workers", 1).parameter("tls_verify_host", 0).start();
    let [worker] = kamailio.http_workers();
    let ask_each_of = |network: u8| {
        for host in 1..=250u8 {
            // Each handshake brings two tickets.
            assert_all_replied(&kamailio, &format!("{network}-{host}"), 2);
        }
        i64::try_from(resident_memory(worker)).expect("a number of bytes")
    };
    let before = ask_each_of(1);
    let after = (2..=3).map(ask_each_of).max().expect("two of them");
    assert!(after - before < GROWTH, "{before} bytes, then {after}");
}

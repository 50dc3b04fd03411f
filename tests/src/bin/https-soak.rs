//! 200,000 HTTPS queries beside tls.so and http_client.so while SIP over TLS runs: shared memory in use must not grow. Run it by
//! `make https-soak`. Samples are taken at rest: no transaction, no SIP connection.

use end_to_end::certificates::TestCertificates;
use end_to_end::kamailio::{Kamailio, free_tcp_port, wait_until};
use end_to_end::nginx::Nginx;
use end_to_end::resident_memory::resident_memory;
use end_to_end::sip_tls::SipTlsClient;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const ROUNDS: i64 = 20;
const QUERIES_A_ROUND: i64 = 10_000;
const IN_FLIGHT: i64 = 50;
/// Each connection begins with a handshake, so there are some thousands of these too.
const REQUESTS_A_CONNECTION: u32 = 100;
/// A round may take that long on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes by which the mean of the later rounds may be above that of the earlier ones. A sample differs by some 300 kB with the
/// number of connections that are open at that moment; the smallest leak, a block of 16 bytes a query, would make 1.5 MB.
const VARIATION: i64 = 200_000;

/// `start` begins chains: each callback sends the next query, until the round is over. Others wait for an answer in a suspended
/// transaction, `blocking` for http_client's.
const SCRIPT: &str = r#"
    route[MAIN] {
        if($rU == "start") {
            $var(i) = 0;
            while($var(i) < {in_flight}) { http_async_query("{url}", "NEXT"); $var(i) = $var(i) + 1; }
            sl_send_reply("200", "OK");
            exit;
        }
        t_newtran();
        if($rU == "blocking") { http_client_query("{url}", "$var(body)"); t_reply("200", "$var(body)"); exit; }
        http_async_query("{url}", "REPLY");
        t_reply("500", "Not suspended");
    }
    route[REPLY] { if($http_rs == 200) { t_reply("200", "$http_rb"); } else { t_reply("500", "$http_err"); } }
    route[NEXT] {
        $var(count) = ($var(count) + 1) mod {queries};
        if($var(count) != 0 && $var(count) <= {queries} - {in_flight}) { http_async_query("{url}", "NEXT"); }
    }"#;

/// Kamailio's default allocator, `qm`, counts too much as used when a block is made smaller, as OpenSSL does: in 5.6.3 and
/// 6.0.1, `qm_realloc` takes the success of `split_frag` for its failure. So its own sum says nothing.
const ALLOCATOR: [&str; 2] = ["-x", "fm"];

fn instance(manager: &str, certificates: &TestCertificates, url: &str, sip_port: u16) -> Kamailio {
    Kamailio::with_script(SCRIPT)
        .arguments(&ALLOCATOR)
        .modules(&["tls"])
        .after_module("loadmodule \"http_client.so\"")
        .http_client_trusting(certificates)
        .sip_over_tls(sip_port, certificates)
        .trusting(certificates)
        .parameter("memory_manager", format!("\"{manager}\""))
        .parameter("connection_timeout", 25_000)
        .set("in_flight", IN_FLIGHT)
        .set("queries", QUERIES_A_ROUND)
        .set("url", url)
        .start()
}

/// SIP over TLS until `over`: connections of 20 requests each. Returns the number of requests.
fn talk(address: SocketAddr, certificates: &TestCertificates, over: &AtomicBool) -> i64 {
    let mut count = 0;
    while !over.load(Ordering::Relaxed) {
        let mut client = SipTlsClient::connect(address, certificates);
        for number in 0..20 {
            let user = if number % 5 == 0 { "blocking" } else { "alice" };
            let answer = client.transact("MESSAGE", user);
            assert_eq!((answer.status(), answer.reason()), (200, "ok"), "{user}: {}", answer.text());
            count += 1;
        }
    }
    count
}

/// One round of queries under SIP traffic; returns the number of SIP requests.
fn round(kamailio: &Kamailio, sip: SocketAddr, certificates: &TestCertificates) -> i64 {
    let over = AtomicBool::new(false);
    let before = ended(kamailio);
    thread::scope(|scope| {
        let peers = [(); 2].map(|()| scope.spawn(|| talk(sip, certificates, &over)));
        kamailio.message("start");
        let done = wait_until(PATIENCE, || ended(kamailio) - before >= QUERIES_A_ROUND);
        over.store(true, Ordering::Relaxed);
        assert!(done, "{:?} after {PATIENCE:?}; the log:\n{}", kamailio.counts(), kamailio.log());
        peers.map(|peer| peer.join().expect("SIP over TLS works")).into_iter().sum()
    })
}

fn ended(kamailio: &Kamailio) -> i64 {
    let [_, replies, errors, timeouts, _] = kamailio.counts();
    replies + errors + timeouts
}

/// Waits until nothing is under way.
fn wait_for_rest(kamailio: &Kamailio) {
    wait_until(PATIENCE, || kamailio.counts()[4] == 0);
    kamailio.wait_for_no_transaction();
    let closed = || kamailio.rpc_numbers(&["core.tcp_info"])["opened_connections"] == 0;
    assert!(wait_until(PATIENCE, closed), "SIP connections stay open");
}

/// nginx with TLS, which closes a connection after so many requests, and its URL.
fn start_nginx(certificates: &TestCertificates, requests_a_connection: u32) -> (Nginx, String) {
    let port = free_tcp_port();
    let server = format!(
        "server {{ keepalive_requests {requests_a_connection}; listen 127.0.0.1:{port} ssl;\n\
         ssl_certificate {}; ssl_certificate_key {}; location / {{ return 200 'ok'; }} }}",
        certificates.server_certificate().display(),
        certificates.server_key().display()
    );
    (Nginx::start(&[port], &server), format!("https://localhost:{port}/"))
}

fn soak(manager: &str, url: &str, certificates: &TestCertificates) {
    let sip = SocketAddr::from(([127, 0, 0, 1], free_tcp_port()));
    let kamailio = instance(manager, certificates, url, sip.port());
    let [worker] = kamailio.http_workers();
    let mut used = Vec::new();
    for number in 1..=ROUNDS {
        let requests = round(&kamailio, sip, certificates);
        wait_for_rest(&kamailio);
        used.push(kamailio.shared_memory_used());
        let [total, replies, errors, timeouts, _] = kamailio.counts();
        println!(
            "memory_manager {manager}, round {number}: {total} queries, {requests} SIP requests in the round, {} bytes of \
             shared memory, {} kB resident in the worker",
            used[used.len() - 1],
            resident_memory(worker) / 1024
        );
        assert_eq!((replies, errors, timeouts), (total, 0, 0), "the log:\n{}", kamailio.log());
    }
    kamailio.stop().assert_clean();
    // The first round fills what is kept: connections, handles, sessions.
    let (earlier, later) = used[1..].split_at(used.len() / 2);
    let growth = mean(later) - mean(earlier);
    println!("memory_manager {manager}: {growth} bytes more in the later rounds than in the earlier ones");
    assert!(growth < VARIATION, "shared memory grows: {used:?}");
}

fn mean(samples: &[i64]) -> i64 {
    samples.iter().sum::<i64>() / samples.len() as i64
}

fn main() {
    let certificates = TestCertificates::temporary();
    let (_nginx, url) = start_nginx(&certificates, REQUESTS_A_CONNECTION);
    for manager in ["shm", "sys"] {
        soak(manager, &url, &certificates);
    }
}

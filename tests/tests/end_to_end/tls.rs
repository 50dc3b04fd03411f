//! HTTPS: who is trusted, and who we are.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Builder, PATIENCE, pause, resume};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

fn server(settings: TlsSettings) -> HttpServer {
    HttpServer::start_tls(settings, |_| Response::text("safe"))
}

fn quoted(path: impl AsRef<Path>) -> String {
    format!("\"{}\"", path.as_ref().display())
}

fn instance(server: &HttpServer, assignments: &str) -> Builder {
    one_query(&server.url("/"), assignments, "").parameter("connection_timeout", 8000)
}

#[test]
fn tls_ca_path_says_who_is_trusted_as_folder_or_file() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server());
    assert_failed(&instance(&server, "").start().message("alice"), "SSL");
    for path in [certificates.ca_directory(), certificates.ca_file()] {
        assert_replied(&instance(&server, "").parameter("tls_ca_path", quoted(&path)).start().message("alice"), "200");
        let key = format!("$http_req(tls_ca_path) = {};", quoted(&path));
        assert_replied(&instance(&server, &key).start().message("alice"), "200");
        let null = instance(&server, "$http_req(tls_ca_path) = $null;").parameter("tls_ca_path", quoted(&path));
        assert_failed(&null.start().message("alice"), "SSL");
    }
}

#[test]
fn times_tell_when_tls_was_ready() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server());
    let report =
        r#"append_to_reply("X-Times: $http_time(connect) $http_time(appconnect) $http_time(pretransfer)\r\n");"#;
    let kamailio =
        one_query(&server.url("/"), "", report).parameter("connection_timeout", 8000).trusting(&certificates).start();
    let answer = kamailio.message("alice");
    assert_replied(&answer, "200");
    let times: Vec<u64> = seen(&answer, "X-Times").split(' ').map(|time| time.parse().expect("a number")).collect();
    assert!(times[0] > 0 && times[1] > times[0] && times.is_sorted(), "{times:?}");
}

#[test]
fn tls_verify_peer_0_trusts_anybody() {
    let certificates = TestCertificates::temporary();
    for settings in [certificates.server_self_signed(), certificates.server_expired()] {
        let server = server(settings);
        let trusting = instance(&server, "").parameter("tls_ca_path", quoted(certificates.ca_directory()));
        for strict in [1, 2, -1] {
            let strict = trusting.clone().parameter("tls_verify_peer", strict);
            assert_failed(&strict.start().message("alice"), "SSL");
        }
        assert_failed(&trusting.clone().start().message("alice"), "SSL");
        assert_replied(&trusting.parameter("tls_verify_peer", 0).start().message("alice"), "200");
    }
}

#[test]
fn tls_verify_host_0_takes_a_certificate_for_another_name() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_with_other_name());
    let trusting = instance(&server, "").parameter("tls_ca_path", quoted(certificates.ca_directory()));
    for strict in [1, 2, 3, -1] {
        assert_failed(&trusting.clone().parameter("tls_verify_host", strict).start().message("alice"), "SSL");
    }
    assert_failed(&trusting.clone().start().message("alice"), "SSL");
    assert_replied(&trusting.parameter("tls_verify_host", 0).start().message("alice"), "200");
}

#[test]
fn tls_version_is_the_least_that_is_accepted() {
    let certificates = TestCertificates::temporary();
    let (old, new) = (server(certificates.server().only_tls12()), server(certificates.server().only_tls13()));
    let ca = quoted(certificates.ca_directory());
    let with = |server, version| instance(server, "").parameter("tls_ca_path", &ca).parameter("tls_version", version);
    assert_failed(&with(&old, 7).start().message("alice"), "SSL");
    assert_replied(&with(&new, 7).start().message("alice"), "200");
    assert_replied(&with(&old, 6).start().message("alice"), "200");
    assert_replied(&with(&old, 0).start().message("alice"), "200");
}

#[test]
fn a_client_certificate_is_shown_by_parameter_and_by_key() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_requiring_client_certificate());
    let ca = quoted(certificates.ca_directory());
    let (certificate, key) = (quoted(certificates.client_certificate()), quoted(certificates.client_key()));
    let trusting = |assignments: &str| instance(&server, assignments).parameter("tls_ca_path", &ca);
    let refused = trusting("").start().message("alice");
    assert_eq!(refused.header("X-Ok"), Some("0"), "{}", refused.text());
    let by_parameter = |assignments| {
        trusting(assignments).parameter("tls_client_cert", &certificate).parameter("tls_client_key", &key)
    };
    assert_replied(&by_parameter("").start().message("alice"), "200");
    let null = "$http_req(tls_client_cert) = $null; $http_req(tls_client_key) = $null;";
    assert_eq!(by_parameter(null).start().message("alice").header("X-Ok"), Some("0"));
    let by_key = format!("$http_req(tls_client_cert) = {certificate}; $http_req(tls_client_key) = {key};");
    assert_replied(&trusting(&by_key).start().message("alice"), "200");
}

#[test]
fn https_works_beside_tls_so_in_both_load_orders() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server());
    let trusting = || instance(&server, "").parameter("tls_ca_path", quoted(certificates.ca_directory()));
    let (certificate, key) = (quoted(certificates.self_signed_certificate()), quoted(certificates.self_signed_key()));
    let tls = format!("modparam(\"tls\", \"certificate\", {certificate})\nmodparam(\"tls\", \"private_key\", {key})");
    for builder in [trusting().modules(&["tls"]), trusting().after_module("loadmodule \"tls.so\"")] {
        let kamailio = builder.before("enable_tls=yes").lines(&tls).start();
        assert_replied(&kamailio.message("alice"), "200");
        let ended = kamailio.stop();
        assert!(ended.status.success() && ended.critical_lines().is_empty(), "{}", ended.log);
    }
}

#[test]
fn a_missing_key_file_ends_in_the_error_route() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_requiring_client_certificate());
    let builder = instance(&server, "")
        .parameter("tls_ca_path", quoted(certificates.ca_directory()))
        .parameter("tls_client_cert", quoted(certificates.client_certificate()))
        .parameter("tls_client_key", quoted(certificates.folder().join("no-such.key")));
    assert_failed(&builder.start().message("alice"), "key");
}

/// A thousand of them, the default of max_in_flight, must leave room in the 64 MB that Kamailio has by itself.
#[test]
fn a_transfer_over_tls_takes_less_than_56_kb_of_shared_memory() {
    const HANGING: usize = 200;
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server(), |_| Response::steps(vec![Step::WaitForever]));
    let kamailio = instance(&server, "$http_req(suspend) = 0; $http_req(timeout) = 60000;")
        .trusting(&certificates)
        .parameter("memory_manager", "\"shm\"")
        .start();
    let before = kamailio.shared_memory_used();
    let client = kamailio.client();
    for _ in 0..HANGING {
        client.send("MESSAGE", "alice", "", "");
    }
    server.wait_for_requests(HANGING, PATIENCE);
    kamailio.wait_for_no_transaction();
    let each = (kamailio.shared_memory_used() - before) / HANGING as i64;
    assert!(each < 48 * 1024, "{each} bytes each");
}

#[test]
fn a_server_that_closed_all_its_kept_connections_is_asked_on_a_new_one() {
    // libcurl tries five closed ones and gives up.
    const KEPT: usize = 20;
    let certificates = TestCertificates::temporary();
    // The first round is answered when all of it is there, so that each query has a connection of its own.
    let (asked, round) = (AtomicUsize::new(0), Barrier::new(KEPT));
    let server = HttpServer::start_tls(certificates.server(), move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) < KEPT {
            round.wait();
        }
        Response::text("x")
    });
    let kamailio = instance(&server, "").trusting(&certificates).start();
    let answers = kamailio.client().transact_all("MESSAGE", "alice", KEPT);
    answers.iter().for_each(|answer| assert_replied(answer, "200"));
    assert_eq!((answers.len(), server.open_connections()), (KEPT, KEPT));
    let [worker] = kamailio.http_workers();
    pause(worker);
    server.close_idle_connections();
    server.wait_for_open_connections(0, PATIENCE);
    let client = kamailio.client();
    let sent = client.send("MESSAGE", "alice", "", "");
    resume(worker);
    assert_replied(&client.final_answer(&sent).expect("a final answer"), "200");
}

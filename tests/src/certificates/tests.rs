//! Tests with the `curl` command against the TLS server. Its exit codes are libcurl's error codes.

use std::process::Command;

use super::{TestCertificates, TlsSettings};
use crate::http_server::{HttpServer, Response};

/// `CURLE_SSL_CONNECT_ERROR`
const CONNECT_ERROR: i32 = 35;
/// `CURLE_PEER_FAILED_VERIFICATION`
const PEER_FAILED_VERIFICATION: i32 = 60;

fn start(tls: TlsSettings) -> HttpServer {
    HttpServer::start_tls(tls, |_| Response::text("safe"))
}

/// A `curl` that has yet to be told whom to trust.
fn curl(url: &str) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--ipv4", url]);
    command
}

/// A `curl` that trusts the authority of the tests.
fn trusting_curl(server: &HttpServer, certificates: &TestCertificates) -> Command {
    let mut command = curl(&server.url("/"));
    command.arg("--cacert").arg(certificates.ca_file());
    command
}

/// The exit code and the body.
fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn safe() -> (i32, String) {
    (0, "safe".to_owned())
}

#[test]
fn the_server_is_trusted_by_name_and_by_address() {
    let certificates = TestCertificates::temporary();
    let server = start(certificates.server());
    let by_address = format!("https://127.0.0.1:{}/", server.port());
    assert_eq!(run(&mut trusting_curl(&server, &certificates)), safe());
    assert_eq!(run(curl(&by_address).arg("--cacert").arg(certificates.ca_file())), safe());
}

#[test]
fn the_authority_is_found_by_the_hash_of_its_name() {
    let certificates = TestCertificates::temporary();
    let server = start(certificates.server());
    let mut command = curl(&server.url("/"));
    // Another file of authorities, so that curl does not look at the system's.
    command.arg("--cacert").arg(certificates.self_signed_certificate());
    assert_eq!(run(&mut command).0, PEER_FAILED_VERIFICATION);
    assert_eq!(run(command.arg("--capath").arg(certificates.ca_directory())), safe());
}

#[test]
fn only_the_version_asked_for_is_spoken() {
    let certificates = TestCertificates::temporary();
    let server = start(certificates.server().only_tls12());
    assert_eq!(run(&mut trusting_curl(&server, &certificates)), safe());
    assert_eq!(run(trusting_curl(&server, &certificates).arg("--tlsv1.3")).0, CONNECT_ERROR);
    let server = start(certificates.server().only_tls13());
    assert_eq!(run(&mut trusting_curl(&server, &certificates)), safe());
    assert_eq!(run(trusting_curl(&server, &certificates).args(["--tls-max", "1.2"])).0, CONNECT_ERROR);
}

#[test]
fn wrong_servers_are_not_trusted() {
    let certificates = TestCertificates::temporary();
    let wrong =
        [certificates.server_with_other_name(), certificates.server_expired(), certificates.server_self_signed()];
    for settings in wrong {
        let server = start(settings);
        assert_eq!(run(&mut trusting_curl(&server, &certificates)).0, PEER_FAILED_VERIFICATION);
        assert!(server.requests().is_empty());
        assert_eq!(run(curl(&server.url("/")).arg("--insecure")), safe());
    }
}

#[test]
fn each_wrong_server_is_wrong_in_one_respect() {
    let certificates = TestCertificates::temporary();
    let server = start(certificates.server_with_other_name());
    let elsewhere = format!("https://elsewhere.example:{}/", server.port());
    let mut command = curl(&elsewhere);
    command.args(["--connect-to", "::127.0.0.1:"]).arg("--cacert").arg(certificates.ca_file());
    assert_eq!(run(&mut command), safe());
    let server = start(certificates.server_self_signed());
    let trusted = certificates.self_signed_certificate();
    assert_eq!(run(curl(&server.url("/")).arg("--cacert").arg(trusted)), safe());
}

#[test]
fn a_client_certificate_is_asked_for() {
    let certificates = TestCertificates::temporary();
    let server = start(certificates.server_requiring_client_certificate());
    let run_as = |certificate, key| {
        run(trusting_curl(&server, &certificates).arg("--cert").arg(certificate).arg("--key").arg(key))
    };
    assert_eq!(run_as(certificates.client_certificate(), certificates.client_key()), safe());
    assert_ne!(run_as(certificates.self_signed_certificate(), certificates.self_signed_key()).0, 0);
    assert_ne!(run(&mut trusting_curl(&server, &certificates)).0, 0);
    assert_eq!((server.requests().len(), server.connections()), (1, 3));
}

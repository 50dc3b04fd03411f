//! A kept connection serves queries with the client key that it was opened with, and no others.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio};
use std::fs;

/// Queries with the client certificate; the user of the request is the name of the key's file.
fn instance(certificates: &TestCertificates, url: &str) -> Builder {
    let folder = certificates.folder().display();
    fs::copy(certificates.client_key(), certificates.folder().join("copy.key")).expect("a file");
    let certificate_with_key = format!(
        "{}\n{}",
        fs::read_to_string(certificates.client_certificate()).expect("the certificate"),
        fs::read_to_string(certificates.client_key()).expect("the key")
    );
    fs::write(certificates.folder().join("both.pem"), certificate_with_key).expect("a file");
    let assignments = format!(
        r#"$http_req(tls_client_cert) = "{folder}/both.pem"; $http_req(http_version) = 1;
           if($rU != "none") {{ $http_req(tls_client_key) = "{folder}/" + $rU; }}"#
    );
    let report = r#"append_to_reply("X-Connection: $http_hdr(X-Connection)\r\n");"#;
    one_query(url, &assignments, report).parameter("connection_timeout", 8000).trusting(certificates)
}

/// The error of libcurl's names the key.
fn assert_refused(kamailio: &Kamailio, key: &str) {
    assert_failed(&kamailio.message(key), "private key");
}

#[test]
fn a_kept_connection_serves_no_query_with_another_key() {
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server_requiring_client_certificate(), |_| Response::text("x"));
    // The first key of a certificate may be the wrong one.
    for first in ["client.key", "missing.key", "server.key", "none", "copy.key"] {
        let kamailio = instance(&certificates, &server.url("/")).start();
        kamailio.message(first);
        for _ in 0..2 {
            assert_replied(&kamailio.message("client.key"), "200");
            assert_refused(&kamailio, "missing.key");
            assert_replied(&kamailio.message("copy.key"), "200");
            assert_refused(&kamailio, "server.key");
            assert_replied(&kamailio.message("none"), "200");
        }
    }
}

#[test]
fn a_kept_connection_of_http2_serves_no_query_with_another_key() {
    let certificates = TestCertificates::temporary();
    let server = Http2Server::start_tls(certificates.server_requiring_client_certificate());
    let kamailio = instance(&certificates, &server.url("/")).start();
    let first = kamailio.message("client.key");
    for _ in 0..2 {
        assert_refused(&kamailio, "missing.key");
        assert_refused(&kamailio, "server.key");
        let other = kamailio.message("copy.key");
        assert_ne!(seen(&other, "X-Connection"), seen(&first, "X-Connection"));
        let again = kamailio.message("client.key");
        assert_eq!(seen(&again, "X-Connection"), seen(&first, "X-Connection"), "its connection is kept");
    }
}

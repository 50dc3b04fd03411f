//! Certificates that prove nothing, and what switching a check off lets through.

use crate::common::{assert_failed, assert_replied, assert_untrusted, one_query, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Builder;

/// An instance that trusts the authority, and asks this server.
fn instance(certificates: &TestCertificates, server: &HttpServer) -> Builder {
    one_query(&server.url("/"), "", "").parameter("connection_timeout", 8000).trusting(certificates)
}

fn server(settings: TlsSettings) -> HttpServer {
    HttpServer::start_tls(settings, |_| Response::text("x"))
}

#[test]
fn a_certificate_that_no_known_authority_vouches_for_gets_no_request() {
    let certificates = TestCertificates::temporary();
    for (what, settings) in [
        ("expired", certificates.server_expired()),
        ("not yet valid", certificates.server_not_yet_valid()),
        ("self-signed", certificates.server_self_signed()),
        ("without its intermediate", certificates.server_without_intermediate()),
        ("signed by a server", certificates.server_signed_by_server()),
        ("of an unknown authority", certificates.server_of_unknown_authority()),
    ] {
        let server = server(settings);
        let strict = instance(&certificates, &server);
        assert_untrusted(&strict.clone().start().message("alice"));
        // The name alone is no proof, and the chain is held against the authorities whatever the name.
        assert_untrusted(&strict.clone().parameter("tls_verify_host", 0).start().message("alice"));
        assert_eq!(server.requests().len(), 0, "{what}");
        assert_replied(&strict.parameter("tls_verify_peer", 0).start().message("alice"), "200");
        assert_eq!(server.requests().len(), 1, "{what}");
    }
}

#[test]
fn a_chain_that_ends_at_a_known_authority_is_taken() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_with_intermediate());
    assert_replied(&instance(&certificates, &server).start().message("alice"), "200");
}

#[test]
fn a_certificate_for_another_name_gets_no_request_while_the_name_is_checked() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_with_other_name());
    let strict = instance(&certificates, &server);
    assert_untrusted(&strict.clone().start().message("alice"));
    // Without a known authority the name is still checked.
    assert_failed(&strict.clone().parameter("tls_verify_peer", 0).start().message("alice"), "SSL");
    assert_eq!(server.requests().len(), 0);
    assert_replied(&strict.parameter("tls_verify_host", 0).start().message("alice"), "200");
}

#[test]
fn a_name_in_a_certificate_cannot_begin_a_line_of_the_sip_reply() {
    let certificates = TestCertificates::temporary();
    let server = server(certificates.server_with_multiline_name());
    let kamailio = instance(&certificates, &server).start();
    let answer = kamailio.message("alice");
    assert_failed(&answer, "SSL");
    assert_eq!(answer.header("X-Smuggled"), None, "{}", answer.text());
    assert!(seen(&answer, "X-Error").contains("\\x0d\\x0aX-Smuggled: yes"), "{}", answer.text());
}

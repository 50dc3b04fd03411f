//! HTTPS: who is trusted, and who we are, by parameter and by key.

use super::{Section, reasons};
use crate::case::{Case, tls};
use end_to_end::certificates::TestCertificates as Certificates;

const CLIENT: &str = r#"$http_req(tls_client_cert) = "{client_cert}"; $http_req(tls_client_key) = "{client_key}";"#;
const NO_CLIENT: &str = "$http_req(tls_client_cert) = $null; $http_req(tls_client_key) = $null;";

fn trusting(name: &str, assignments: &str) -> Case {
    Case::query(name, assignments).service(tls(Certificates::server)).parameter("tls_ca_path", "\"{ca}\"")
}

/// The section.
pub fn section() -> Section {
    let cases = vec![
        trusting("tls_ca_path", "").covers(&["parameter tls_ca_path"]),
        Case::query("tls_ca_path that is a file", "")
            .service(tls(Certificates::server))
            .parameter("tls_ca_path", "\"{ca_file}\"")
            .better(
                &["$http_ok", "HTTP requests", "errors", "replies", "log"],
                "One PEM file is taken as well as a folder.",
            ),
        Case::query("an unknown authority", "").service(tls(Certificates::server)).better(&["log"], reasons::FAILED),
        Case::query("tls_verify_peer 0", "")
            .covers(&["parameter tls_verify_peer"])
            .service(tls(Certificates::server_self_signed))
            .parameter("tls_verify_peer", "0"),
        trusting("a certificate for another name", "")
            .service(tls(Certificates::server_with_other_name))
            .better(&["log"], reasons::FAILED),
        trusting("tls_verify_host 0", "")
            .covers(&["parameter tls_verify_host"])
            .service(tls(Certificates::server_with_other_name))
            .parameter("tls_verify_host", "0"),
        trusting("an expired certificate", "")
            .service(tls(Certificates::server_expired))
            .better(&["log"], reasons::FAILED),
        trusting("tls_version 6, TLS 1.2, and a server with 1.2 alone", "")
            .covers(&["parameter tls_version"])
            .service(tls(|certificates| certificates.server().only_tls12()))
            .parameter("tls_version", "6"),
        trusting("tls_version 7, TLS 1.3, and a server with 1.2 alone", "")
            .covers(&["parameter tls_version"])
            .service(tls(|certificates| certificates.server().only_tls12()))
            .parameter("tls_version", "7")
            .better(&["log"], reasons::FAILED),
        trusting("tls_client_cert and tls_client_key", "")
            .covers(&["parameter tls_client_cert", "parameter tls_client_key"])
            .service(tls(Certificates::server_requiring_client_certificate))
            .parameter("tls_client_cert", "\"{client_cert}\"")
            .parameter("tls_client_key", "\"{client_key}\""),
        trusting("no client certificate where one is wanted", "")
            .service(tls(Certificates::server_requiring_client_certificate))
            .better(&["log"], reasons::FAILED),
        trusting("$http_req(tls_client_cert) and (tls_client_key)", CLIENT)
            .covers(&["key tls_client_cert", "key tls_client_key"])
            .service(tls(Certificates::server_requiring_client_certificate)),
        trusting("$http_req(tls_client_cert) = $null takes it back", &format!("{CLIENT} {NO_CLIENT}"))
            .covers(&["key tls_client_cert", "key tls_client_key"])
            .service(tls(Certificates::server_requiring_client_certificate))
            .better(&["$http_ok", "HTTP requests", "errors", "replies"], reasons::NULL),
        Case::query("$http_req(tls_ca_path)", r#"$http_req(tls_ca_path) = "{ca}";"#)
            .covers(&["key tls_ca_path"])
            .service(tls(Certificates::server)),
        Case::query(
            "$http_req(tls_ca_path) = $null takes it back",
            r#"$http_req(tls_ca_path) = "{ca}"; $http_req(tls_ca_path) = $null;"#,
        )
        .covers(&["key tls_ca_path"])
        .service(tls(Certificates::server))
        .better(&["$http_ok", "HTTP requests", "errors", "replies"], reasons::NULL),
        Case::query("$http_req(tls_verify_peer)", "$http_req(tls_verify_peer) = 0;")
            .covers(&["key tls_verify_peer"])
            .service(tls(Certificates::server_self_signed)),
        trusting("$http_req(tls_verify_host)", "$http_req(tls_verify_host) = 0;")
            .covers(&["key tls_verify_host"])
            .service(tls(Certificates::server_with_other_name)),
        trusting("$http_time(appconnect) over TLS", "").covers(&["time appconnect"]).sees("http_time(appconnect)"),
    ];
    Section { heading: "TLS", about: "Parameters and keys.", cases }
}

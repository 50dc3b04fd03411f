//! The functions of the native script language.

use super::Section;
use crate::case::{Case, plain, tls};
use end_to_end::certificates::TestCertificates as Certificates;
use end_to_end::http_server::Response;
use std::time::Duration;

/// A query of its own after other statements.
fn statements(name: &str, statements: &str) -> Case {
    Case::query(name, statements)
}

const THREE: &str = r#"
route[MAIN] { t_newtran(); http_async_query("{url}/asked", "name=$rU", "REPLY"); t_reply("500", "Not suspended"); }"#;

const SEND: &str = r#"
route[MAIN] {
    t_newtran();
    http_async_send("{url}/report", "NOTED");
    append_to_reply("X-Returned: $rc\r\n");
    t_reply("200", "Went on");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

const SEND_XDATA: &str = r#"
route[MAIN] {
    t_newtran();
    http_async_send_xdata("{url}/report", "NOTED", "of $rU");
    append_to_reply("X-Returned: $rc\r\n");
    t_reply("200", "Went on");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs $http_xdata\n"); }"#;

const VARIABLES: &str = r#"
route[MAIN] {
    t_newtran();
    $var(path) = "a/b";
    $var(route) = "REPLY";
    http_async_query("{url}/$var(path)?name=$(rU{s.urlencode.param})", "$var(route)");
    t_reply("500", "Not suspended");
}"#;

/// The section.
pub fn section() -> Section {
    let ca = r#"$http_req(tls_ca_path) = "{ca}";"#;
    let cases = vec![
        Case::script("http_async_query with variables", VARIABLES).covers(&["function http_async_query of 2 strings"]),
        Case::script("http_async_query with three parameters", THREE)
            .covers(&["function http_async_query of 3 strings"]),
        Case::script("http_async_send", SEND).covers(&["function http_async_send of 2 strings"]),
        Case::script("http_async_send_xdata", SEND_XDATA)
            .covers(&["function http_async_send_xdata of 3 strings", "variable $http_xdata"]),
        statements("http_async_set", r#"http_async_set("method", "PUT");"#)
            .covers(&["function http_async_set of 2 strings"]),
        statements("http_async_suspend", r#"http_async_suspend("0");"#)
            .covers(&["function http_async_suspend of 1 string"]),
        statements("tls_verify_host", &format!(r#"{ca} tls_verify_host("0");"#))
            .covers(&["function tls_verify_host of 1 string"])
            .service(tls(Certificates::server_with_other_name)),
        statements("tls_verify_peer", r#"tls_verify_peer("0");"#)
            .covers(&["function tls_verify_peer of 1 string"])
            .service(tls(Certificates::server_self_signed)),
        statements("http_set_timeout", r#"http_set_timeout("200");"#)
            .covers(&["function http_set_timeout of 1 string"])
            .service(plain(|_| Response::text("late").after(Duration::from_millis(1500)))),
        statements("http_append_header", r#"http_append_header("X-User: $rU");"#)
            .covers(&["function http_append_header of 1 string"]),
        statements("http_set_method", r#"http_set_method("DELETE");"#)
            .covers(&["function http_set_method of 1 string"]),
        statements(
            "http_set_tls_client_cert",
            &format!(
                r#"{ca} $http_req(tls_client_key) = "{{client_key}}"; http_set_tls_client_cert("{{client_cert}}");"#
            ),
        )
        .covers(&["function http_set_tls_client_cert of 1 string"])
        .service(tls(Certificates::server_requiring_client_certificate)),
        statements(
            "http_set_tls_client_key",
            &format!(
                r#"{ca} $http_req(tls_client_cert) = "{{client_cert}}"; http_set_tls_client_key("{{client_key}}");"#
            ),
        )
        .covers(&["function http_set_tls_client_key of 1 string"])
        .service(tls(Certificates::server_requiring_client_certificate)),
        statements("http_set_tls_ca_path", r#"http_set_tls_ca_path("{ca}");"#)
            .covers(&["function http_set_tls_ca_path of 1 string"])
            .service(tls(Certificates::server)),
    ];
    Section { heading: "Functions", about: "Of the native script language.", cases }
}

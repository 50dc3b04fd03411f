//! What each parameter does, and what a value at or beyond its bounds gets.

use super::{Section, reasons};
use crate::case::{Calls, Case, plain};
use end_to_end::http_server::Response;
use std::time::Duration;

fn late(ms: u64) -> crate::case::Service {
    plain(move |_| Response::text("late").after(Duration::from_millis(ms)))
}

fn redirecting() -> crate::case::Service {
    plain(|request| match request.target.as_str() {
        "/asked" => Response::new(302, "Found").header("Location", "/there").body("not this"),
        _ => Response::text("there"),
    })
}

/// A limit that the C module does not have.
fn limit(name: &'static str, value: &str) -> Case {
    let covered = format!("parameter {name}");
    Case::query(name, "").covers(&[&covered]).parameter(name, value).only_here("The C module has no such limit.")
}

/// The section.
pub fn section() -> Section {
    let cases = vec![
        Case::query("workers", "").covers(&["parameter workers"]).parameter("workers", "3"),
        Case::query("workers 0", "").parameter("workers", "0").calls(Calls::None),
        Case::query("connection_timeout", "")
            .covers(&["parameter connection_timeout", "statistic timeouts"])
            .service(late(1500))
            .parameter("connection_timeout", "300"),
        Case::query("connection_timeout 0", "")
            .parameter("connection_timeout", "0")
            .calls(Calls::None)
            .better(&["start"], "0 would end every query at once, which no script wants."),
        Case::query("hash_size", "").covers(&["parameter hash_size"]).parameter("hash_size", "256"),
        Case::query("hash_size that is no power of two", "").parameter("hash_size", "1000"),
        Case::query("curl_verbose", r#"$http_req(hdr) = "Authorization: Bearer secret-token";"#)
            .covers(&["parameter curl_verbose"])
            .parameter("curl_verbose", "1")
            .in_log("secret-token")
            .in_log("GET /asked HTTP/1.1")
            .better(&["`secret-token` in the log"], "Credentials and cookies are blanked."),
        Case::query("curl_follow_redirect", "")
            .covers(&["parameter curl_follow_redirect"])
            .service(redirecting())
            .parameter("curl_follow_redirect", "1")
            .better(&["$http_rs", "$http_rr", "$http_rb"], reasons::FINAL),
        Case::query("curl_follow_redirect 0", "").service(redirecting()).parameter("curl_follow_redirect", "0"),
        Case::query("memory_manager shm", "")
            .covers(&["parameter memory_manager"])
            .parameter("memory_manager", "\"shm\""),
        Case::query("memory_manager sys", "")
            .covers(&["parameter memory_manager"])
            .parameter("memory_manager", "\"sys\""),
        Case::query("memory_manager of another name", "").parameter("memory_manager", "\"pkg\"").calls(Calls::None),
        Case::query("tcp_keepalive", "")
            .covers(&["parameter tcp_keepalive", "parameter tcp_ka_idle", "parameter tcp_ka_interval"])
            .parameter("tcp_keepalive", "1")
            .parameter("tcp_ka_idle", "45")
            .parameter("tcp_ka_interval", "13")
            .keepalive()
            .better(&["keep-alive"], reasons::KEEPALIVE),
        Case::query("authmethod", r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#)
            .covers(&["parameter authmethod"])
            .parameter("authmethod", "1"),
        limit("connect_timeout", "400"),
        limit("max_response_size", "100"),
        limit("max_redirects", "1"),
        limit("queue_size", "10"),
        limit("max_in_flight", "1"),
        limit("max_lookups", "1"),
        limit("dns_cache_time", "1"),
        limit("max_connections_per_host", "1"),
        limit("max_streams", "1"),
        Case::query("a number as a string", "")
            .parameter("workers", "\"2\"")
            .calls(Calls::None)
            .better(&["start"], "A number may be written as a string, so that one put together by `#!substdef` fits."),
        Case::query("a parameter that nobody has", "").parameter("no_such_parameter", "1").calls(Calls::None),
    ];
    Section { heading: "Parameters", about: "Those about TLS are in the next section.", cases }
}

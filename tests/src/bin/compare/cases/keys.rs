//! The keys of `$http_req`, those about TLS excepted.

use super::{Section, reasons};
use crate::case::{Calls, Case, Service, plain};
use end_to_end::http_server::Response;
use end_to_end::http_server::handlers::basic_auth;
use std::time::Duration;

fn late() -> Service {
    plain(|_| Response::text("late").after(Duration::from_millis(1500)))
}

fn redirecting() -> Service {
    plain(|request| match request.target.as_str() {
        "/asked" => Response::new(302, "Found").header("Location", "/there").body("not this"),
        _ => Response::text("there"),
    })
}

const METHODS: &str =
    "Newer upstream has PATCH, this module HEAD and OPTIONS as well; the C module of 6.0.1 sends a GET instead.";
const MANUALS_SPELLING: &str =
    "The spelling of upstream's manual; the C module's code knows `keepalive`, `ka-idle` and `ka-interval` alone.";
const CREDENTIALS: &str = r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#;

const TWO_QUERIES: &str = r#"
route[MAIN] {
    $http_req(hdr) = "X-Foo: bar"; $http_req(method) = "PUT";
    http_async_query("{url}/first", "NOTED");
    http_async_query("{url}/second", "NOTED");
    sl_send_reply("200", "OK");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

const ANOTHER_MESSAGE: &str = r#"
route[MAIN] {
    if(is_method("MESSAGE") && $shv(set) != 1) { $shv(set) = 1; $http_req(hdr) = "X-Foo: bar"; sl_send_reply("200", "Set"); exit; }
    http_async_query("{url}/asked", "NOTED");
    sl_send_reply("200", "Used");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

fn keepalive(on: &str, idle: &str, interval: &str) -> Case {
    let assignments = format!("$http_req({on}) = 1; $http_req({idle}) = 31; $http_req({interval}) = 17;");
    let names = [on, idle, interval].map(|name| format!("key {name}"));
    let names = [names[0].as_str(), names[1].as_str(), names[2].as_str()];
    Case::query(&format!("$http_req({on}), ({idle}), ({interval})"), &assignments)
        .covers(&names)
        .keepalive()
        .better(&["keep-alive"], reasons::KEEPALIVE)
}

/// The section.
pub fn section() -> Section {
    let mut cases = vec![
        Case::query("hdr, more than one", r#"$http_req(hdr) = "X-A: 1"; $http_req(hdr) = "X-A: 2"; $http_req(hdr) = "X-B: 3";"#)
            .covers(&["key hdr", "variable $http_req"]),
        Case::query("hdr that replaces, removes, empties", r#"$http_req(hdr) = "Accept:"; $http_req(hdr) = "Host: other"; $http_req(hdr) = "X-Empty;";"#)
            .covers(&["key hdr"]),
        Case::query("hdr = $null takes it back", r#"$http_req(hdr) = "X-A: 1"; $http_req(hdr) = $null;"#).covers(&["key hdr"]).better(&["HTTP requests"], reasons::NULL),
        Case::query("body without a method", r#"$http_req(body) = "a=b";"#).covers(&["key body"]),
        Case::query("body = $null takes it back", r#"$http_req(body) = "a=b"; $http_req(body) = $null;"#).covers(&["key body"]).better(&["HTTP requests"], reasons::NULL),
        Case::query("GET with a body", r#"$http_req(method) = "GET"; $http_req(body) = "b";"#).covers(&["key method"]),
        Case::query("DELETE with a body", r#"$http_req(method) = "DELETE"; $http_req(body) = "b";"#).covers(&["key method"]),
        Case::query("POST without a body", r#"$http_req(method) = "POST";"#).covers(&["key method"]).better(&["HTTP requests"], reasons::LENGTH),
        Case::query("PUT without a body", r#"$http_req(method) = "PUT";"#).covers(&["key method"]).better(&["HTTP requests"], reasons::LENGTH),
        Case::query("method = $null", r#"$http_req(method) = "PUT"; $http_req(method) = $null;"#).covers(&["key method"]),
        Case::query("timeout", "$http_req(timeout) = 300;").covers(&["key timeout"]).service(late()),
        Case::query("timeout = $null", "$http_req(timeout) = 300; $http_req(timeout) = $null;").covers(&["key timeout"]).service(late()),
        Case::query("username and password", CREDENTIALS)
            .covers(&["key username", "key password"])
            .service(plain(basic_auth("alice", "secret", |_| Response::text("inside")))).better(&["$http_rs", "$http_rr", "$http_rb"], reasons::FINAL),
        Case::query("user and password in the URL", "")
            .to("http://alice:secret@{host}/asked")
            .service(plain(|request| match request.header("Authorization") {
                Some(_) => Response::text("inside"),
                None => Response::new(403, "Forbidden"),
            })),
        Case::query("a line end behind a header field", r#"$http_req(hdr) = "X-A: one\r\n";"#).covers(&["key hdr"]),
        Case::query("a wrong password", r#"$http_req(username) = "alice"; $http_req(password) = "wrong";"#)
            .covers(&["key username", "key password"])
            .service(plain(basic_auth("alice", "secret", |_| Response::text("inside")))).better(&["$http_rb"], reasons::FINAL),
        Case::query("authmethod 1", &format!("{CREDENTIALS} $http_req(authmethod) = 1;"))
            .covers(&["key authmethod"])
            .service(plain(basic_auth("alice", "secret", |_| Response::text("inside")))),
        Case::query("username = $null takes it back", &format!("{CREDENTIALS} $http_req(authmethod) = 1; $http_req(username) = $null; $http_req(password) = $null;"))
            .covers(&["key username", "key password"]).better(&["HTTP requests"], reasons::NULL),
        Case::query("suspend = 1", "$http_req(suspend) = 1;").covers(&["key suspend"]),
        Case::query("follow_redirect", "$http_req(follow_redirect) = 1;").covers(&["key follow_redirect"]).service(redirecting()).better(&["$http_rs", "$http_rr", "$http_rb"], reasons::FINAL),
        Case::query("follow_redirect = 0", "$http_req(follow_redirect) = 0;")
            .covers(&["key follow_redirect"])
            .service(redirecting())
            .parameter("curl_follow_redirect", "1"),
        keepalive("keepalive", "ka-idle", "ka-interval"),
        Case::query("$http_req(http_version)", "$http_req(http_version) = 2;").covers(&["key http_version"]).service(Service::Http2),
        Case::query("$http_req(xdata)", r#"$http_req(xdata) = "mine";"#).covers(&["key xdata"]).sees("http_xdata"),
        Case::query("all = $null", &format!("{CREDENTIALS} $http_req(method) = \"PUT\"; $http_req(hdr) = \"X-A: 1\"; $http_req(body) = \"b\"; $http_req(suspend) = 0; $http_req(all) = $null;"))
            .covers(&["key all"]),
        Case::script("keys belong to one query", TWO_QUERIES).covers(&["variable $http_req"]).better(&["HTTP requests"], reasons::LENGTH),
        Case::script("keys end with their message", ANOTHER_MESSAGE)
            .covers(&["variable $http_req"])
            .calls(Calls::Messages(4)).lines("children=1").better(&["HTTP requests"], "What was set for a message ends with it; in C the next query of that process has it, whosever call it is for."),
        Case::query("a key that nobody has", r#"$http_req(no_such_key) = "x";"#),
    ];
    for key in ["tcp_keepalive", "tcp_ka_idle", "tcp_ka_interval"] {
        let name = format!("key {key}");
        cases.push(
            Case::query(&format!("$http_req({key})"), &format!("$http_req({key}) = 1;"))
                .covers(&[&name])
                .keepalive()
                .only_here(MANUALS_SPELLING),
        );
    }
    cases.push(
        Case::query(
            "the manual's keep-alive keys together",
            "$http_req(tcp_keepalive) = 1; $http_req(tcp_ka_idle) = 31; $http_req(tcp_ka_interval) = 17;",
        )
        .covers(&["key tcp_keepalive", "key tcp_ka_idle", "key tcp_ka_interval"])
        .keepalive()
        .only_here(MANUALS_SPELLING),
    );
    for key in ["max_redirects", "max_response_size", "connect_timeout"] {
        let name = format!("key {key}");
        cases.push(
            Case::query(&format!("$http_req({key})"), &format!("$http_req({key}) = 10;"))
                .covers(&[&name])
                .only_here("The C module has no such limit."),
        );
    }
    let method = |name: &str| {
        Case::query(&format!("method {name}"), &format!("$http_req(method) = \"{name}\";")).covers(&["key method"])
    };
    cases.push(method("PATCH").better(&["HTTP requests", "log"], METHODS).better(&["HTTP requests"], reasons::LENGTH));
    cases.push(method("HEAD").better(&["HTTP requests", "log", "$http_rb"], METHODS));
    cases.push(method("OPTIONS").better(&["HTTP requests", "log"], METHODS));
    cases.push(method("TRACE").better(reasons::REFUSAL, reasons::REFUSED));
    Section { heading: "Keys of $http_req", about: "Those about TLS are above.", cases }
}

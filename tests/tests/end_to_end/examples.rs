//! The configurations of `examples/`, as they are.

use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, free_tcp_port};
use end_to_end::sip::SipMessage;
use std::process::Command;
use std::time::Duration;

/// `examples/lookup.cfg` with `server` as its API.
fn lookup(server: &HttpServer) -> Builder {
    let api = format!("API_URL=\"{}\"", server.url(""));
    Kamailio::with_example("lookup.cfg").arguments(&["-A", &api])
}

fn answer_to_invite(kamailio: &Kamailio, user: &str) -> SipMessage {
    let answer = kamailio.client().transact("INVITE", user);
    answer.unwrap_or_else(|| panic!("no final answer for {user}; the log:\n{}", kamailio.log()))
}

/// The final answer to an INVITE for alice when the API answers `body`.
fn answer_for_body(body: &'static str) -> SipMessage {
    let server = HttpServer::start(move |_| Response::json(body));
    answer_to_invite(&lookup(&server).start(), "alice")
}

#[test]
fn the_lookup_example_passes_the_check_of_kamailio() {
    let ended = Kamailio::with_example("lookup.cfg").check();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(ended.log.contains("config file ok"), "{}", ended.log);
    assert!(!ended.log.contains("WARNING: http_async_client"), "{}", ended.log);
}

#[test]
fn a_user_that_the_api_knows_is_a_302_with_its_contact() {
    let server = HttpServer::start(|_| Response::json(r#"{"user": "alice", "contact": "sip:alice@192.0.2.10"}"#));
    let kamailio = lookup(&server).start();
    let answer = answer_to_invite(&kamailio, "alice");
    assert_eq!((answer.status(), answer.header("Contact")), (302, Some("<sip:alice@192.0.2.10>")), "{}", answer.text());
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/users/alice"));
    assert_eq!(request.header("Accept"), Some("application/json"));
    assert_eq!(request.header("X-Call-ID"), answer.header("Call-ID"));
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_user_that_the_api_does_not_know_is_a_404() {
    let server = HttpServer::start(|_| Response::new(404, "Not Found"));
    let kamailio = lookup(&server).start();
    assert_eq!(answer_to_invite(&kamailio, "nobody").status(), 404);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

#[test]
fn a_user_stays_one_step_of_the_path() {
    let server = HttpServer::start(|_| Response::new(404, "Not Found"));
    let kamailio = lookup(&server).start();
    assert_eq!(answer_to_invite(&kamailio, "../a%20b?c&d=e").status(), 404);
    assert_eq!(server.requests()[0].target.to_lowercase(), "/users/..%2fa%2520b%3fc%26d%3de");
    assert_eq!(answer_to_invite(&kamailio, "..").status(), 484);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

#[test]
fn an_api_that_is_not_there_is_a_503_with_retry_after() {
    let server = HttpServer::start(|_| Response::text("never asked"));
    let kamailio = lookup(&server).start();
    drop(server);
    let answer = answer_to_invite(&kamailio, "alice");
    assert_eq!((answer.status(), answer.header("Retry-After")), (503, Some("30")), "{}", answer.text());
    kamailio.wait_for_counts([1, 0, 1, 0, 0]);
}

#[test]
fn an_api_that_is_too_slow_is_a_503() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_secs(30)));
    let kamailio = lookup(&server).arguments(&["-A", "API_TIMEOUT=200"]).start();
    assert_eq!(answer_to_invite(&kamailio, "alice").status(), 503);
    kamailio.wait_for_counts([1, 0, 0, 1, 0]);
}

#[test]
fn an_answer_without_a_sip_uri_is_a_503_and_gets_into_no_header() {
    for body in [
        "",
        "not JSON",
        "[]",
        r#"{"contact": null}"#,
        r#"{"contact": 7}"#,
        r#"{"contact": "http://192.0.2.10"}"#,
        r#"{"contact": "sip:alice@192.0.2.10>\r\nX-Forged: yes"}"#,
        r#"{"contact": "sip:alice@192.0.2.10\nX-Forged: yes"}"#,
    ] {
        let answer = answer_for_body(body);
        assert_eq!((answer.status(), answer.header("Contact")), (503, None), "{body}:\n{}", answer.text());
        assert!(!answer.text().contains("X-Forged"), "{}", answer.text());
    }
}

#[test]
fn a_contact_may_have_parameters_and_an_ipv6_address() {
    let answer = answer_for_body(r#"{"contact": "sip:alice@[2001:db8::1]:5070;transport=tcp"}"#);
    let contact = Some("<sip:alice@[2001:db8::1]:5070;transport=tcp>");
    assert_eq!((answer.status(), answer.header("Contact")), (302, contact), "{}", answer.text());
}

#[test]
fn a_caller_that_hangs_up_while_the_api_is_asked_gets_487() {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(800)));
    let kamailio = lookup(&server).start();
    let caller = kamailio.client();
    let sent = caller.send("INVITE", "alice", "", "");
    server.wait_for_requests(1, PATIENCE);
    caller.cancel(&sent);
    assert_eq!(caller.final_answer(&sent).expect("a final answer").status(), 487);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn other_requests_are_answered_without_a_query() {
    let server = HttpServer::start(|_| Response::text("never asked"));
    let kamailio = lookup(&server).start();
    let client = kamailio.client();
    assert_eq!(client.transact("OPTIONS", "alice").expect("an answer").status(), 200);
    let refused = client.transact("MESSAGE", "alice").expect("an answer");
    assert_eq!((refused.status(), refused.header("Allow")), (405, Some("INVITE, ACK, CANCEL, OPTIONS")));
    kamailio.wait_for_counts([0; 5]);
}

#[test]
fn the_http_api_example_answers_at_once_and_hands_the_job_on() {
    let server = HttpServer::start(|_| Response::new(201, "Created").after(Duration::from_millis(300)));
    let port = free_tcp_port();
    let kamailio = Kamailio::with_example("http-api.cfg")
        .arguments(&["-A", &format!("BACKEND_URL=\"{}\"", server.url("/jobs"))])
        .arguments(&["-A", &format!("LISTEN_HTTP=tcp:127.0.0.1:{port}")])
        .start();
    let post = |path: &str, body: &str| {
        let url = format!("http://127.0.0.1:{port}{path}");
        let curl =
            Command::new("curl").args(["-s", "--max-time", "10", "-w", " %{http_code}", "--data", body, &url]).output();
        String::from_utf8_lossy(&curl.expect("curl is installed").stdout).into_owned()
    };
    let accepted = post("/jobs", "{}");
    let (id, status) = accepted.split_once("\n ").expect("an id and a status");
    assert_eq!(status, "202", "{accepted}");
    kamailio.wait_for_log(&format!("job {id} of 127.0.0.1: 201 Created"));
    let request = server.requests().remove(0);
    assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", b"{}".as_slice()));
    assert!(post("/other", "{}").ends_with(" 404"));
    let long = post("/jobs", &"x".repeat(30_000));
    assert!(long.ends_with(" 202"), "{long}\n{}", kamailio.log());
    kamailio.wait_for_counts([2, 2, 0, 0, 0]);
}

//! HTTP authentication of callers: `pv_auth_check()` with an HA1 that the API gives. The tests' clients are `tester` in From.

use super::{answer, api, ask, invite_at, recipe};
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::sip::{SipClient, SipMessage};
use end_to_end::sip_digest::authorization;
use md5::{Digest, Md5};
use std::time::Duration;

const PASSWORD: &str = "secret";

/// Gives the HA1 of `tester`.
fn credentials(request: &Request) -> Response {
    if request.target != "/credentials/tester" {
        return Response::new(404, "Not Found");
    }
    let hash = Md5::digest(format!("tester:example.org:{PASSWORD}"));
    let ha1: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Response::json(format!(r#"{{"ha1": "{ha1}"}}"#))
}

/// A request of `tester` for `tester` that answers a challenge.
fn with_password(client: &SipClient, kamailio: &Kamailio, method: &str, password: &str) -> SipMessage {
    let challenge = ask(client, method, "tester", "", kamailio);
    assert_eq!(challenge.status(), if method == "REGISTER" { 401 } else { 407 }, "{}", challenge.text());
    ask(client, method, "tester", &authorization(&challenge, method, "tester", password), kamailio)
}

#[test]
fn callers_get_through_with_the_right_password_and_without_credentials_no_query_is_made() {
    let server = HttpServer::start(credentials);
    let kamailio = recipe("auth.cfg", &[("API_URL", &api(&server)), ("API_TIMEOUT", "8000")]).start();
    let (phone, caller) = (kamailio.client(), kamailio.client());

    assert_eq!(with_password(&phone, &kamailio, "REGISTER", "guessed").status(), 403);
    assert_eq!(server.requests().len(), 1, "the challenge costs no query");
    let saved = with_password(&phone, &kamailio, "REGISTER", PASSWORD);
    assert_eq!(saved.status(), 200, "{}\n{}", saved.text(), kamailio.log());

    // Credentials of somebody else than From, or for another realm, make no query.
    let challenge = ask(&caller, "INVITE", "tester", "", &kamailio);
    let other = authorization(&challenge, "INVITE", "mallory", PASSWORD);
    assert_eq!(ask(&caller, "INVITE", "tester", &other, &kamailio).status(), 403);
    let elsewhere = authorization(&challenge, "INVITE", "tester", PASSWORD).replace("example.org", "example.net");
    assert_eq!(ask(&caller, "INVITE", "tester", &elsewhere, &kamailio).status(), 407);
    assert_eq!(server.requests().len(), 2);
    // An old nonce is followed by a new one, not by a refusal.
    let nonce = authorization(&challenge, "INVITE", "tester", PASSWORD).replacen("nonce=\"", "nonce=\"A", 1);
    assert_ne!(ask(&caller, "INVITE", "tester", &nonce, &kamailio).status(), 200);

    let headers = authorization(&challenge, "INVITE", "tester", PASSWORD);
    let call = caller.send("INVITE", "tester", &headers, "");
    let invite = invite_at(&phone, &kamailio);
    assert_eq!(invite.header("Proxy-Authorization"), None, "{}", invite.text());
    phone.reply(&invite, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200);
    assert!(!kamailio.log().contains(PASSWORD) && !kamailio.log().contains("ha1"), "{}", kamailio.log());
}

#[test]
fn an_api_without_a_usable_answer_is_a_503_and_never_a_challenge() {
    let server = HttpServer::start(|_| Response::json(r#"{"ha1": null}"#));
    let kamailio = recipe("auth.cfg", &[("API_URL", &api(&server)), ("API_TIMEOUT", "2000")]).start();
    let caller = kamailio.client();
    let answer = with_password(&caller, &kamailio, "INVITE", PASSWORD);
    assert_eq!((answer.status(), answer.header("Retry-After")), (503, Some("30")), "{}", answer.text());
    let silent = server.leave();
    assert_eq!(with_password(&caller, &kamailio, "REGISTER", PASSWORD).status(), 503);
    drop(silent);
    assert_eq!(with_password(&caller, &kamailio, "MESSAGE", PASSWORD).status(), 503);
    kamailio.wait_for_counts([3, 1, 1, 1, 0]);
}

#[test]
fn a_caller_that_hangs_up_while_the_api_is_asked_gets_487() {
    let server = HttpServer::start(|request| credentials(request).after(Duration::from_millis(800)));
    let kamailio = recipe("auth.cfg", &[("API_URL", &api(&server)), ("API_TIMEOUT", "8000")]).start();
    let caller = kamailio.client();
    let challenge = ask(&caller, "INVITE", "tester", "", &kamailio);
    let headers = authorization(&challenge, "INVITE", "tester", PASSWORD);
    let call = caller.send("INVITE", "tester", &headers, "");
    server.wait_for_requests(1, PATIENCE);
    caller.send_again(&call);
    caller.cancel(&call);
    assert_eq!(answer(&caller, &call, &kamailio).status(), 487);
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

//! The ready-made handlers, with the `curl` command as the client.

use super::curl;
use crate::http_server::handlers::{basic_auth, digest_auth, redirect};
use crate::http_server::{HttpServer, Response};

/// Prints the status after the body.
const STATUS: [&str; 2] = ["--write-out", "%{http_code}"];

fn log_in(scheme: &str, credentials: &str, server: &HttpServer) -> String {
    let url = server.url("/path?query=1");
    curl(&[&STATUS[..], &[scheme, "--user", credentials, &url, &url]].concat())
}

#[test]
fn basic_authentication_wants_the_right_password() {
    let server = HttpServer::start(basic_auth("user", "pass:word", |_| Response::text("in ")));
    assert_eq!(log_in("--basic", "user:pass:word", &server), "in 200in 200");
    assert_eq!(log_in("--basic", "user:wrong", &server), "401401");
}

#[test]
fn digest_authentication_wants_the_right_password() {
    let server = HttpServer::start(digest_auth("us\"er", "pass:word", |_| Response::text("in ")));
    assert_eq!(log_in("--digest", "us\"er:pass:word", &server), "in 200in 200");
    // Each of the two transfers is challenged once.
    let answered: Vec<bool> =
        server.requests().iter().map(|request| request.header("Authorization").is_some()).collect();
    assert_eq!(answered, [false, true, false, true]);
    assert_eq!(log_in("--digest", "us\"er:wrong", &server), "401401");
    assert_eq!(log_in("--basic", "us\"er:pass:word", &server), "401401");
}

#[test]
fn a_redirect_leads_to_its_location() {
    let goal = HttpServer::start(|request| Response::text(request.target.clone()));
    let server = HttpServer::start(redirect(302, goal.url("/goal")));
    assert_eq!(curl(&["--location", &server.url("/")]), "/goal");
}

//! Redirects: which are followed, and what goes along.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::sip::SipMessage;

const FOLLOW: &str = "$http_req(follow_redirect) = 1;";
const BODY: &str = r#"append_to_reply("X-Body: $http_rb\r\n");"#;

/// What came of a query that follows redirects, sent with more `assignments`.
fn follow(server: &HttpServer, assignments: &str) -> SipMessage {
    one_query(&server.url("/asked"), &format!("{FOLLOW} {assignments}"), BODY).start().message("alice")
}

/// Does `steps` with the first request and answers the next one.
fn leading_on(steps: Vec<Step>) -> HttpServer {
    HttpServer::start(move |request| match request.target.as_str() {
        "/asked" => Response::steps(steps.clone()),
        _ => Response::text("there"),
    })
}

fn send(head: &str) -> Step {
    Step::Send(format!("HTTP/1.1 302 Found\r\nLocation: /there\r\n{head}").into_bytes())
}

#[test]
fn a_redirect_is_followed_whatever_becomes_of_its_body() {
    for steps in [
        vec![send("Connection: close\r\nContent-Length: 100\r\n\r\nshort"), Step::Close],
        vec![send("Content-Length: 100\r\n\r\nshort"), Step::Close],
        vec![send("Content-Length: 100\r\n\r\nshort"), Step::Reset],
        vec![send("Transfer-Encoding: chunked\r\n\r\nno chunk")],
        vec![send("Connection: close\r\n\r\n"), Step::WaitForever],
        vec![send("\r\nuntil the end"), Step::WaitForever],
        vec![send("Content-Length: 2000000\r\n\r\n"), Step::WaitForever],
        vec![
            Step::Send(b"HTTP/1.0 302 Found\r\nLocation: /there\r\nContent-Length: 9\r\n\r\n".to_vec()),
            Step::WaitForever,
        ],
    ] {
        let answer = follow(&leading_on(steps.clone()), "");
        assert_replied(&answer, "200");
        assert_eq!(seen(&answer, "X-Body"), "there", "{steps:?}");
    }
}

#[test]
fn the_body_of_a_redirect_is_read_so_that_its_connection_is_used_again() {
    for head in
        ["Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Last: x\r\n\r\n"]
    {
        let server = leading_on(vec![send(head)]);
        assert_replied(&follow(&server, ""), "200");
        assert_eq!((server.requests().len(), server.connections()), (2, 1), "{head}");
    }
    let server = leading_on(vec![send("\r\n")]);
    assert_replied(&follow(&server, r#"$http_req(method) = "HEAD";"#), "200");
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

#[test]
fn the_deadline_covers_the_body_of_a_redirect() {
    let server = leading_on(vec![send("Content-Length: 100\r\n\r\nshort"), Step::WaitForever]);
    assert_failed(&follow(&server, "$http_req(timeout) = 300;"), "300 ms");
}

#[test]
fn a_redirect_that_leads_nowhere_is_the_response() {
    for location in ["", "Location:\r\n", "Location:  \t\r\n", "Location:\r\n /there\r\n"] {
        let response = format!("HTTP/1.1 302 Found\r\n{location}Content-Length: 4\r\n\r\nbody");
        let answer = follow(&HttpServer::start(move |_| Response::raw(response.clone())), "");
        assert_replied(&answer, "302");
        assert_eq!(seen(&answer, "X-Body"), "body", "{location:?}");
    }
}

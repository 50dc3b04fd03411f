//! HTTP itself: connections, final responses, authentication, redirects.

use crate::common::{ask, assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::handlers::{basic_auth, digest_auth, redirect};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::PATIENCE;
use end_to_end::sip::SipMessage;

const BODY: &str = r#"append_to_reply("X-Body: $http_rb\r\nX-Last: $http_hdr(X-Last)\r\n");"#;

fn body_of(server: &HttpServer, assignments: &str) -> SipMessage {
    one_query(&server.url("/asked"), assignments, BODY).start().message("alice")
}

#[test]
fn connections_are_kept_and_used_again() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").start();
    for _ in 0..5 {
        assert_replied(&kamailio.message("alice"), "200");
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[test]
fn a_kept_connection_that_the_server_closed_costs_no_query() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").start();
    assert_replied(&kamailio.message("alice"), "200");
    server.close_idle_connections();
    server.wait_for_open_connections(0, PATIENCE);
    assert_replied(&kamailio.message("alice"), "200");
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_chunked_body_arrives_whole_and_without_its_trailers() {
    let server = HttpServer::start(|_| Response::chunked(["one ", "two"], &[("X-Last", "trailer")]));
    let answer = body_of(&server, "");
    assert_replied(&answer, "200");
    assert_eq!((seen(&answer, "X-Body"), seen(&answer, "X-Last")), ("one two", "<null>"));
}

#[test]
fn a_trailer_that_looks_like_a_status_line_is_a_trailer() {
    let server = HttpServer::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nX-Last: head\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = "4\r\nbody\r\n0\r\nHTTP/1.1 500 Evil: x\r\nX-Last: trailer\r\n\r\n";
        Response::raw(format!("{head}{body}").into_bytes())
    });
    let answer = body_of(&server, "");
    assert_replied(&answer, "200");
    let shown = ["X-Reason", "X-Body", "X-Last"].map(|header| seen(&answer, header));
    assert_eq!(shown, ["OK", "body", "head"]);
}

#[test]
fn a_challenge_leaves_nothing_in_the_response() {
    let server = HttpServer::start(basic_auth("alice", "secret", |_| Response::text("inside")));
    let challenging = HttpServer::start(move |request| {
        match request.header("Authorization") {
        Some(_) => Response::text("inside"),
        None => Response::raw(
            b"HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"x\"\r\nX-Last: head\r\nTransfer-Encoding: chunked\r\n\r\n\
              4\r\nbody\r\n0\r\nHTTP/1.1 500 Evil: x\r\nX-Last: trailer\r\n\r\n"
                .to_vec(),
        ),
    }
    });
    for server in [server, challenging] {
        let answer = body_of(&server, r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#);
        assert_replied(&answer, "200");
        let shown = ["X-Reason", "X-Body", "X-Last"].map(|header| seen(&answer, header));
        assert_eq!(shown, ["OK", "inside", "<null>"]);
    }
}

#[test]
fn of_several_responses_the_last_is_the_response() {
    let server = HttpServer::start(|_| {
        let text = "HTTP/1.1 100 Continue\r\nX-Last: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Last: no\r\n\r\n\
                    HTTP/1.1 200 Fine\r\nX-Last: yes\r\nContent-Length: 4\r\n\r\nbody";
        Response::raw(text.as_bytes().to_vec())
    });
    let answer = body_of(&server, "");
    assert_replied(&answer, "200");
    assert_eq!((seen(&answer, "X-Reason"), seen(&answer, "X-Last"), seen(&answer, "X-Body")), ("Fine", "yes", "body"));
}

#[test]
fn an_old_server_without_length_or_reason_is_understood() {
    let server =
        HttpServer::start(|_| Response::raw(b"HTTP/1.0 200\r\nVia: 1.1 proxy\r\n\r\nold".to_vec()).then_close());
    let answer = body_of(&server, "");
    assert_replied(&answer, "200");
    assert_eq!((seen(&answer, "X-Reason"), seen(&answer, "X-Body")), ("", "old"));
}

#[test]
fn any_blanks_separate_a_status_from_its_reason() {
    let server =
        HttpServer::start(|_| Response::raw(b"HTTP/1.1 404   Not  Found \r\nContent-Length: 0\r\n\r\n".to_vec()));
    let answer = body_of(&server, "");
    assert_replied(&answer, "404");
    assert_eq!(seen(&answer, "X-Reason"), "Not  Found");
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/asked" => Response::raw(b"HTTP/1.1 302   F\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".to_vec()),
        _ => Response::text("there"),
    });
    assert_replied(&ask(&server, "$http_req(follow_redirect) = 1;"), "200");
}

#[test]
fn basic_authentication_is_answered_after_its_challenge() {
    let server = HttpServer::start(basic_auth("alice", "secret", |_| Response::text("inside")));
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret";"#;
    let answer = body_of(&server, credentials);
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Body"), "inside");
    assert_replied(&ask(&server, r#"$http_req(username) = "alice"; $http_req(password) = "wrong";"#), "401");
    assert_replied(&ask(&server, ""), "401");
}

#[test]
fn digest_authentication_is_answered_with_a_body_too() {
    let server = HttpServer::start(digest_auth("alice", "secret", |request| {
        Response::text(format!("inside {}", String::from_utf8_lossy(&request.body)))
    }));
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(body) = "sent";"#;
    for authmethod in ["2", "3"] {
        let answer = body_of(&server, &format!("{credentials} $http_req(authmethod) = {authmethod};"));
        assert_replied(&answer, "200");
        assert_eq!(seen(&answer, "X-Body"), "inside sent");
    }
    let answer = body_of(&server, &format!("{credentials} $http_req(authmethod) = 1;"));
    assert_replied(&answer, "401");
}

#[test]
fn redirects_change_method_and_body_by_their_status() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "b"), (308, "POST", "b")]
    {
        let server = HttpServer::start(move |request| match request.target.as_str() {
            "/asked" => Response::new(status, "Elsewhere").header("Location", "there?x=1").body("not this"),
            _ => Response::text("there"),
        });
        let answer = body_of(&server, r#"$http_req(follow_redirect) = 1; $http_req(body) = "b";"#);
        assert_replied(&answer, "200");
        assert_eq!(seen(&answer, "X-Body"), "there");
        let last = server.requests().pop().expect("two requests");
        assert_eq!(
            (last.target.as_str(), last.method.as_str(), last.body.as_slice()),
            ("/there?x=1", method, body.as_bytes())
        );
    }
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let elsewhere = HttpServer::start(|_| Response::text("elsewhere"));
    let target = elsewhere.url("/there");
    let server = HttpServer::start(redirect(302, &target));
    let assignments = r#"$http_req(follow_redirect) = 1; $http_req(username) = "alice"; $http_req(password) = "secret";
        $http_req(authmethod) = 1; $http_req(hdr) = "Cookie: id=1"; $http_req(hdr) = "X-Kept: yes";"#;
    assert_replied(&ask(&server, assignments), "200");
    let first = server.requests().remove(0);
    assert!(first.header("Authorization").is_some() && first.header("Cookie").is_some());
    let second = elsewhere.requests().remove(0);
    assert_eq!((second.header("Authorization"), second.header("Cookie")), (None, None));
    assert_eq!(second.header("X-Kept"), Some("yes"));
}

#[test]
fn a_redirect_to_another_scheme_is_an_error() {
    let server = HttpServer::start(redirect(302, "file:///etc/passwd"));
    assert_failed(&ask(&server, "$http_req(follow_redirect) = 1;"), "rotocol");
}

#[test]
fn times_of_a_redirected_query_add_up() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/asked" => {
            Response::new(302, "Found").header("Location", "/there").after(std::time::Duration::from_millis(120))
        }
        _ => Response::text("there").after(std::time::Duration::from_millis(60)),
    });
    let report = r#"append_to_reply("X-Times: $http_time(redirect) $http_time(total)\r\n");"#;
    let answer = one_query(&server.url("/asked"), "$http_req(follow_redirect) = 1;", report).start().message("alice");
    let times: Vec<u64> = seen(&answer, "X-Times").split(' ').map(|time| time.parse().expect("a number")).collect();
    assert!(times[0] >= 120_000 && times[1] >= times[0] + 60_000, "{times:?}");
}

#[test]
fn variables_in_the_url_are_those_of_the_request() {
    let server = HttpServer::start(|_| Response::text("x"));
    assert_replied(&one_query(&server.url("/user/$rU&m=$rm"), "", "").start().message("alice"), "200");
    assert_eq!(server.requests()[0].target, "/user/alice&m=MESSAGE");
}

#[test]
fn header_names_may_be_folded_empty_repeated_and_a_hundred() {
    let server = HttpServer::start(|_| {
        let mut text = "HTTP/1.1 200 OK\r\nX-Folded: one\r\n  two\r\nX-Empty:\r\nx-LAST: yes\r\n".to_owned();
        (0..100).for_each(|number| text.push_str(&format!("X-Many: {number}\r\n")));
        Response::raw(format!("{text}Content-Length: 0\r\n\r\n").into_bytes())
    });
    let report = r#"append_to_reply("X-Folded: <$http_hdr(X-Folded)> <$(http_hdr(X-Folded)[*])>\r\nX-Empty: <$http_hdr(X-Empty)>\r\n");
        append_to_reply("X-Many: $http_hdr(X-Many) $(http_hdr(X-Many)[99]) $(http_hdr(X-Many)[-100]) $(http_hdr(X-Many)[100])\r\n");
        append_to_reply("X-Last: $http_hdr(X-Last)\r\n");"#;
    let answer = one_query(&server.url("/"), "", report).start().message("alice");
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Folded"), "<one two> <one two>");
    assert_eq!((seen(&answer, "X-Empty"), seen(&answer, "X-Last")), ("<>", "yes"));
    assert_eq!(seen(&answer, "X-Many"), "0 99 0 <null>");
}

#[test]
fn responses_without_a_body_or_a_length_are_whole() {
    for (response, status, body) in [
        ("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", "304", ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", "204", ""),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", "200", "until the end"),
    ] {
        let server = HttpServer::start(move |_| Response::raw(response.as_bytes().to_vec()).then_close());
        let answer = body_of(&server, "");
        assert_replied(&answer, status);
        assert_eq!(seen(&answer, "X-Body"), body);
    }
}

#[test]
fn redirects_to_another_host_carry_the_body_where_the_status_says_so() {
    for (status, method, body) in
        [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "b"), (308, "POST", "b")]
    {
        let elsewhere = HttpServer::start(|_| Response::text("elsewhere"));
        let server = HttpServer::start(redirect(status, &elsewhere.url("/there")));
        let answer = body_of(&server, r#"$http_req(follow_redirect) = 1; $http_req(body) = "b";"#);
        assert_replied(&answer, "200");
        assert_eq!(seen(&answer, "X-Body"), "elsewhere");
        let request = elsewhere.requests().remove(0);
        assert_eq!((request.method.as_str(), request.body.as_slice()), (method, body.as_bytes()), "{status}");
    }
}

#[test]
fn any_authentication_takes_the_best_that_the_server_offers() {
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(authmethod) = 31;"#;
    let digest = HttpServer::start(digest_auth("alice", "secret", |_| Response::text("inside")));
    assert_replied(&ask(&digest, credentials), "200");
    let basic = HttpServer::start(basic_auth("alice", "secret", |_| Response::text("inside")));
    assert_replied(&ask(&basic, credentials), "200");
}

//! Redirects: which are followed, and what goes along.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::handlers::{digest_auth, redirect};
use end_to_end::http_server::{HttpServer, Request, Response, Step};
use end_to_end::kamailio::Builder;
use end_to_end::sip::SipMessage;
use std::sync::{Arc, OnceLock};

const FOLLOW: &str = "$http_req(follow_redirect) = 1;";
const BODY: &str = r#"append_to_reply("X-Body: $http_rb\r\n");"#;

/// What came of a query that follows redirects, sent with more `assignments`.
fn follow(server: &HttpServer, assignments: &str) -> SipMessage {
    one_query(&server.url("/asked"), &format!("{FOLLOW} {assignments}"), BODY).start().message("alice")
}

/// A server whose `/asked` redirects to a URL that is set when the ports are known; all else is answered.
fn redirecting(status: u16) -> (HttpServer, Arc<OnceLock<String>>) {
    let location = Arc::new(OnceLock::<String>::new());
    let told = Arc::clone(&location);
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/asked" => Response::new(status, "Redirect").header("Location", told.get().expect("a URL")),
        _ => Response::text("there"),
    });
    (server, location)
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

/// Headers that are meant for one origin, and one that is not.
const SECRETS: &str = r#"$http_req(hdr) = "authorization: Bearer t"; $http_req(hdr) = "PROXY-Authorization: Basic t";
    $http_req(hdr) = "cookie: id=1"; $http_req(hdr) = "Host: virtual"; $http_req(hdr) = "X-Kept: yes";"#;

/// Asserts that the request has the headers of [`SECRETS`] that are meant for one origin, or that it has none of them.
fn assert_secrets(request: &Request, expected: bool) {
    for name in ["Authorization", "Proxy-Authorization", "Cookie"] {
        assert_eq!(request.header(name).is_some(), expected, "{name} in {request:?}");
    }
    assert_eq!(request.header("Host") == Some("virtual"), expected, "{request:?}");
    assert_eq!(request.header("X-Kept"), Some("yes"));
}

#[test]
fn headers_for_one_origin_stay_with_its_port_and_its_name() {
    let elsewhere = HttpServer::start(|_| Response::text("elsewhere"));
    let (server, location) = redirecting(302);
    location.set(elsewhere.url("/there")).expect("set once");
    assert_replied(&follow(&server, SECRETS), "200");
    assert_secrets(&server.requests()[0], true);
    assert_secrets(&elsewhere.requests()[0], false);
    let (server, location) = redirecting(302);
    location.set(format!("http://localhost:{}/there", server.port())).expect("set once");
    assert_replied(&follow(&server, SECRETS), "200");
    assert_secrets(&server.requests()[0], true);
    assert_secrets(&server.requests()[1], false);
}

#[test]
fn headers_for_one_origin_go_along_within_it() {
    let (server, location) = redirecting(302);
    location.set(format!("//LOCALHOST:{}/there", server.port())).expect("set once");
    let url = server.url("/asked").replace("127.0.0.1", "localhost");
    assert_replied(&one_query(&url, &format!("{FOLLOW} {SECRETS}"), "").start().message("alice"), "200");
    assert_secrets(&server.requests()[1], true);
}

#[test]
fn what_was_left_behind_does_not_come_back() {
    let (server, location) = redirecting(302);
    let (within, back) = ("/within".to_owned(), server.url("/there"));
    let elsewhere =
        HttpServer::start(move |request| redirect(302, if request.target == "/" { &within } else { &back })(request));
    location.set(elsewhere.url("/")).expect("set once");
    assert_replied(&follow(&server, SECRETS), "200");
    assert_secrets(&server.requests()[0], true);
    let left_behind = [elsewhere.requests(), server.requests().split_off(1)].concat();
    assert_eq!(left_behind.len(), 3);
    left_behind.iter().for_each(|request| assert_secrets(request, false));
}

#[test]
fn user_and_password_of_the_url_stay_with_its_origin() {
    let elsewhere = HttpServer::start(|_| Response::text("elsewhere"));
    let of_url = |url: String| url.replace("http://", "http://bob:pw@");
    for (location_of, goes_along) in [
        ((|server, _| server.url("/there")) as fn(&HttpServer, &HttpServer) -> String, true),
        (|_, _| "there".to_owned(), true),
        (|_, elsewhere| elsewhere.url("/there"), false),
        (|_, elsewhere| elsewhere.url("/there").replace("http:", ""), false),
    ] {
        let (server, location) = redirecting(302);
        location.set(location_of(&server, &elsewhere)).expect("set once");
        let assignments = format!("{FOLLOW} $http_req(authmethod) = 1;");
        assert_replied(&one_query(&of_url(server.url("/asked")), &assignments, "").start().message("alice"), "200");
        let last = if goes_along { server.requests().pop() } else { elsewhere.requests().pop() };
        let last = last.expect("the redirect was followed");
        assert_eq!(last.target, "/there");
        assert_eq!(last.header("Authorization").is_some(), goes_along, "{:?}", location.get());
        assert_eq!(server.requests()[0].header("Authorization"), Some("Basic Ym9iOnB3"));
    }
}

#[test]
fn digest_authentication_is_not_answered_elsewhere() {
    let elsewhere = HttpServer::start(digest_auth("alice", "secret", |_| Response::text("inside")));
    let (server, location) = redirecting(302);
    location.set(elsewhere.url("/there")).expect("set once");
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "secret"; $http_req(authmethod) = 2;"#;
    assert_replied(&follow(&server, credentials), "401");
    assert_eq!(elsewhere.requests().len(), 1);
}

struct Encrypted {
    certificates: TestCertificates,
}

impl Encrypted {
    fn new() -> Self {
        Self { certificates: TestCertificates::temporary() }
    }

    /// An HTTPS server that redirects to `location`, for clients with a certificate.
    fn server(&self, location: &str) -> HttpServer {
        let settings = self.certificates.server_requiring_client_certificate();
        HttpServer::start_tls(settings, redirect(302, location))
    }

    /// An instance whose query has the client certificate and follows redirects.
    fn instance(&self, server: &HttpServer, assignments: &str) -> Builder {
        let (certificate, key) = (self.certificates.client_certificate(), self.certificates.client_key());
        let own = format!(
            "$http_req(tls_client_cert) = \"{}\"; $http_req(tls_client_key) = \"{}\";",
            certificate.display(),
            key.display()
        );
        one_query(&server.url("/asked"), &format!("{FOLLOW} {own} {assignments}"), "")
            .parameter("connection_timeout", 8000)
            .trusting(&self.certificates)
    }
}

#[test]
fn headers_for_https_do_not_go_to_http() {
    let setup = Encrypted::new();
    let plain = HttpServer::start(|_| Response::text("plain"));
    let server = setup.server(&plain.url("/there").replace("127.0.0.1", "localhost"));
    assert_replied(&setup.instance(&server, SECRETS).start().message("alice"), "200");
    assert_secrets(&server.requests()[0], true);
    assert_secrets(&plain.requests()[0], false);
}

#[test]
fn the_client_certificate_of_a_query_is_not_shown_elsewhere_but_that_of_the_module_is() {
    let setup = Encrypted::new();
    let settings = setup.certificates.server_requiring_client_certificate();
    let elsewhere = HttpServer::start_tls(settings, |_| Response::text("elsewhere"));
    let server = setup.server(&elsewhere.url("/there"));
    let refused = setup.instance(&server, "").start().message("alice");
    assert_failed(&refused, "");
    assert_eq!((server.requests().len(), elsewhere.requests().len()), (1, 0));
    let path = |path: std::path::PathBuf| format!("\"{}\"", path.display());
    let of_module = |assignments| {
        setup
            .instance(&server, assignments)
            .parameter("tls_client_cert", path(setup.certificates.client_certificate()))
            .parameter("tls_client_key", path(setup.certificates.client_key()))
    };
    assert_replied(&of_module("").start().message("alice"), "200");
}

#[test]
fn the_client_certificate_of_a_query_goes_along_within_its_origin() {
    let setup = Encrypted::new();
    let settings = setup.certificates.server_requiring_client_certificate();
    let server = HttpServer::start_tls(settings, |request| match request.target.as_str() {
        // Another connection, so that the certificate is asked for once more.
        "/asked" => Response::new(302, "Found").header("Location", "/there").header("Connection", "close"),
        _ => Response::text("there"),
    });
    assert_replied(&setup.instance(&server, "").start().message("alice"), "200");
    assert_eq!(server.connections(), 2);
}

#[test]
fn headers_about_a_body_are_left_out_with_it() {
    let names = ["Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Digest", "Last-Modified"];
    let headers: String = names.iter().map(|name| format!("$http_req(hdr) = \"{name}: x\"; ")).collect();
    let assignments = format!(r#"{headers} $http_req(hdr) = "Expect: 100-continue"; $http_req(body) = "b";"#);
    for (status, expected) in [(303, false), (307, true)] {
        let (server, location) = redirecting(status);
        location.set("there".to_owned()).expect("set once");
        assert_replied(&follow(&server, &format!("{assignments} $http_req(timeout) = 5000;")), "200");
        let last = server.requests().pop().expect("two requests");
        for name in names.iter().chain(&["Expect"]) {
            assert_eq!(last.header(name).is_some(), expected, "{name} after {status}");
        }
    }
}

#[test]
fn lengths_set_by_the_script_are_left_out_with_the_body() {
    for header in ["Content-Length: 1", "Transfer-Encoding: chunked"] {
        let (server, location) = redirecting(303);
        location.set("there".to_owned()).expect("set once");
        let assignments = format!(r#"$http_req(hdr) = "{header}"; $http_req(body) = "b";"#);
        assert_replied(&follow(&server, &assignments), "200");
        let last = server.requests().pop().expect("two requests");
        assert_eq!((last.header("Content-Length"), last.header("Transfer-Encoding")), (None, None), "{header}");
    }
}

#[test]
fn only_http_and_https_are_followed() {
    for location in ["mailto:a@b", "javascript:1", "localhost:80/there", "ftp://localhost/", "file:///etc/passwd"] {
        let (server, told) = redirecting(302);
        told.set(location.to_owned()).expect("set once");
        assert_failed(&follow(&server, ""), "Unsupported protocol");
    }
}

#[test]
fn a_location_with_blanks_and_other_letters_is_encoded() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/asked" => Response::raw("HTTP/1.1 302 F\r\nLocation: /b c \u{e9}\r\nContent-Length: 0\r\n\r\n"),
        _ => Response::text("there"),
    });
    assert_replied(&follow(&server, ""), "200");
    assert_eq!(server.requests()[1].target.to_lowercase(), "/b%20c%20%c3%a9");
}

#[test]
fn head_stays_head_after_303() {
    let (server, location) = redirecting(303);
    location.set("there".to_owned()).expect("set once");
    assert_replied(&follow(&server, r#"$http_req(method) = "HEAD";"#), "200");
    assert_eq!(server.requests()[1].method, "HEAD");
}

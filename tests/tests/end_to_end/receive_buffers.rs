//! Responses of all lengths arrive whole, whatever buffers the transfers before them had.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Request, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE};

/// A body as long as the path says, of bytes that differ from those of their neighbours; `/hang` is never answered.
fn of_that_length(request: &Request) -> Response {
    match request.target.trim_start_matches('/').parse::<usize>() {
        Ok(length) => Response::text((b'a'..=b'z').cycle().take(length).map(char::from).collect::<String>()),
        Err(_) => Response::steps(vec![Step::WaitForever]),
    }
}

const SEEN: &str = r#"append_to_reply("X-Length: $http_bs\r\nX-Last: $(http_rb{s.substr,-1,1})\r\n");"#;

fn assert_arrives(kamailio: &Kamailio, user: &str, length: usize) {
    let answer = kamailio.message(user);
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Length"), length.to_string());
    let last = (b'a'..=b'z').cycle().nth(length - 1).map(char::from).expect("it repeats for ever");
    assert_eq!(seen(&answer, "X-Last"), last.to_string());
}

#[test]
fn short_and_long_responses_take_turns() {
    let server = HttpServer::start(of_that_length);
    let kamailio = one_query(&server.url("/$rU"), "$http_req(timeout) = 20000;", SEEN)
        .parameter("max_response_size", 2 << 20)
        .start();
    for length in [1, 1_000_000, 1_500, 1, 1, 40_000, 1, 1, 1, 1, 1, 1_200_000, 700] {
        assert_arrives(&kamailio, &length.to_string(), length);
    }
}

/// libcurl 7.88 leaves the buffer of a transfer that waits for a connection to its easy handle, and the next one would read
/// more into it than it holds.
#[test]
fn a_handle_that_never_got_a_connection_is_not_used_for_a_long_response() {
    let (busy, other) = (HttpServer::start(of_that_length), HttpServer::start(of_that_length));
    let assignments = format!(
        r#"$http_req(timeout) = 20000;
        $var(server) = "{}";
        if($rU == "hang") {{ $http_req(suspend) = 0; }}
        if($rU == "waiting") {{ $http_req(timeout) = 1000; }}
        if($rU == "hang" || $rU == "waiting") {{ $var(server) = "{}"; }}"#,
        other.url(""),
        busy.url("")
    );
    let kamailio = one_query("$var(server)/$rU", &assignments, SEEN)
        .parameter("max_connections_per_host", 1)
        .parameter("max_response_size", 2 << 20)
        .start();
    // The other host is known for long responses.
    assert_arrives(&kamailio, "100000", 100_000);
    kamailio.message("hang");
    busy.wait_for_requests(1, PATIENCE);
    assert_failed(&kamailio.message("waiting"), "1000 ms passed");
    assert_arrives(&kamailio, "200000", 200_000);
    assert_arrives(&kamailio, "300000", 300_000);
}

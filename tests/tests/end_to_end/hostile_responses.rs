//! Responses that are wrong, or that try to answer more than they were asked: one end each, and the next query gets its
//! own answer.

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::SipMessage;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

const BODY: &str = r#"append_to_reply("X-Body: $(http_rb{s.encode.hexa})\r\nX-Evil: $http_hdr(X-Evil)\r\n");"#;

/// An instance whose requests each ask for the path that is their user.
fn instance(url: &str) -> Builder {
    one_query(&format!("{url}$rU"), "if($rU == \"hostile\") { $http_req(timeout) = 1500; }", BODY)
        .parameter("connection_timeout", 8000)
}

/// What the server does when it is asked for `/hostile`; anything else is answered with `good`.
fn server(hostile: impl Into<Vec<u8>>, closes: bool) -> HttpServer {
    let hostile = hostile.into();
    HttpServer::start(move |request| match request.target.as_str() {
        "/hostile" if closes => Response::raw(hostile.clone()).then_close(),
        "/hostile" => Response::raw(hostile.clone()),
        _ => Response::text("good"),
    })
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_good(answer: &SipMessage) {
    assert_replied(answer, "200");
    let shown = (seen(answer, "X-Body"), seen(answer, "X-Evil"));
    assert_eq!(shown, (hexadecimal("good").as_str(), "<null>"), "{}", answer.text());
}

/// What came of the hostile response, after the next three queries got their own answers and each query one end.
fn hostile_then_good(server: &HttpServer) -> SipMessage {
    let kamailio = instance(&server.url("/")).start();
    let answer = kamailio.message("hostile");
    (0..3).for_each(|_| assert_good(&kamailio.message("good")));
    assert_one_end_each(&kamailio, 4);
    answer
}

fn assert_one_end_each(kamailio: &Kamailio, queries: i64) {
    let [requests, replies, errors, timeouts, in_flight] = kamailio.counts();
    assert_eq!((requests, replies + errors + timeouts, in_flight), (queries, queries, 0), "{}", kamailio.log());
    assert_eq!(kamailio.statistics()["panics"], 0);
}

#[test]
fn what_is_no_http_response_is_an_error() {
    for hostile in [
        "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 99 Few\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 1000 Many\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 -200 Less\r\nContent-Length: 0\r\n\r\n",
        "HTTP/nonsense\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
        "just text",
        "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo",
        // The preface and the settings of HTTP/2, which nobody asked for.
        "\0\0\0\u{4}\0\0\0\0\0",
    ] {
        for closes in [true, false] {
            let answer = hostile_then_good(&server(hostile, closes));
            assert_eq!(seen(&answer, "X-Ok"), "0", "{hostile:?}: {}", answer.text());
        }
    }
}

#[test]
fn a_head_that_is_only_careless_is_understood() {
    for (hostile, reason) in [
        ("HTTP/1.1 200 Fine\nContent-Length: 4\n\nbody", "Fine"),
        ("HTTP/1.1 200 Fine\r\nX-Folded: a\r\n b\r\nContent-Length: 4\r\n\r\nbody", "Fine"),
        ("HTTP/1.0 200 Fine\r\nContent-Length: 4\r\n\r\nbody", "Fine"),
        ("HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody", ""),
    ] {
        let answer = hostile_then_good(&server(hostile, false));
        assert_replied(&answer, "200");
        assert_eq!((seen(&answer, "X-Reason"), seen(&answer, "X-Body")), (reason, hexadecimal("body").as_str()));
    }
}

#[test]
fn a_compressed_body_stays_as_it_is() {
    let compressed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", compressed.len());
    let answer = hostile_then_good(&server([head.as_bytes(), compressed].concat(), false));
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Body"), "1f8b0800000000000003");
}

#[test]
fn what_follows_a_response_does_not_answer_the_next_query() {
    const EVIL: &str = "HTTP/1.1 200 OK\r\nX-Evil: yes\r\nContent-Length: 4\r\n\r\nevil";
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyandmore",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 4, 9\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Trailer: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    ] {
        let answer = hostile_then_good(&server(format!("{response}{EVIL}"), false));
        assert_eq!(seen(&answer, "X-Evil"), "<null>", "{response:?}: {}", answer.text());
    }
}

#[test]
fn the_body_of_a_response_to_head_does_not_answer_the_next_query() {
    let server =
        server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\nX-Evil: yes\r\n\r\n", false);
    let head = "if($rU == \"hostile\") { $http_req(method) = \"HEAD\"; }";
    let kamailio = one_query(&server.url("/$rU"), head, BODY).parameter("connection_timeout", 8000).start();
    let answer = kamailio.message("hostile");
    assert_replied(&answer, "200");
    assert_eq!((seen(&answer, "X-Body"), seen(&answer, "X-Evil")), ("", "<null>"));
    (0..3).for_each(|_| assert_good(&kamailio.message("good")));
}

/// A server that does to its first connection what the test says and answers later ones with `good`. It ends when the
/// connection does that `last` names, counted from 0.
fn server_of_connections(last: usize, first: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let serve = move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        first(&mut stream);
        for _ in 0..last {
            let (mut stream, _) = listener.accept().expect("a connection");
            while read_request(&mut stream) {
                send(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
            }
        }
    };
    (url, std::thread::spawn(serve))
}

/// Reads up to the blank line; whether there was a request.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut received = Vec::new();
    let mut byte = [0];
    while !received.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => received.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    stream.write_all(bytes.as_ref()).expect("the client is there");
}

#[test]
fn a_response_on_an_idle_connection_does_not_answer_the_next_query() {
    let (answered, wait_for_answer) = std::sync::mpsc::channel::<()>();
    let (poisoned, wait_for_poison) = std::sync::mpsc::channel::<()>();
    let (url, server) = server_of_connections(1, move |stream| {
        assert!(read_request(stream));
        send(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
        wait_for_answer.recv().expect("the first query ends");
        send(stream, "HTTP/1.1 200 OK\r\nX-Evil: yes\r\nContent-Length: 4\r\n\r\nevil");
        poisoned.send(()).expect("the test goes on");
        assert!(!read_request(stream), "the connection was used again");
    });
    let kamailio = instance(&url).start();
    assert_replied(&kamailio.message("first"), "200");
    answered.send(()).expect("the server waits");
    wait_for_poison.recv_timeout(PATIENCE).expect("the second response is on its way");
    assert_good(&kamailio.message("good"));
    assert_one_end_each(&kamailio, 2);
    drop(kamailio);
    server.join().expect("the connection was not used again");
}

#[test]
fn a_response_before_the_request_serves_that_query_alone() {
    let (url, server) = server_of_connections(1, |stream| {
        send(stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearlyHTTP/1.1 200 OK\r\nX-Evil: yes\r\n\r\n");
        while read_request(stream) {}
    });
    let kamailio = instance(&url).start();
    assert_eq!(seen(&kamailio.message("first"), "X-Evil"), "<null>");
    assert_good(&kamailio.message("good"));
    assert_one_end_each(&kamailio, 2);
    drop(kamailio);
    server.join().expect("two connections were served");
}

#[test]
fn whoever_does_not_speak_http2_at_once_costs_one_query() {
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\0\0\0\u{7f}garbage", ""] {
        let (url, server) = server_of_connections(1, move |stream| {
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).expect("the preface of HTTP/2");
            send(stream, answer);
            stream.shutdown(Shutdown::Write).expect("the client is there");
            while !matches!(stream.read(&mut preface), Ok(0) | Err(_)) {}
        });
        let version = "if($rU == \"hostile\") { $http_req(http_version) = 2; }";
        let kamailio = one_query(&format!("{url}$rU"), version, BODY).parameter("connection_timeout", 5000).start();
        assert_failed(&kamailio.message("hostile"), "");
        assert_good(&kamailio.message("good"));
        assert_one_end_each(&kamailio, 2);
        drop(kamailio);
        server.join().expect("two connections were served");
    }
}

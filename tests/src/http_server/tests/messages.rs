//! What is read of a request and written of a response.

use std::time::{Duration, Instant};

use super::{SOON, connect, exchange, expect, send};
use crate::http_server::{HttpServer, Response};

#[test]
fn a_message_is_sent_with_its_length() {
    let server = HttpServer::start(|_| Response::json("{}").header("X-Test", "1"));
    let answer = exchange(&server, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Test: 1\r\nContent-Length: 2\r\n\r\n{}");
}

#[test]
fn a_request_is_recorded_as_it_was_sent() {
    let server = HttpServer::start(|_| Response::new(204, "No Content"));
    let answer = exchange(&server, "PUT /a?b=c HTTP/1.0\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 3\r\n\r\nxyz");
    assert_eq!(answer, "HTTP/1.1 204 No Content\r\n\r\n");
    let request = &server.wait_for_requests(1, SOON)[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/a?b=c"));
    assert_eq!(request.header_values("X-ONE"), ["1", "2"]);
    assert_eq!((request.header("x-one"), request.header("x-two")), (Some("1"), None));
    assert_eq!((request.body.as_slice(), request.connection), (b"xyz".as_slice(), 1));
}

#[test]
fn a_chunked_body_is_put_together() {
    let server = HttpServer::start(|request| Response::new(200, "OK").body(request.body.clone()));
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let answer = exchange(&server, &format!("{head}3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"));
    assert!(answer.ends_with("\r\n\r\nabc0123456789"), "{answer}");
}

#[test]
fn what_is_not_http_is_refused() {
    let server = HttpServer::start(|_| Response::text("never"));
    for request in ["\u{1}\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"] {
        assert!(exchange(&server, request).starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_answer_to_head_has_no_body() {
    let server = HttpServer::start(|_| Response::text("four"));
    let answer = exchange(&server, "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(answer.ends_with("Content-Length: 4\r\n\r\n"), "{answer}");
}

#[test]
fn chunks_and_trailers_are_written() {
    let server = HttpServer::start(|_| Response::chunked(["ab", "0123456789"], &[("X-Sum", "7")]).then_close());
    let answer = exchange(&server, "GET / HTTP/1.1\r\n\r\n");
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
    assert_eq!(answer, format!("{head}2\r\nab\r\na\r\n0123456789\r\n0\r\nX-Sum: 7\r\n\r\n"));
}

#[test]
fn raw_bytes_are_sent_as_they_are() {
    let server = HttpServer::start(|_| Response::raw("not HTTP").then_close());
    assert_eq!(exchange(&server, "GET / HTTP/1.1\r\n\r\n"), "not HTTP");
}

#[test]
fn a_drip_takes_its_time() {
    let pause = Duration::from_millis(20);
    let server = HttpServer::start(move |_| Response::drip(Response::new(200, "OK").to_bytes(), pause));
    let bytes = Response::new(200, "OK").to_bytes();
    let mut stream = connect(&server);
    let begin = Instant::now();
    send(&mut stream, "GET / HTTP/1.1\r\n\r\n");
    expect(&mut stream, &bytes);
    assert!(begin.elapsed() >= pause * u32::try_from(bytes.len() - 1).unwrap());
}

#[test]
fn a_delay_comes_before_everything() {
    let delay = Duration::from_millis(50);
    let server = HttpServer::start(move |_| Response::text("late").after(delay));
    let begin = Instant::now();
    exchange(&server, "GET / HTTP/1.0\r\n\r\n");
    assert!(begin.elapsed() >= delay);
}

//! When connections stay open and how they end.

use std::io::{ErrorKind, Read};
use std::sync::mpsc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{SOON, connect, exchange, expect, read_to_close, send};
use crate::http_server::{HttpServer, Response, Step};

const GET: &str = "GET / HTTP/1.1\r\n\r\n";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn empty() -> Response {
    Response::new(200, "OK")
}

#[test]
fn several_requests_share_a_connection() {
    let server = HttpServer::start(|_| empty());
    let mut stream = connect(&server);
    for _ in 0..3 {
        send(&mut stream, GET);
        expect(&mut stream, EMPTY);
    }
    // Two at once: the second waits in the server's buffer.
    send(&mut stream, GET.repeat(2));
    expect(&mut stream, EMPTY.repeat(2));
    exchange(&server, "GET / HTTP/1.0\r\n\r\n");
    let connections: Vec<u64> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1, 1, 1, 1, 1, 2]);
    assert_eq!(server.connections(), 2);
    server.wait_for_open_connections(1, SOON);
    assert_eq!(server.open_connections(), 1);
}

#[test]
fn a_response_may_close_the_connection() {
    let server = HttpServer::start(|_| empty().header("Connection", "close"));
    assert!(exchange(&server, GET).contains("Connection: close"));
}

#[test]
fn idle_connections_are_closed_right_after_their_answer() {
    let server = HttpServer::start(|_| empty());
    for _ in 0..200 {
        let mut stream = connect(&server);
        send(&mut stream, GET);
        expect(&mut stream, EMPTY);
        server.close_idle_connections();
        assert_eq!(read_to_close(&mut stream), "");
    }
}

#[test]
fn a_connection_without_a_request_is_idle() {
    let server = HttpServer::start(|_| empty());
    let mut stream = connect(&server);
    server.wait_for_open_connections(1, SOON);
    server.close_idle_connections();
    assert_eq!(read_to_close(&mut stream), "");
}

#[test]
fn a_connection_with_a_request_under_way_is_not_idle() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = HttpServer::start(move |_| {
        wait.lock().recv().unwrap();
        empty()
    });
    let mut stream = connect(&server);
    for _ in 0..2 {
        let seen = server.requests().len();
        send(&mut stream, GET);
        server.wait_for_requests(seen + 1, SOON);
        server.close_idle_connections();
        go_on.send(()).unwrap();
        expect(&mut stream, EMPTY);
    }
}

#[test]
fn a_reset_reaches_the_client_as_such() {
    let server = HttpServer::start(|_| Response::steps(vec![Step::Reset]));
    let mut stream = connect(&server);
    send(&mut stream, GET);
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_close_in_the_middle_cuts_the_message() {
    let server = HttpServer::start(|_| Response::steps(vec![Step::Send(b"HTTP/1.1 200".to_vec()), Step::Close]));
    assert_eq!(exchange(&server, GET), "HTTP/1.1 200");
}

#[test]
fn waiting_ends_when_the_client_closes() {
    for step in [Step::WaitForever, Step::Wait(Duration::from_secs(3600))] {
        let server = HttpServer::start(move |_| Response::steps(vec![step.clone()]));
        let mut stream = connect(&server);
        send(&mut stream, GET);
        server.wait_for_requests(1, SOON);
        assert_eq!(server.open_connections(), 1);
        drop(stream);
        server.wait_for_open_connections(0, SOON);
    }
}

#[test]
fn a_dropped_server_closes_and_its_port_is_free() {
    let server = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let mut stream = connect(&server);
    send(&mut stream, GET);
    server.wait_for_requests(1, SOON);
    let address = ([127, 0, 0, 1], server.port()).into();
    drop(server);
    assert_eq!(read_to_close(&mut stream), "");
    let again = HttpServer::start_on(address, |_| empty()).unwrap();
    exchange(&again, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!(HttpServer::start_on(address, |_| empty()).unwrap_err().kind(), ErrorKind::AddrInUse);
}

#[test]
#[should_panic(expected = "0 instead of 1 requests within 10ms")]
fn waiting_in_vain_says_what_was_missing() {
    HttpServer::start(|_| empty()).wait_for_requests(1, Duration::from_millis(10));
}

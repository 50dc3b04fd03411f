use super::*;
use std::io::{ErrorKind, Read, Write};
use std::sync::Mutex;

fn start() -> (LookupService, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&lines);
    let report = move |exchange: &Exchange| noted.lock().expect("no panic").push(exchange.to_string());
    (LookupService::start(([127, 0, 0, 1], 0).into(), report).expect("a free port"), lines)
}

fn ask(service: &LookupService, request_line: &str, headers: &str) -> String {
    let mut connection = std::net::TcpStream::connect(service.address()).expect("it listens");
    write!(connection, "{request_line} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_known_user_is_json_and_a_line() {
    let (service, lines) = start();
    let answer = ask(&service, "GET /users/alice", "X-Call-ID: 1\r\nAccept: */*\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    let expected = json!({ "user": "alice", "contact": "sip:alice@192.0.2.10", "name": "Alice" });
    assert_eq!(serde_json::from_str::<Value>(body).expect("JSON"), expected);
    assert_eq!(*lines.lock().expect("no panic"), [format!("GET /users/alice  x-call-id: 1  -> 200 {expected}")]);
}

#[test]
fn all_else_is_an_error_of_http() {
    let (service, _) = start();
    for (request_line, status) in [
        ("GET /users/nobody", "404"),
        ("GET /users/", "404"),
        ("GET /", "404"),
        ("GET /users/alice/", "404"),
        ("POST /users/alice", "405"),
    ] {
        let answer = ask(&service, request_line, "");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request_line}: {answer}");
    }
}

#[test]
fn a_port_in_use_is_an_error_and_a_dropped_service_frees_it() {
    let (service, _) = start();
    let address = service.address();
    let error = LookupService::start(address, |_| {}).expect_err("it is in use");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    drop(service);
    LookupService::start(address, |_| {}).expect("it is free again");
}

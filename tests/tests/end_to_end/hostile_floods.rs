//! Peers that send without end: the query ends by its limit or its deadline, the worker's memory stays, and other queries
//! of the same worker are served meanwhile.

use crate::common::{assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::resident_memory::peak;
use end_to_end::sip::SipMessage;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What a worker may take for a flood: the limits of one response, and what libcurl and the allocator have around it.
const MOST_MEMORY: u64 = 8 * 1024 * 1024;
/// The deadline of a flooded query, in ms.
const DEADLINE: u64 = 1500;
/// How long after its deadline a query may end on a busy machine.
const LATE: Duration = Duration::from_secs(10);

/// An instance whose requests ask for the path that is their user; the body of a response may have 64 KiB.
fn instance(url: &str) -> Kamailio {
    let deadlines =
        format!("$http_req(timeout) = 15000; if($rU == \"hostile\") {{ $http_req(timeout) = {DEADLINE}; }}");
    one_query(&format!("{url}$rU"), &deadlines, "").parameter("max_response_size", 65536).start()
}

/// Asks the hostile peer, and `good` queries of the same worker while that goes on.
fn flooded(kamailio: &Kamailio, user: &str, good: impl Fn()) -> SipMessage {
    good();
    let [worker] = kamailio.http_workers();
    let before = peak(worker);
    let began = std::time::Instant::now();
    let client = kamailio.client();
    let sent = client.send("MESSAGE", user, "", "");
    (0..5).for_each(|_| good());
    let answer = client.final_answer(&sent).expect("a final answer");
    assert!(began.elapsed() < Duration::from_millis(DEADLINE) + LATE, "the deadline passed {:?} ago", began.elapsed());
    let grown = peak(worker) - before;
    assert!(grown < MOST_MEMORY, "the worker took {grown} bytes");
    good();
    let [requests, replies, errors, timeouts, in_flight] = kamailio.counts();
    assert_eq!((requests, replies, errors + timeouts, in_flight), (8, 7, 1, 0), "{}", kamailio.log());
    answer
}

/// What came of a response that begins so and goes on so without end.
fn flood(head: &str, endless: &str) -> String {
    let steps =
        vec![Step::Send(head.as_bytes().to_vec()), Step::SendForever(endless.repeat(16384 / endless.len()).into())];
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/hostile" => Response::steps(steps.clone()),
        _ => Response::text("good"),
    });
    let kamailio = instance(&server.url("/"));
    let answer = flooded(&kamailio, "hostile", || assert_replied(&kamailio.message("good"), "200"));
    assert_eq!(seen(&answer, "X-Ok"), "0", "{head:?} {endless:?}: {}", answer.text());
    server.wait_for_open_connections(1, PATIENCE);
    seen(&answer, "X-Error").to_owned()
}

/// A limit of the module's, or one of libcurl's that comes before it: newer versions count header fields.
fn assert_limit(error: &str, limit: &str) {
    assert!([limit, "Too many response headers"].iter().any(|words| error.contains(words)), "{error}");
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn headers_without_end_end_at_their_limit() {
    for header in ["X-Flood: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", "a:\r\n", "a: \r\n b\r\n"] {
        assert_limit(&flood("HTTP/1.1 200 OK\r\n", header), "65536 bytes");
    }
    // One line: libcurl's own limit comes first.
    flood("HTTP/1.1 200 OK\r\nX-Flood: ", "y");
    flood("HTTP/1.1 ", "2");
    flood("", "H");
}

#[test]
fn bodies_without_end_end_at_their_limit() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n"] {
        assert!(flood(head, "x").contains("65536 bytes"), "{head:?}");
    }
    assert!(flood(CHUNKED, "1\r\nx\r\n").contains("65536 bytes"));
    assert!(flood(&format!("{CHUNKED}7fffffffffffffff\r\n"), "x").contains("65536 bytes"));
}

#[test]
fn what_is_neither_header_nor_body_goes_on_until_the_deadline_at_most() {
    flood(&format!("{CHUNKED}1;"), "extension=1;");
    flood(CHUNKED, "1;extension=\"1\"\r\nx\r\n");
    flood(&format!("{CHUNKED}0\r\nX-Trailer: "), "x");
}

#[test]
fn interim_responses_and_trailers_without_end_end_at_their_limit() {
    for (head, endless) in [
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        ("", "HTTP/1.1 100 Continue\r\nX-Flood: yyyyyyyyyyyyyyyyyyyy\r\n\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X-Trailer: x\r\n"),
    ] {
        assert_limit(&flood(head, endless), "131072 bytes");
    }
}

#[test]
fn challenges_without_end_end_at_the_limit_of_headers() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/hostile" => {
            let nonce = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let challenge = format!("Digest realm=\"x\", nonce=\"{nonce}\", stale=true, qop=\"auth\"");
            Response::new(401, "Again").header("WWW-Authenticate", challenge).header("X-Flood", "y".repeat(8000))
        }
        _ => Response::text("good"),
    });
    let credentials = r#"$http_req(username) = "alice"; $http_req(password) = "x"; $http_req(authmethod) = 2;"#;
    let kamailio = one_query(&server.url("/$rU"), &format!("$http_req(timeout) = 15000; {credentials}"), "").start();
    let answer = flooded(&kamailio, "hostile", || assert_replied(&kamailio.message("good"), "200"));
    assert!(seen(&answer, "X-Error").contains("131072 bytes"), "{}", answer.text());
    assert!(server.requests().len() < 50, "{} requests", server.requests().len());
}

/// Frames of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Status 200, one field of 4000 bytes for the table of HPACK (RFC 7541 section 6.2.1), and then that field again and again
/// in one byte each.
fn header_bomb() -> Vec<u8> {
    let name = b"\x40\x01x\x7f\xa1\x1e".to_vec();
    [b"\x88".to_vec(), name, vec![b'y'; 4000], vec![0xbe; 12_000]].concat()
}

/// What came of a peer that speaks HTTP/2, and sends these bytes to whoever asks and then the others without end.
fn flood_http2(first: Vec<u8>, endless: Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let hostile = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let peer = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        send_http2(stream, &first, &endless);
    });
    let good = HttpServer::start(|_| Response::text("good"));
    let script_url = "$var(url)";
    let choose = format!(
        "$http_req(timeout) = 15000; $var(url) = \"{}\"; if($rU == \"h2\") {{ \
         $http_req(timeout) = {DEADLINE}; $http_req(http_version) = 2; $var(url) = \"{hostile}\"; }}",
        good.url("/")
    );
    let kamailio = one_query(script_url, &choose, "").start();
    let answer = flooded(&kamailio, "h2", || assert_replied(&kamailio.message("good"), "200"));
    assert_eq!(seen(&answer, "X-Ok"), "0", "{}", answer.text());
    // A connection that other queries could share stays open, and nobody reads from it.
    drop(kamailio);
    peer.join().expect("the connection was closed");
}

/// Sends until the client closes.
fn send_http2(mut stream: TcpStream, first: &[u8], endless: &[u8]) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).expect("the preface of HTTP/2");
    let mut reader = stream.try_clone().expect("a second descriptor");
    // What the client answers is read, or it could not go on.
    let drain = std::thread::spawn(move || while matches!(reader.read(&mut [0; 16384]), Ok(1..)) {});
    let settings = frame(SETTINGS, 0, 0, &[]);
    let mut open = stream.write_all(&[&settings, first].concat()).is_ok();
    while open && !endless.is_empty() {
        open = stream.write_all(endless).is_ok();
    }
    drain.join().expect("the client has closed");
}

#[test]
fn http2_without_end_is_one_lost_query() {
    flood_http2(frame(HEADERS, END_HEADERS, 1, &header_bomb()), Vec::new());
    let continuation = frame(CONTINUATION, 0, 1, &[b"\0\x01x\x01".as_slice(), b"y"].concat().repeat(1000));
    flood_http2(frame(HEADERS, 0, 1, b"\x88"), continuation);
    flood_http2(Vec::new(), frame(PING, 0, 0, &[0; 8]).repeat(100));
    flood_http2(Vec::new(), frame(SETTINGS, 0, 0, &[]).repeat(100));
}

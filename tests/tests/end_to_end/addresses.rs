//! Hosts with several addresses: which are tried, in what order, for how long, and what is remembered of it.

mod many;
mod site;

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, PATIENCE, wait_until};
use end_to_end::sip::SipMessage;
use site::{Site, server_at};
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::time::Duration;

/// An instance whose requests each make one query to the host that their user names.
fn host_of_user(site: &Site, assignments: &str) -> Builder {
    let seen = r#"append_to_reply("X-Body: $http_rb\r\nX-Time: $http_time(total) $http_time(lookup)\r\n");"#;
    site.known_to(one_query(&site.url_of_user("http"), assignments, seen))
}

fn assert_answered_by(answer: &SipMessage, server: &str) {
    assert_replied(answer, "200");
    assert_eq!(seen(answer, "X-Body"), server);
}

/// The deadline is the module's own, of half a second, but where an address is silent.
#[test]
fn addresses_that_refuse_or_are_silent_are_left_for_the_next() {
    let (mut site, _first, good) = Site::with_server("first");
    let addresses = [site.refused(), site.refused(), good];
    site.name("refused", &addresses);
    let (_second, good) = site.server("second");
    let addresses = [site.silent(), good];
    site.name("silent", &addresses);
    let (_third, good) = site.server("third");
    let addresses = [site.silent(), site.silent(), good];
    site.name("both-silent", &addresses);
    let (_fourth, good) = site.server("fourth");
    // No packet goes there.
    let unreachable = Ipv4Addr::BROADCAST.into();
    let addresses = [site.refused(), site.silent(), unreachable, good];
    site.name("mixed", &addresses);
    let (_fifth, good) = site.server("fifth");
    site.name("ipv6-refused", &[Ipv6Addr::LOCALHOST.into(), good]);
    let mut hosts = vec![
        ("refused", "first"),
        ("silent", "second"),
        ("both-silent", "third"),
        ("mixed", "fourth"),
        ("ipv6-refused", "fifth"),
    ];
    let ipv6 = Ipv6Addr::LOCALHOST.into();
    let addresses = [site.refused(), site.refused(), ipv6];
    site.name("ipv6", &addresses);
    let kamailio = host_of_user(&site, r#"if($rU =~ "silent|mixed") { $http_req(timeout) = 5000; }"#).start();
    for (host, server) in &hosts {
        assert_answered_by(&kamailio.message(host), server);
    }
    // Containers may be without IPv6.
    let sixth = HttpServer::start_on((ipv6, site.port()).into(), |_| Response::text("sixth"));
    if sixth.is_ok() {
        assert_answered_by(&kamailio.message("ipv6"), "sixth");
        hosts.push(("ipv6", "sixth"));
    }
    let count = hosts.len() as i64;
    kamailio.wait_for_counts([count, count, 0, 0, 0]);
}

#[test]
fn an_error_names_what_was_tried() {
    let mut site = Site::with_port(HttpServer::start(|_| Response::text("elsewhere")).port());
    let refused = [site.refused(), site.refused()];
    site.name("refused", &refused);
    let silent = [site.silent(), site.silent()];
    site.name("silent", &silent);
    let one = site.refused();
    site.name("one", &[one]);
    let kamailio = host_of_user(&site, "$http_req(timeout) = 1500;").start();
    let tried = |[one, other]: [IpAddr; 2]| format!("(tried {one}, {other})");
    let answer = kamailio.message("refused");
    assert_failed(&answer, "Failed to connect to refused port");
    assert_failed(&answer, &tried(refused));
    let answer = kamailio.message("silent");
    assert_failed(&answer, "1500 ms passed while waiting for silent");
    assert_failed(&answer, &tried(silent));
    assert!(!seen(&kamailio.message("one"), "X-Error").contains("tried"), "there is nothing to choose from");
    kamailio.wait_for_counts([3, 0, 2, 1, 0]);
}

/// Whether anybody waits for an answer to its SYN there.
fn is_asked(address: IpAddr, port: u16) -> bool {
    let IpAddr::V4(address) = address else { panic!("{address} is none of IPv4") };
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux tells it");
    let wanted = [format!("{:08X}:{port:04X}", u32::from_le_bytes(address.octets())), "02".to_owned()];
    table.lines().skip(1).any(|line| line.split_whitespace().skip(2).take(2).eq(wanted.iter()))
}

/// A SYN is sent again after a second: with an answer from then on, an address that was left earlier gives none.
#[test]
fn the_only_address_and_the_last_one_get_all_that_is_left() {
    let mut site = Site::with_port(HttpServer::start(|_| Response::text("elsewhere")).port());
    let (only, last, left) = (site.silent_port(), site.silent_port(), site.silent());
    site.name("only", &[only.address().ip()]);
    site.name("last", &[left, last.address().ip()]);
    let kamailio = host_of_user(&site, "$http_req(timeout) = 20000;").start();
    for (host, port) in [("only", only), ("last", last)] {
        let client = kamailio.client();
        let sent = client.send("MESSAGE", host, "", "");
        let address = port.address().ip();
        assert!(wait_until(PATIENCE, || is_asked(address, site.port())), "{address} is not asked");
        let server = HttpServer::take_over(port.answer(), None, |_| Response::text("late")).expect("a server");
        assert_answered_by(&client.final_answer(&sent).expect("an answer"), "late");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_address_that_worked_last_is_first_and_one_that_failed_is_last() {
    let (mut site, server, good) = Site::with_server("good");
    let silent = site.silent_port();
    let address = silent.address().ip();
    site.name("host", &[address, good]);
    let closing = "$http_req(hdr) = \"Connection: close\";";
    let kamailio = host_of_user(&site, closing).start();
    assert_answered_by(&kamailio.message("host"), "good");
    let answered = silent.answer();
    let back = HttpServer::take_over(answered, None, |_| Response::text("back")).expect("a server");
    assert_answered_by(&kamailio.message("host"), "good");
    assert!(back.requests().is_empty());
    drop(server);
    assert_answered_by(&kamailio.message("host"), "back");
    let _again = server_at((good, site.port()).into(), "again");
    assert_answered_by(&kamailio.message("host"), "back");
}

#[test]
fn a_kept_connection_is_used_although_another_address_is_first_by_now() {
    let (mut site, one, good) = Site::with_server("one");
    let (other, other_good) = site.server("other");
    let refused = site.refused();
    site.name("host", &[good, other_good]);
    site.name("alias", &[other_good, refused]);
    let kamailio = host_of_user(&site, "").start();
    for (host, server) in [("host", "one"), ("alias", "other"), ("host", "one")] {
        assert_answered_by(&kamailio.message(host), server);
    }
    assert_eq!((one.connections(), one.requests().len(), other.connections()), (1, 2, 1));
}

/// Answers one request, and goes away when the next one comes on the same connection.
fn answer_once(listener: TcpListener) {
    let (mut connection, _) = listener.accept().expect("a connection");
    read_request(&mut connection);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonce").expect("the client waits");
    read_request(&mut connection);
    // Before the connection: nobody is to listen any more when the client comes again.
    drop(listener);
}

fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut bytes = [0; 1024];
        let count = connection.read(&mut bytes).expect("a request");
        assert_ne!(count, 0, "the client has gone");
        request.extend(&bytes[..count]);
    }
}

/// libcurl itself sends a request once more whose kept connection ends without a byte.
#[test]
fn a_request_whose_kept_connection_is_lost_finds_another_address() {
    let (mut site, server, good) = Site::with_server("good");
    let listener = site.listener();
    let address = listener.local_addr().expect("it is bound").ip();
    site.name("host", &[address, good]);
    let kamailio = host_of_user(&site, "$http_req(timeout) = 20000;").start();
    let once = std::thread::spawn(|| answer_once(listener));
    assert_answered_by(&kamailio.message("host"), "once");
    assert_answered_by(&kamailio.message("host"), "good");
    once.join().expect("both requests came");
    assert_eq!(server.requests().len(), 1);
}

/// Of the query that is to end by its time to connect, and of one that is not.
const LIMITS: &str = r#"
    $http_req(timeout) = 60000; $http_req(connect_timeout) = 700;
    if($rU == "good") { $http_req(connect_timeout) = 10000; }"#;

#[test]
fn connect_timeout_is_over_all_addresses_of_a_request() {
    let (mut site, _server, good) = Site::with_server("good");
    let silent = [site.silent(), site.silent()];
    site.name("silent", &silent);
    let addresses = [site.silent(), good];
    site.name("good", &addresses);
    let kamailio = host_of_user(&site, LIMITS).start();
    assert_answered_by(&kamailio.message("good"), "good");
    let answer = kamailio.message("silent");
    assert_failed(&answer, &format!("(tried {}, {})", silent[0], silent[1]));
    kamailio.wait_for_counts([2, 1, 0, 1, 0]);
}

#[test]
fn an_address_that_has_taken_the_connection_is_not_left_while_tls_takes_its_time() {
    let (mut site, server, good) = Site::with_server("good");
    let slow = site.listener();
    let address = slow.local_addr().expect("it is bound").ip();
    site.name("host", &[address, good]);
    let builder = one_query(&site.url_of_user("https"), "$http_req(timeout) = 1500;", "");
    let kamailio = site.known_to(builder).start();
    assert_failed(&kamailio.message("host"), "1500 ms passed");
    assert_eq!(server.connections(), 0);
    slow.set_nonblocking(true).expect("an open socket");
    assert_eq!(slow.incoming().take_while(Result::is_ok).count(), 1);
}

/// The time of the look-up is that of the first attempt's, and the query's own time holds all of them.
#[test]
fn times_add_up_over_the_addresses_of_a_redirect() {
    let (mut site, _server, good) = Site::with_server("good");
    let addresses = [site.refused(), site.silent(), good];
    site.name("there", &addresses);
    let there = format!("http://there:{}/", site.port());
    let redirecting = HttpServer::start(move |_| Response::new(302, "Found").header("Location", there.as_str()));
    let seen_too = r#"append_to_reply("X-Times: $http_time(redirect) $http_time(lookup) $http_time(connect) $http_time(total)\r\n");"#;
    let follow = "$http_req(follow_redirect) = 1; $http_req(timeout) = 20000;";
    let kamailio = site.known_to(one_query(&redirecting.url("/"), follow, seen_too)).start();
    let answer = kamailio.message("alice");
    assert_replied(&answer, "200");
    let times: Vec<u64> = seen(&answer, "X-Times").split(' ').map(|time| time.parse().expect("microseconds")).collect();
    assert!(times.is_sorted(), "{times:?}");
    let silence = Duration::from_millis(250).as_micros() as u64;
    assert!(times[2] - times[1] >= silence, "the look-up's time holds the silence: {times:?}");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

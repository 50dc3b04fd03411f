//! Many HTTP/2 queries at once: shared connections, and what becomes of queries whose stream or connection fails. With an old
//! libcurl each has a connection of its own; nothing is lost there either.

use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, pause, resume, wait_until};
use end_to_end::libcurl::shares_connections;
use end_to_end::nghttpd::Nghttpd;
use end_to_end::sockets;
use end_to_end::stream_server::{Close, Code, Stream, StreamServer};
use std::sync::{Arc, Mutex};

/// HTTP/2 at once over plain TCP, or as TLS agrees on it.
struct Transport {
    tls: Option<TestCertificates>,
}

/// Runs a test over both.
fn over_plain_and_tls(test: impl Fn(&Transport)) {
    for is_tls in [false, true] {
        test(&Transport { tls: is_tls.then(TestCertificates::temporary) });
    }
}

impl Transport {
    fn settings(&self) -> Option<TlsSettings> {
        self.tls.as_ref().map(TestCertificates::server)
    }

    fn server(&self, script: impl Fn(Stream) + Send + Sync + 'static) -> StreamServer {
        StreamServer::start(self.settings(), script)
    }

    /// An instance whose requests each make as many queries as their user says, of which each ends in a line of the log.
    fn queries(&self, url: &str, assignments: &str) -> Builder {
        let script = r#"
            route[MAIN] {
                $var(i) = 0;
                while($var(i) < $(rU{s.int})) {
                    $http_req(http_version) = 2; $http_req(timeout) = 60000;
                    {assignments}
                    http_async_query("{url}", "NOTED");
                    $var(i) = $var(i) + 1;
                }
                sl_send_reply("200", "OK");
            }
            route[NOTED] { xlog("L_NOTICE", "noted $http_rs $(http_rb{s.substr,0,20}) $http_err\n"); }"#;
        let builder = Kamailio::with_script(script).set("url", url).set("assignments", assignments);
        let builder = builder.before("max_while_loops = 2000");
        match &self.tls {
            None => builder,
            Some(certificates) => builder.trusting(certificates),
        }
    }
}

/// Makes queries, all at once.
fn ask(kamailio: &Kamailio, queries: u32) {
    assert_eq!(kamailio.message(&queries.to_string()).status(), 200);
}

/// Makes the first queries of an instance, one after the other: each is answered before the next.
fn ask_in_turn(kamailio: &Kamailio, queries: i64) {
    for count in 1..=queries {
        ask(kamailio, 1);
        kamailio.wait_for_counts([count, count, 0, 0, 0]);
    }
}

/// Waits until every route has run once, and nothing else ran.
fn wait_for_routes(kamailio: &Kamailio, replied: usize, failed: usize) {
    let (all, errors) = (replied + failed, failed as i64);
    kamailio.wait_for_counts([all as i64, replied as i64, errors, 0, 0]);
    let noted = || kamailio.log().matches("noted ").count();
    assert!(wait_until(PATIENCE, || noted() >= all), "{} of {all} routes ran", noted());
    assert_eq!(noted(), all);
    assert_eq!(kamailio.log().matches("noted 200 ").count(), replied);
}

/// Streams that are open, from the newest request on. The first of each connection is answered: until then, libcurl keeps others
/// from a connection over plain TCP.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<Stream>>>);

impl Held {
    fn hold(&self, stream: Stream) {
        self.0.lock().expect("no panic").push(stream);
    }

    fn take(&self) -> Vec<Stream> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }

    fn count(&self) -> usize {
        self.0.lock().expect("no panic").len()
    }

    fn wait_for(&self, count: usize) {
        assert!(wait_until(PATIENCE, || self.count() >= count), "{} of {count} streams are open", self.count());
    }
}

/// A server that answers such streams at once and holds all others.
fn holding_server(
    transport: &Transport,
    answers_at_once: impl Fn(&Stream) -> bool + Send + Sync + 'static,
) -> (StreamServer, Held) {
    holding_server_that_closes(transport, Close::InOrder, answers_at_once)
}

/// The same, whose connections are closed in that way.
fn holding_server_that_closes(
    transport: &Transport,
    close: Close,
    answers_at_once: impl Fn(&Stream) -> bool + Send + Sync + 'static,
) -> (StreamServer, Held) {
    let held = Held::default();
    let in_script = held.clone();
    let server = StreamServer::start_with(transport.settings(), close, move |stream| {
        if answers_at_once(&stream) {
            stream.respond("at once");
        } else {
            in_script.hold(stream);
        }
    });
    (server, held)
}

/// Makes queries after one that was answered, so that there is a connection, and waits until they are held.
fn ask_and_hold(kamailio: &Kamailio, held: &Held, queries: u32, on_new_connections: usize) {
    ask_in_turn(kamailio, 1);
    ask(kamailio, queries);
    held.wait_for(queries as usize - on_new_connections);
}

#[test]
fn a_thousand_queries_in_flight_share_ten_connections() {
    if !shares_connections() {
        return;
    }
    over_plain_and_tls(|transport| {
        let (server, held) = holding_server(transport, Stream::is_first);
        let kamailio = transport.queries(&server.url("/"), "").start();
        ask(&kamailio, 1000);
        held.wait_for(990);
        assert!(server.connections() <= 10, "{} connections", server.connections());
        held.take().iter().for_each(|stream| stream.respond("held"));
        wait_for_routes(&kamailio, 1000, 0);
        assert_eq!(server.requests(), 1000);
    });
}

#[test]
fn a_thousand_queries_to_nghttpd_are_all_answered() {
    over_plain_and_tls(|transport| {
        let server = Nghttpd::start(&[("small", "x")], transport.tls.as_ref(), 100);
        let kamailio = transport.queries(&server.url("/small"), "").parameter("max_connections_per_host", 50).start();
        ask(&kamailio, 1000);
        wait_for_routes(&kamailio, 1000, 0);
        if shares_connections() {
            assert!(server.connections() <= 10, "{} connections", server.connections());
        }
    });
}

#[test]
fn a_server_that_allows_few_streams_answers_all_queries() {
    over_plain_and_tls(|transport| {
        let server = Nghttpd::start(&[("small", "x")], transport.tls.as_ref(), 3);
        let kamailio = transport.queries(&server.url("/small"), "").parameter("max_connections_per_host", 20).start();
        ask(&kamailio, 300);
        wait_for_routes(&kamailio, 300, 0);
    });
}

#[test]
fn max_streams_of_1_is_one_request_at_a_time() {
    over_plain_and_tls(|transport| {
        let (server, held) = holding_server(transport, |_| false);
        let kamailio = transport.queries(&server.url("/"), "").parameter("max_streams", 1).start();
        ask(&kamailio, 20);
        held.wait_for(20);
        assert_eq!(server.connections(), 20);
        held.take().iter().for_each(|stream| stream.respond("alone"));
        wait_for_routes(&kamailio, 20, 0);
    });
}

#[test]
fn max_streams_share_a_connection_and_one_more_opens_another() {
    if !shares_connections() {
        return;
    }
    over_plain_and_tls(|transport| {
        for (queries, connections) in [(10, 1), (11, 2)] {
            let (server, held) = holding_server(transport, Stream::is_first);
            let kamailio = transport.queries(&server.url("/"), "").parameter("max_streams", 10).start();
            ask_and_hold(&kamailio, &held, queries, connections - 1);
            assert_eq!(server.connections(), connections as u64, "for {queries} queries");
            held.take().iter().for_each(|stream| stream.respond("held"));
            wait_for_routes(&kamailio, queries as usize + 1, 0);
        }
    });
}

/// Makes 80 queries that start together, while nothing else is sent, on a connection where they are held.
fn assert_segments_are_shared(kamailio: &Kamailio, server: &StreamServer, held: &Held) {
    let [worker] = kamailio.http_workers();
    let (segments, others) = (sockets::segments_sent(worker, server.port()), held.count());
    pause(worker);
    ask(kamailio, 80);
    resume(worker);
    held.wait_for(80 + others);
    let segments = sockets::segments_sent(worker, server.port()) - segments;
    assert!(segments <= 10, "{segments} segments for 80 requests");
}

#[test]
fn queries_that_start_together_share_segments() {
    if !shares_connections() {
        return;
    }
    over_plain_and_tls(|transport| {
        let (server, held) = holding_server(transport, Stream::is_first);
        let kamailio = transport.queries(&server.url("/"), "").start();
        ask_in_turn(&kamailio, 1);
        assert_segments_are_shared(&kamailio, &server, &held);
        held.take().iter().for_each(|stream| stream.respond("held"));
        wait_for_routes(&kamailio, 81, 0);
    });
}

/// An instance whose first query is open on a connection over TLS, and whose second one was answered there.
fn first_held_second_answered(tls: &Transport, close: Close) -> (StreamServer, Held, Kamailio) {
    let answered = |stream: &Stream| stream.connection > 1 || stream.id == 3;
    let (server, held) = holding_server_that_closes(tls, close, answered);
    let kamailio = tls.queries(&server.url("/"), "").start();
    ask(&kamailio, 1);
    held.wait_for(1);
    ask(&kamailio, 1);
    kamailio.wait_for_counts([2, 1, 0, 0, 1]);
    (server, held, kamailio)
}

#[test]
fn a_connection_that_is_never_idle_is_treated_like_others() {
    if !shares_connections() {
        return;
    }
    let transport = Transport { tls: Some(TestCertificates::temporary()) };
    let (server, held, kamailio) = first_held_second_answered(&transport, Close::InOrder);
    let [worker] = kamailio.http_workers();
    assert_eq!(sockets::user_timeout(worker, server.port()), 10_000);
    assert_segments_are_shared(&kamailio, &server, &held);
    held.take().iter().for_each(|stream| stream.respond("held"));
    wait_for_routes(&kamailio, 82, 0);
}

#[test]
fn the_first_query_of_a_connection_goes_out_once_more_when_others_were_answered_there() {
    if !shares_connections() {
        return;
    }
    let transport = Transport { tls: Some(TestCertificates::temporary()) };
    for close in [Close::InOrder, Close::Reset] {
        let (server, held, kamailio) = first_held_second_answered(&transport, close);
        held.take().iter().for_each(Stream::cut);
        wait_for_routes(&kamailio, 2, 0);
        assert_eq!((server.connections(), server.requests()), (2, 3));
    }
}

#[test]
fn a_post_goes_out_once_on_a_connection_that_was_upgraded() {
    if !shares_connections() {
        return;
    }
    let transport = Transport { tls: None };
    let held = Held::default();
    let in_script = held.clone();
    let server = transport.server(move |stream| match stream.connection {
        _ if stream.has_body => stream.cut(),
        1 => in_script.hold(stream),
        _ => stream.respond("once more"),
    });
    let post = "$http_req(http_version) = 1; if($rU == \"01\") $http_req(body) = \"x\";";
    let kamailio = transport.queries(&server.url("/"), post).start();
    kamailio.message("01");
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.message("1");
    held.wait_for(1);
    kamailio.message("01");
    // Something has come back for the GET: the 101.
    wait_for_routes(&kamailio, 1, 2);
    assert_eq!(server.requests(), 2, "streams");
}

#[test]
fn a_refused_stream_goes_out_once_more_whatever_its_method() {
    over_plain_and_tls(|transport| {
        for assignments in ["", "$http_req(body) = \"x\";"] {
            let server = transport.server(|stream| match (stream.connection, stream.id) {
                (1, 3..) => stream.reset(Code::RefusedStream),
                _ => stream.respond("taken"),
            });
            let kamailio = transport.queries(&server.url("/"), assignments).start();
            ask_in_turn(&kamailio, 1);
            ask(&kamailio, 40);
            wait_for_routes(&kamailio, 41, 0);
        }
    });
}

#[test]
fn a_request_that_is_welcome_over_http1_goes_out_so_whatever_its_method() {
    // libcurl 8.14 fails to do so on a connection that was not used before.
    let first = u32::from(shares_connections());
    over_plain_and_tls(|transport| {
        for (assignments, method) in [("", "GET"), ("$http_req(body) = \"x\";", "POST")] {
            let server = transport.server(move |stream| match stream.id {
                1 if first == 1 => stream.respond("first"),
                _ => stream.reset(Code::Http11Required),
            });
            let kamailio = transport.queries(&server.url("/"), assignments).start();
            ask_in_turn(&kamailio, first.into());
            ask(&kamailio, 1);
            wait_for_routes(&kamailio, first as usize + 1, 0);
            assert!(kamailio.log().contains(&format!("noted 200 {method} / HTTP/1.1")));
            assert_eq!(server.requests(), u64::from(first) + 1, "over HTTP/2");
        }
    });
}

#[test]
fn a_stream_that_is_reset_is_an_error_and_the_others_go_on() {
    over_plain_and_tls(|transport| {
        let (server, held) = holding_server(transport, |stream| stream.connection == 1 && stream.is_first());
        let kamailio = transport.queries(&server.url("/"), "").start();
        ask_and_hold(&kamailio, &held, 50, 0);
        let mut streams = held.take();
        streams.pop().expect("one of them").reset(Code::InternalError);
        kamailio.wait_for_counts([51, 1, 1, 0, 49]);
        streams.iter().for_each(|stream| stream.respond("held"));
        wait_for_routes(&kamailio, 50, 1);
        assert_eq!(server.requests(), 51);
        if shares_connections() {
            assert_eq!(server.connections(), 1);
        }
    });
}

#[test]
fn what_a_goodbye_leaves_out_goes_out_once_more_whatever_its_method() {
    if !shares_connections() {
        return;
    }
    over_plain_and_tls(|transport| {
        for assignments in ["", "$http_req(body) = \"x\";"] {
            let (server, held) = holding_server(transport, |stream| stream.is_first() || stream.connection > 1);
            let kamailio = transport.queries(&server.url("/"), assignments).start();
            ask_and_hold(&kamailio, &held, 80, 0);
            let streams = held.take();
            let (served, left_out) = streams.split_at(20);
            let last = served.last().expect("twenty");
            last.say_goodbye(last.id);
            served.iter().for_each(|stream| stream.respond("served"));
            wait_for_routes(&kamailio, 81, 0);
            assert_eq!(server.requests(), 81 + left_out.len() as u64);
        }
    });
}

/// How many streams are cut: 500 on one connection, fewer where each takes a connection.
fn streams_to_cut() -> usize {
    if shares_connections() { 500 } else { 50 }
}

/// Makes queries and cuts every connection that has one of them open, after an answered one where they share it. Those that go
/// out once more are answered at once.
fn cut_all(transport: &Transport, close: Close, assignments: &str) -> (StreamServer, Kamailio) {
    let shares = shares_connections();
    let answers_at_once = move |stream: &Stream| shares && (stream.is_first() || stream.connection > 1);
    let (server, held) = holding_server_that_closes(transport, close, answers_at_once);
    let kamailio = transport.queries(&server.url("/"), assignments).parameter("max_streams", 600).start();
    if shares {
        ask_in_turn(&kamailio, 1);
    }
    ask(&kamailio, streams_to_cut() as u32);
    held.wait_for(streams_to_cut());
    held.take().iter().for_each(Stream::cut);
    (server, kamailio)
}

#[test]
fn five_hundred_streams_that_are_cut_go_out_once_more() {
    over_plain_and_tls(|transport| {
        for close in [Close::InOrder, Close::Reset] {
            let (server, kamailio) = cut_all(transport, close, "");
            if !shares_connections() {
                // Each was the only one of its connection, which had never been of use.
                wait_for_routes(&kamailio, 0, streams_to_cut());
                continue;
            }
            wait_for_routes(&kamailio, 501, 0);
            assert_eq!(server.requests(), 1001);
            assert!(server.connections() <= 10, "{} connections", server.connections());
        }
    });
}

#[test]
fn five_hundred_streams_that_are_cut_and_may_not_go_out_twice_are_errors() {
    over_plain_and_tls(|transport| {
        for close in [Close::InOrder, Close::Reset] {
            let (server, kamailio) = cut_all(transport, close, "$http_req(body) = \"x\";");
            let first = usize::from(shares_connections());
            wait_for_routes(&kamailio, first, streams_to_cut());
            assert_eq!(server.requests(), (first + streams_to_cut()) as u64);
        }
    });
}

#[test]
fn a_shared_connection_ends_when_the_peer_acknowledges_nothing() {
    if !shares_connections() {
        return;
    }
    over_plain_and_tls(|transport| {
        let server = transport.server(|stream| stream.respond("x"));
        let kamailio = transport.queries(&server.url("/"), "").start();
        ask_in_turn(&kamailio, 1);
        let [worker] = kamailio.http_workers();
        assert_eq!(sockets::user_timeout(worker, server.port()), 10_000);
    });
}

#[test]
fn a_connection_is_known_by_the_address_that_was_asked_for() {
    if !shares_connections() {
        return;
    }
    let transport = Transport { tls: None };
    let server = transport.server(|stream| stream.respond("x"));
    // Linux connects it to 127.0.0.1.
    let url = format!("http://0.0.0.0:{}/", server.port());
    let kamailio = transport.queries(&url, "").start();
    ask_in_turn(&kamailio, 1);
    let [worker] = kamailio.http_workers();
    assert_eq!(sockets::user_timeout(worker, server.port()), 10_000);
}

/// Connections that serve one request and then end in that way: each of the queries is answered.
fn every_query_is_answered_when(transport: &Transport, assignments: &str, end: fn(&Stream)) {
    let server = transport.server(move |stream| if stream.is_first() { stream.respond("x") } else { end(&stream) });
    let kamailio = transport.queries(&server.url("/"), assignments).start();
    ask_in_turn(&kamailio, 6);
    wait_for_routes(&kamailio, 6, 0);
}

#[test]
fn a_kept_connection_that_was_closed_loses_no_query() {
    over_plain_and_tls(|transport| {
        let server = transport.server(|stream| {
            stream.respond("x");
            stream.cut();
        });
        let kamailio = transport.queries(&server.url("/"), "$http_req(body) = \"x\";").start();
        ask_in_turn(&kamailio, 6);
        wait_for_routes(&kamailio, 6, 0);
        assert_eq!(server.requests(), 6);
    });
}

#[test]
fn a_kept_connection_that_is_closed_when_it_is_used_loses_no_query() {
    over_plain_and_tls(|transport| {
        every_query_is_answered_when(transport, "", Stream::cut);
        every_query_is_answered_when(transport, "$http_req(body) = \"x\";", |stream| {
            stream.say_goodbye(1);
            stream.cut();
        });
    });
}

#[test]
fn a_query_that_is_cut_twice_is_an_error() {
    over_plain_and_tls(|transport| {
        let server = transport.server(|stream| stream.cut());
        let kamailio = transport.queries(&server.url("/"), "").start();
        ask(&kamailio, 100);
        wait_for_routes(&kamailio, 0, 100);
        assert!(server.requests() <= 200, "{} requests", server.requests());
    });
}

#[test]
fn a_stream_that_hangs_ends_at_its_deadline_while_others_go_on() {
    over_plain_and_tls(|transport| {
        let (server, held) = holding_server(transport, |stream| stream.connection == 1 && stream.is_first());
        let timeouts = "if($var(i) == 7) { $http_req(timeout) = 400; }";
        let kamailio = transport.queries(&server.url("/"), timeouts).start();
        ask_and_hold(&kamailio, &held, 20, 0);
        kamailio.wait_for_counts([21, 1, 0, 1, 19]);
        held.take().iter().for_each(|stream| stream.respond("in time"));
        kamailio.wait_for_counts([21, 20, 0, 1, 0]);
        ask(&kamailio, 1);
        held.wait_for(1);
        held.take().iter().for_each(|stream| stream.respond("later"));
        kamailio.wait_for_counts([22, 21, 0, 1, 0]);
        if shares_connections() {
            assert_eq!((server.connections(), server.resets()), (1, 1), "connections, and streams that were given up");
        }
    });
}

#[test]
fn a_body_too_long_ends_its_own_query_alone_and_a_big_one_hinders_none() {
    over_plain_and_tls(|transport| {
        let (small, big, huge) = ("x", "y".repeat(800_000), "z".repeat(1_200_000));
        let files = [("0", small), ("1", big.as_str()), ("2", huge.as_str())];
        let server = Nghttpd::start(&files, transport.tls.as_ref(), 100);
        let kamailio = transport.queries(&server.url("/$var(file)"), "$var(file) = $var(i) mod 3;").start();
        ask_in_turn(&kamailio, 1);
        ask(&kamailio, 30);
        wait_for_routes(&kamailio, 21, 10);
        assert_eq!(kamailio.log().matches("the response body is longer than 1048576 bytes").count(), 10);
        if shares_connections() {
            assert_eq!(server.connections(), 1);
        }
    });
}

#[test]
fn redirects_and_challenges_are_followed_on_shared_connections() {
    over_plain_and_tls(|transport| {
        let server = match transport.settings() {
            None => Http2Server::start(),
            Some(settings) => Http2Server::start_tls(settings),
        };
        for path in ["/moved", "/challenged"] {
            let assignments = r#"$http_req(follow_redirect) = 1;
                $http_req(username) = "alice"; $http_req(password) = "x"; $http_req(authmethod) = 3;"#;
            let kamailio = transport.queries(&server.url(path), assignments).start();
            ask(&kamailio, 60);
            wait_for_routes(&kamailio, 60, 0);
            assert_eq!(kamailio.log().matches("noted 200 HTTP/2.0 GET").count(), 60);
        }
    });
}

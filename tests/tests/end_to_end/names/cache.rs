//! How long answers are kept.

use super::{Stage, good, server};
use crate::common::{REPORT, assert_replied};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::name_server::{Reply, resolv_conf};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// How long failures are kept.
const OF_FAILURE: Duration = Duration::from_secs(1);

#[test]
fn addresses_are_kept_for_their_ttl() {
    let server = server(|question| {
        let ttl = if question.name == "short.test" { 1 } else { 60 };
        question.addresses(&[Ipv4Addr::LOCALHOST.into()], ttl)
    });
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("long.test");
    let is_asked_again = wait_until(PATIENCE, || {
        stage.assert_found("short.test");
        server.times_asked("short.test") > 1
    });
    assert!(is_asked_again);
    stage.assert_found("LONG.test");
    assert_eq!(server.times_asked("long.test"), 1);
}

#[test]
fn dns_cache_time_bounds_the_ttl_and_0_keeps_nothing() {
    let server = good();
    let resolv_conf = resolv_conf(&[server.address()], "");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("dns_cache_time", 0));
    (0..3).for_each(|_| stage.assert_found("none.test"));
    assert_eq!(server.times_asked("none.test"), 3);
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("dns_cache_time", 1));
    let is_asked_again = wait_until(PATIENCE, || {
        stage.assert_found("second.test");
        server.times_asked("second.test") > 1
    });
    assert!(is_asked_again);
}

#[test]
fn a_failure_is_kept_for_a_second() {
    let server = server(|_| Reply::NoName);
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    let is_shown = (0..20).any(|number| {
        let (name, begin) = (format!("n{number}.test"), Instant::now());
        (0..2).for_each(|_| stage.assert_not_found(&name, "no such name"));
        // On a machine too busy, the second comes too late.
        let is_in_time = begin.elapsed() < OF_FAILURE;
        assert!(!is_in_time || server.times_asked(&name) == 1);
        is_in_time
    });
    assert!(is_shown, "two queries took more than a second, each time");
    stage.assert_not_found("again.test", "no such name");
    server.change(super::Question::this_machine);
    assert!(wait_until(PATIENCE, || stage.ask("again.test").header("X-Ok") == Some("1")));
}

#[test]
fn addresses_that_have_run_out_serve_while_no_server_answers() {
    let server = server(|question| question.addresses(&[Ipv4Addr::LOCALHOST.into()], 1));
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("a.test");
    server.change(|_| Reply::Silence);
    let warning = "addresses that have run out are used";
    let is_used = wait_until(PATIENCE, || {
        stage.assert_found("a.test");
        !stage.kamailio.log_lines(warning).is_empty()
    });
    assert!(is_used, "{}", stage.kamailio.log());
    (0..5).for_each(|_| stage.assert_found("a.test"));
    assert_eq!(stage.kamailio.log_lines(warning).len(), 1);
    server.change(|_| Reply::NoName);
    assert!(wait_until(PATIENCE, || stage.ask("a.test").header("X-Ok") == Some("0")), "the name has gone");
}

#[test]
fn names_of_the_hosts_file_need_no_server_when_they_have_run_out() {
    let server = server(|_| Reply::Silence);
    let resolv_conf = resolv_conf(&[server.address()], "options timeout:1 attempts:1");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("dns_cache_time", 1));
    stage.assert_found("localhost");
    let begin = Instant::now();
    stage.assert_not_found("other.test", "no name server answers");
    assert!(wait_until(PATIENCE, || begin.elapsed() > Duration::from_millis(1100)), "the addresses run out");
    (0..3).for_each(|_| stage.assert_found("localhost"));
    assert_eq!(server.times_asked("localhost"), 0);
    assert_eq!(stage.kamailio.log_lines("addresses that have run out").len(), 0, "{}", stage.kamailio.log());
}

/// As many names as the cache has room for and more, or the user's host.
const NAMES: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($rU == "fill" && $var(i) < 1100) {
            http_async_send("http://n$var(i).test:{http_port}/", "");
            $var(i) = $var(i) + 1;
        }
        if($rU == "fill") { sl_send_reply("200", "OK"); exit; }
        t_newtran();
        http_async_query("http://$rU:{http_port}/", "REPLY");
    }"#;

#[test]
fn a_full_cache_keeps_new_names() {
    let server = good();
    let http = HttpServer::start(|_| Response::text("x"));
    let kamailio = Kamailio::with_script(&format!("{NAMES}{REPORT}"))
        .set("http_port", http.port())
        .set("seen", "")
        .before("max_while_loops = 2000")
        .parameter("connection_timeout", 60_000)
        .resolv_conf(&resolv_conf(&[server.address()], "options timeout:5 attempts:5"))
        .start();
    assert_eq!(kamailio.message("fill").status(), 200);
    kamailio.wait_for_counts([1100, 1100, 0, 0, 0]);
    (0..3).for_each(|_| assert_replied(&kamailio.message("new.test"), "200"));
    assert_eq!(server.times_asked("new.test"), 1);
}

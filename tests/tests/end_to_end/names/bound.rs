//! Queries that wait for look-ups stand in nobody's way.

use super::{LONG, Stage, server};
use crate::common::{REPORT, assert_replied};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::name_server::{Question, Reply, resolv_conf};

fn dead_or_good(question: &Question) -> Reply {
    if question.name.ends_with("dead.test") { Reply::Silence } else { question.this_machine() }
}

#[test]
fn queries_for_addresses_and_known_names_pass_those_that_wait_for_look_ups() {
    let server = server(dead_or_good);
    let resolv_conf = resolv_conf(&[server.address()], "");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("max_in_flight", 8).parameter("max_lookups", 4));
    stage.assert_found("known.test");
    let dead = |number: usize| stage.send_apart(&format!("n{}.dead.test", number % 20), 3000);
    let sent: Vec<_> = (0..40).map(dead).collect();
    for _ in 0..20 {
        stage.assert_found("127.0.0.1");
        stage.assert_found("known.test");
    }
    let statistics = stage.kamailio.statistics();
    assert_eq!(statistics["timeouts"], 0, "all others have ended before the first that waits");
    for (client, sent) in &sent {
        let answer = client.final_answer(sent).expect("an answer");
        assert_eq!(answer.header("X-Ok"), Some("0"), "{}", answer.text());
    }
    stage.assert_found("new.test");
}

#[test]
fn a_name_waits_for_a_look_up_to_end_and_no_longer_than_somebody_wants_that() {
    let server = server(dead_or_good);
    let resolv_conf = resolv_conf(&[server.address()], "options timeout:30");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("max_lookups", 1));
    let (client, dead) = stage.send_apart("dead.test", 3000);
    assert!(wait_until(PATIENCE, || server.times_asked("dead.test") > 0));
    let (other_client, good) = stage.send_apart("good.test", LONG);
    (0..5).for_each(|_| stage.assert_found("127.0.0.1"));
    let asked = server.times_asked("good.test");
    assert_eq!((stage.kamailio.statistics()["timeouts"], asked), (0, 0), "it waits for its turn");
    let answer = client.final_answer(&dead).expect("an answer");
    assert_eq!(answer.header("X-Ok"), Some("0"), "{}", answer.text());
    let answer = other_client.final_answer(&good).expect("an answer");
    assert_eq!(answer.header("X-Ok"), Some("1"), "{}", answer.text());
}

/// As many queries for a dead name as may be in flight by default, and more; for others, one of the user's host.
const BURST: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($rU == "burst" && $var(i) < {burst}) {
            http_async_send("http://dead.test/", "");
            $var(i) = $var(i) + 1;
        }
        if($rU == "burst") { sl_send_reply("200", "OK"); exit; }
        t_newtran();
        http_async_query("http://$rU:{http_port}/", "REPLY");
        t_reply("500", "Not suspended");
    }"#;

#[test]
fn new_names_pass_more_queries_for_a_dead_one_than_may_be_in_flight() {
    const COUNT: i64 = 1100;
    let server = server(dead_or_good);
    let http = HttpServer::start(|_| Response::text("x"));
    let kamailio = Kamailio::with_script(&format!("{BURST}{REPORT}"))
        .set("burst", COUNT)
        .set("http_port", http.port())
        .set("seen", "")
        .before("max_while_loops = 2000")
        .parameter("connection_timeout", 90_000)
        .resolv_conf(&resolv_conf(&[server.address()], "options timeout:30 attempts:5"))
        .start();
    assert_eq!(kamailio.message("burst").status(), 200);
    assert!(wait_until(PATIENCE, || server.times_asked("dead.test") > 0));
    for host in ["127.0.0.1", "good.test", "good.test", "other.test"] {
        assert_replied(&kamailio.message(host), "200");
    }
    kamailio.wait_for_counts([COUNT + 4, 4, 0, 0, COUNT]);
}

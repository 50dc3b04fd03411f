//! Queries that wait for look-ups stand in nobody's way.

use super::{LONG, Stage, server};
use end_to_end::kamailio::{PATIENCE, wait_until};
use end_to_end::name_server::{Question, Reply, resolv_conf};
use end_to_end::sip::Sent;

fn dead_or_good(question: &Question) -> Reply {
    if question.name.ends_with("dead.test") { Reply::Silence } else { question.this_machine() }
}

#[test]
fn queries_for_addresses_and_known_names_pass_those_that_wait_for_look_ups() {
    let server = server(dead_or_good);
    let resolv_conf = resolv_conf(&[server.address()], "");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("max_in_flight", 8).parameter("max_lookups", 4));
    stage.assert_found("known.test");
    let sent: Vec<Sent> = (0..40).map(|number| stage.send(&format!("n{}.dead.test", number % 20), 3000)).collect();
    for _ in 0..20 {
        stage.assert_found("127.0.0.1");
        stage.assert_found("known.test");
    }
    let statistics = stage.kamailio.statistics();
    assert_eq!(statistics["timeouts"], 0, "all others have ended before the first that waits");
    for sent in &sent {
        let answer = stage.client.final_answer(sent).expect("an answer");
        assert_eq!(answer.header("X-Ok"), Some("0"), "{}", answer.text());
    }
    stage.assert_found("new.test");
}

#[test]
fn a_name_waits_for_a_look_up_to_end_and_no_longer_than_somebody_wants_that() {
    let server = server(dead_or_good);
    let resolv_conf = resolv_conf(&[server.address()], "options timeout:30");
    let stage = Stage::with(&resolv_conf, |builder| builder.parameter("max_lookups", 1));
    let dead = stage.send("dead.test", 3000);
    assert!(wait_until(PATIENCE, || server.times_asked("dead.test") > 0));
    let good = stage.send("good.test", LONG);
    (0..5).for_each(|_| stage.assert_found("127.0.0.1"));
    let asked = server.times_asked("good.test");
    assert_eq!((stage.kamailio.statistics()["timeouts"], asked), (0, 0), "it waits for its turn");
    let answer = stage.client.final_answer(&dead).expect("an answer");
    assert_eq!(answer.header("X-Ok"), Some("0"), "{}", answer.text());
    let answer = stage.client.final_answer(&good).expect("an answer");
    assert_eq!(answer.header("X-Ok"), Some("1"), "{}", answer.text());
}

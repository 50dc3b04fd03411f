//! What makes it hard to answer in a name server's stead (RFC 5452).

use super::{Stage, good, server};
use end_to_end::libcares::mixes_case;
use end_to_end::name_server::{Question, Reply, resolv_conf};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

#[test]
fn each_look_up_has_a_udp_port_of_its_own() {
    let server = good();
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    let sent: Vec<_> = (0..100).map(|number| stage.send(&format!("n{number}.test"), super::LONG)).collect();
    for sent in &sent {
        let answer = stage.client.final_answer(sent).expect("an answer");
        assert_eq!(answer.header("X-Ok"), Some("1"), "{}", answer.text());
    }
    let ports: BTreeSet<u16> = server.questions().iter().map(|question| question.from.port()).collect();
    // The kernel chooses among some 28,000.
    assert!(ports.len() >= 90, "{} ports", ports.len());
}

#[test]
fn an_answer_to_another_question_or_of_another_name_is_not_taken() {
    let forger = server(|question| match question.name.as_str() {
        "question.test" => Reply::ToAnother("other.test", Box::new(question.this_machine())),
        _ => question.addresses_of("other.test", &[Ipv4Addr::LOCALHOST.into()], 60),
    });
    let stage = Stage::new(&resolv_conf(&[forger.address()], "options timeout:1 attempts:1"));
    stage.assert_not_found("question.test", "no name server answers");
    stage.assert_not_found("record.test", "an answer about another name");
}

#[test]
fn queries_for_one_name_share_a_look_up() {
    let after = Duration::from_millis(500);
    let server = server(move |question| Reply::After(after, Box::new(question.this_machine())));
    let stage = Stage::new(&resolv_conf(&[server.address()], "options timeout:10"));
    let sent: Vec<_> = (0..20).map(|_| stage.send("one.test", 60_000)).collect();
    for sent in &sent {
        let answer = stage.client.final_answer(sent).expect("an answer");
        assert_eq!(answer.header("X-Ok"), Some("1"), "{}", answer.text());
    }
    assert_eq!(server.times_asked("one.test"), 1);
}

#[test]
fn questions_are_in_mixed_case_where_libcares_can() {
    let server = good();
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("a-rather-long-name-with-many-letters.test");
    let questions = server.questions();
    let ours: Vec<_> = questions.iter().filter(|question| question.name.starts_with("a-rather")).collect();
    assert!(!ours.is_empty());
    for question in ours {
        assert_eq!(question.spelling != question.name, mixes_case(), "{}", question.spelling);
    }
}

#[test]
fn a_server_that_changes_the_case_of_names_serves() {
    let server = server(|question: &Question| Reply::InSmallLetters(Box::new(question.this_machine())));
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    for name in ["first.test", "second.test", "third.test", "fourth.test", "fifth.test"] {
        stage.assert_found(name);
    }
    assert_eq!(server.times_asked("fifth.test"), 1, "it is known by then");
}

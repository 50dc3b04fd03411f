//! What servers answer: many addresses, aliases, truncated messages.

use super::{Stage, server};
use end_to_end::name_server::{Record, Reply, resolv_conf};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// This machine, and many others of loopback.
fn many() -> Vec<IpAddr> {
    (1..=60).map(|last| Ipv4Addr::new(127, 0, 0, last).into()).collect()
}

#[test]
fn many_addresses_fit_into_a_longer_message_or_come_over_tcp() {
    let server = server(|question| match question.name.as_str() {
        "cut.test" if !question.over_tcp => Reply::Truncated,
        _ => question.addresses(&many(), 60),
    });
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("long.test");
    stage.assert_found("cut.test");
    let questions = server.questions();
    let over_tcp: Vec<&str> =
        questions.iter().filter(|question| question.over_tcp).map(|question| question.name.as_str()).collect();
    assert!(!over_tcp.is_empty() && over_tcp.iter().all(|name| *name == "cut.test"), "{over_tcp:?}");
    assert!(questions.iter().all(|question| question.payload == Some(1232)), "{questions:?}");
}

#[test]
fn aliases_lead_to_the_addresses() {
    let server = server(|question| {
        let alias = |from: &str, to: &str| Record::Alias(from.to_owned(), to.to_owned(), 60);
        let mut records = vec![alias("a.test", "b.test"), alias("b.test", "c.test")];
        if !question.for_ipv6 {
            records.push(Record::Address("c.test".to_owned(), Ipv4Addr::LOCALHOST.into(), 60));
        }
        Reply::Records(records)
    });
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("a.test");
    assert_eq!(server.questions().len(), 2, "one answer has it all");
}

#[test]
fn addresses_of_one_kind_do_without_the_other() {
    let local: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let server = server(move |question| match (question.name.as_str(), question.for_ipv6) {
        ("silence.test", true) => Reply::Silence,
        ("failure.test", true) => Reply::Failure,
        ("none.test", true) => Reply::NoName,
        ("empty.test", _) => Reply::Records(Vec::new()),
        _ => question.addresses(&local, 60),
    });
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    for name in ["silence.test", "failure.test", "none.test", "both.test"] {
        stage.assert_found(name);
    }
    stage.assert_not_found("empty.test", "the name has no address");
    assert_eq!(stage.kamailio.log_lines("the name server").len(), 0, "{}", stage.kamailio.log());
}

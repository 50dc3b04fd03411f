//! Which server is asked, and what becomes of one that does not answer.

use super::{LONG, Stage, good, server, silent};
use crate::common::assert_replied;
use end_to_end::kamailio::{PATIENCE, wait_until};
use end_to_end::name_server::{NameServer, Question, Reply, closed, resolv_conf};
use end_to_end::network::enter_own_with;
use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Whether `server` was asked to answer a look-up of `name`. The copies that a server gets which does not answer are for IPv4
/// addresses alone.
fn is_asked(server: &NameServer, name: &str) -> bool {
    server.questions().iter().any(|question| question.name == name && question.for_ipv6)
}

#[test]
fn a_silent_server_is_asked_last_until_it_answers() {
    let (first, second) = (silent(), good());
    let stage = Stage::new(&resolv_conf(&[first.address(), second.address()], ""));
    for name in ["a.test", "b.test", "c.test", "d.test"] {
        stage.assert_found(name);
    }
    assert!(is_asked(&first, "a.test"), "the first server is asked first");
    for name in ["b.test", "c.test", "d.test"] {
        assert!(!is_asked(&first, name), "{name}");
    }
    let goes = format!("the name server {} does not answer", first.address());
    stage.kamailio.wait_for_log(&goes);
    first.change(Question::this_machine);
    let comes = format!("the name server {} answers again", first.address());
    let mut names = 0..;
    let is_back = wait_until(PATIENCE, || {
        stage.assert_found(&format!("n{}.test", names.next().unwrap_or(0)));
        !stage.kamailio.log_lines(&comes).is_empty()
    });
    assert!(is_back, "{}", stage.kamailio.log());
    let asked = second.questions().len();
    stage.assert_found("last.test");
    assert!(is_asked(&first, "last.test") && second.questions().len() == asked, "the first server is asked again");
    let warnings = [goes, comes].map(|text| stage.kamailio.log_lines(&text).len());
    assert_eq!(warnings, [1, 1], "{}", stage.kamailio.log());
}

#[test]
fn a_closed_port_costs_nothing_wherever_it_stands() {
    let server = good();
    let good = server.address();
    for servers in [vec![closed(), good], vec![good, closed()], vec![closed(), closed(), good]] {
        let stage = Stage::new(&resolv_conf(&servers, ""));
        for name in ["a.test", "b.test", "c.test"] {
            stage.assert_found(name);
        }
        let is_first = servers.first() == Some(&closed());
        let told = stage.kamailio.log_lines(&format!("the name server {} refuses to be asked", closed()));
        assert_eq!(!told.is_empty(), is_first, "{}", stage.kamailio.log());
    }
}

#[test]
fn two_silent_servers_leave_the_third_time_to_answer() {
    let (first, second, third) = (silent(), silent(), good());
    let servers = [first.address(), second.address(), third.address()];
    let stage = Stage::new(&resolv_conf(&servers, "options timeout:30"));
    assert_replied(&stage.ask_within("a.test", 3000), "200");
    stage.assert_found("b.test");
    assert!(!is_asked(&first, "b.test") && !is_asked(&second, "b.test"));
}

#[test]
fn servers_are_asked_in_order_and_the_first_answer_counts() {
    let inner = server(|question| match question.name.ends_with(".inner.test") {
        true => question.this_machine(),
        false => Reply::NoName,
    });
    let (second, third) = (server(|_| Reply::NoName), good());
    let servers = [inner.address(), second.address(), third.address()];
    let stage = Stage::new(&resolv_conf(&servers, ""));
    for number in 0..9 {
        stage.assert_found(&format!("n{number}.inner.test"));
    }
    stage.assert_not_found("x.outer.test", "no such name");
    assert_eq!((second.questions().len(), third.questions().len()), (0, 0), "the first knows");
}

#[test]
fn a_server_that_cannot_say_leaves_it_to_the_next_and_stays_first() {
    let first = server(|question| match question.name.as_str() {
        "failure.test" => Reply::Failure,
        "refusal.test" => Reply::Refusal,
        _ => question.this_machine(),
    });
    let second = good();
    let stage = Stage::new(&resolv_conf(&[first.address(), second.address()], ""));
    for name in ["failure.test", "refusal.test", "known.test"] {
        stage.assert_found(name);
    }
    assert!(!is_asked(&second, "known.test"));
    assert_eq!(stage.kamailio.log_lines("the name server").len(), 0, "{}", stage.kamailio.log());
}

#[test]
fn rotate_begins_with_another_server_each_time() {
    let servers = [good(), good(), good()];
    let addresses: Vec<_> = servers.iter().map(NameServer::address).collect();
    let stage = Stage::new(&resolv_conf(&addresses, "options rotate"));
    for number in 0..6 {
        stage.assert_found(&format!("n{number}.test"));
    }
    let asked: Vec<usize> = servers.iter().map(|server| server.questions().len()).collect();
    assert_eq!(asked, [4, 4, 4], "A and AAAA of two names each");
}

#[test]
fn a_slow_answer_counts_although_others_have_been_asked_meanwhile() {
    let slow = server(|question| Reply::After(Duration::from_millis(700), Box::new(question.this_machine())));
    let unhelpful = server(|_| Reply::Failure);
    let stage = Stage::new(&resolv_conf(&[slow.address(), unhelpful.address()], "options attempts:1"));
    assert_replied(&stage.ask_within("a.test", 1500), "200");
    assert!(unhelpful.times_asked("a.test") > 0, "the second was asked");
    let alone = Stage::new(&resolv_conf(&[slow.address()], ""));
    assert_replied(&alone.ask_within("b.test", 1500), "200");
}

#[test]
fn without_a_server_that_answers_the_query_says_so() {
    let server = silent();
    let stage = Stage::new(&resolv_conf(&[server.address()], "options timeout:1 attempts:1"));
    stage.assert_not_found("a.test", "no name server answers");
    let stage = Stage::new(&resolv_conf(&[closed()], ""));
    stage.assert_not_found("b.test", "no name server answers");
}

#[test]
fn a_changed_resolv_conf_is_noticed() {
    let (old, new) = (server(|_| Reply::NoName), good());
    let stage = Stage::new(&resolv_conf(&[old.address()], ""));
    stage.assert_not_found("a.test", "no such name");
    stage.write("resolv.conf", &resolv_conf(&[new.address()], ""));
    let is_found = wait_until(PATIENCE, || stage.ask_within("a.test", LONG).header("X-Ok") == Some("1"));
    assert!(is_found, "{}", stage.kamailio.log());
    assert!(new.times_asked("a.test") > 0);
}

#[test]
fn a_server_is_asked_over_ipv6() {
    // Nobody else of the tests listens there.
    let server = NameServer::start_at(Ipv6Addr::LOCALHOST.into(), Question::this_machine).expect("port 53 of ::1");
    let stage = Stage::new(&resolv_conf(&[server.address()], ""));
    stage.assert_found("a.test");
}

#[test]
fn a_link_local_server_is_asked_by_its_interface() {
    let address = "fe80::53".parse().expect("an address");
    let own_network = std::thread::spawn(move || {
        enter_own_with(address);
        let _server = NameServer::start_at(Ipv6Addr::UNSPECIFIED.into(), Question::this_machine).expect("port 53");
        Stage::new("nameserver fe80::53%lo\n").assert_found("a.test");
    });
    own_network.join().expect("the server is asked");
}

#[test]
fn a_lost_packet_turns_no_server_away() {
    let has_lost = AtomicBool::new(false);
    let first = server(move |question| match question.name.as_str() {
        "lost.test" if !has_lost.fetch_or(question.for_ipv6, Ordering::Relaxed) => Reply::Silence,
        _ => question.this_machine(),
    });
    let second = server(|_| Reply::NoName);
    let stage = Stage::new(&resolv_conf(&[first.address(), second.address()], "options timeout:1"));
    stage.assert_not_found("lost.test", "no such name");
    let mut names = 0..;
    let is_back = wait_until(PATIENCE, || {
        let name = format!("n{}.test", names.next().unwrap_or(0));
        stage.ask(&name).header("X-Ok") == Some("1")
    });
    assert!(is_back);
    assert_eq!(stage.kamailio.log_lines("the name server").len(), 0, "{}", stage.kamailio.log());
}

#[test]
fn a_server_that_is_silent_about_some_names_stays_first() {
    let first = server(|question| match question.name.ends_with(".dead.test") {
        true => Reply::Silence,
        false => question.this_machine(),
    });
    let second = server(|_| Reply::NoName);
    let stage = Stage::new(&resolv_conf(&[first.address(), second.address()], "options timeout:1"));
    stage.assert_found("known.test");
    let mut names = 0..;
    for round in 0..2 {
        let dead = |number: u32| stage.send_apart(&format!("n{number}-{round}.dead.test"), LONG);
        let dead: Vec<_> = (0..3).map(dead).collect();
        for (client, sent) in &dead {
            assert!(client.final_answer(sent).is_some());
        }
        let is_first = wait_until(PATIENCE, || {
            let name = format!("n{}.test", names.next().unwrap_or(0));
            stage.ask(&name).header("X-Ok") == Some("1")
        });
        assert!(is_first, "{}", stage.kamailio.log());
        // It would be told by now.
        assert_eq!(stage.kamailio.log_lines("the name server").len(), 0, "{}", stage.kamailio.log());
    }
}

#[test]
fn a_name_whose_ipv6_addresses_nobody_tells_costs_no_time_out() {
    let server = server(|question| if question.for_ipv6 { Reply::Silence } else { question.this_machine() });
    let stage = Stage::new(&resolv_conf(&[server.address()], "options timeout:30"));
    // A third of the deadline is the least that a time-out takes.
    let begin = Instant::now();
    assert_replied(&stage.ask_within("a.test", 60_000), "200");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

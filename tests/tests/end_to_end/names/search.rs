//! The search list, and the hosts file.

use super::{Stage, server};
use end_to_end::kamailio::{PATIENCE, wait_until};
use end_to_end::name_server::{NameServer, Reply, resolv_conf};

fn names(server: &NameServer) -> Vec<String> {
    let questions = server.questions().into_iter().filter(|question| !question.for_ipv6);
    questions.map(|question| question.name).collect()
}

#[test]
fn names_are_completed_as_the_c_library_does() {
    let server = server(|question| match question.name.as_str() {
        "a.two.test" | "x.y" | "a.b.c" | "dot" => question.this_machine(),
        _ => Reply::NoName,
    });
    let stage = Stage::new(&resolv_conf(&[server.address()], "search one.test two.test.\noptions ndots:2"));
    for name in ["a", "x.y", "a.b.c", "dot."] {
        stage.assert_found(name);
    }
    let expected = ["a.one.test", "a.two.test", "x.y.one.test", "x.y.two.test", "x.y", "a.b.c", "dot"];
    assert_eq!(names(&server), expected);
    stage.assert_not_found("z", "no such name");
    assert_eq!(names(&server)[expected.len()..], ["z.one.test", "z.two.test", "z"]);
}

#[test]
fn the_hosts_file_comes_first_and_its_changes_are_noticed() {
    let server = server(|_| Reply::NoName);
    let resolv_conf = resolv_conf(&[server.address()], "search one.test");
    let stage = Stage::with(&resolv_conf, |builder| builder.hosts("127.0.0.1 here.test here\n"));
    stage.assert_found("here");
    stage.assert_found("HERE.test");
    stage.assert_found("localhost");
    // Kamailio looks up the name of this host.
    let asked = names(&server);
    assert!(!asked.iter().any(|name| name.contains("here") || name.contains("localhost")), "{asked:?}");
    stage.assert_not_found("there.test", "no such name");
    stage.write("hosts", "127.0.0.1 there.test\n");
    assert!(wait_until(PATIENCE, || stage.ask("there.test").header("X-Ok") == Some("1")));
    stage.assert_not_found("here.test", "no such name");
}

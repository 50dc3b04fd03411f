//! Internationalised names (RFC 5890).

use super::{Stage, server};
use crate::common::seen;
use end_to_end::name_server::{Reply, resolv_conf};

#[test]
fn an_international_name_is_asked_for_and_sent_in_its_ascii_form() {
    let server = server(|question| match question.name.as_str() {
        "xn--bcher-kva.test" | "xn--strae-oqa.test" => question.this_machine(),
        _ => Reply::NoName,
    });
    let stage = Stage::with(&resolv_conf(&[server.address()], ""), |builder| builder.environment("LC_ALL", "C"));
    for host in ["bücher.test", "BÜCHER.test", "straße.test"] {
        stage.assert_found(host);
    }
    let hosts: Vec<String> =
        stage.http.requests().iter().filter_map(|request| request.header("Host").map(str::to_owned)).collect();
    let [books, road] =
        ["xn--bcher-kva.test", "xn--strae-oqa.test"].map(|host| format!("{host}:{}", stage.http.port()));
    assert_eq!(hosts, [books.clone(), books, road]);
    let answer = stage.ask("b\u{202e}ü.test");
    assert!(seen(&answer, "X-Error").contains("has no ASCII form"), "{}", answer.text());
}

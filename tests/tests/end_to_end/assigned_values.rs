//! Values that a script assigns to Kamailio's own variables. Its setters put a NUL behind a value for a moment, and then back what was
//! there (`STR_VTOZ`): the byte behind each value must be ours. Under memcheck (`make memcheck`) one that is not ends the test.

use crate::common::seen;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, free_tcp_port};

/// Every variable whose value is a string, in each way in which it may lie in memory.
const VALUES: [&str; 13] = [
    "$http_rb",
    "$http_mb",
    "$http_rr",
    "$http_hdr(X-Uri)",
    "$(http_hdr(X-Uri)[*])",
    "$http_hdr(X-Folded)",
    "$http_hdr(X-Empty)",
    "$(http_hdr(*)[-1])",
    "$http_xdata",
    "$http_err",
    "$http_err_text",
    "$http_err_class",
    "$http_req_id",
];

const SCRIPT: &str = r#"
    route[MAIN] {
        t_newtran();
        $http_req(xdata) = "sip:xdata@127.0.0.1";
        $var(url) = "{url}" + $rU;
        if($rU == "error") { $var(url) = "http://127.0.0.1:{closed-port}/"; }
        http_async_query("$var(url)", "REPLY");
        t_reply("500", "Not suspended");
    }
    route[REPLY] {
        $var(uri) = "";
        {before}
        {assignments}
        {after}
        append_to_reply("X-Status: $http_rs\r\nX-Error: $http_err\r\nX-Uri: $var(uri)\r\n");
        t_reply("200", "Answered");
    }"#;

/// Keeps what each value is, assigns each to each variable, and reports which have changed.
fn assigning(url: &str) -> Kamailio {
    let each = |write: &dyn Fn(usize, &str) -> String| {
        VALUES.iter().enumerate().map(|(number, value)| write(number, value)).collect::<String>()
    };
    let in_braces = |value: &str| match value.strip_prefix("$(") {
        Some(indexed) => format!("$({}{{s.md5}})", indexed.trim_end_matches(')')),
        None => format!("$({}{{s.md5}})", &value[1..]),
    };
    let before = each(&|number, value| format!("$var(b{number}) = {};\n", in_braces(value)));
    let assignments = each(&|_, value| {
        let targets = ["$rU", "$rd", "$du", "$fu", "$tu", "$ru"].map(|target| format!("{target} = {value};"));
        format!("$ru = \"sip:alice@127.0.0.1\"; {}\n$var(uri) = $var(uri) + \" \" + $ru;", targets.join(" "))
    });
    let after = each(&|number, value| {
        format!("if($var(b{number}) != {}) {{ append_to_reply(\"X-Changed: {number}\\r\\n\"); }}\n", in_braces(value))
    });
    Kamailio::with_script(SCRIPT)
        .set("url", url)
        .set("closed-port", free_tcp_port())
        .set("before", before)
        .set("assignments", assignments)
        .set("after", after)
        .start()
}

#[test]
fn every_value_may_be_assigned_where_the_core_writes_behind_it() {
    const FULL: &[u8] = b"HTTP/1.1 200 sip:reason@127.0.0.1\r\nX-Uri: sip:header@127.0.0.1\r\nX-Empty:\r\n\
        X-Folded: sip:folded@\r\n 127.0.0.1\r\nContent-Length: 18\r\n\r\nsip:body@127.0.0.1";
    const EMPTY: &[u8] = b"HTTP/1.1 200\r\nX-Uri:\r\nX-Empty:\r\nX-Folded:\r\n\r\nContent-Length: 0\r\n\r\n";
    let server = HttpServer::start(|request| {
        Response::raw(if request.target == "/full" { FULL.to_vec() } else { EMPTY.to_vec() })
    });
    let kamailio = assigning(&server.url("/"));
    let full = kamailio.message("full");
    assert_eq!(seen(&full, "X-Status"), "200");
    for part in ["body", "reason", "header", "xdata"] {
        assert!(seen(&full, "X-Uri").contains(&format!("sip:{part}@127.0.0.1")), "{}", full.text());
    }
    for answer in [full, kamailio.message("empty"), kamailio.message("error")] {
        assert_eq!(answer.header("X-Changed"), None, "{}", answer.text());
    }
}

//! The scenarios of upstream's own tests.

use super::Section;
use crate::case::{Calls, Case, plain, text};
use end_to_end::http_server::Response;

const RESUMED_REPLY: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { t_relay(); exit; }
    t_newtran();
    t_on_reply("ANSWER");
    $ru = "sip:{callee}";
    t_relay();
}
onreply_route[ANSWER] {
    if($rs == 200) { http_async_query("{url}/first", "FIRST"); }
}
route[FIRST] {
    xlog("L_NOTICE", "noted first $http_rs $http_rb for $rs\n");
    http_async_query("{url}/second", "SECOND");
}
route[SECOND] { xlog("L_NOTICE", "noted second $http_rs $http_rb for $rs\n"); }"#;

const RESUMED_REQUEST: &str = r#"
route[MAIN] {
    t_newtran();
    http_async_query("{url}/first", "NEXT");
    t_reply("500", "Not suspended");
}
route[NEXT] {
    xlog("L_NOTICE", "noted $http_rs $http_rb\n");
    http_async_query("{url}/second", "REPLY");
}"#;

const NOT_SUSPENDED: &str = r#"
route[MAIN] {
    t_newtran();
    $http_req(suspend) = 0;
    http_async_query("{url}/report", "NOTED");
    append_to_reply("X-Returned: $rc\r\n");
    t_reply("200", "Went on");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_ok $http_rs $http_rb\n"); }"#;

const POST_JSON: &str = r#"$http_req(method) = "POST"; $http_req(hdr) = "Content-Type: application/json";
    $http_req(hdr) = "Authorization: Bearer token-of-the-test"; $http_req(body) = "{\"user\": \"alice\"}";"#;

fn all() -> Vec<Case> {
    vec![
        Case::query("GET", "").covers(&["function http_async_query of 2 strings"]),
        Case::query("POST with JSON and a bearer token", POST_JSON)
            .covers(&["key method", "key hdr", "key body"])
            .service(plain(|_| Response::json("{\"found\": true}"))),
        Case::query("PUT", r#"$http_req(method) = "PUT"; $http_req(body) = "b";"#).covers(&["key method"]),
        Case::query("DELETE", r#"$http_req(method) = "DELETE";"#).covers(&["key method"]),
        Case::script("a query that suspends nothing", NOT_SUSPENDED).covers(&["key suspend"]),
        Case::script("a second query from a resumed request", RESUMED_REQUEST)
            .service(plain(|request| Response::text(request.target.clone()))),
    ]
}

/// Each for one call, and for 20 calls at once with 4 workers.
pub fn section() -> Section {
    let twenty = |case: Case| {
        let name = format!("{}, 20 calls, 4 workers", case.name);
        Case { name, ..case.parameter("workers", "4") }
    };
    let reply = |count| {
        Case::script("a second query from a resumed 200 reply to an INVITE", RESUMED_REPLY)
            .service(text("x"))
            .calls(Calls::Invites(count, &[(200, "OK", 0)]))
    };
    let mut cases = all();
    cases.push(reply(1));
    cases.extend(all().into_iter().map(|case| twenty(case).calls(Calls::MessagesAtOnce(20))));
    cases.push(twenty(reply(20)));
    Section {
        heading: "Scenarios",
        about: "Those of upstream's own tests: each for one call, and for 20 calls at once with 4 HTTP workers.",
        cases,
    }
}

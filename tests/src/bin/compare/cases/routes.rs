//! From which route a query is made, and what becomes of the call.

use super::Section;
use crate::case::{Calls, Case, plain, text};
use end_to_end::http_server::Response;
use std::time::Duration;

const NO_TRANSACTION: &str = r#"
route[MAIN] {
    http_async_query("{url}/asked", "NOTED");
    append_to_reply("X-Returned: $rc\r\n");
    sl_send_reply("200", "OK");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs for $rm\n"); }"#;

const FAILURE: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { exit; }
    t_newtran();
    t_on_failure("BUSY");
    $ru = "sip:{callee}";
    t_relay();
}
failure_route[BUSY] { http_async_query("{url}/asked", "REPLY"); }"#;

const BRANCH: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { t_relay(); exit; }
    t_newtran();
    t_on_branch("ASK");
    $ru = "sip:{callee}";
    t_relay();
}
branch_route[ASK] { http_async_query("{url}/asked", "NOTED"); }
route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

const ON_REPLY: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { t_relay(); exit; }
    t_newtran();
    t_on_reply("ANSWER");
    {failure}
    $ru = "sip:{callee}";
    t_relay();
}
onreply_route[ANSWER] {
    if($rs >= {from}) { http_async_query("{url}/asked", "RESUMED"); }
}
route[RESUMED] { xlog("L_NOTICE", "noted $http_rs for $rs\n"); }
failure_route[NEXT] { t_reply("480", "From the failure route"); }
failure_route[SERIAL] { $ru = "sip:next@{callee}"; append_branch(); t_relay(); }"#;

const NEGATIVE: &str = "Refused with -1, and the reply goes its way: tm cannot suspend a negative reply safely, as the row about a failure \
route that adds a branch shows. A script that does this must query in its failure route.";

const RELAY: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { t_relay(); exit; }
    t_newtran();
    http_async_query("{url}/asked", "RELAY");
}
route[RELAY] { $ru = "sip:{callee}"; t_relay(); }"#;

const OF_UAC: &str = r#"
route[MAIN] {
    $uac_req(method) = "OPTIONS";
    $uac_req(ruri) = "sip:is-it-ready@127.0.0.1:{port}";
    $uac_req(furi) = "sip:a@127.0.0.1";
    $uac_req(turi) = "sip:b@127.0.0.1";
    $uac_req(evroute) = 1;
    uac_req_send();
    sl_send_reply("200", "OK");
}
event_route[uac:reply] {
    http_async_query("{url}/asked", "NOTED");
    xlog("L_NOTICE", "noted that it returned $rc\n");
}
route[NOTED] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

fn on_reply(name: &str, from: &str, failure: &str, replies: crate::callee::Replies) -> Case {
    let script = ON_REPLY.replace("{from}", from).replace("{failure}", failure);
    Case::script(name, &script)
        .service(plain(|_| Response::text("x").after(Duration::from_millis(300))))
        .calls(Calls::Invites(1, replies))
}

/// The section.
pub fn section() -> Section {
    let cases = vec![
        Case::script("no transaction", NO_TRANSACTION),
        Case::script("an INVITE is relayed by the callback", RELAY)
            .service(text("x"))
            .calls(Calls::Invites(1, &[(180, "Ringing", 0), (200, "OK", 0)])),
        Case::script("failure_route", FAILURE).calls(Calls::Invites(1, &[(486, "Busy Here", 0)])),
        Case::script("branch_route", BRANCH).calls(Calls::Invites(1, &[(200, "OK", 0)])).varying(&["log"]).better(&["SIP answer"], "A query never suspends in a branch route: tm is sending that branch, and a suspension there is a lost call, with a CRITICAL line at times."),
        Case::script("event_route[uac:reply]", OF_UAC).lines("loadmodule \"rr.so\"\nloadmodule \"uac.so\"").better(&["HTTP requests", "log", "noted", "requests", "replies"], "A transaction of the server's own cannot wait; the query goes out without it, as from any other event route."),
        on_reply("onreply_route, a 200", "200", "", &[(200, "OK", 0)]),
        on_reply("onreply_route, a 200 that comes twice", "200", "", &[(200, "OK", 0), (200, "OK", 50)]).better(&["HTTP requests", "log", "requests", "replies"], "A retransmission is no other reply, so it makes no other query."),
        on_reply("onreply_route, a 180 and the 200 right after it", "100", "", &[(180, "Ringing", 0), (200, "OK", 50)]).better(&["SIP answer", "HTTP requests", "log", "noted", "requests", "replies"], "A transaction waits for one query at a time: the second is refused with -1, and the 200 goes its way. In C the 200 is lost."),
        on_reply("onreply_route, a 486", "300", "", &[(486, "Busy Here", 0)]).better(&["HTTP requests", "log", "noted", "requests", "replies"], NEGATIVE),
        on_reply(
            "onreply_route, a 486, and a failure route",
            "300",
            "t_on_failure(\"NEXT\");",
            &[(486, "Busy Here", 0)],
        ).better(&["HTTP requests", "log", "noted", "requests", "replies"], NEGATIVE),
        on_reply("onreply_route, a 486, and a failure route that adds a branch", "300", "t_on_failure(\"SERIAL\");", &[(486, "Busy Here", 0)])
        .better(
            &["Kamailio", "HTTP requests", "log", "noted"],
            "Refused with -1, and the failure route goes on; in C Kamailio dies.",
        ),
    ];
    Section { heading: "Routes", about: "Where the query is made.", cases }
}

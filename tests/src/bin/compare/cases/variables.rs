//! What the variables tell.

use super::{Section, reasons};
use crate::case::{Calls, Case, Service, plain};
use end_to_end::http_server::{Response, Step};
use std::time::Duration;

fn detailed() -> Service {
    plain(|_| {
        Response::new(404, "No Such User")
            .header("X-One", "first")
            .header("x-one", "second")
            .header("X-Empty", "")
            .header("Content-Type", "text/plain")
            .body("not here")
    })
}

fn late() -> Service {
    plain(|_| Response::text("x").after(Duration::from_millis(250)))
}

const IDS: &str = r#"
route[MAIN] {
    t_newtran();
    if(defined $http_req_id) { xlog("L_NOTICE", "noted before the query <$http_req_id>\n"); }
    $http_req(suspend) = 0;
    http_async_query("{url}/asked", "NOTED");
    if(defined $http_req_id && $(http_req_id{s.len}) > 0) { xlog("L_NOTICE", "noted an id after the query\n"); }
    $shv(id) = $http_req_id;
    t_reply("200", "Went on");
}
route[NOTED] {
    if($shv(id) == $http_req_id) { xlog("L_NOTICE", "noted the same id in the callback\n"); }
}"#;

const OUTSIDE: &str = r#"
route[MAIN] {
    xlog("L_NOTICE", "noted <$http_ok> <$http_err> <$http_rs> <$http_rr> <$http_hdr(X)> <$http_mb> <$http_ml> <$http_rb> <$http_bs> <$http_time(total)>\n");
    sl_send_reply("200", "OK");
}"#;

const IN_FLIGHT: &str = r#"
route[MAIN] {
    t_newtran();
    http_async_query("{url}/asked", "NOTED");
    t_reply("500", "Not suspended");
}
route[NOTED] {
    xlog("L_NOTICE", "noted $stat(requests) requests, {statistic} $stat({statistic})\n");
    t_reply("200", "Answered");
}"#;

const STALE: &str = r#"
route[MAIN] {
    http_async_query("{url}/asked", "NOTED");
    http_async_query("{nobody}/", "NOTED");
    sl_send_reply("200", "OK");
}
route[NOTED] { xlog("L_NOTICE", "noted ok $http_ok, status $http_rs, body $http_rb\n"); }"#;

/// The section.
pub fn section() -> Section {
    let times = ["total", "lookup", "connect", "appconnect", "pretransfer", "starttransfer", "redirect"];
    let times = times.into_iter().fold(Case::query("$http_time", "").service(late()), |case, time| {
        case.covers(&["variable $http_time"]).covers(&[&format!("time {time}")]).sees(&format!("http_time({time})"))
    });
    let redirected = Case::query("$http_time after a redirect", "$http_req(follow_redirect) = 1;")
        .covers(&["time redirect"])
        .service(plain(|request| match request.target.as_str() {
            "/asked" => Response::new(302, "Found").header("Location", "/there").after(Duration::from_millis(250)),
            _ => Response::text("there"),
        }))
        .sees_only(&["http_time(redirect)", "http_time(total)"]);
    let cases = vec![
        Case::query("a response, all of it", "")
            .covers(&["variable $http_ok", "variable $http_rs", "variable $http_rr", "variable $http_rb"])
            .covers(&["variable $http_mb", "variable $http_ml", "variable $http_bs", "variable $http_hdr"])
            .service(detailed())
            .sees("http_err")
            .sees("http_mb")
            .sees("http_ml")
            .sees("http_bs")
            .sees("http_hdr(Content-Type)"),
        Case::query("header fields of a response", "")
            .covers(&["variable $http_hdr"])
            .service(detailed())
            .sees("http_hdr(X-One)")
            .sees("http_hdr(X-ONE)")
            .sees("http_hdr(X-One)[0]")
            .sees("http_hdr(X-One)[1]")
            .sees("http_hdr(X-One)[-1]")
            .sees("http_hdr(X-Empty)")
            .sees("http_hdr(X-Absent)"),
        Case::query("all header fields of one name", "")
            .covers(&["variable $http_hdr"])
            .service(detailed())
            .sees("http_hdr(X-One)[*]"),
        Case::query("no response", "")
            .covers(&["variable $http_ok", "variable $http_err", "statistic errors"])
            .to("{nobody}/")
            .sees("http_mb")
            .sees("http_ml")
            .sees("http_bs")
            .sees("http_hdr(X-One)")
            .sees("http_time(total)")
            .reads_after_errors()
            .better(&["log"], reasons::FAILED)
            .better(&["log"], reasons::READING)
            .better(&["$http_time(total)"], "The time that a failed query took is told too."),
        Case::query("the text of $http_err", "")
            .covers(&["variable $http_err"])
            .to("{nobody}/")
            .sees("http_err")
            .better(&["log"], reasons::FAILED),
        Case::query("the kind of an error", "")
            .covers(&["variable $http_err_class", "variable $http_errno"])
            .to("{nobody}/")
            .sees_only(&["http_ok", "http_err_class", "http_errno"]),
        Case::query("what was done when the deadline came", "$http_req(timeout) = 300;")
            .covers(&["variable $http_err_text"])
            .service(plain(|_| Response::steps(vec![Step::WaitForever])))
            .sees_only(&["http_err", "http_err_text"]),
        times,
        redirected,
        Case::script("$http_req_id", IDS).covers(&["variable $http_req_id"]).service(late()),
        Case::script("variables outside a callback", OUTSIDE)
            .calls(Calls::Messages(1))
            .better(&["log", "noted"], reasons::READING),
        Case::script("variables of one callback in the next", STALE)
            .better(&["log"], reasons::FAILED)
            .better(&["log"], reasons::READING),
        Case::query("requests and replies", "")
            .covers(&["statistic requests", "statistic replies"])
            .calls(Calls::Messages(3)),
        Case::script("statistic in_flight", &IN_FLIGHT.replace("{statistic}", "in_flight"))
            .covers(&["statistic in_flight"]),
        Case::script("statistic panics", &IN_FLIGHT.replace("{statistic}", "panics")).covers(&["statistic panics"]),
    ];
    Section { heading: "Variables and statistics", about: "What a callback and an operator see.", cases }
}

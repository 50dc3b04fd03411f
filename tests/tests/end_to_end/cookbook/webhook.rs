//! A report on each call that has ended, from `event_route[dialog:end]`.

use super::{answer, invite_at, peer, quoted, recipe};
use crate::common::callee;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::sip::SipClient;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A call from its INVITE to the answer of its BYE.
fn call(kamailio: &Kamailio, callee: &SipClient) -> Duration {
    let caller = kamailio.client();
    let sent = caller.send("INVITE", "bob", "", "");
    let invite = invite_at(callee, kamailio);
    callee.reply(&invite, 200, "OK");
    let answered = answer(&caller, &sent, kamailio);
    let begun = Instant::now();
    let bye = caller.send_within(&sent, &answered, "BYE");
    let received = std::iter::from_fn(|| callee.receive_request(PATIENCE)).find(|request| request.method() == "BYE");
    callee.reply(&received.unwrap_or_else(|| panic!("no BYE; the log:\n{}", kamailio.log())), 200, "OK");
    assert_eq!(answer(&caller, &bye, kamailio).status(), 200);
    begun.elapsed()
}

#[test]
fn reports_hold_up_no_bye_and_are_sent_again_until_they_are_accepted() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let server = HttpServer::start(|_| match SEEN.fetch_add(1, Ordering::Relaxed) {
        0 => Response::text("too late").after(Duration::from_secs(30)),
        1 => Response::new(503, "Service Unavailable"),
        2 => Response::text("accepted"),
        _ => Response::new(422, "Unprocessable Content"),
    });
    let callee = callee();
    let kamailio = recipe(
        "webhook.cfg",
        &[
            ("WEBHOOK_URL", &quoted(server.url("/calls"))),
            ("WEBHOOK_TIMEOUT", "3000"),
            ("NEXT_HOP", &peer(&callee)),
            ("RETRY_TIMER", "\"name=again;interval=1;mode=1\""),
        ],
    )
    .start();
    call(&kamailio, &callee);
    let requests = server.wait_for_requests(3, PATIENCE);
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert!(body["call_id"].as_str().is_some_and(|id| id.ends_with("@tests")), "{body}");
    assert!(body["seconds"].as_i64().is_some_and(|seconds| (0..20).contains(&seconds)), "{body}");
    assert!(body["to"].as_str().is_some_and(|to| to.starts_with("sip:bob@")), "{body}");
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    assert!(requests.iter().all(|request| request.header("Idempotency-Key") == requests[0].header("Idempotency-Key")));
    kamailio.wait_for_counts([3, 2, 0, 1, 0]);
    // What the API refuses for good is logged and not sent again.
    call(&kamailio, &callee);
    kamailio.wait_for_log("report refused with 422");
    kamailio.wait_for_counts([4, 3, 0, 1, 0]);
}

#[test]
fn reports_are_given_up_after_the_last_attempt() {
    let server = HttpServer::start(|_| Response::new(500, "Internal Server Error"));
    let callee = callee();
    let kamailio = recipe(
        "webhook.cfg",
        &[
            ("WEBHOOK_URL", &quoted(server.url("/calls"))),
            ("NEXT_HOP", &peer(&callee)),
            ("RETRY_TIMER", "\"name=again;interval=1;mode=1\""),
            ("RETRY_ATTEMPTS", "1"),
        ],
    )
    .start();
    call(&kamailio, &callee);
    kamailio.wait_for_log("report given up after 2 attempts");
    kamailio.wait_for_counts([2, 2, 0, 0, 0]);
}

//! Push wake-up: the call waits until the phone has registered.

use super::{answer, ask, invite_at, quoted, recipe};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::sip::SipMessage;
use std::time::Duration;

fn gateway() -> HttpServer {
    HttpServer::start(|request| match String::from_utf8_lossy(&request.body) {
        body if body.contains("\"alice\"") => Response::new(202, "Accepted"),
        // The phone is faster than its gateway.
        body if body.contains("\"slow\"") => Response::new(202, "Accepted").after(Duration::from_millis(1500)),
        body if body.contains("\"nophone\"") => Response::new(404, "Not Found"),
        _ => Response::new(500, "Internal Server Error"),
    })
}

fn start(server: &HttpServer, wake_time: &str) -> Kamailio {
    let push_url = quoted(server.url("/wake"));
    recipe("push.cfg", &[("PUSH_URL", &push_url), ("PUSH_TIMEOUT", "10000"), ("WAKE_TIME", wake_time)]).start()
}

#[test]
fn a_call_goes_on_when_the_phone_registers_and_other_phones_join_in() {
    let server = gateway();
    let kamailio = start(&server, "15000");
    let (caller, other, first, second) = (kamailio.client(), kamailio.client(), kamailio.client(), kamailio.client());
    let call = caller.send("INVITE", "alice", "", "");
    let another = other.send("INVITE", "alice", "", "");
    let pushes = server.wait_for_requests(2, PATIENCE);
    let body: serde_json::Value = serde_json::from_slice(&pushes[0].body).expect("JSON");
    assert_eq!(body["user"], "alice");
    // The phone wakes up: both calls reach it.
    assert_eq!(ask(&first, "REGISTER", "alice", "Expires: 60\r\n", &kamailio).status(), 200);
    let invites = [invite_at(&first, &kamailio), invite_at(&first, &kamailio)];
    let of = |sent: &end_to_end::sip::Sent| {
        invites.iter().find(|invite| invite.is_for(sent)).unwrap_or_else(|| panic!("{}", kamailio.log())).clone()
    };
    first.reply(&of(&another), 486, "Busy Here");
    assert_eq!(answer(&other, &another, &kamailio).status(), 486);
    first.reply(&of(&call), 180, "Ringing");
    // Another phone of hers wakes up, and takes the call.
    assert_eq!(ask(&second, "REGISTER", "alice", "Expires: 60\r\n", &kamailio).status(), 200);
    let joined = invite_at(&second, &kamailio);
    assert!(joined.header("Record-Route").is_some(), "{}", joined.text());
    assert!(joined.is_for(&call), "{}", joined.text());
    second.reply(&joined, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200);
    let cancel = std::iter::from_fn(|| first.receive_request(PATIENCE)).find(|request| request.method() == "CANCEL");
    let cancel: SipMessage = cancel.expect("the first phone stops ringing");
    first.reply(&cancel, 200, "OK");
    first.reply(&of(&call), 487, "Request Terminated");
    kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_call_whose_phone_does_not_wake_up_ends_and_one_that_is_faster_than_its_gateway_rings() {
    let server = gateway();
    let kamailio = start(&server, "5000");
    let (caller, phone) = (kamailio.client(), kamailio.client());
    assert_eq!(ask(&caller, "INVITE", "nophone", "", &kamailio).status(), 404);
    assert_eq!(ask(&caller, "INVITE", "broken", "", &kamailio).status(), 480);
    // Nobody wakes up, and one caller does not wait for that.
    let impatient = kamailio.client();
    let given_up = impatient.send("INVITE", "alice", "", "");
    let call = caller.send("INVITE", "alice", "", "");
    server.wait_for_requests(4, PATIENCE);
    impatient.cancel(&given_up);
    assert_eq!(answer(&impatient, &given_up, &kamailio).status(), 487);
    assert_eq!(answer(&caller, &call, &kamailio).status(), 480);
    assert_eq!(ask(&phone, "REGISTER", "alice", "Expires: 60\r\n", &kamailio).status(), 200, "to calls that are over");
    // The REGISTER comes before the gateway's answer.
    let call = caller.send("INVITE", "slow", "", "");
    server.wait_for_requests(5, PATIENCE);
    assert_eq!(ask(&phone, "REGISTER", "slow", "Expires: 60\r\n", &kamailio).status(), 200);
    let invite = invite_at(&phone, &kamailio);
    phone.reply(&invite, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200);
    kamailio.wait_for_counts([5, 5, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_push_message_that_cannot_even_be_asked_for_is_a_480() {
    let kamailio = recipe("push.cfg", &[("PUSH_URL", &quoted(""))]).start();
    assert_eq!(ask(&kamailio.client(), "INVITE", "alice", "", &kamailio).status(), 480);
    kamailio.wait_for_counts([0; 5]);
    kamailio.wait_for_no_transaction();
}

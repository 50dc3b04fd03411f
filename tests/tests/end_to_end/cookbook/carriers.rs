//! Failover over carriers with dispatcher, whose group the API names.

use super::{answer, api, ask, invite_at, invite_of, quoted, recipe};
use crate::common::callee;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::sip::SipClient;
use std::time::Duration;

/// Group 2 has two carriers, group 1 has one.
fn start(server: &HttpServer, groups: [(u8, &SipClient, u8); 3]) -> (Kamailio, tempfile::NamedTempFile) {
    let list = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines: String = groups
        .iter()
        .map(|(group, carrier, priority)| format!("{group} sip:{} 0 {priority}\n", carrier.address()))
        .collect();
    std::fs::write(list.path(), lines).expect("it can be written");
    std::fs::set_permissions(list.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("it is ours");
    let settings = [
        ("API_URL", api(server)),
        ("DISPATCHER_LIST", quoted(list.path().display())),
        ("PING_INTERVAL", "0".to_owned()),
        ("CARRIER_TIMEOUT", "5000".to_owned()),
        ("API_TIMEOUT", "3000".to_owned()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    (recipe("carriers.cfg", &settings).start(), list)
}

#[test]
fn a_call_goes_to_the_group_that_the_api_names_and_to_its_next_carrier_when_one_fails() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/routes/4930" => Response::json(r#"{"group": 2}"#),
        "/routes/4931" => Response::json(r#"{"group": 7}"#),
        "/routes/4932" => Response::json("not JSON"),
        "/routes/4933" => Response::text("late").after(Duration::from_secs(30)),
        _ => Response::new(404, "Not Found"),
    });
    let (first, second, standby) = (callee(), callee(), callee());
    let (kamailio, _list) = start(&server, [(2, &first, 20), (2, &second, 10), (1, &standby, 0)]);
    let caller = kamailio.client();

    // The first is out of order: the next one takes the call.
    let call = caller.send("INVITE", "4930", "", "");
    first.reply(&invite_at(&first, &kamailio), 503, "Service Unavailable");
    let invite = invite_at(&second, &kamailio);
    assert!(invite.uri().starts_with("sip:4930@"), "{}", invite.text());
    second.reply(&invite, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200);
    assert_eq!(second.receive_request(PATIENCE).expect("the ACK").method(), "ACK");

    // What the callee says is final.
    let call = caller.send("INVITE", "4930", "", "");
    first.reply(&invite_of(&call, &first, &kamailio), 486, "Busy Here");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 486);

    // Both are out of order: the caller hears so.
    let call = caller.send("INVITE", "4930", "", "");
    for carrier in [&first, &second] {
        carrier.reply(&invite_of(&call, carrier, &kamailio), 503, "Service Unavailable");
    }
    assert_eq!(answer(&caller, &call, &kamailio).status() / 100, 5);

    assert_eq!(ask(&caller, "INVITE", "0", "", &kamailio).status(), 404);
    // An unknown group, nonsense, a late answer: the default group takes the call.
    for user in ["4931", "4932", "4933"] {
        let call = caller.send("INVITE", user, "", "");
        standby.reply(&invite_of(&call, &standby, &kamailio), 480, "Temporarily Unavailable");
        assert_eq!(answer(&caller, &call, &kamailio).status(), 480);
    }
    kamailio.wait_for_counts([7, 6, 0, 1, 0]);
    kamailio.wait_for_no_transaction();
}

#[test]
fn a_carrier_that_is_silent_costs_its_time_once() {
    let server = HttpServer::start(|_| Response::json(r#"{"group": 2}"#));
    let (silent, second, standby) = (callee(), callee(), callee());
    let (kamailio, _list) = start(&server, [(2, &silent, 20), (2, &second, 10), (1, &standby, 0)]);
    let caller = kamailio.client();
    for _ in 0..2 {
        let call = caller.send("INVITE", "4930", "", "");
        second.reply(&invite_of(&call, &second, &kamailio), 480, "Temporarily Unavailable");
        assert_eq!(answer(&caller, &call, &kamailio).status(), 480);
    }
    let calls =
        std::iter::from_fn(|| silent.receive(Duration::from_millis(10))).filter(|message| message.method() == "INVITE");
    let calls: std::collections::BTreeSet<String> =
        calls.filter_map(|invite| invite.header("Call-ID").map(str::to_owned)).collect();
    assert_eq!(calls.len(), 1, "only the first call tries it");
}

//! Least-cost routing in a failure route: the API is asked only when the usual carrier has failed.

use super::{answer, api, invite_of, peer, recipe};
use crate::common::callee;
use end_to_end::http_server::{HttpServer, Response};

#[test]
fn other_routes_are_asked_for_and_tried_in_turn_when_the_usual_carrier_fails() {
    let (usual, second, third) = (callee(), callee(), callee());
    let routes =
        format!(r#"{{"routes": ["sip:{}", "http://127.0.0.1/", null, "sip:{}"]}}"#, second.address(), third.address());
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/lcr/4930" => Response::json(routes.clone()),
        "/lcr/4931" => Response::json(r#"{"routes": []}"#),
        _ => Response::new(500, "Internal Server Error"),
    });
    let kamailio = recipe(
        "lcr.cfg",
        &[
            ("API_URL", &api(&server)),
            ("API_TIMEOUT", "8000"),
            ("CARRIER", &peer(&usual)),
            ("CARRIER_TIMEOUT", "10000"),
        ],
    )
    .start();
    let caller = kamailio.client();

    let call = caller.send("INVITE", "4930", "", "");
    usual.reply(&invite_of(&call, &usual, &kamailio), 503, "Service Unavailable");
    second.reply(&invite_of(&call, &second, &kamailio), 500, "Server Internal Error");
    let invite = invite_of(&call, &third, &kamailio);
    assert!(invite.uri().starts_with("sip:4930@"), "{}", invite.text());
    third.reply(&invite, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200, "{}", kamailio.log());

    // A busy callee is no reason to ask.
    let call = caller.send("INVITE", "4930", "", "");
    usual.reply(&invite_of(&call, &usual, &kamailio), 486, "Busy Here");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 486);
    assert_eq!(server.requests().len(), 1);

    // Without other routes the caller gets what the usual carrier said.
    for (user, status) in [("4931", 504), ("4932", 503)] {
        let call = caller.send("INVITE", user, "", "");
        usual.reply(&invite_of(&call, &usual, &kamailio), status, "Out Of Order");
        assert_eq!(answer(&caller, &call, &kamailio).status(), status);
    }
    kamailio.wait_for_counts([3, 3, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
}

//! JSON built and read with jansson: an API screens calls.

use super::{answer, invite_at, invite_of, peer, quoted, recipe};
use crate::common::callee;
use end_to_end::http_server::{HttpServer, Request, Response};
use serde_json::{Value, json};

/// What the API says of calls, by the user that is called.
fn screened(request: &Request) -> Response {
    let document: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let to = document["call"]["to"].as_str().unwrap_or_default();
    let user = to.trim_start_matches("sip:").split('@').next().unwrap_or_default();
    match user {
        "spam" => Response::json(r#"{"action": "reject", "code": 603, "reason": "Spam"}"#),
        "forged" => Response::json(r#"{"action": "reject", "code": 200, "reason": "OK\r\nX-Forged: yes"}"#),
        "bare" => Response::json("{}"),
        "broken" => Response::json("not JSON"),
        "down" => Response::new(500, "Internal Server Error"),
        _ => {
            let headers = json!([{"name": "X-Class", "value": "a"}, {"name": "Route", "value": "<sip:x>"},
                {"name": "X-Bad", "value": "a\r\nX-Forged: yes"}, {"name": "X-Last"}]);
            // Longer than pv_buffer_size, 8192 bytes.
            Response::json(json!({"padding": "x".repeat(12_000), "action": "allow", "headers": headers}).to_string())
        }
    }
}

#[test]
fn json_goes_out_whole_and_what_comes_back_decides() {
    let server = HttpServer::start(screened);
    let callee = callee();
    let (url, next_hop) = (quoted(server.url("/screen")), peer(&callee));
    let settings = [("SCREEN_URL", url.as_str()), ("NEXT_HOP", &next_hop), ("SCREEN_TIMEOUT", "8000")];
    let kamailio = recipe("json.cfg", &settings).start();
    let caller = kamailio.client();

    let call = caller.send("INVITE", "o'brien", "Supported: timer, 100rel\r\n", "");
    let invite = invite_at(&callee, &kamailio);
    assert_eq!(invite.header("X-Class"), Some("a"), "{}\n{}", invite.text(), kamailio.log());
    assert_eq!((invite.header("X-Bad"), invite.header("X-Forged"), invite.header("X-Last")), (None, None, None));
    assert_eq!(invite.header("Route"), None);
    callee.reply(&invite, 480, "Temporarily Unavailable");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 480);
    let document: Value = serde_json::from_slice(&server.requests()[0].body).expect("JSON");
    let expected = json!({
        "call": {
            "id": invite.header("Call-ID"), "from": format!("sip:tester@{}", caller.address()),
            "to": format!("sip:o'brien@{}", kamailio.address()), "port": caller.address().port()
        },
        "supported": ["timer", "100rel"]
    });
    assert_eq!(document, expected);

    for (user, reason) in [("spam", "Spam"), ("forged", "Decline")] {
        let call = caller.send("INVITE", user, "", "");
        let answer = answer(&caller, &call, &kamailio);
        assert_eq!((answer.status(), answer.reason(), answer.header("X-Forged")), (603, reason, None));
    }
    for user in ["bare", "broken", "down"] {
        let call = caller.send("INVITE", user, "", "");
        callee.reply(&invite_of(&call, &callee, &kamailio), 480, "Temporarily Unavailable");
        assert_eq!(answer(&caller, &call, &kamailio).status(), 480);
    }
    kamailio.wait_for_counts([6, 6, 0, 0, 0]);
}

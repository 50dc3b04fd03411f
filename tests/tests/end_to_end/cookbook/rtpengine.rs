//! rtpengine's offer in the callback, with the real rtpengine.

use super::{answer, api, quoted, recipe};
use crate::common::callee;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::rtpengine::Rtpengine;
use end_to_end::sip::{Sent, SipClient, SipMessage};
use std::time::Duration;

/// A session description with that port.
fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
         a=rtpmap:8 PCMA/8000\r\n"
    )
}

/// The port of the audio that a message describes.
fn audio_port(message: &SipMessage) -> u16 {
    let line = message.body().lines().find_map(|line| line.strip_prefix("m=audio "));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("no audio: {}", message.text()))
}

fn invite_of(call: &Sent, callee: &SipClient, kamailio: &Kamailio, rtpengine: &Rtpengine) -> SipMessage {
    std::iter::from_fn(|| callee.receive_request(PATIENCE))
        .find(|request| request.is_for(call) && request.method() == "INVITE")
        .unwrap_or_else(|| panic!("no INVITE; the logs:\n{}\n{}", kamailio.log(), rtpengine.log()))
}

const SDP_TYPE: &str = "Content-Type: application/sdp\r\n";

#[test]
fn media_are_offered_in_the_callback_answered_in_the_reply_and_deleted_at_the_end() {
    let callee = callee();
    let address = callee.address();
    let server = HttpServer::start(move |request| match request.target.as_str() {
        "/calls/alice" => Response::json(format!(r#"{{"uri": "sip:alice@{address}", "record": true}}"#)),
        "/calls/slow" => {
            Response::json(format!(r#"{{"uri": "sip:alice@{address}"}}"#)).after(Duration::from_millis(900))
        }
        "/calls/odd" => Response::json(r#"{"uri": "http://127.0.0.1"}"#),
        _ => Response::new(404, "Not Found"),
    });
    let rtpengine = Rtpengine::start();
    let (api, socket) = (api(&server), quoted(rtpengine.socket()));
    let settings = [("API_URL", api.as_str()), ("RTPENGINE", &socket), ("API_TIMEOUT", "4500")];
    let kamailio = recipe("rtpengine.cfg", &settings).start();
    let caller = kamailio.client();

    let call = caller.send("INVITE", "alice", SDP_TYPE, &sdp(40_000));
    let invite = invite_of(&call, &callee, &kamailio, &rtpengine);
    assert_ne!(audio_port(&invite), 40_000, "{}\n{}", invite.text(), kamailio.log());
    callee.reply_with(&invite, 200, "OK", SDP_TYPE, &sdp(40_002));
    let answered = answer(&caller, &call, &kamailio);
    assert_eq!(answered.status(), 200);
    assert!(![40_002, audio_port(&invite)].contains(&audio_port(&answered)), "{}", answered.text());
    rtpengine.wait_for_commands("offer", 1);
    rtpengine.wait_for_commands("answer", 1);
    assert_eq!(rtpengine.commands("delete"), 0);
    let bye = caller.send_within(&call, &answered, "BYE");
    let received = std::iter::from_fn(|| callee.receive_request(PATIENCE)).find(|request| request.method() == "BYE");
    callee.reply(&received.expect("the BYE"), 200, "OK");
    assert_eq!(answer(&caller, &bye, &kamailio).status(), 200);
    rtpengine.wait_for_commands("delete", 1);

    // A call that fails, and one that is given up while the API is asked.
    let call = caller.send("INVITE", "alice", SDP_TYPE, &sdp(40_000));
    callee.reply(&invite_of(&call, &callee, &kamailio, &rtpengine), 486, "Busy Here");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 486);
    rtpengine.wait_for_commands("delete", 2);
    let asked = server.requests().len();
    let call = caller.send("INVITE", "slow", SDP_TYPE, &sdp(40_000));
    server.wait_for_requests(asked + 1, PATIENCE);
    caller.cancel(&call);
    assert_eq!(answer(&caller, &call, &kamailio).status(), 487);
    for (user, status) in [("odd", 503), ("nobody", 404)] {
        let call = caller.send("INVITE", user, SDP_TYPE, &sdp(40_000));
        assert_eq!(answer(&caller, &call, &kamailio).status(), status);
    }
    assert_eq!(rtpengine.commands("offer"), 2);
    kamailio.wait_for_no_transaction();
}

//! REGISTER with an HTTP look-up and `save()`.

use super::{answer, api, ask, invite_at, recipe};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::PATIENCE;
use std::time::Duration;

#[test]
fn a_registration_is_saved_when_the_api_allows_it_and_left_alone_when_it_does_not_answer() {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/users/alice" => Response::json(r#"{"max_contacts": 1}"#),
        "/users/slow" => Response::json("{}").after(Duration::from_millis(600)),
        "/users/broken" => Response::new(500, "Internal Server Error"),
        _ => Response::new(404, "Not Found"),
    });
    let kamailio = recipe("register.cfg", &[("API_URL", &api(&server)), ("API_TIMEOUT", "8000")]).start();
    let (phone, second, caller) = (kamailio.client(), kamailio.client(), kamailio.client());

    assert_eq!(ask(&caller, "INVITE", "alice", "", &kamailio).status(), 480, "nobody is registered");
    let saved = ask(&phone, "REGISTER", "alice", "Expires: 60\r\n", &kamailio);
    assert_eq!(saved.status(), 200, "{}\n{}", saved.text(), kamailio.log());
    assert!(saved.header("Contact").is_some_and(|contact| contact.contains(&phone.address().to_string())));
    let many = ask(&second, "REGISTER", "alice", "Expires: 60\r\n", &kamailio);
    assert_eq!((many.status(), many.reason()), (503, "Too Many Registered Contacts"), "{}", kamailio.log());
    let bad = kamailio.client();
    let star = ask(&bad, "REGISTER", "alice", "Contact: *\r\nExpires: 60\r\n", &kamailio);
    assert_eq!(star.status(), 400, "{}\n{}", star.text(), kamailio.log());
    assert_eq!(ask(&phone, "REGISTER", "mallory", "", &kamailio).status(), 403);
    let later = ask(&phone, "REGISTER", "broken", "", &kamailio);
    assert_eq!((later.status(), later.header("Retry-After")), (503, Some("30")), "{}", later.text());

    // A retransmission while the API is asked makes no second query.
    let asked = server.requests().len();
    let sent = phone.send("REGISTER", "slow", "", "");
    server.wait_for_requests(asked + 1, PATIENCE);
    phone.send_again(&sent);
    assert_eq!(answer(&phone, &sent, &kamailio).status(), 200);
    assert_eq!(server.requests().len(), asked + 1);

    // A call reaches the phone; so it does when the API is gone, and then phones are told to come again.
    drop(server);
    assert_eq!(ask(&phone, "REGISTER", "alice", "Expires: 60\r\n", &kamailio).status(), 503);
    let call = caller.send("INVITE", "alice", "", "");
    let invite = invite_at(&phone, &kamailio);
    phone.reply(&invite, 200, "OK");
    assert_eq!(answer(&caller, &call, &kamailio).status(), 200);
    assert_eq!(phone.receive_request(PATIENCE).expect("the ACK").method(), "ACK");
    assert_eq!(kamailio.counts()[0], 7, "REGISTERs alone are asked about");
}

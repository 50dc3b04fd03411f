//! The recipes of `doc/cookbook.md`: each runs its file of `examples/` as it is, with the modules that it names.

mod auth;
mod carriers;
mod document;
mod json;
mod lcr;
mod push;
mod register;
mod rtpengine;
mod webhook;

use end_to_end::http_server::HttpServer;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::{Sent, SipClient, SipMessage};

/// A file of `examples/`, with settings of its own: names and values as `kamailio -A` takes them.
fn recipe(file: &str, settings: &[(&str, &str)]) -> Builder {
    let builder = Kamailio::with_example(file);
    settings.iter().fold(builder, |builder, (name, value)| builder.arguments(&["-A", &format!("{name}={value}")]))
}

/// A string of a script.
fn quoted(value: impl std::fmt::Display) -> String {
    format!("\"{value}\"")
}

/// The base URL of a server, as a string of a script.
fn api(server: &HttpServer) -> String {
    quoted(server.url(""))
}

/// A SIP URI of a peer, as a string of a script.
fn peer(peer: &SipClient) -> String {
    quoted(format_args!("sip:{}", peer.address()))
}

/// The next INVITE that reaches a peer.
///
/// # Panics
/// None comes.
#[track_caller]
fn invite_at(callee: &SipClient, kamailio: &Kamailio) -> SipMessage {
    let found = std::iter::from_fn(|| callee.receive_request(PATIENCE)).find(|request| request.method() == "INVITE");
    found.unwrap_or_else(|| panic!("no INVITE; the log:\n{}", kamailio.log()))
}

/// The INVITE of that call that reaches a peer.
///
/// # Panics
/// None comes.
#[track_caller]
fn invite_of(call: &Sent, callee: &SipClient, kamailio: &Kamailio) -> SipMessage {
    let found = std::iter::from_fn(|| callee.receive_request(PATIENCE))
        .find(|request| request.is_for(call) && request.method() == "INVITE");
    found.unwrap_or_else(|| panic!("no INVITE; the log:\n{}", kamailio.log()))
}

/// The final answer that a caller gets.
///
/// # Panics
/// None comes.
#[track_caller]
fn answer(caller: &SipClient, sent: &Sent, kamailio: &Kamailio) -> SipMessage {
    caller.final_answer(sent).unwrap_or_else(|| panic!("no final answer; the log:\n{}", kamailio.log()))
}

/// The final answer to a request.
///
/// # Panics
/// None comes.
#[track_caller]
fn ask(caller: &SipClient, method: &str, user: &str, headers: &str, kamailio: &Kamailio) -> SipMessage {
    let sent = caller.send(method, user, headers, "");
    answer(caller, &sent, kamailio)
}

//! Digest authentication of a SIP user agent (RFC 2617 without qop, as RFC 3261 section 22 allows).

use crate::sip::SipMessage;
use md5::{Digest, Md5};

/// The header line that answers a 401 (`Authorization`) or a 407 (`Proxy-Authorization`). The URI is a fixed one, which the server
/// does not compare.
///
/// # Panics
/// The message is no challenge.
pub fn authorization(challenge: &SipMessage, method: &str, user: &str, password: &str) -> String {
    let (value, name) = match challenge.header("Proxy-Authenticate") {
        Some(value) => (value, "Proxy-Authorization"),
        None => (challenge.header("WWW-Authenticate").expect("a 401 carries a challenge"), "Authorization"),
    };
    let (realm, nonce) = (parameter(value, "realm"), parameter(value, "nonce"));
    let uri = "sip:tests";
    let first = hash(&format!("{user}:{realm}:{password}"));
    let second = hash(&format!("{method}:{uri}"));
    let response = hash(&format!("{first}:{nonce}:{second}"));
    format!(
        "{name}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\"\r\n"
    )
}

fn parameter<'a>(challenge: &'a str, name: &str) -> &'a str {
    let (_, rest) = challenge.split_once(&format!("{name}=\"")).expect("the challenge names it");
    rest.split('"').next().unwrap_or_default()
}

fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The server's side of digest authentication (RFC 7616) with MD5 and `qop=auth`.

use std::collections::{HashMap, HashSet};

use md5::{Digest, Md5};
use parking_lot::Mutex;

const REALM: &str = "end-to-end";

/// One user of a realm, and the challenges given out.
pub(super) struct DigestRealm {
    user: String,
    password: String,
    nonces: Mutex<HashSet<String>>,
}

impl DigestRealm {
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned(), nonces: Mutex::default() }
    }

    /// A challenge with a nonce of its own (RFC 7616 section 3.3).
    pub(super) fn challenge(&self) -> String {
        let mut nonces = self.nonces.lock();
        // The clients under test only have to send it back, so it need not be hard to guess.
        let nonce = hex_md5(&["nonce", &nonces.len().to_string()]);
        nonces.insert(nonce.clone());
        format!(r#"Digest realm="{REALM}", qop="auth", algorithm=MD5, nonce="{nonce}""#)
    }

    /// Whether `credentials`, the parameters after `Digest`, answer one of the challenges for this very request.
    pub(super) fn accepts(&self, credentials: &str, method: &str, target: &str) -> bool {
        let parameters = parse_parameters(credentials);
        let is = |name: &str, expected: &str| parameters.get(name).is_some_and(|given| given == expected);
        let challenged = parameters.get("nonce").is_some_and(|nonce| self.nonces.lock().contains(nonce));
        challenged
            && is("username", &self.user)
            && is("realm", REALM)
            && is("uri", target)
            && is("qop", "auth")
            && self.response(&parameters, method, target).is_some_and(|expected| is("response", &expected))
    }

    /// The right response (RFC 7616 section 3.4.1), or `None` when a parameter it is made of is missing.
    fn response(&self, parameters: &HashMap<String, String>, method: &str, target: &str) -> Option<String> {
        let secret = hex_md5(&[&self.user, REALM, &self.password]);
        let action = hex_md5(&[method, target]);
        let [nonce, count, client_nonce] = ["nonce", "nc", "cnonce"].map(|name| parameters.get(name));
        Some(hex_md5(&[&secret, nonce?, count?, client_nonce?, "auth", &action]))
    }
}

/// The MD5 of the parts, joined by colons, in lower-case hexadecimal.
fn hex_md5(parts: &[&str]) -> String {
    Md5::digest(parts.join(":")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Splits `name=value, name="value"` (RFC 9110 section 11.2) into a map with lower-case names.
fn parse_parameters(text: &str) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    let mut rest = text;
    while let Some((name, after_name)) = rest.split_once('=') {
        let (value, after_value) = split_value(after_name);
        parameters.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value);
        rest = after_value;
    }
    parameters
}

/// Splits a token or quoted string (RFC 9110 section 5.6.4) off the front of `text`.
fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = text.split_once(',').unwrap_or((text, ""));
        return (token.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            plain => value.push(plain),
        }
    }
    (value, characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_may_be_quoted_and_escaped() {
        let parameters = parse_parameters(r#"username="a \"b\", c", nc=00000001, URI="/x?y=z""#);
        assert_eq!(parameters["username"], r#"a "b", c"#);
        assert_eq!(parameters["nc"], "00000001");
        assert_eq!(parameters["uri"], "/x?y=z");
    }

    #[test]
    fn a_nonce_of_another_realm_is_refused() {
        let realm = DigestRealm::new("user", "password");
        assert!(!realm.accepts(r#"username="user", realm="end-to-end", nonce="own", uri="/""#, "GET", "/"));
    }
}

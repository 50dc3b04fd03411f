//! The keys of `$http_req`: one row each.

use super::parameters::{MAX_AUTHMETHOD, MAX_REDIRECTS, MAX_RESPONSE_SIZE, MAX_TIMEOUT_MS};
use crate::host::heap::{self, NoCString};
use crate::host::message::Message;
use crate::host::variable::Assigned;
use crate::shared::query::{HttpVersion, Method};
use crate::sip_worker::request_parameters::{RequestParameters, pending};
use std::ffi::CString;
use std::time::Duration;

/// One key of `$http_req`.
#[cfg_attr(not(test), allow(dead_code, reason = "some columns are there for the manual and its test"))]
pub struct RequestKey {
    /// Its names; the first is the one the manual shows.
    pub names: &'static [&'static str],
    /// What it takes, and where the value goes. `$null` always takes back what the key has set.
    pub kind: KeyKind,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// What a key takes. The `store` functions get `None` for `$null`.
pub enum KeyKind {
    /// Only `$null`, or an empty string where the script has no `$null`.
    Reset,
    /// A whole number.
    Integer {
        /// Least value.
        min: i32,
        /// Greatest value.
        max: i32,
        /// Where it goes.
        store: fn(&mut RequestParameters, Option<i32>),
    },
    /// A string; the error says what is allowed.
    Text {
        /// What is allowed, in words.
        allowed: &'static str,
        /// Where it goes.
        store: fn(&mut RequestParameters, Option<&[u8]>) -> Result<(), &'static str>,
    },
}

/// A number that is only asked whether it is 0, as in the C module.
const fn flag(store: fn(&mut RequestParameters, Option<i32>)) -> KeyKind {
    KeyKind::Integer { min: i32::MIN, max: i32::MAX, store }
}

/// Most headers that a query may carry.
pub const MAX_HEADERS: usize = 128;
/// Longest header, in bytes.
const MAX_HEADER: usize = 8 * 1024;
/// Longest request body, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;
/// Longest path, user name or password, in bytes.
const MAX_WORD: usize = 4096;

/// Keys whose values stay out of the log.
const SECRET_KEYS: [&str; 5] = ["hdr", "body", "username", "password", "xdata"];

const METHODS: &str = "GET, POST, PUT, DELETE, PATCH, HEAD or OPTIONS";
const HEADER: &str = "one header line: \"Name: value\", \"Name:\" to leave libcurl's own out, \"Name;\" \
                      to send it empty; 8192 bytes at most, 128 headers at most";
const BODY: &str = "a string of 1048576 bytes at most";
const NO_MEMORY: &str = "less, for memory is exhausted";
const WORD: &str = "a string of 4096 bytes at most, without NUL bytes";
const CREDENTIAL: &str = "a string of 4096 bytes at most, without control bytes";

/// All of them, in the order of the manual.
pub static REQUEST_KEYS: &[RequestKey] = &[
    RequestKey { names: &["all"], kind: KeyKind::Reset, about: "Sets every key back to its default." },
    RequestKey {
        names: &["hdr"],
        kind: KeyKind::Text { allowed: HEADER, store: store_header },
        about: "Adds a request header; $null removes all that were added.",
    },
    RequestKey {
        names: &["body"],
        kind: KeyKind::Text { allowed: BODY, store: |p, v| store_bytes(&mut p.body, v) },
        about: "Request body; $null removes it.",
    },
    RequestKey {
        names: &["method"],
        kind: KeyKind::Text { allowed: METHODS, store: store_method },
        about: "Request method; without it GET, or POST when there is a body.",
    },
    RequestKey {
        names: &["timeout"],
        kind: KeyKind::Integer { min: 1, max: MAX_TIMEOUT_MS, store: store_timeout },
        about: "Deadline in ms; by default connection_timeout.",
    },
    RequestKey {
        names: &["tls_client_cert"],
        kind: KeyKind::Text { allowed: WORD, store: |p, v| store_word(&mut p.tls_client_cert, v) },
        about: "Client certificate; $null for none.",
    },
    RequestKey {
        names: &["tls_client_key"],
        kind: KeyKind::Text { allowed: WORD, store: |p, v| store_word(&mut p.tls_client_key, v) },
        about: "Key of the client certificate; $null for none.",
    },
    RequestKey {
        names: &["tls_ca_path"],
        kind: KeyKind::Text { allowed: WORD, store: |p, v| store_word(&mut p.tls_ca_path, v) },
        about: "Known authorities; $null for those of the system.",
    },
    RequestKey {
        names: &["authmethod"],
        kind: KeyKind::Integer { min: 1, max: MAX_AUTHMETHOD, store: store_authmethod },
        about: "Ways to authenticate; by default the parameter authmethod.",
    },
    RequestKey {
        names: &["username"],
        kind: KeyKind::Text { allowed: CREDENTIAL, store: |p, v| store_credential(&mut p.username, v) },
        about: "User name for HTTP authentication.",
    },
    RequestKey {
        names: &["password"],
        kind: KeyKind::Text { allowed: CREDENTIAL, store: |p, v| store_credential(&mut p.password, v) },
        about: "Password for HTTP authentication.",
    },
    RequestKey {
        names: &["suspend"],
        kind: flag(|p, v| p.suspend = v.is_none_or(|v| v != 0)),
        about: "0: the transaction is not suspended, the script goes on.",
    },
    RequestKey {
        names: &["tcp_keepalive", "keepalive"],
        kind: flag(store_keepalive),
        about: "Not 0: TCP keep-alive probes are sent.",
    },
    RequestKey {
        names: &["tcp_ka_idle", "ka-idle"],
        kind: KeyKind::Integer { min: 0, max: 32_767, store: store_keepalive_idle },
        about: "Seconds before the first probe.",
    },
    RequestKey {
        names: &["tcp_ka_interval", "ka-interval"],
        kind: KeyKind::Integer { min: 0, max: 32_767, store: store_keepalive_interval },
        about: "Seconds between probes.",
    },
    RequestKey {
        names: &["follow_redirect"],
        kind: flag(store_follow_redirect),
        about: "Not 0: redirects are followed; by default the parameter curl_follow_redirect.",
    },
    RequestKey {
        names: &["max_redirects"],
        kind: KeyKind::Integer { min: 0, max: MAX_REDIRECTS, store: store_max_redirects },
        about: "Most redirects that are followed; by default the parameter max_redirects.",
    },
    RequestKey {
        names: &["max_response_size"],
        kind: KeyKind::Integer { min: 1, max: MAX_RESPONSE_SIZE, store: store_max_response_size },
        about: "Longest body of the response in bytes; by default the parameter max_response_size.",
    },
    RequestKey {
        names: &["connect_timeout"],
        kind: KeyKind::Integer { min: 0, max: MAX_TIMEOUT_MS, store: store_connect_timeout },
        about: "Longest time for a new connection in ms; by default the parameter connect_timeout.",
    },
    RequestKey {
        names: &["tls_verify_host"],
        kind: flag(store_verify_host),
        about: "0: the server's certificate may be for another host; by default the parameter tls_verify_host.",
    },
    RequestKey {
        names: &["tls_verify_peer"],
        kind: flag(store_verify_peer),
        about: "0: the server's certificate may be anybody's; by default the parameter tls_verify_peer.",
    },
    RequestKey {
        names: &["http_version"],
        kind: KeyKind::Integer { min: 0, max: 2, store: store_http_version },
        about: "0: what libcurl chooses, 1: HTTP/2 by upgrade or where TLS offers it, 2: HTTP/2 at once.",
    },
    RequestKey {
        names: &["xdata"],
        kind: KeyKind::Text { allowed: BODY, store: |p, v| store_bytes(&mut p.xdata, v) },
        about: "A string that the callback finds in $http_xdata.",
    },
];

/// Every spelling of every key, in the order of the table.
pub fn names() -> Vec<&'static str> {
    REQUEST_KEYS.iter().flat_map(|key| key.names).copied().collect()
}

/// The key with that number among [`names`].
fn key_at(number: usize) -> Option<&'static RequestKey> {
    REQUEST_KEYS.iter().flat_map(|key| key.names.iter().map(move |_| key)).nth(number)
}

/// The key of that name.
fn key_named(name: &str) -> Option<&'static RequestKey> {
    REQUEST_KEYS.iter().find(|key| key.names.contains(&name))
}

/// Sets a text key of parameters that wait for no query any more.
///
/// # Errors
/// One line that names key, value and what is allowed.
pub fn store_text(parameters: &mut RequestParameters, name: &str, text: &[u8]) -> Result<(), String> {
    let key = key_named(name).ok_or_else(|| unknown(name))?;
    key.store(parameters, Assigned::Text(text))
}

fn unknown(name: &str) -> String {
    format!("there is no key \"{name}\"; the keys are {}", names().join(", "))
}

/// Assigns a string to the key of that name; a key that takes a number takes one written as a string.
///
/// # Errors
/// As [`assign`].
pub fn assign_text(message: Message, name: &str, text: &[u8]) -> Result<(), String> {
    pending(message.id(), |parameters| {
        let result = match key_named(name) {
            Some(key) => key.store(parameters, key.read(text)),
            None => Err(unknown(name)),
        };
        parameters.refused |= result.is_err();
        result
    })
}

/// Assigns to `$http_req(key)`. A refused assignment makes the next query of this message fail, so that nothing is
/// sent other than asked for.
///
/// # Errors
/// One line that names key, value and what is allowed.
pub fn assign(message: Message, number: usize, value: Assigned<'_>) -> Result<(), String> {
    let key = key_at(number).ok_or_else(|| format!("$http_req has no key number {number}"))?;
    pending(message.id(), |parameters| {
        let result = key.store(parameters, value);
        parameters.refused |= result.is_err();
        result
    })
}

impl RequestKey {
    /// A string as the value that this key takes.
    fn read<'a>(&self, text: &'a [u8]) -> Assigned<'a> {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
        match (&self.kind, number) {
            (KeyKind::Integer { .. }, Some(number)) => Assigned::Integer(number),
            _ => Assigned::Text(text),
        }
    }

    /// Assigns to this key.
    ///
    /// # Errors
    /// As [`assign`].
    pub fn store(&self, parameters: &mut RequestParameters, value: Assigned<'_>) -> Result<(), String> {
        match self.kind {
            KeyKind::Reset if matches!(value, Assigned::Null | Assigned::Text(b"")) => {
                *parameters = RequestParameters::from_settings()
            }
            KeyKind::Reset => return Err(self.refusal(value)),
            KeyKind::Integer { min, max, store } => match value {
                Assigned::Null => store(parameters, None),
                Assigned::Integer(number) | Assigned::Both(_, number) => {
                    let number = i32::try_from(number).ok().filter(|number| (min..=max).contains(number));
                    store(parameters, Some(number.ok_or_else(|| self.refusal(value))?));
                }
                Assigned::Text(_) => return Err(self.refusal(value)),
            },
            KeyKind::Text { store, .. } => {
                let text = match value {
                    Assigned::Null => None,
                    Assigned::Text(text) | Assigned::Both(text, _) => Some(text),
                    Assigned::Integer(_) => return Err(self.refusal(value)),
                };
                store(parameters, text).map_err(|allowed| self.refusal_for(value, allowed))?;
            }
        }
        Ok(())
    }

    fn refusal(&self, value: Assigned<'_>) -> String {
        self.refusal_for(value, &self.allowed())
    }

    /// The line for a value that is not among those `allowed`.
    fn refusal_for(&self, value: Assigned<'_>, allowed: &str) -> String {
        let name = self.names.first().copied().unwrap_or_default();
        let shown = match value {
            // Headers, bodies, user names and passwords may hold secrets.
            Assigned::Text(text) if SECRET_KEYS.contains(&name) => format!("a string of {} bytes", text.len()),
            value => value.to_string(),
        };
        match self.kind {
            KeyKind::Reset => format!("$http_req({name}): {shown} is refused; it takes {allowed}"),
            _ => format!("$http_req({name}): {shown} is refused; it takes {allowed}, or $null"),
        }
    }

    /// What it takes, in words.
    pub fn allowed(&self) -> String {
        match self.kind {
            KeyKind::Reset => "$null or an empty string".to_owned(),
            KeyKind::Integer { min: i32::MIN, .. } => "a whole number".to_owned(),
            KeyKind::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            KeyKind::Text { allowed, .. } => allowed.to_owned(),
        }
    }
}

type Refused = &'static str;

fn store_header(parameters: &mut RequestParameters, header: Option<&[u8]>) -> Result<(), Refused> {
    let Some(header) = header else {
        parameters.headers.clear();
        return Ok(());
    };
    let header = without_line_end(header);
    if header.is_empty() {
        return Ok(());
    }
    if header.len() > MAX_HEADER || parameters.headers.len() >= MAX_HEADERS || !is_header(header) {
        return Err(HEADER);
    }
    parameters.headers.push(copy(header)?);
    Ok(())
}

/// A header as scripts of the C module write it too: with its line end, which libcurl adds itself.
fn without_line_end(header: &[u8]) -> &[u8] {
    let header = header.strip_suffix(b"\n").unwrap_or(header);
    header.strip_suffix(b"\r").unwrap_or(header)
}

/// `Name: value`, `Name:` or `Name;`, without control bytes but tabs (RFC 9110 section 5).
fn is_header(header: &[u8]) -> bool {
    let name_length = header.iter().position(|byte| !is_token(*byte)).unwrap_or(header.len());
    let Some((_, rest)) = header.split_at_checked(name_length) else {
        return false;
    };
    let separated = matches!(rest, [b':', ..] | [b';']);
    name_length > 0 && separated && !header.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What a script assigned; an empty string is nothing, as in the C module.
fn unless_empty(text: Option<&[u8]>) -> Option<&[u8]> {
    text.filter(|text| !text.is_empty())
}

fn store_bytes(place: &mut Option<Vec<u8>>, bytes: Option<&[u8]>) -> Result<(), Refused> {
    if bytes.is_some_and(|bytes| bytes.len() > MAX_BODY) {
        return Err(BODY);
    }
    *place = unless_empty(bytes).map(copy).transpose()?;
    Ok(())
}

fn store_method(parameters: &mut RequestParameters, name: Option<&[u8]>) -> Result<(), Refused> {
    parameters.method = match name {
        None => None,
        Some(name) if name.eq_ignore_ascii_case(b"GET") => Some(Method::Get),
        Some(name) if name.eq_ignore_ascii_case(b"POST") => Some(Method::Post),
        Some(name) if name.eq_ignore_ascii_case(b"PUT") => Some(Method::Put),
        Some(name) if name.eq_ignore_ascii_case(b"DELETE") => Some(Method::Delete),
        Some(name) if name.eq_ignore_ascii_case(b"PATCH") => Some(Method::Patch),
        Some(name) if name.eq_ignore_ascii_case(b"HEAD") => Some(Method::Head),
        Some(name) if name.eq_ignore_ascii_case(b"OPTIONS") => Some(Method::Options),
        Some(_) => return Err(METHODS),
    };
    Ok(())
}

fn store_word(place: &mut Option<CString>, word: Option<&[u8]>) -> Result<(), Refused> {
    store_string(place, word, WORD)
}

fn store_string(place: &mut Option<CString>, word: Option<&[u8]>, allowed: Refused) -> Result<(), Refused> {
    let Some(word) = unless_empty(word) else {
        *place = None;
        return Ok(());
    };
    if word.len() > MAX_WORD {
        return Err(allowed);
    }
    *place = Some(heap::c_string(word).map_err(|error| match error {
        NoCString::NulByte => allowed,
        NoCString::NoMemory => NO_MEMORY,
    })?);
    Ok(())
}

/// User names and passwords hold no control bytes (RFC 7617 section 2). libcurl writes a user name into the header of
/// Digest as it is: a line end would begin a header of its own.
fn store_credential(place: &mut Option<CString>, word: Option<&[u8]>) -> Result<(), Refused> {
    if word.is_some_and(|word| word.iter().any(u8::is_ascii_control)) {
        return Err(CREDENTIAL);
    }
    store_string(place, word, CREDENTIAL)
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    heap::copy(bytes).ok_or(NO_MEMORY)
}

fn store_timeout(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.timeout = match value {
        Some(milliseconds) => Duration::from_millis(milliseconds.unsigned_abs().into()),
        None => RequestParameters::from_settings().timeout,
    };
}

fn store_authmethod(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.authmethod = value.map(i32::unsigned_abs);
}

fn store_keepalive(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.tcp_keepalive = value.map_or_else(|| RequestParameters::from_settings().tcp_keepalive, |v| v != 0);
}

fn store_keepalive_idle(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.tcp_ka_idle = value.map_or_else(|| RequestParameters::from_settings().tcp_ka_idle, i32::unsigned_abs);
}

fn store_keepalive_interval(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.tcp_ka_interval =
        value.map_or_else(|| RequestParameters::from_settings().tcp_ka_interval, i32::unsigned_abs);
}

fn store_follow_redirect(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.follow_redirect = value.map_or_else(|| RequestParameters::from_settings().follow_redirect, |v| v != 0);
}

fn store_max_redirects(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.max_redirects =
        value.map_or_else(|| RequestParameters::from_settings().max_redirects, i32::unsigned_abs);
}

fn store_max_response_size(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.max_response_size =
        value.map_or_else(|| RequestParameters::from_settings().max_response_size, i32::unsigned_abs);
}

fn store_connect_timeout(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.connect_timeout = match value {
        Some(milliseconds) => Duration::from_millis(milliseconds.unsigned_abs().into()),
        None => RequestParameters::from_settings().connect_timeout,
    };
}

fn store_verify_host(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.tls_verify_host = value.map_or_else(|| RequestParameters::from_settings().tls_verify_host, |v| v != 0);
}

fn store_verify_peer(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.tls_verify_peer = value.map_or_else(|| RequestParameters::from_settings().tls_verify_peer, |v| v != 0);
}

fn store_http_version(parameters: &mut RequestParameters, value: Option<i32>) {
    parameters.http_version = match value {
        Some(1) => HttpVersion::Http2,
        Some(2) => HttpVersion::Http2PriorKnowledge,
        _ => HttpVersion::Default,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn store(name: &str, value: Assigned<'_>) -> Result<RequestParameters, String> {
        let key = REQUEST_KEYS.iter().find(|key| key.names.contains(&name)).expect(name);
        let mut parameters = RequestParameters::from_settings();
        key.store(&mut parameters, value).map(|()| parameters)
    }

    #[test]
    fn methods_are_whole_names_in_any_case() {
        assert_eq!(store("method", Assigned::Text(b"put")).expect("PUT").method, Some(Method::Put));
        for wrong in ["P", "PO", "GETX", "", "TRACE"] {
            let line = store("method", Assigned::Text(wrong.as_bytes())).expect_err(wrong);
            assert!(line.contains("GET, POST, PUT, DELETE"), "{line}");
        }
    }

    #[test]
    fn headers_have_libcurls_three_forms() {
        for good in ["X: y", "Accept:", "X-Empty;", "X:\ty"] {
            for end in ["", "\r\n", "\n", "\r"] {
                let parameters = store("hdr", Assigned::Text(format!("{good}{end}").as_bytes())).expect(good);
                assert_eq!(parameters.headers, [good.as_bytes()]);
            }
        }
        for wrong in [
            "X: y\r\nZ: w",
            "X: y\n\n",
            "X: y\r\n\r\n",
            "X: y\n\r",
            "X: y\r\r",
            "no colon",
            ": y",
            "X ;",
            "X\0: y",
            "X; y",
            " X: y",
            "X : y",
        ] {
            assert!(store("hdr", Assigned::Text(wrong.as_bytes())).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_empty_string_is_no_value() {
        let of = |name| store(name, Assigned::Text(b"")).expect(name);
        assert_eq!((of("body").body, of("xdata").xdata), (None, None));
        assert_eq!((of("username").username, of("password").password), (None, None));
        assert_eq!((of("tls_client_cert").tls_client_cert, of("tls_client_key").tls_client_key), (None, None));
        assert_eq!((of("tls_ca_path").tls_ca_path, of("hdr").headers.len()), (None, 0));
        assert!(store("all", Assigned::Text(b"")).is_ok());
        assert!(store("method", Assigned::Text(b"")).is_err());
    }

    #[test]
    fn a_wrong_type_is_refused() {
        assert!(store("timeout", Assigned::Text(b"100")).is_err());
        assert!(store("body", Assigned::Integer(1)).is_err());
        assert!(store("all", Assigned::Integer(0)).is_err());
    }

    #[test]
    fn a_refusal_never_shows_a_secret() {
        for key in ["password", "username", "hdr"] {
            let line = store(key, Assigned::Text(b"hunter2\0")).expect_err("a NUL byte");
            assert!(!line.contains("hunter2") && line.contains("8 bytes"), "{line}");
        }
    }

    #[test]
    fn no_control_byte_is_taken_into_a_user_name_or_a_password() {
        for key in ["username", "password"] {
            assert!(store(key, Assigned::Text("b\u{f6}b: \"x\\".as_bytes())).is_ok(), "{key}");
            for wrong in ["bob\r\nX-A: b", "bob\n", "b\tob", "bob\x7f", "bob\0"] {
                assert!(store(key, Assigned::Text(wrong.as_bytes())).is_err(), "{key} {wrong:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_header_with_a_line_end_inside_is_taken(before in ".*", end in "[\r\n\0]", after in "[^\r\n].*") {
            let header = format!("X: {before}{end}{after}");
            prop_assert!(store("hdr", Assigned::Text(header.as_bytes())).is_err());
        }
    }
}

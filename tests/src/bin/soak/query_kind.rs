//! The kinds of queries, how often each is made, and how each must end.

/// How a query must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A response with this status.
    Reply(u16),
    /// No response, for another reason than the deadline.
    Error,
    /// The deadline.
    Timeout,
}

impl Outcome {
    /// The word for it in the routing script.
    pub fn word(self) -> String {
        match self {
            Self::Reply(status) => status.to_string(),
            Self::Error => "error".to_owned(),
            Self::Timeout => "timeout".to_owned(),
        }
    }
}

/// One kind of query.
#[derive(Debug)]
pub struct Kind {
    /// Its name, after `TO_` the route of the script that prepares it, and, with the scripted servers, the path of the URL.
    pub name: &'static str,
    /// What it is, for the document.
    pub about: &'static str,
    /// How often it is drawn, compared with the others.
    pub weight: u32,
    /// The URL as a string of the script; words in braces are those of `servers.rs`.
    pub url: &'static str,
    /// Assignments of the script before the query.
    pub assignments: &'static str,
    /// How it must end.
    pub outcome: Outcome,
}

/// A deadline that ends a query in this run: ms.
const SHORT: &str = "$http_req(timeout) = 300;";
const WITH_PASSWORD: &str = r#"$http_req(username) = "soak"; $http_req(password) = "secret";"#;
const POST: &str =
    r#"$http_req(hdr) = "Content-Type: application/json"; $http_req(body) = "{\"user\": \"" + $var(name) + "\"}";"#;
const FOLLOW: &str = "$http_req(follow_redirect) = 1;";
const NO_MORE_THAN_64_KB: &str = "$http_req(max_response_size) = 65536;";

/// All kinds. Most are quick answers of nginx; the others are what goes wrong or takes another way.
#[rustfmt::skip]
pub const KINDS: &[Kind] = &[
    kind("plain", "GET, http", 400, "\"{http}/\"", "", Outcome::Reply(200)),
    kind("post", "POST of JSON, http", 80, "\"{http}/\"", POST, Outcome::Reply(200)),
    kind("missing", "404, http", 30, "\"{http}/missing\"", "", Outcome::Reply(404)),
    kind("close", "the server closes the connection after it, http", 20, "\"{http}/close\"", "", Outcome::Reply(200)),
    kind("tls", "GET, https", 230, "\"{https}/\"", "", Outcome::Reply(200)),
    kind("tlsclose", "a TLS handshake each", 10, "\"{https}/close\"", "", Outcome::Reply(200)),
    kind("http2", "GET, HTTP/2 over TLS", 60, "\"{http2}/\"", "", Outcome::Reply(200)),
    kind("delay", "an answer after 100 ms", 20, "\"{scripted}/delay\"", "", Outcome::Reply(200)),
    kind("chunked", "chunks and a trailer", 15, "\"{scripted}/chunked\"", "", Outcome::Reply(200)),
    kind("hints", "a 103 before the 200", 10, "\"{scripted}/hints\"", "", Outcome::Reply(200)),
    kind("large", "60,000 bytes", 10, "\"{scripted}/large\"", NO_MORE_THAN_64_KB, Outcome::Reply(200)),
    kind("redirect", "two redirects", 15, "\"{scripted}/redirect\"", FOLLOW, Outcome::Reply(200)),
    kind("basic", "a challenge, Basic", 10, "\"{scripted}/basic\"", WITH_PASSWORD, Outcome::Reply(200)),
    kind("digest", "a challenge, Digest", 10, "\"{scripted}/digest\"", WITH_PASSWORD, Outcome::Reply(200)),
    kind("oversize", "a body beyond max_response_size", 5, "\"{scripted}/oversize\"", NO_MORE_THAN_64_KB, Outcome::Error),
    kind("loop", "redirects without end", 3, "\"{scripted}/loop\"", FOLLOW, Outcome::Error),
    kind("reset", "a reset instead of an answer", 5, "\"{scripted}/reset\"", "", Outcome::Error),
    kind("cut", "a body cut short", 5, "\"{scripted}/cut\"", "", Outcome::Error),
    kind("garbage", "an answer that is not HTTP", 5, "\"{scripted}/garbage\"", "", Outcome::Error),
    kind("untrusted", "a certificate that no authority vouches for", 5, "\"{untrusted}/untrusted\"", "", Outcome::Error),
    kind("closed", "a port on which nobody listens", 10, "\"{closed}/\"", "", Outcome::Error),
    kind("unknown", "a name that does not exist, a new one each", 10, "\"http://\" + $var(name) + \".unknown.test/\"", "", Outcome::Error),
    kind("silent", "no answer, deadline 300 ms", 10, "\"{scripted}/silent\"", SHORT, Outcome::Timeout),
    kind("drip", "a byte every 20 ms, deadline 300 ms", 5, "\"{scripted}/drip\"", SHORT, Outcome::Timeout),
    kind("dead", "a name that no name server answers for, a new one each, deadline 300 ms", 4, "\"http://\" + $var(name) + \".dead.test/\"", SHORT, Outcome::Timeout),
];

/// The query of a call that its caller cancels: it ends in a response when its transaction is gone.
pub const CANCELLED: Kind =
    kind("slow", "an answer after 2 s; the caller cancels", 0, "\"{scripted}/slow\"", "", Outcome::Reply(200));

const fn kind(
    name: &'static str,
    about: &'static str,
    weight: u32,
    url: &'static str,
    assignments: &'static str,
    outcome: Outcome,
) -> Kind {
    Kind { name, about, weight, url, assignments, outcome }
}

/// The kind of that name.
///
/// # Panics
/// There is none.
pub fn named(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).expect("a kind of the table")
}

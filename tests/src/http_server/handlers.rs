//! Ready-made handlers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::digest::DigestRealm;
use super::{Request, Response};

/// Lets requests with these credentials (RFC 7617) through to `inner`; answers others with a 401 and a challenge.
pub fn basic_auth(
    user: &str,
    password: &str,
    inner: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let expected = STANDARD.encode(format!("{user}:{password}"));
    move |request| match credentials(request, "Basic") {
        Some(given) if given == expected => inner(request),
        _ => unauthorized(r#"Basic realm="end-to-end", charset="UTF-8""#),
    }
}

/// Lets requests with a right response to a challenge of this handler (RFC 7616, MD5, `qop=auth`) through to `inner`;
/// answers others with a 401 and a new challenge. The same challenge may be answered many times.
pub fn digest_auth(
    user: &str,
    password: &str,
    inner: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let realm = DigestRealm::new(user, password);
    move |request| match credentials(request, "Digest") {
        Some(given) if realm.accepts(given, &request.method, &request.target) => inner(request),
        _ => unauthorized(&realm.challenge()),
    }
}

/// Answers every request with a redirect (RFC 9110 section 15.4) to `location`.
pub fn redirect(
    status: u16,
    location: impl Into<String>,
) -> impl Fn(&Request) -> Response + Send + Sync + Clone + 'static {
    let location = location.into();
    move |_| Response::new(status, "Redirect").header("Location", location.clone())
}

/// What follows the authentication scheme in the `Authorization` header field (RFC 9110 section 11.6.2).
fn credentials<'request>(request: &'request Request, scheme: &str) -> Option<&'request str> {
    let (given, rest) = request.header("Authorization")?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn unauthorized(challenge: &str) -> Response {
    Response::new(401, "Unauthorized").header("WWW-Authenticate", challenge)
}

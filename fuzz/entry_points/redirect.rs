//! A `Location` seen from the URL before it. The first line is that URL, into which a user name and a password are put
//! where it has none; the rest is the `Location`.

use crate::http_worker::redirect::Hop;
use crate::shared::query::Method;
use crate::transport::url::{Origin, with_scheme};
use std::ffi::CString;

const PASSWORD: &str = "hunter2hunter2";

/// One input.
pub fn run(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (url, location) = (&input[..end], &input[end + 1..]);
    if url.iter().any(u8::is_ascii_control) {
        return;
    }
    let Some(hop) = first(&[b"http://bob:", PASSWORD.as_bytes(), b"@", url].concat()) else { return };
    let same = first(hop.url.as_bytes()).expect("a URL with its scheme is a URL");
    assert_eq!(same.origin, hop.origin);
    let Ok(next) = hop.redirected(302, location, 1) else { return };
    assert!(["http", "https"].contains(&next.origin.scheme.as_str()));
    assert!(!next.origin.host.is_empty());
    assert!(!next.url.as_bytes().iter().any(|byte| byte.is_ascii_control() || *byte == b' '), "{:?}", next.url);
    let stays = next.origin == hop.origin;
    assert!(next.with_credentials == stays);
    let names_it = location.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
    let carries_it = next.url.as_bytes().windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
    assert!(stays || names_it || !carries_it, "the password went to {:?}", next.url);
}

fn first(url: &[u8]) -> Option<Hop> {
    let url = CString::new(url).ok()?;
    let origin = Origin::of(&url).ok()?;
    Some(Hop {
        url: with_scheme(&url).ok()?,
        origin: origin.into(),
        method: Method::Get,
        with_body: false,
        lost_body: false,
        with_credentials: true,
        redirects: 0,
        new_connection: false,
        sent_again: false,
    })
}

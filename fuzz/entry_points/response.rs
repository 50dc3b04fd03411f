//! What libcurl hands to a response: header lines, pieces of bodies, new requests, in any order.
//!
//! The first byte chooses what a redirect is, the second the limit of the body in 64 bytes. Each line after them is a
//! header line, unless it begins with 0x01, which makes it a piece of body, or 0x02, which is another request, and with `!` behind it one on a
//! connection that has spoken first.

use crate::http_worker::redirect::is_redirect;
use crate::http_worker::response::{MAX_HEADER_BYTES, Overflow, Redirects, Response};
use crate::transport::receiver::{Flow, Receiver};

/// One input.
pub fn run(input: &[u8]) {
    let [choice, limit, lines @ ..] = input else { return };
    let redirects = [Redirects::Answer, Redirects::Lead, Redirects::LeadWithoutBody][usize::from(*choice) % 3];
    let max_body = usize::from(*limit) * 64;
    let response = Response::new(redirects, max_body);
    let mut response = if *choice < 128 { response } else { response.on_silent_connection() };
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let flow = match line {
            [1, body @ ..] => response.body(body),
            [2, unread, ..] => response.request(|_| *unread == b'!'),
            line => response.header_line(line),
        };
        let location = response.leads_to();
        assert!(location.is_none() || redirects != Redirects::Answer);
        assert!(location.is_none_or(|location| !location.is_empty() && location.trim_ascii() == location));
        if flow == Flow::Stop {
            assert!(response.overflow().is_some() || response.leads_to().is_some() || response.was_unfit());
            break;
        }
    }
    let overflow = response.overflow();
    let leads_on = response.leads_to().is_some();
    let (bytes, head_length) = response.into_parts();
    let (head, body) = bytes.split_at(head_length);
    assert!(head.len() <= MAX_HEADER_BYTES && body.len() <= max_body);
    assert!(overflow != Some(Overflow::Memory));
    assert!(!leads_on || body.is_empty(), "the body of a redirect is kept");
    assert!(!leads_on || status_of(head).is_some_and(is_redirect), "a redirect without a redirecting status");
}

fn status_of(head: &[u8]) -> Option<u16> {
    let mut words = head.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    std::str::from_utf8(words.nth(usize::from(!head[0].is_ascii_whitespace()))?.get(..3)?).ok()?.parse().ok()
}

//! Sets up an easy handle for one request of a query.

use super::redirect::Hop;
use super::response::Response;
use super::setup::Setup;
use crate::shared::query::{HttpVersion, Method, Query, Text};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use crate::transport::url::Origin;
use curl_sys as curl;
use std::ffi::{CStr, CString};
use std::net::IpAddr;

type Result<T> = std::result::Result<T, TransferError>;

/// Sets what is one request's own, on a handle with its set-up. `address` is one of its host's, where that is
/// a name; `receive_buffer` is in bytes.
///
/// # Errors
/// libcurl refused an option, or memory is exhausted.
pub fn prepare(
    easy: &mut Easy<Response>,
    query: &Query,
    hop: &Hop,
    address: Option<IpAddr>,
    receive_buffer: usize,
    setup: &Setup,
) -> Result<()> {
    easy.set_text(curl::CURLOPT_URL, &hop.url)?;
    if let Some(address) = address {
        easy.set_addresses(&address_entry(&hop.origin, address)?)?;
    }
    if has_content(query, hop) {
        easy.set_body(body_of(query, hop).unwrap_or_default())?;
    }
    set_headers(easy, query, hop)?;
    set_credentials(easy, query, hop)?;
    if let Some(terms) = setup.tls() {
        easy.resume_tls_sessions(&terms.of_session(&hop.origin))?;
    }
    if speaks_only_http1(query, hop) {
        // Frames of HTTP/2 pass through this buffer too, and so may those of any TLS connection.
        easy.set_receive_buffer(receive_buffer)?;
    }
    Ok(())
}

/// Whether HTTP/2 cannot come of it.
pub fn speaks_only_http1(query: &Query, hop: &Hop) -> bool {
    hop.origin.scheme == "http" && query.options().http_version == HttpVersion::Default
}

/// An entry of `CURLOPT_RESOLVE`; the `+` lets it age.
fn address_entry(origin: &Origin, address: IpAddr) -> Result<CString> {
    let Origin { host, port, .. } = origin;
    let entry = match address {
        IpAddr::V4(address) => format!("+{host}:{port}:{address}"),
        IpAddr::V6(address) => format!("+{host}:{port}:[{address}]"),
    };
    CString::new(entry).map_err(|_| TransferError::new(curl::CURLE_URL_MALFORMAT))
}

/// Whether libcurl is told to send a body, be it an empty one.
pub fn has_content(query: &Query, hop: &Hop) -> bool {
    match hop.method {
        Method::Head => false,
        Method::Get | Method::Delete | Method::Options => body_of(query, hop).is_some(),
        Method::Post | Method::Put | Method::Patch => true,
    }
}

fn body_of<'query>(query: &'query Query, hop: &Hop) -> Option<&'query [u8]> {
    query.bytes(Text::Body).filter(|_| hop.with_body)
}

fn set_headers(easy: &mut Easy<Response>, query: &Query, hop: &Hop) -> Result<()> {
    let (mut expects, mut has_type) = (false, false);
    for header in query.headers() {
        if is_left_behind(header, hop) {
            continue;
        }
        expects |= is_header(header, "Expect");
        has_type |= is_header(header, "Content-Type");
        easy.add_header(header)?;
    }
    if !has_content(query, hop) {
        return easy.use_headers();
    }
    if body_of(query, hop).is_none_or(<[u8]>::is_empty) && !has_type {
        // libcurl calls every content of a POST a form, even none.
        easy.add_header(c"Content-Type:")?;
    }
    if !expects {
        // A server that does not know 100-continue would make every large body wait.
        easy.add_header(c"Expect:")?;
    }
    easy.use_headers()
}

/// Headers for the origin that the script named (RFC 9110 section 15.4).
const OF_ORIGIN: [&str; 4] = ["Authorization", "Proxy-Authorization", "Cookie", "Host"];
/// Headers about the body of a request (ibid.).
const OF_BODY: [&str; 9] = [
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Type",
    "Digest",
    "Expect",
    "Last-Modified",
    "Transfer-Encoding",
];

/// Headers that were meant for the origin or the body of a request before a redirect.
fn is_left_behind(header: &CStr, hop: &Hop) -> bool {
    let is_one_of = |names: &[&str]| names.iter().any(|name| is_header(header, name));
    (!hop.with_credentials && is_one_of(&OF_ORIGIN)) || (hop.lost_body && is_one_of(&OF_BODY))
}

fn is_header(line: &CStr, name: &str) -> bool {
    let line = line.to_bytes();
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        && matches!(line.get(name.len()), Some(b':' | b';'))
}

fn set_credentials(easy: &Easy<Response>, query: &Query, hop: &Hop) -> Result<()> {
    if hop.with_credentials {
        set_optional(easy, curl::CURLOPT_USERNAME, query.text(Text::Username))?;
        set_optional(easy, curl::CURLOPT_PASSWORD, query.text(Text::Password))?;
    }
    Ok(())
}

fn set_optional(easy: &Easy<Response>, option: curl::CURLoption, text: Option<&CStr>) -> Result<()> {
    text.map_or(Ok(()), |text| easy.set_text(option, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_compared_whole_and_in_any_case() {
        assert!(is_header(c"expect: 100-continue", "Expect") && is_header(c"Expect;", "Expect"));
        assert!(!is_header(c"Expectation: x", "Expect") && !is_header(c"Exp", "Expect"));
    }

    #[test]
    fn addresses_are_written_as_libcurl_reads_them() {
        let origin = Origin { scheme: "http".into(), host: "h.example".into(), port: 80 };
        for (address, expected) in [("127.0.0.1", c"+h.example:80:127.0.0.1"), ("::1", c"+h.example:80:[::1]")] {
            let entry = address_entry(&origin, address.parse().expect("an address")).expect("no NUL");
            assert_eq!(entry.as_c_str(), expected);
        }
    }
}

//! Sets up an easy handle for one request of a query.

use super::connections::{are_shared, stands_apart};
use super::redirect::Hop;
use super::response::Response;
use crate::module::settings::Settings;
use crate::shared::query::{HttpVersion, Method, Options, Query, Text};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use crate::transport::url::Origin;
use curl_sys as curl;
use std::ffi::{CStr, CString};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// Seconds that libcurl keeps the addresses it was given, at least; as long as it keeps those it finds itself.
const ADDRESS_LIFETIME: u64 = 60;
/// Bytes, the least that libcurl takes. libcurl 7.88 copies every request over TLS into a buffer of this size, and keeps it until
/// the transfer ends; its own 64 KiB a transfer would be more than all shared memory with a thousand in flight.
const TLS_SEND_BUFFER: i64 = 16 * 1024;

type Result<T> = std::result::Result<T, TransferError>;

/// Sets every option of `hop`. `addresses` are those of its host, where that is a name.
///
/// # Errors
/// libcurl refused an option, or memory is exhausted.
pub fn prepare(
    easy: &mut Easy<Response>,
    query: &Query,
    hop: &Hop,
    addresses: Option<&[IpAddr]>,
    settings: &Settings,
) -> Result<()> {
    let options = query.options();
    set_target(easy, hop, addresses, options)?;
    set_method(easy, query, hop)?;
    set_headers(easy, query, hop)?;
    set_credentials(easy, query, hop)?;
    if hop.origin.scheme == "https" {
        set_tls(easy, query)?;
        set_client_certificate(easy, query, hop, settings)?;
    }
    set_connection(easy, options)?;
    let shares = are_shared(settings);
    easy.set_number(curl::CURLOPT_FORBID_REUSE, (stands_apart(query, hop) && !shares).into())?;
    // Whoever comes while a connection to the host is made waits until it is known whether it takes several streams. Over plain
    // HTTP libcurl would wait for the first response as well.
    easy.set_number(curl::CURLOPT_PIPEWAIT, (shares && hop.origin.scheme == "https").into())?;
    easy.set_number(curl::CURLOPT_FRESH_CONNECT, hop.new_connection.into())?;
    if settings.curl_verbose { easy.trace() } else { Ok(()) }
}

fn set_target(easy: &mut Easy<Response>, hop: &Hop, addresses: Option<&[IpAddr]>, options: &Options) -> Result<()> {
    easy.set_text(curl::CURLOPT_URL, &hop.url)?;
    easy.set_number(curl::CURLOPT_PROTOCOLS, i64::from(curl::CURLPROTO_HTTP | curl::CURLPROTO_HTTPS))?;
    // The environment's http_proxy and its kin do not apply.
    easy.set_text(curl::CURLOPT_PROXY, c"")?;
    set_http_version(easy, options.http_version)?;
    if let Some(addresses) = addresses {
        // A transfer that has to connect again finds them until its deadline.
        let lifetime = options.timeout.as_secs().max(ADDRESS_LIFETIME) + 1;
        easy.set_number(curl::CURLOPT_DNS_CACHE_TIMEOUT, i64::try_from(lifetime).unwrap_or(i64::MAX))?;
        easy.set_addresses(&address_entry(&hop.origin, addresses)?)?;
    }
    Ok(())
}

fn set_http_version(easy: &Easy<Response>, version: HttpVersion) -> Result<()> {
    match version {
        HttpVersion::Default => Ok(()),
        HttpVersion::Http2 => easy.set_number(curl::CURLOPT_HTTP_VERSION, curl::CURL_HTTP_VERSION_2_0.into()),
        HttpVersion::Http2PriorKnowledge => {
            easy.set_number(curl::CURLOPT_HTTP_VERSION, curl::CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE.into())
        }
    }
}

/// An entry of `CURLOPT_RESOLVE`; the `+` lets it age.
fn address_entry(origin: &Origin, addresses: &[IpAddr]) -> Result<CString> {
    let addresses: Vec<String> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        })
        .collect();
    let entry = format!("+{}:{}:{}", origin.host, origin.port, addresses.join(","));
    CString::new(entry).map_err(|_| TransferError::new(curl::CURLE_URL_MALFORMAT))
}

fn set_method(easy: &Easy<Response>, query: &Query, hop: &Hop) -> Result<()> {
    let body = query.bytes(Text::Body).filter(|_| hop.with_body);
    match (hop.method, body) {
        (Method::Get, None) => return easy.set_number(curl::CURLOPT_HTTPGET, 1),
        // libcurl has no answer to a body of a HEAD request, and RFC 9110 section 9.3.2 no meaning.
        (Method::Head, _) => return easy.set_number(curl::CURLOPT_NOBODY, 1),
        (Method::Post, _) => {}
        (method, _) => easy.set_text(curl::CURLOPT_CUSTOMREQUEST, name_of(method))?,
    }
    match (hop.method, body) {
        (Method::Delete | Method::Options, None) => Ok(()),
        (_, body) => {
            easy.set_number(curl::CURLOPT_POST, 1)?;
            easy.set_body(body.unwrap_or_default())
        }
    }
}

const fn name_of(method: Method) -> &'static CStr {
    match method {
        Method::Get => c"GET",
        Method::Post => c"POST",
        Method::Put => c"PUT",
        Method::Delete => c"DELETE",
        Method::Patch => c"PATCH",
        Method::Head => c"HEAD",
        Method::Options => c"OPTIONS",
    }
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
    let is_empty = query.bytes(Text::Body).filter(|_| hop.with_body).is_none_or(<[u8]>::is_empty);
    if is_empty && !has_type {
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
    easy.set_number(curl::CURLOPT_HTTPAUTH, query.options().authmethod.into())?;
    if hop.with_credentials {
        set_optional(easy, curl::CURLOPT_USERNAME, query.text(Text::Username))?;
        set_optional(easy, curl::CURLOPT_PASSWORD, query.text(Text::Password))?;
    }
    Ok(())
}

fn set_tls(easy: &Easy<Response>, query: &Query) -> Result<()> {
    let options = query.options();
    easy.set_number(curl::CURLOPT_UPLOAD_BUFFERSIZE, TLS_SEND_BUFFER)?;
    easy.set_number(curl::CURLOPT_SSLVERSION, options.tls_version.into())?;
    easy.keep_sessions_where_safe()?;
    easy.set_number(curl::CURLOPT_SSL_VERIFYPEER, options.tls_verify_peer.into())?;
    easy.set_number(curl::CURLOPT_SSL_VERIFYHOST, if options.tls_verify_host { 2 } else { 0 })?;
    match query.text(Text::TlsCaPath) {
        Some(path) if is_file(path) => easy.set_text(curl::CURLOPT_CAINFO, path),
        path => set_optional(easy, curl::CURLOPT_CAPATH, path),
    }
}

/// The query's own is for the origin that the script named; the module's is for all. A query without one shows none.
fn set_client_certificate(easy: &Easy<Response>, query: &Query, hop: &Hop, settings: &Settings) -> Result<()> {
    let own = (query.text(Text::TlsClientCert), query.text(Text::TlsClientKey));
    let (certificate, key) = match own {
        (Some(_), _) if !hop.with_credentials => {
            (settings.tls_client_cert.as_deref(), settings.tls_client_key.as_deref())
        }
        own => own,
    };
    set_optional(easy, curl::CURLOPT_SSLCERT, certificate)?;
    set_optional(easy, curl::CURLOPT_SSLKEY, key)
}

fn is_file(path: &CStr) -> bool {
    path.to_str().is_ok_and(|path| Path::new(path).is_file())
}

fn set_connection(easy: &Easy<Response>, options: &Options) -> Result<()> {
    // The deadline is kept by the worker's own timer; without a limit for connections, libcurl's own of 300 s is lifted
    // above it.
    let beyond = options.timeout + Duration::from_secs(1);
    let connect = Some(options.connect_timeout).filter(|limit| !limit.is_zero()).unwrap_or(beyond);
    easy.set_number(curl::CURLOPT_CONNECTTIMEOUT_MS, i64::try_from(connect.as_millis()).unwrap_or(i64::MAX))?;
    if !options.tcp_keepalive {
        return Ok(());
    }
    easy.set_number(curl::CURLOPT_TCP_KEEPALIVE, 1)?;
    if options.tcp_ka_idle > 0 {
        easy.set_number(curl::CURLOPT_TCP_KEEPIDLE, options.tcp_ka_idle.into())?;
    }
    if options.tcp_ka_interval > 0 {
        easy.set_number(curl::CURLOPT_TCP_KEEPINTVL, options.tcp_ka_interval.into())?;
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
        let addresses = ["127.0.0.1".parse().expect("v4"), "::1".parse().expect("v6")];
        let entry = address_entry(&origin, &addresses).expect("no NUL");
        assert_eq!(entry.as_c_str(), c"+h.example:80:127.0.0.1,[::1]");
    }
}

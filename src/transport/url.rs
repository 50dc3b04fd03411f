//! URLs, read by libcurl's own parser, so that what is resolved and checked here is what libcurl then connects to.
//!
//! An internationalised host name is put into its ASCII form (IDNA, RFC 5891, as UTS 46 has it) as soon as a URL is read, and libcurl
//! sees that form alone: it would take the name for one in the encoding of the locale, which a server does not set.

use super::error::TransferError;
use super::international_host;
use super::libcurl as api;
use crate::host::heap::{self, NoCString};
use curl_sys as curl;
use std::ffi::{CStr, CString, c_char};
use std::net::IpAddr;
use std::ptr::NonNull;

/// Longest host name, in bytes (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 255;

/// The parts of a URL that decide where a transfer goes (RFC 3986 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Scheme in lower case.
    pub scheme: String,
    /// Host name (IDN in its ASCII form) in lower case, or address, without brackets.
    pub host: String,
    /// Port, the scheme's own where the URL names none.
    pub port: u16,
}

impl Origin {
    /// Reads the origin of `url`. As libcurl does, a missing scheme is guessed from the name.
    ///
    /// # Errors
    /// `CURLE_URL_MALFORMAT`, `CURLE_UNSUPPORTED_PROTOCOL` for anything but http and https, or no memory.
    pub fn of(url: &CStr) -> Result<Self, TransferError> {
        Parsed::new(url)?.origin()
    }

    /// The address, where the host is written as one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// `url`, which [`Origin::of`] takes, with its scheme and its host in ASCII: libcurl tells URLs as they were given to it, and without a scheme
/// nobody could see in its words where user name and password stand.
///
/// # Errors
/// The host has no ASCII form, or memory is exhausted.
pub fn with_scheme(url: &CStr) -> Result<CString, TransferError> {
    let bytes = url.to_bytes();
    if international_host::may_be_in(bytes) {
        let parsed = Parsed::read(url)?;
        if parsed.make_host_ascii()? {
            return parsed.text(api::CURLUPART_URL, 0);
        }
    }
    let begins_with = |scheme: &[u8]| bytes.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme: &[u8] = if begins_with(b"http:/") || begins_with(b"https:/") { b"" } else { b"http://" };
    heap::joined(&[scheme, bytes]).map_err(not_copied)
}

/// Whether libcurl finds a user name or a password in `url`.
///
/// # Errors
/// As [`Origin::of`].
pub fn has_credentials(url: &CStr) -> Result<bool, TransferError> {
    if !url.to_bytes().contains(&b'@') {
        return Ok(false);
    }
    let parsed = Parsed::new(url)?;
    Ok(parsed.names(api::CURLUPART_USER)? || parsed.names(api::CURLUPART_PASSWORD)?)
}

/// Where a redirect to `location` leads from `base` (RFC 3986 section 5), which may lack its scheme. User name and
/// password of `base` stay in the URL within its origin.
///
/// # Errors
/// As [`Origin::of`].
pub fn follow(base: &CStr, location: &[u8]) -> Result<CString, TransferError> {
    // Some versions of libcurl encode them.
    if location.iter().any(u8::is_ascii_control) {
        return Err(TransferError::with_detail(
            curl::CURLE_URL_MALFORMAT,
            format_args!("control bytes in the URL of a redirect"),
        ));
    }
    let location = heap::c_string(location).map_err(not_copied)?;
    let parsed = Parsed::new(base)?;
    parsed.follow(&location)?;
    parsed.text(api::CURLUPART_URL, 0)
}

/// The error for a host name past the limit.
pub(super) fn too_long(host: &CStr) -> TransferError {
    TransferError::with_detail(
        curl::CURLE_URL_MALFORMAT,
        format_args!("the host name has {} bytes, {MAX_HOST} are allowed", host.count_bytes()),
    )
}

/// The error for a text of which there is no copy.
pub(super) fn not_copied(error: NoCString) -> TransferError {
    match error {
        NoCString::NulByte => TransferError::new(curl::CURLE_URL_MALFORMAT),
        NoCString::NoMemory => TransferError::out_of_memory(),
    }
}

/// User name and password of a URL, as they are written there.
///
/// # Errors
/// As [`Origin::of`].
#[cfg(fuzzing)]
pub fn user_and_password(url: &CStr) -> Result<[Option<String>; 2], TransferError> {
    let credentials = Parsed::new(url)?.credentials();
    Ok(credentials.map(|(_, text)| text.map(|text| text.to_string_lossy().into_owned())))
}

struct Parsed(NonNull<api::CURLU>);

impl Parsed {
    /// A URL whose host is in its ASCII form.
    fn new(url: &CStr) -> Result<Self, TransferError> {
        let parsed = Self::read(url)?;
        if international_host::may_be_in(url.to_bytes()) {
            parsed.make_host_ascii()?;
        }
        Ok(parsed)
    }

    /// A URL as it is written.
    fn read(url: &CStr) -> Result<Self, TransferError> {
        // SAFETY: no arguments; null on lack of memory.
        let handle = NonNull::new(unsafe { api::curl_url() }).ok_or_else(TransferError::out_of_memory)?;
        let parsed = Self(handle);
        parsed.set(api::CURLUPART_URL, url, api::CURLU_GUESS_SCHEME | api::CURLU_NON_SUPPORT_SCHEME)?;
        Ok(parsed)
    }

    /// Puts an internationalised host into its ASCII form; whether it was one.
    fn make_host_ascii(&self) -> Result<bool, TransferError> {
        let host = match self.get(api::CURLUPART_HOST, 0) {
            Ok(host) => self.taken(host)?,
            Err(api::CURLUE_OUT_OF_MEMORY) => return Err(TransferError::out_of_memory()),
            // Somebody else will find out that there is none.
            Err(_) => return Ok(false),
        };
        if host.as_bytes().is_ascii() {
            return Ok(false);
        }
        self.set(api::CURLUPART_HOST, &international_host::ascii_form(&host)?, 0)?;
        Ok(true)
    }

    fn origin(&self) -> Result<Origin, TransferError> {
        let scheme = self.part(api::CURLUPART_SCHEME, 0)?;
        if scheme != "http" && scheme != "https" {
            return Err(TransferError::with_detail(
                curl::CURLE_UNSUPPORTED_PROTOCOL,
                format_args!("\"{scheme}\" is neither http nor https"),
            ));
        }
        self.check_credentials()?;
        // Names compare without case (RFC 4343).
        let host = self.host()?.to_ascii_lowercase();
        let port = self.part(api::CURLUPART_PORT, api::CURLU_DEFAULT_PORT)?;
        let port = port.parse().map_err(|_| TransferError::new(curl::CURLE_URL_MALFORMAT))?;
        Ok(Origin { scheme, host, port })
    }

    /// Replaces all of it by what a `Location` says. User name and password stay while the origin does and nobody names
    /// others.
    fn follow(&self, location: &CStr) -> Result<(), TransferError> {
        let origin = self.origin()?;
        let credentials = self.credentials();
        // As `curl -L` reads it: nothing is guessed; blanks and other bytes that no URL has are encoded.
        self.set(api::CURLUPART_URL, location, api::CURLU_URLENCODE | api::CURLU_ALLOW_SPACE)?;
        self.make_host_ascii()?;
        if self.credentials().iter().all(|(_, text)| text.is_none()) && self.origin()? == origin {
            for (part, text) in &credentials {
                text.as_ref().map_or(Ok(()), |text| self.set(*part, text, 0))?;
            }
        }
        Ok(())
    }

    /// libcurl writes a user name as it is into the header that answers a digest challenge: control bytes, which no user
    /// name may hold (RFC 7617 section 2), would begin another header.
    fn check_credentials(&self) -> Result<(), TransferError> {
        for part in [api::CURLUPART_USER, api::CURLUPART_PASSWORD] {
            if self.has(part) && self.text(part, api::CURLU_URLDECODE).is_err() {
                return Err(TransferError::with_detail(
                    curl::CURLE_URL_MALFORMAT,
                    format_args!("control bytes in a user name or password"),
                ));
            }
        }
        Ok(())
    }

    /// User name and password as they are written in the URL.
    fn credentials(&self) -> [(api::CURLUPart, Option<CString>); 2] {
        [api::CURLUPART_USER, api::CURLUPART_PASSWORD].map(|part| (part, self.text(part, 0).ok()))
    }

    fn set(&self, part: api::CURLUPart, text: &CStr, flags: u32) -> Result<(), TransferError> {
        // SAFETY: the handle is ours, the text NUL-terminated; libcurl copies it.
        let code = unsafe { api::curl_url_set(self.0.as_ptr(), part, text.as_ptr(), flags) };
        if code == api::CURLUE_OK { Ok(()) } else { Err(error_of(code)) }
    }

    fn host(&self) -> Result<String, TransferError> {
        let host = self.text(api::CURLUPART_HOST, 0)?;
        if host.count_bytes() > MAX_HOST {
            return Err(too_long(&host));
        }
        let host = host.into_string().map_err(|_| TransferError::new(curl::CURLE_URL_MALFORMAT))?;
        let unbracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        Ok(unbracketed.unwrap_or(&host).to_owned())
    }

    fn part(&self, part: api::CURLUPart, flags: u32) -> Result<String, TransferError> {
        let text = self.text(part, flags)?;
        text.into_string().map_err(|_| TransferError::new(curl::CURLE_URL_MALFORMAT))
    }

    /// Whether the URL has a part. Most lack the ones that are asked for, and an error's text takes time.
    fn has(&self, part: api::CURLUPart) -> bool {
        self.names(part).unwrap_or(false)
    }

    /// As [`Parsed::has`], which does not tell a lack of memory from that of the part.
    fn names(&self, part: api::CURLUPart) -> Result<bool, TransferError> {
        match self.get(part, 0) {
            Ok(text) => {
                // SAFETY: libcurl's own string, given back once.
                unsafe { curl::curl_free(text.cast()) };
                Ok(true)
            }
            Err(api::CURLUE_OUT_OF_MEMORY) => Err(TransferError::out_of_memory()),
            Err(_) => Ok(false),
        }
    }

    /// A string of libcurl's, to be given back to it.
    fn get(&self, part: api::CURLUPart, flags: u32) -> Result<*mut c_char, api::CURLUcode> {
        let mut text: *mut c_char = std::ptr::null_mut();
        // SAFETY: the handle is ours; on success libcurl hands out a string that the caller gives back.
        let code = unsafe { api::curl_url_get(self.0.as_ptr(), part, &mut text, flags) };
        if code == api::CURLUE_OK && !text.is_null() { Ok(text) } else { Err(code) }
    }

    fn text(&self, part: api::CURLUPart, flags: u32) -> Result<CString, TransferError> {
        self.taken(self.get(part, flags).map_err(error_of)?)
    }

    /// A copy of a string of [`Parsed::get`], which is given back.
    fn taken(&self, text: *mut c_char) -> Result<CString, TransferError> {
        // SAFETY: NUL-terminated on success.
        let copy = heap::c_string(unsafe { CStr::from_ptr(text) }.to_bytes()).map_err(not_copied);
        // SAFETY: libcurl's own string, given back once.
        unsafe { curl::curl_free(text.cast()) };
        copy
    }
}

impl Drop for Parsed {
    fn drop(&mut self) {
        // SAFETY: ours, released once.
        unsafe { api::curl_url_cleanup(self.0.as_ptr()) }
    }
}

fn error_of(code: api::CURLUcode) -> TransferError {
    let of_transfer = match code {
        api::CURLUE_OUT_OF_MEMORY => return TransferError::out_of_memory(),
        api::CURLUE_UNSUPPORTED_SCHEME => curl::CURLE_UNSUPPORTED_PROTOCOL,
        _ => curl::CURLE_URL_MALFORMAT,
    };
    // SAFETY: libcurl returns a static string for every number.
    let reason = unsafe { CStr::from_ptr(api::curl_url_strerror(code)) };
    TransferError::with_detail(of_transfer, format_args!("{}", reason.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, TransferError> {
        Origin::of(&CString::new(url).expect("no NUL in a test URL"))
    }

    #[test]
    fn the_port_is_the_schemes_own_where_none_is_named() {
        let https = origin("https://user:secret@API.example.com/x?y").expect("a good URL");
        assert_eq!((https.scheme.as_str(), https.port), ("https", 443));
        assert_eq!(origin("http://h:8080/").expect("a good URL").port, 8080);
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets() {
        let origin = origin("http://[::1]:81/").expect("a good URL");
        assert_eq!(origin.address(), Some("::1".parse().expect("an address")));
    }

    #[test]
    fn a_missing_scheme_is_http() {
        assert_eq!(origin("example.com/x").expect("a good URL").scheme, "http");
    }

    #[test]
    fn a_missing_scheme_is_put_in_front_and_nothing_else_changes() {
        for (url, expected) in [
            (c"bob:pw@h/?x=http://y", c"http://bob:pw@h/?x=http://y"),
            (c"http.example/", c"http://http.example/"),
            (c"http:80/", c"http://http:80/"),
            (c"HTTPS://h/a/../b", c"HTTPS://h/a/../b"),
            (c"http:/h/", c"http:/h/"),
        ] {
            assert_eq!(with_scheme(url).as_deref(), Ok(expected));
            assert_eq!(Origin::of(url), Origin::of(expected), "{url:?}");
        }
    }

    #[test]
    fn an_international_host_is_seen_in_its_ascii_form_alone() {
        for (url, host, seen) in [
            ("http://b%C3%BCcher.example/ä", "xn--bcher-kva.example", "http://xn--bcher-kva.example/ä"),
            ("BÜCHER.example", "xn--bcher-kva.example", "http://xn--bcher-kva.example/"),
            ("https://ü:p%40ä@faß.example:81/?q#f", "xn--fa-hia.example", "https://ü:p%40ä@xn--fa-hia.example:81/?q#f"),
            ("http://例え。テスト/", "xn--r8jz45g.xn--zckzah", "http://xn--r8jz45g.xn--zckzah/"),
            ("http://１２７.0.0.1/", "127.0.0.1", "http://127.0.0.1/"),
            ("http://p%C3%A4@h/%C3%A4", "h", "http://p%C3%A4@h/%C3%A4"),
            ("http://h_1/ä", "h_1", "http://h_1/ä"),
        ] {
            assert_eq!(origin(url).expect(url).host, host, "{url}");
            let url = CString::new(url).expect("no NUL in a test URL");
            let with_scheme = with_scheme(&url).expect("a good URL");
            assert_eq!(with_scheme.to_str(), Ok(seen));
            assert_eq!(Origin::of(&url), Origin::of(&with_scheme));
        }
        let led = follow(c"http://h/", "//bücher.example/ä".as_bytes()).expect("a good URL");
        assert_eq!(led.as_c_str(), c"http://xn--bcher-kva.example/%c3%a4");
    }

    #[test]
    fn a_host_without_an_ascii_form_is_an_error() {
        for url in ["http://ä\u{ff0f}x/", "http://\u{200e}/", "http://ä%ff.example/", "http://%ff/"] {
            let error = origin(url).expect_err(url);
            assert_eq!(error.code, curl::CURLE_URL_MALFORMAT, "{url}");
            assert!(error.to_string().contains("no ASCII form"), "{url}: {error}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for url in ["file:///etc/passwd", "gopher://h/1", "ftp://h/", "ftp.example.com"] {
            assert_eq!(origin(url).expect_err(url).code, curl::CURLE_UNSUPPORTED_PROTOCOL, "{url}");
        }
    }

    #[test]
    fn a_location_is_seen_from_the_url_before_it() {
        for (base, location, expected) in [
            ("http://h/a/b?q", "c", "http://h/a/c"),
            ("h/a", "?q", "http://h/a?q"),
            ("http://bob:p%40@H:81/", "http://h:81/x", "http://bob:p%40@h:81/x"),
            ("http://bob@h/", "//h/x y", "http://bob@h/x%20y"),
            ("http://bob:pw@h/", "http://eve@h/", "http://eve@h/"),
            ("http://bob:pw@h/", "https://h/", "https://h/"),
            ("http://bob:pw@h/", "http://h:81/", "http://h:81/"),
            ("http://bob:pw@h/", "//i/", "http://i/"),
        ] {
            let base = CString::new(base).expect("no NUL in a test URL");
            assert_eq!(follow(&base, location.as_bytes()).expect(location).to_str(), Ok(expected), "{location}");
        }
    }

    #[test]
    fn no_scheme_of_a_location_is_guessed() {
        for location in ["mailto:a@b", "javascript:1", "h:80/x"] {
            let error = follow(c"http://h/", location.as_bytes()).expect_err(location);
            assert_eq!(error.code, curl::CURLE_UNSUPPORTED_PROTOCOL, "{location}");
        }
    }

    #[test]
    fn a_host_has_255_bytes_at_most() {
        let longest = "h".repeat(MAX_HOST);
        assert_eq!(origin(&format!("http://{longest}/")).expect("a good URL").host, longest);
        let error = origin(&format!("http://{longest}h/")).expect_err("too long");
        assert!(error.to_string().contains("256 bytes"), "{error}");
    }

    #[test]
    fn user_and_password_hold_no_encoded_control_bytes() {
        for url in ["http://bob%0d%0aX:y@h/", "http://bob:a%00b@h/", "http://:%0A@h/"] {
            let error = origin(url).expect_err("control bytes");
            assert!(error.to_string().contains("control bytes"), "{url}: {error}");
        }
        assert!(origin("http://b%20ob:%e2%82%ac@h/").is_ok());
    }

    #[test]
    fn credentials_stand_before_the_host() {
        for url in [c"http://bob@h/", c"bob:pw@h", c"http://:pw@h/", c"http://@h/"] {
            assert_eq!(has_credentials(url), Ok(true), "{url:?}");
        }
        for url in [c"http://h/", c"http://h/sip:bob@h", c"http://h/?to=http://bob:pw@h/", c"http://h/#@"] {
            assert_eq!(has_credentials(url), Ok(false), "{url:?}");
        }
    }

    #[test]
    fn a_url_without_host_is_malformed() {
        assert_eq!(origin("http://").expect_err("no host").code, curl::CURLE_URL_MALFORMAT);
    }
}

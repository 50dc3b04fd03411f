//! One step of a query on its way: the request that goes out now, and what a redirect makes of it.
//!
//! libcurl does not follow redirects itself here, because it would have to look the new host up, and its look-ups make
//! the whole worker wait.

use super::response::Redirects;
use crate::shared::query::{Method, Query, Text};
use crate::transport::error::TransferError;
use crate::transport::origins::Origins;
use crate::transport::url::{self, Origin};
use std::ffi::CString;
use std::rc::Rc;

/// The request that goes out now.
#[derive(Debug)]
pub struct Hop {
    /// Its URL.
    pub url: CString,
    /// Where it goes.
    pub origin: Rc<Origin>,
    /// Its method.
    pub method: Method,
    /// Whether the query's body goes along.
    pub with_body: bool,
    /// Whether a redirect took the body away, and with it the headers that describe it.
    pub lost_body: bool,
    /// Whether what was meant for the first origin alone goes along: user name, password, the query's own client
    /// certificate, `Authorization`, `Proxy-Authorization`, `Cookie` and `Host` headers.
    pub with_credentials: bool,
    /// Redirects so far.
    pub redirects: u32,
    /// Whether it takes a new connection, because a kept one was not fit to be used.
    pub new_connection: bool,
    /// Whether it has gone out before, and nothing came back.
    pub sent_again: bool,
}

impl Hop {
    /// The first request of a query.
    ///
    /// # Errors
    /// The URL is not one of http or https, or memory is exhausted.
    pub fn first(query: &Query, origins: &mut Origins) -> Result<Self, TransferError> {
        let url = query.text(Text::Url).unwrap_or_default();
        let with_body = query.bytes(Text::Body).is_some();
        let default = if with_body { Method::Post } else { Method::Get };
        Ok(Self {
            origin: origins.of(url)?,
            url: url::with_scheme(url)?,
            method: query.options().method.unwrap_or(default),
            with_body,
            lost_body: false,
            with_credentials: true,
            redirects: 0,
            new_connection: false,
            sent_again: false,
        })
    }

    /// The same request once more.
    pub fn again(&self, new_connection: bool) -> Self {
        Self { url: self.url.clone(), origin: Rc::clone(&self.origin), new_connection, sent_again: true, ..*self }
    }

    /// What a redirect in answer to this request is to the query.
    pub fn redirects_are(&self, query: &Query) -> Redirects {
        match (query.options().follow_redirect, self.method) {
            (false, _) => Redirects::Answer,
            (true, Method::Head) => Redirects::LeadWithoutBody,
            (true, _) => Redirects::Lead,
        }
    }

    /// The request after a redirect (RFC 9110 section 15.4): POST becomes GET after 301 and 302, every method but
    /// HEAD after 303. Credentials go only where the ones before them went: same scheme, host and port.
    ///
    /// # Errors
    /// `CURLE_TOO_MANY_REDIRECTS` past `limit`, or the new URL is not one of http or https.
    pub fn redirected(&self, status: u16, location: &[u8], limit: u32) -> Result<Self, TransferError> {
        if self.redirects >= limit {
            return Err(TransferError::with_detail(
                curl_sys::CURLE_TOO_MANY_REDIRECTS,
                format_args!("{limit} is the limit"),
            ));
        }
        let url = url::follow(&self.url, location)?;
        let origin = Rc::new(Origin::of(&url)?);
        let becomes_get = match status {
            301 | 302 => self.method == Method::Post,
            303 => self.method != Method::Head,
            _ => false,
        };
        Ok(Self {
            url,
            with_credentials: self.with_credentials && origin == self.origin,
            origin,
            method: if becomes_get { Method::Get } else { self.method },
            with_body: self.with_body && !becomes_get,
            lost_body: self.lost_body || becomes_get,
            redirects: self.redirects + 1,
            new_connection: false,
            sent_again: false,
        })
    }
}

/// Whether a status sends the client elsewhere (RFC 9110 section 15.4).
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 300 | 301 | 302 | 303 | 307 | 308)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A first request to `a.example`, with a body.
    pub fn hop(method: Method) -> Hop {
        let url = c"http://a.example/";
        let origin = Rc::new(Origin::of(url).expect("a good URL"));
        Hop {
            url: url.to_owned(),
            origin,
            method,
            with_body: true,
            lost_body: false,
            with_credentials: true,
            redirects: 0,
            new_connection: false,
            sent_again: false,
        }
    }

    #[test]
    fn methods_and_bodies_follow_the_status() {
        for (status, method, expected, body) in [
            (301, Method::Post, Method::Get, false),
            (302, Method::Put, Method::Put, true),
            (303, Method::Delete, Method::Get, false),
            (307, Method::Post, Method::Post, true),
            (308, Method::Post, Method::Post, true),
        ] {
            let next = hop(method).redirected(status, b"http://a.example/x", 5).expect("a good URL");
            assert_eq!((next.method, next.with_body), (expected, body), "{status}");
        }
    }

    #[test]
    fn credentials_stay_with_scheme_host_and_port() {
        let to = |url: &str| hop(Method::Get).redirected(302, url.as_bytes(), 5).expect("a good URL").with_credentials;
        assert!(to("http://a.example/elsewhere"));
        assert!(!to("http://b.example/") && !to("https://a.example/") && !to("http://a.example:81/"));
    }

    #[test]
    fn credentials_do_not_come_back() {
        let away = hop(Method::Get).redirected(302, b"http://b.example/", 5).expect("a good URL");
        for location in ["http://a.example/", "http://b.example/within"] {
            assert!(!away.redirected(302, location.as_bytes(), 5).expect("a good URL").with_credentials, "{location}");
        }
    }

    #[test]
    fn a_sixth_redirect_and_another_scheme_are_errors() {
        let mut next = hop(Method::Get);
        for _ in 0..5 {
            next = next.redirected(302, b"http://a.example/", 5).expect("within the limit");
        }
        let error = next.redirected(302, b"http://a.example/", 5).expect_err("past the limit");
        assert_eq!(error.code, curl_sys::CURLE_TOO_MANY_REDIRECTS);
        assert!(hop(Method::Get).redirected(302, b"file:///etc/passwd", 5).is_err());
    }
}

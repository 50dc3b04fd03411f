//! What an easy handle is told once for all queries of a kind. Most queries of a script differ in URL, headers and body
//! alone; to tell libcurl everything each time takes a tenth of a query's time.

use super::connections::{are_shared, stands_apart};
use super::redirect::Hop;
use super::request::has_content;
use super::response::Response;
use super::tls_terms::{KnownFiles, TlsTerms};
use crate::module::settings::Settings;
use crate::shared::query::{HttpVersion, Method, Options, Query, Text};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use crate::transport::global::connections_remember_probes;
use crate::transport::url;
use curl_sys as curl;
use std::ffi::CStr;
use std::time::Duration;

/// Seconds that libcurl keeps the addresses it was given, at least; as long as it keeps those it finds itself.
const ADDRESS_LIFETIME: u64 = 60;

/// `CURLAUTH_NONE`.
const NO_AUTHENTICATION: i64 = 0;

/// libcurl's own default.
const BASIC: u32 = curl::CURLAUTH_BASIC as u32;

/// The options of a request that others may have in common with it, and nothing that is one query's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    method: Method,
    has_content: bool,
    http_version: HttpVersion,
    /// Ways to use its user name and password; `None` where it has neither.
    authmethod: Option<u32>,
    connect_timeout: Duration,
    /// Seconds; `None` where the host is an address.
    address_lifetime: Option<u64>,
    keepalive: Option<Keepalive>,
    /// One query a connection.
    forbids_reuse: bool,
    /// Waits while a connection to the host is made, until it is known whether it takes several streams. A query that did not ask
    /// for HTTP/2 does not: most servers would make it wait in vain. Over plain HTTP libcurl would wait for the first response as well.
    awaits_connection: bool,
    new_connection: bool,
    /// `None` over plain TCP.
    tls: Option<TlsTerms>,
}

/// Seconds, 0 for libcurl's own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keepalive {
    idle: u32,
    interval: u32,
}

impl Setup {
    /// That of one request of a query.
    ///
    /// # Errors
    /// As [`TlsTerms::of`], or memory is exhausted.
    pub fn of(query: &Query, hop: &Hop, settings: &Settings, known: &mut KnownFiles) -> Result<Self, TransferError> {
        let options = query.options();
        let over_tls = hop.origin.scheme == "https";
        let tls = if over_tls { Some(TlsTerms::of(query, hop, settings, known)?) } else { None };
        let stands_alone = tls.as_ref().is_some_and(TlsTerms::stands_alone);
        let shares = are_shared(settings);
        let by_name = hop.origin.address().is_none();
        Ok(Self {
            method: hop.method,
            has_content: has_content(query, hop),
            http_version: options.http_version,
            authmethod: has_credentials(query, hop)?.then(|| authmethod(query)),
            connect_timeout: connect_timeout(options),
            // A transfer that has to connect again finds them until its deadline.
            address_lifetime: by_name.then(|| options.timeout.as_secs().max(ADDRESS_LIFETIME) + 1),
            keepalive: options
                .tcp_keepalive
                .then_some(Keepalive { idle: options.tcp_ka_idle, interval: options.tcp_ka_interval }),
            forbids_reuse: stands_alone || (stands_apart(query, hop) && !shares),
            awaits_connection: shares && over_tls && options.http_version != HttpVersion::Default,
            new_connection: stands_alone || hop.new_connection,
            tls,
        })
    }

    /// The same, with what is left of the time for connections, where that is limited.
    pub fn connecting_within(self, left: Option<Duration>) -> Self {
        // libcurl takes 0 for no limit of ours.
        let left = left.map(|left| left.max(Duration::from_millis(1)));
        Self { connect_timeout: left.unwrap_or(self.connect_timeout), ..self }
    }

    /// Whether a handle with these options may serve another request that has the same. What goes out with credentials leaves
    /// nothing behind. Terms of TLS may stay: they are paths, not what is in the files.
    pub fn may_stay(&self) -> bool {
        self.authmethod.is_none()
    }

    /// Whether libcurl may answer a challenge.
    pub fn has_credentials(&self) -> bool {
        self.authmethod.is_some()
    }

    /// `None` over plain TCP.
    pub fn tls(&self) -> Option<&TlsTerms> {
        self.tls.as_ref()
    }

    /// Sets all of it, on a handle with libcurl's default options.
    ///
    /// # Errors
    /// libcurl refused an option, or memory is exhausted.
    pub fn apply(&self, easy: &Easy<Response>, settings: &Settings) -> Result<(), TransferError> {
        easy.set_number(curl::CURLOPT_PROTOCOLS, i64::from(curl::CURLPROTO_HTTP | curl::CURLPROTO_HTTPS))?;
        // The environment's http_proxy and its kin do not apply.
        easy.set_text(curl::CURLOPT_PROXY, c"")?;
        self.apply_method(easy)?;
        self.apply_http_version(easy)?;
        self.apply_authentication(easy)?;
        self.apply_connection(easy)?;
        self.tls.as_ref().map_or(Ok(()), |terms| terms.apply(easy))?;
        if settings.curl_verbose { easy.trace() } else { Ok(()) }
    }

    fn apply_method(&self, easy: &Easy<Response>) -> Result<(), TransferError> {
        match (self.method, self.has_content) {
            (Method::Get, false) => return easy.set_number(curl::CURLOPT_HTTPGET, 1),
            // libcurl has no answer to a body of a HEAD request, and RFC 9110 section 9.3.2 no meaning.
            (Method::Head, _) => return easy.set_number(curl::CURLOPT_NOBODY, 1),
            (Method::Post, _) => {}
            (method, _) => easy.set_text(curl::CURLOPT_CUSTOMREQUEST, name_of(method))?,
        }
        if self.has_content { easy.set_number(curl::CURLOPT_POST, 1) } else { Ok(()) }
    }

    fn apply_http_version(&self, easy: &Easy<Response>) -> Result<(), TransferError> {
        let version = match self.http_version {
            HttpVersion::Default => return Ok(()),
            HttpVersion::Http2 => curl::CURL_HTTP_VERSION_2_0,
            HttpVersion::Http2PriorKnowledge => curl::CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
        };
        easy.set_number(curl::CURLOPT_HTTP_VERSION, version.into())
    }

    /// A request without credentials gets an empty user name where a connection may still be that of another's probe, and no
    /// way to use it: it is sent as if it had none, but with its body.
    fn apply_authentication(&self, easy: &Easy<Response>) -> Result<(), TransferError> {
        easy.set_number(curl::CURLOPT_HTTPAUTH, self.authmethod.map_or(NO_AUTHENTICATION, i64::from))?;
        let takes_others_probes = self.authmethod.is_none() && connections_remember_probes();
        if takes_others_probes { easy.set_text(curl::CURLOPT_USERNAME, c"") } else { Ok(()) }
    }

    fn apply_connection(&self, easy: &Easy<Response>) -> Result<(), TransferError> {
        if let Some(lifetime) = self.address_lifetime {
            easy.set_number(curl::CURLOPT_DNS_CACHE_TIMEOUT, i64::try_from(lifetime).unwrap_or(i64::MAX))?;
            easy.refuse_lookups()?;
        }
        let connect = i64::try_from(self.connect_timeout.as_millis()).unwrap_or(i64::MAX);
        easy.set_number(curl::CURLOPT_CONNECTTIMEOUT_MS, connect)?;
        easy.set_number(curl::CURLOPT_FORBID_REUSE, self.forbids_reuse.into())?;
        easy.set_number(curl::CURLOPT_PIPEWAIT, self.awaits_connection.into())?;
        easy.set_number(curl::CURLOPT_FRESH_CONNECT, self.new_connection.into())?;
        let Some(Keepalive { idle, interval }) = self.keepalive else {
            return Ok(());
        };
        easy.set_number(curl::CURLOPT_TCP_KEEPALIVE, 1)?;
        if idle > 0 {
            easy.set_number(curl::CURLOPT_TCP_KEEPIDLE, idle.into())?;
        }
        if interval > 0 {
            easy.set_number(curl::CURLOPT_TCP_KEEPINTVL, interval.into())?;
        }
        Ok(())
    }
}

/// The deadline is kept by the worker's own timer; without a limit for connections, libcurl's own of 300 s is lifted above
/// it.
fn connect_timeout(options: &Options) -> Duration {
    let beyond = options.timeout + Duration::from_secs(1);
    Some(options.connect_timeout).filter(|limit| !limit.is_zero()).unwrap_or(beyond)
}

/// Whether libcurl has a user name or a password to send, be it from the URL.
fn has_credentials(query: &Query, hop: &Hop) -> Result<bool, TransferError> {
    let has_own = query.text(Text::Username).is_some() || query.text(Text::Password).is_some();
    Ok((hop.with_credentials && has_own) || url::has_credentials(&hop.url)?)
}

/// Credentials in a URL go out with the first request, as in the C module, which sets ways to authenticate only where
/// there is a user name apart: many servers answer 403 or 404 to strangers and never ask. Who chooses has chosen for them too.
fn authmethod(query: &Query) -> u32 {
    let options = query.options();
    let is_chosen = options.chooses_authmethod || query.text(Text::Username).is_some();
    if is_chosen { options.authmethod } else { BASIC }
}

/// That of a GET request to an address.
#[cfg(test)]
pub const PLAIN: Setup = Setup {
    method: Method::Get,
    has_content: false,
    http_version: HttpVersion::Default,
    authmethod: None,
    connect_timeout: Duration::from_secs(1),
    address_lifetime: None,
    keepalive: None,
    forbids_reuse: false,
    awaits_connection: false,
    new_connection: false,
    tls: None,
};

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

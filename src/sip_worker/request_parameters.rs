//! The `$http_req` parameters that wait for the next query of one message.

use crate::host::message::MessageId;
use crate::host::per_message::PerMessage;
use crate::module::settings::settings;
use crate::shared::query::{HttpVersion, Method};
use std::cell::RefCell;
use std::ffi::CString;
use std::time::Duration;

/// The parameters of one query.
#[derive(Clone, Debug)]
pub struct RequestParameters {
    /// Set when an assignment was refused: the query is then not sent.
    pub refused: bool,
    /// Request headers, in libcurl's form.
    pub headers: Vec<Vec<u8>>,
    /// Request body.
    pub body: Option<Vec<u8>>,
    /// `None`: GET, or POST with a body.
    pub method: Option<Method>,
    /// Deadline, from the call.
    pub timeout: Duration,
    /// Path of the client certificate.
    pub tls_client_cert: Option<CString>,
    /// Path of its key.
    pub tls_client_key: Option<CString>,
    /// Path of the authorities' certificates.
    pub tls_ca_path: Option<CString>,
    /// libcurl's `CURLAUTH_*` bits; `None`: those of the module parameter.
    pub authmethod: Option<u32>,
    /// User name for HTTP authentication.
    pub username: Option<CString>,
    /// Password for HTTP authentication.
    pub password: Option<CString>,
    /// Whether the transaction is suspended, where there is one.
    pub suspend: bool,
    /// Whether TCP keep-alive probes are sent.
    pub tcp_keepalive: bool,
    /// Seconds before the first probe; 0 for libcurl's default.
    pub tcp_ka_idle: u32,
    /// Seconds between probes; 0 for libcurl's default.
    pub tcp_ka_interval: u32,
    /// Whether redirects are followed.
    pub follow_redirect: bool,
    /// Most redirects that are followed.
    pub max_redirects: u32,
    /// Most bytes of a response's body.
    pub max_response_size: u32,
    /// For each connection, TLS included; zero for the deadline alone.
    pub connect_timeout: Duration,
    /// Whether the server's certificate must be for the host of the URL.
    pub tls_verify_host: bool,
    /// Whether the server's certificate must be signed by a known authority.
    pub tls_verify_peer: bool,
    /// Which HTTP version is asked for.
    pub http_version: HttpVersion,
    /// What the callback finds in `$http_xdata`.
    pub xdata: Option<Vec<u8>>,
}

impl RequestParameters {
    /// The defaults: what the module parameters say.
    pub fn from_settings() -> Self {
        let settings = settings();
        Self {
            refused: false,
            headers: Vec::new(),
            body: None,
            method: None,
            timeout: settings.connection_timeout,
            tls_client_cert: settings.tls_client_cert.clone(),
            tls_client_key: settings.tls_client_key.clone(),
            tls_ca_path: settings.tls_ca_path.clone(),
            authmethod: None,
            username: None,
            password: None,
            suspend: true,
            tcp_keepalive: settings.tcp_keepalive,
            tcp_ka_idle: settings.tcp_ka_idle,
            tcp_ka_interval: settings.tcp_ka_interval,
            follow_redirect: settings.curl_follow_redirect,
            max_redirects: settings.max_redirects,
            max_response_size: settings.max_response_size,
            connect_timeout: settings.connect_timeout,
            tls_verify_host: settings.tls_verify_host,
            tls_verify_peer: settings.tls_verify_peer,
            http_version: HttpVersion::Default,
            xdata: None,
        }
    }
}

thread_local! {
    static PENDING: RefCell<PerMessage<RequestParameters>> = const { RefCell::new(PerMessage::new()) };
}

/// Changes what waits for the next query of `message`.
pub fn pending<R>(message: MessageId, change: impl FnOnce(&mut RequestParameters) -> R) -> R {
    let mut parameters = take(message);
    let result = change(&mut parameters);
    PENDING.with_borrow_mut(|pending| pending.insert(message, parameters));
    result
}

/// Takes what waits for the next query of `message`; the one after it starts from the defaults.
pub fn take(message: MessageId) -> RequestParameters {
    PENDING.with_borrow_mut(|pending| pending.take(message)).unwrap_or_else(RequestParameters::from_settings)
}

/// Forgets what waits, whoever left it.
pub fn forget() {
    PENDING.with_borrow_mut(PerMessage::clear);
}

//! The values of the module parameters. Written while the configuration is read, in main; read by every process.

use super::parameters::{PARAMETERS, ParameterKind};
use crate::transport::authorities::{Authorities, NoAuthorities};
use crate::transport::global::MemoryManager;
use parking_lot::{RwLock, RwLockReadGuard};
use std::ffi::CString;
use std::sync::LazyLock;
use std::time::Duration;

/// The values of all module parameters, each a default of `$http_req` or a property of the workers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// HTTP worker processes.
    pub workers: u32,
    /// Deadline of a query, from the call.
    pub connection_timeout: Duration,
    /// Transfers that a worker makes room for, and idle connections that it keeps; a power of two.
    pub hash_size: u32,
    /// libcurl's `CURL_SSLVERSION_*`.
    pub tls_version: u32,
    /// Whether the certificate must be for the host of the URL.
    pub tls_verify_host: bool,
    /// Whether the certificate must be signed by a known authority.
    pub tls_verify_peer: bool,
    /// Whether libcurl's trace and both header blocks are logged.
    pub curl_verbose: bool,
    /// Whether redirects are followed.
    pub curl_follow_redirect: bool,
    /// Whose memory libcurl uses.
    pub memory_manager: MemoryManager,
    /// Path of the client certificate.
    pub tls_client_cert: Option<CString>,
    /// Path of its key.
    pub tls_client_key: Option<CString>,
    /// Path of the authorities' certificates.
    pub tls_ca_path: Option<CString>,
    /// Whether TCP keep-alive probes are sent.
    pub tcp_keepalive: bool,
    /// Seconds before the first probe; 0 for libcurl's default.
    pub tcp_ka_idle: u32,
    /// Seconds between probes; 0 for libcurl's default.
    pub tcp_ka_interval: u32,
    /// libcurl's `CURLAUTH_*` bits.
    pub authmethod: u32,
    /// For each connection, TLS included; zero for the deadline alone.
    pub connect_timeout: Duration,
    /// Most bytes of a response's body.
    pub max_response_size: u32,
    /// Most redirects that are followed.
    pub max_redirects: u32,
    /// Queries that may wait for one worker.
    pub queue_size: u32,
    /// Transfers in flight in one worker.
    pub max_in_flight: u32,
    /// Host names that one worker looks up at a time.
    pub max_lookups: u32,
    /// Longest time that addresses are kept; zero for not at all.
    pub dns_cache_time: Duration,
    /// Connections of one worker to one host and port; 0 for no limit.
    pub max_connections_per_host: u32,
    /// HTTP/2 requests under way on one connection.
    pub max_streams: u32,
}

impl Settings {
    /// The defaults of the table.
    pub fn from_defaults() -> Self {
        let mut settings = Self {
            workers: 0,
            connection_timeout: Duration::ZERO,
            hash_size: 0,
            tls_version: 0,
            tls_verify_host: false,
            tls_verify_peer: false,
            curl_verbose: false,
            curl_follow_redirect: false,
            memory_manager: MemoryManager::System,
            tls_client_cert: None,
            tls_client_key: None,
            tls_ca_path: None,
            tcp_keepalive: false,
            tcp_ka_idle: 0,
            tcp_ka_interval: 0,
            authmethod: 0,
            connect_timeout: Duration::ZERO,
            max_response_size: 0,
            max_redirects: 0,
            queue_size: 0,
            max_in_flight: 0,
            max_lookups: 0,
            dns_cache_time: Duration::ZERO,
            max_connections_per_host: 0,
            max_streams: 0,
        };
        for parameter in PARAMETERS {
            match parameter.kind {
                ParameterKind::Integer { default, store, .. } => store(&mut settings, default),
                ParameterKind::Choice { default, store, .. } => store(&mut settings, default),
                ParameterKind::Path { .. } => {}
            }
        }
        settings
    }
}

/// Why a file that a parameter names is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableFile {
    /// The parameter, the path and the reason, in one line.
    pub line: String,
    /// Whether the server may find it of use nevertheless: as another user of the system, or from its own working directory.
    pub may_serve: bool,
}

impl Settings {
    /// Looks at the files without which queries would quietly do something else than the parameters say. What libcurl itself
    /// refuses is an error of the query.
    ///
    /// # Errors
    /// The first that is of no use.
    pub fn check_files(&self) -> Result<(), UnusableFile> {
        let Some(path) = &self.tls_ca_path else {
            return Ok(());
        };
        Authorities::at(path).map(|_| ()).map_err(|reason| UnusableFile {
            line: format!("parameter tls_ca_path: {}: {reason}", path.to_string_lossy()),
            may_serve: reason == NoAuthorities::Unreadable(libc::EACCES) || !path.to_bytes().starts_with(b"/"),
        })
    }
}

static SETTINGS: LazyLock<RwLock<Settings>> = LazyLock::new(|| RwLock::new(Settings::from_defaults()));

/// Changes the settings. Main process, while the configuration is read.
pub fn change(change: impl FnOnce(&mut Settings)) {
    change(&mut SETTINGS.write());
}

/// The settings. Any process.
pub fn settings() -> RwLockReadGuard<'static, Settings> {
    SETTINGS.read()
}

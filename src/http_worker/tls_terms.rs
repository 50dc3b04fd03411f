//! The TLS terms of a request: who is trusted, and who we are. Part of what an easy handle is set up with; they are paths and
//! numbers, and nothing secret.

use super::client_keys::{ClientKeys, MOST_IDLE_SECONDS};
use super::known_authorities::KnownAuthorities;
use super::redirect::Hop;
use super::response::Response;
use crate::host::heap;
use crate::module::settings::Settings;
use crate::shared::clock::Instant;
use crate::shared::query::{Query, Text};
use crate::transport::authorities::{Authorities, NoAuthorities};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use crate::transport::tls_sessions;
use crate::transport::url::Origin;
use curl_sys as curl;
use std::ffi::{CStr, CString};

/// Bytes, the least that libcurl takes. libcurl 7.88 copies every request over TLS into a buffer of this size, and keeps it until
/// the transfer ends; its own 64 KiB a transfer would be more than all shared memory with a thousand in flight.
const SEND_BUFFER: i64 = 16 * 1024;

type Result<T> = std::result::Result<T, TransferError>;

/// What a worker knows of the files that its queries name.
#[derive(Debug, Default)]
pub struct KnownFiles {
    authorities: KnownAuthorities,
    client_keys: ClientKeys,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsTerms {
    /// The least version of TLS, libcurl's `CURL_SSLVERSION_*`.
    version: u32,
    verify_peer: bool,
    verify_host: bool,
    /// Path of the known authorities, and what is there; `None` for those of the system.
    authorities: Option<(CString, Authorities)>,
    certificate: Option<CString>,
    key: Option<CString>,
    /// Whether it neither takes a kept connection nor leaves its own, because those for its certificate were opened with another key.
    stands_alone: bool,
}

impl TlsTerms {
    /// Those of one request of a query.
    ///
    /// # Errors
    /// There are no authorities at the path that the query names, or memory is exhausted.
    pub fn of(query: &Query, hop: &Hop, settings: &Settings, known: &mut KnownFiles) -> Result<Self> {
        let options = query.options();
        let now = Instant::now();
        let (certificate, key) = client_certificate(query, hop, settings);
        let stands_alone = certificate
            .is_some_and(|certificate| !known.client_keys.may_share(certificate, key, now, now.after(options.timeout)));
        let authorities = match query.text(Text::TlsCaPath) {
            Some(path) => Some((copy(path)?, known.authorities.at(path, now).map_err(|why| unusable(path, why))?)),
            None => None,
        };
        Ok(Self {
            version: options.tls_version,
            verify_peer: options.tls_verify_peer,
            verify_host: options.tls_verify_host,
            authorities,
            certificate: certificate.map(copy).transpose()?,
            key: key.map(copy).transpose()?,
            stands_alone,
        })
    }

    /// Whether the request neither takes a kept connection nor leaves its own.
    pub fn stands_alone(&self) -> bool {
        self.stands_alone
    }

    /// Sets all of it, on a handle with libcurl's default options.
    ///
    /// # Errors
    /// libcurl refused an option, or memory is exhausted.
    pub fn apply(&self, easy: &Easy<Response>) -> Result<()> {
        easy.set_number(curl::CURLOPT_SSLVERSION, self.version.into())?;
        easy.set_number(curl::CURLOPT_SSL_VERIFYPEER, self.verify_peer.into())?;
        easy.set_number(curl::CURLOPT_SSL_VERIFYHOST, if self.verify_host { 2 } else { 0 })?;
        match &self.authorities {
            Some((path, Authorities::File)) => easy.set_text(curl::CURLOPT_CAINFO, path)?,
            Some((path, Authorities::Folder)) => easy.set_text(curl::CURLOPT_CAPATH, path)?,
            None => {}
        }
        if let Some(certificate) = &self.certificate {
            easy.set_text(curl::CURLOPT_SSLCERT, certificate)?;
            easy.set_number(curl::CURLOPT_MAXAGE_CONN, MOST_IDLE_SECONDS.into())?;
        }
        if let Some(key) = &self.key {
            easy.set_text(curl::CURLOPT_SSLKEY, key)?;
        }
        easy.set_number(curl::CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER)
    }

    /// What a TLS session with an origin is good for under these terms.
    pub fn of_session<'a>(&'a self, origin: &'a Origin) -> tls_sessions::Terms<'a> {
        tls_sessions::Terms {
            host: &origin.host,
            port: origin.port,
            version: self.version,
            verify_peer: self.verify_peer,
            verify_host: self.verify_host,
            authorities: self.authorities.as_ref().map(|(path, _)| path.as_c_str()),
            certificate: self.certificate.as_deref(),
            key: self.key.as_deref(),
        }
    }
}

fn copy(path: &CStr) -> Result<CString> {
    heap::c_string(path.to_bytes()).map_err(|_| TransferError::out_of_memory())
}

fn unusable(path: &CStr, why: NoAuthorities) -> TransferError {
    let path = path.to_string_lossy();
    TransferError::with_detail(curl::CURLE_SSL_CACERT_BADFILE, format_args!("tls_ca_path {path}: {why}"))
}

/// Certificate and key. The query's own are for the origin that the script named; the module's are for all. A query without
/// one shows none.
fn client_certificate<'a>(query: &'a Query, hop: &Hop, settings: &'a Settings) -> (Option<&'a CStr>, Option<&'a CStr>) {
    match (query.text(Text::TlsClientCert), query.text(Text::TlsClientKey)) {
        (Some(_), _) if !hop.with_credentials => {
            (settings.tls_client_cert.as_deref(), settings.tls_client_key.as_deref())
        }
        own => own,
    }
}

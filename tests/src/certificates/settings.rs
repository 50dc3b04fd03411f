//! What a TLS server shows and asks for.

use std::sync::Arc;

use rcgen::{Certificate, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};

type Versions = &'static [&'static SupportedProtocolVersion];

const ONLY_TLS12: Versions = &[&rustls::version::TLS12];
const ONLY_TLS13: Versions = &[&rustls::version::TLS13];

/// The certificate chain and key of a TLS server, and what it asks of its clients.
#[derive(Debug)]
pub struct TlsSettings {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authority: Option<CertificateDer<'static>>,
    versions: Versions,
    with_tickets: bool,
}

impl TlsSettings {
    pub(super) fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            client_authority: None,
            versions: DEFAULT_VERSIONS,
            with_tickets: false,
        }
    }

    /// Shows the certificate of its issuer as well.
    #[must_use]
    pub(super) fn with_issuer(mut self, certificate: &Certificate) -> Self {
        self.chain.push(certificate.der().clone());
        self
    }

    /// Refuses clients without a certificate signed by `authority`.
    #[must_use]
    pub fn require_client_certificate(mut self, authority: CertificateDer<'static>) -> Self {
        self.client_authority = Some(authority);
        self
    }

    /// Speaks only TLS 1.2 (RFC 5246).
    #[must_use]
    pub fn only_tls12(mut self) -> Self {
        self.versions = ONLY_TLS12;
        self
    }

    /// Speaks only TLS 1.3 (RFC 8446).
    #[must_use]
    pub fn only_tls13(mut self) -> Self {
        self.versions = ONLY_TLS13;
        self
    }

    /// Gives sessions to its clients as tickets (RFC 5077), which hold all of them. Otherwise it keeps them itself, and each
    /// of TLS 1.3 serves once.
    #[must_use]
    pub fn with_tickets(mut self) -> Self {
        self.with_tickets = true;
        self
    }

    /// The settings in the form rustls wants.
    ///
    /// # Panics
    /// When the key does not belong to the certificate or a certificate is malformed.
    pub(crate) fn server_configuration(self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let verifier = client_verifier(self.client_authority, &provider);
        let mut configuration = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .expect("protocol versions that ring offers")
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .expect("a key that belongs to the certificate");
        if self.with_tickets {
            configuration.ticketer = ring::Ticketer::new().expect("random numbers");
        }
        configuration
    }
}

impl Clone for TlsSettings {
    /// A private key does not copy itself without being told so, hence no derived implementation.
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            client_authority: self.client_authority.clone(),
            versions: self.versions,
            with_tickets: self.with_tickets,
        }
    }
}

fn client_verifier(
    authority: Option<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Arc<dyn ClientCertVerifier> {
    let Some(authority) = authority else { return WebPkiClientVerifier::no_client_auth() };
    WebPkiClientVerifier::builder_with_provider(Arc::new(only(authority)), Arc::clone(provider))
        .build()
        .expect("a verifier of client certificates")
}

fn only(authority: CertificateDer<'static>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("a certificate of an authority");
    roots
}

/// A client that trusts `authority` and shows no certificate of its own.
pub(super) fn client_configuration(authority: CertificateDer<'static>) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions that ring offers")
        .with_root_certificates(only(authority))
        .with_no_client_auth()
}

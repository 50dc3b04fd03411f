//! Certificates for TLS tests, made anew for each test run: a certification authority, servers that are right or wrong
//! in one respect each, and a client. All keys are ECDSA P-256.

mod settings;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::ClientConfig;
pub use settings::TlsSettings;
use tempfile::TempDir;

/// The names of the server certificates for the address that tests connect to.
const SERVER_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];
/// A common name that a careless script would write into a SIP message as two lines.
const MULTILINE_NAME: &str = "elsewhere\r\nX-Smuggled: yes";
/// A name that no test server has (RFC 6761 section 6.5).
const OTHER_NAME: &str = "elsewhere.example";

/// A certification authority and the certificates it signed, in memory and as PEM files in a temporary folder. Dropping it
/// removes the folder.
#[derive(Debug)]
pub struct TestCertificates {
    folder: TempDir,
    server: TlsSettings,
    other_name: TlsSettings,
    expired: TlsSettings,
    self_signed: TlsSettings,
    not_yet_valid: TlsSettings,
    multiline_name: TlsSettings,
    chains: Chains,
    authority: Certificate,
}

/// Servers whose certificate the authority did not sign itself.
#[derive(Debug)]
struct Chains {
    whole: TlsSettings,
    without_intermediate: TlsSettings,
    intermediate_is_no_authority: TlsSettings,
    unknown_authority: TlsSettings,
}

impl TestCertificates {
    /// Makes all certificates and writes them into a temporary folder of their own.
    ///
    /// # Panics
    /// When a file cannot be written, or the `openssl` command is missing or fails.
    pub fn temporary() -> Self {
        Self::of_authority("Authority of the end-to-end tests")
    }

    /// The same, of an authority with another name.
    ///
    /// # Panics
    /// As [`Self::temporary`].
    pub fn of_authority(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (authority, issuer) = make_authority(name);
        let make = |name: &str, parameters: CertificateParams| {
            let key = make_key();
            let certificate = parameters.signed_by(&key, &issuer).expect("a signed certificate");
            write_pair(folder.path(), name, &certificate, &key);
            TlsSettings::new(&certificate, &key)
        };
        write_authority(folder.path(), &authority);
        make("client", client_parameters());
        Self {
            server: make("server", server_parameters(&SERVER_NAMES)),
            other_name: make("other-name", server_parameters(&[OTHER_NAME])),
            expired: make("expired", expired_parameters()),
            self_signed: make_self_signed(folder.path()),
            not_yet_valid: make("not-yet-valid", not_yet_valid_parameters()),
            multiline_name: make("multiline-name", parameters(&[], MULTILINE_NAME)),
            chains: make_chains(name, &issuer),
            authority,
            folder,
        }
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The certificate of the authority, `ca.pem`, as for `CURLOPT_CAINFO`.
    pub fn ca_file(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// A folder that finds the authority by the hash of its name, as for `CURLOPT_CAPATH`.
    pub fn ca_directory(&self) -> PathBuf {
        self.folder().join("ca")
    }

    /// The certificate of [`Self::server`].
    pub fn server_certificate(&self) -> PathBuf {
        self.folder().join("server.pem")
    }

    /// The private key to [`Self::server_certificate`].
    pub fn server_key(&self) -> PathBuf {
        self.folder().join("server.key")
    }

    /// The certificate of a client, signed by the authority.
    pub fn client_certificate(&self) -> PathBuf {
        self.folder().join("client.pem")
    }

    /// The private key to [`Self::client_certificate`], PKCS #8 without a pass phrase.
    pub fn client_key(&self) -> PathBuf {
        self.folder().join("client.key")
    }

    /// A self-signed certificate for `localhost`, which no authority vouches for.
    pub fn self_signed_certificate(&self) -> PathBuf {
        self.folder().join("self-signed.pem")
    }

    /// The private key to [`Self::self_signed_certificate`].
    pub fn self_signed_key(&self) -> PathBuf {
        self.folder().join("self-signed.key")
    }

    /// What a TLS client of the tests' own needs to trust the authority, and no other.
    ///
    /// # Panics
    /// rustls refuses the authority's certificate.
    pub fn client_configuration(&self) -> ClientConfig {
        settings::client_configuration(self.authority.der().clone())
    }

    /// A server for `localhost` and 127.0.0.1, signed by the authority.
    pub fn server(&self) -> TlsSettings {
        self.server.clone()
    }

    /// The same server, which refuses clients without a certificate of the authority.
    pub fn server_requiring_client_certificate(&self) -> TlsSettings {
        self.server().require_client_certificate(self.authority.der().clone())
    }

    /// A server whose certificate is only for `elsewhere.example`.
    pub fn server_with_other_name(&self) -> TlsSettings {
        self.other_name.clone()
    }

    /// A server for `localhost` whose certificate ended in the year 2001.
    pub fn server_expired(&self) -> TlsSettings {
        self.expired.clone()
    }

    /// A server for `localhost` whose certificate begins in the year 2999.
    pub fn server_not_yet_valid(&self) -> TlsSettings {
        self.not_yet_valid.clone()
    }

    /// A server whose certificate has a common name with a line end in it, and no other name.
    pub fn server_with_multiline_name(&self) -> TlsSettings {
        self.multiline_name.clone()
    }

    /// A server for `localhost` behind an intermediate authority, whose certificate it shows.
    pub fn server_with_intermediate(&self) -> TlsSettings {
        self.chains.whole.clone()
    }

    /// The same server, which does not show the certificate of the intermediate authority.
    pub fn server_without_intermediate(&self) -> TlsSettings {
        self.chains.without_intermediate.clone()
    }

    /// A server for `localhost` signed with a certificate that is for servers alone.
    pub fn server_signed_by_server(&self) -> TlsSettings {
        self.chains.intermediate_is_no_authority.clone()
    }

    /// A server for `localhost` signed by an authority of the same name as the known one, with another key.
    pub fn server_of_unknown_authority(&self) -> TlsSettings {
        self.chains.unknown_authority.clone()
    }

    /// A server for `localhost` with [`Self::self_signed_certificate`].
    pub fn server_self_signed(&self) -> TlsSettings {
        self.self_signed.clone()
    }
}

fn make_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("an ECDSA P-256 key")
}

fn make_authority(name: &str) -> (Certificate, Issuer<'static, KeyPair>) {
    let parameters = authority_parameters(name);
    let key = make_key();
    let certificate = parameters.self_signed(&key).expect("a certificate of the authority");
    (certificate, Issuer::new(parameters, key))
}

fn make_self_signed(folder: &Path) -> TlsSettings {
    let key = make_key();
    let certificate = server_parameters(&SERVER_NAMES).self_signed(&key).expect("a self-signed certificate");
    write_pair(folder, "self-signed", &certificate, &key);
    TlsSettings::new(&certificate, &key)
}

fn make_chains(name: &str, issuer: &Issuer<'static, KeyPair>) -> Chains {
    let (whole, without_intermediate) = make_chain(issuer, authority_parameters("Intermediate authority"));
    let (intermediate_is_no_authority, _) = make_chain(issuer, server_parameters(&SERVER_NAMES));
    let (_, unknown) = make_authority(name);
    let (unknown_authority, _) = make_chain(&unknown, authority_parameters("Intermediate authority"));
    Chains { whole, without_intermediate, intermediate_is_no_authority, unknown_authority }
}

/// A server signed by an intermediate certificate, with and without showing it.
fn make_chain(issuer: &Issuer<'static, KeyPair>, intermediate: CertificateParams) -> (TlsSettings, TlsSettings) {
    let key = make_key();
    let certificate = intermediate.signed_by(&key, issuer).expect("an intermediate certificate");
    let intermediate = Issuer::new(intermediate, key);
    let key = make_key();
    let server = server_parameters(&SERVER_NAMES).signed_by(&key, &intermediate).expect("a signed certificate");
    (TlsSettings::new(&server, &key).with_issuer(&certificate), TlsSettings::new(&server, &key))
}

fn authority_parameters(common_name: &str) -> CertificateParams {
    let mut parameters = parameters(&[], common_name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn parameters(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("names that fit into a certificate");
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters
}

fn server_parameters(names: &[&str]) -> CertificateParams {
    let mut parameters = parameters(names, names[0]);
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

fn expired_parameters() -> CertificateParams {
    let mut parameters = server_parameters(&SERVER_NAMES);
    parameters.not_before = date_time_ymd(2000, 1, 1);
    parameters.not_after = date_time_ymd(2001, 1, 1);
    parameters
}

fn not_yet_valid_parameters() -> CertificateParams {
    let mut parameters = server_parameters(&SERVER_NAMES);
    parameters.not_before = date_time_ymd(2999, 1, 1);
    parameters.not_after = date_time_ymd(3000, 1, 1);
    parameters
}

fn client_parameters() -> CertificateParams {
    let mut parameters = parameters(&[], "Client of the end-to-end tests");
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    parameters
}

fn write_pair(folder: &Path, name: &str, certificate: &Certificate, key: &KeyPair) {
    write(&folder.join(name).with_extension("pem"), &certificate.pem());
    write(&folder.join(name).with_extension("key"), &key.serialize_pem());
}

fn write_authority(folder: &Path, authority: &Certificate) {
    let directory = folder.join("ca");
    fs::create_dir_all(&directory).expect("a folder for the authority");
    write(&folder.join("ca.pem"), &authority.pem());
    write(&directory.join("ca.pem"), &authority.pem());
    let rehash = Command::new("openssl").arg("rehash").arg(&directory).status().expect("the openssl command");
    assert!(rehash.success(), "openssl rehash: {rehash}");
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

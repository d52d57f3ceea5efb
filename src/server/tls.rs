//! TLS for the server, with a certificate from files or a generated one.
//!
//! The server offers TLS 1.2 and 1.3 (rustls has nothing older), and HTTP/2, 1.1 and 1.0 by ALPN. Generated
//! certificates have ECDSA P-256 keys, because rcgen with ring cannot generate RSA keys. A client that is too old for
//! ECDSA needs an RSA certificate from files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::certificate_authority::CertificateAuthority;
use super::{ServerError, io_error};

/// Where the server's certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// PEM files. Their dates and host names are not checked.
    Files {
        /// The server's certificate, followed by intermediate certificates.
        chain: PathBuf,
        /// Its private key, not encrypted: PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
        key: PathBuf,
    },
    /// A certificate authority that is generated once and stored as `ca.pem` and `ca-key.pem`, and a certificate that
    /// it issues at each start: for localhost, 127.0.0.1, `::1`, this machine's host name and `host_names`.
    Generated {
        /// The folder of the two files. Nothing is written if they exist. If they cannot be written, the certificate
        /// authority exists in memory only, and a warning is logged.
        data_dir: PathBuf,
        /// Further host names or IP addresses of the certificate.
        host_names: Vec<String>,
    },
}

/// What the server needs to accept TLS connections.
pub(super) struct TlsConfig {
    pub(super) acceptor: TlsAcceptor,
    /// The certificate of the certificate authority that clients must trust, if it is a generated one.
    pub(super) ca_pem: Option<String>,
}

/// Loads or generates the certificate.
pub(super) fn configure(source: &CertificateSource, now: DateTime<Utc>) -> Result<TlsConfig, ServerError> {
    match source {
        CertificateSource::Files { chain, key } => {
            let server = server_config(read_chain(chain)?, read_key(key)?)
                .map_err(|error| file_error(key, format!("does not fit {}: {error}", chain.display())))?;
            Ok(TlsConfig { acceptor: TlsAcceptor::from(Arc::new(server)), ca_pem: None })
        }
        CertificateSource::Generated { data_dir, host_names } => {
            let authority = CertificateAuthority::load_or_generate(data_dir, now)?;
            let (certificate, key) = authority.issue(host_names, now)?;
            let server = server_config(vec![certificate], key)
                .map_err(|error| ServerError::CertificateGeneration(error.to_string()))?;
            Ok(TlsConfig {
                acceptor: TlsAcceptor::from(Arc::new(server)),
                ca_pem: Some(authority.into_pem()),
            })
        }
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut server = ServerConfig::builder_with_provider(crypto_provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // `curl --http1.0` offers only http/1.0, and a handshake without a common protocol fails.
    server.alpn_protocols = [&b"h2"[..], b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).into();
    Ok(server)
}

/// The cryptography provider. Every configuration names it, so no process-wide default is needed.
pub(super) fn crypto_provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let pem = read(path)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| file_error(path, format!("not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(file_error(path, "no certificate in it (looked for BEGIN CERTIFICATE)"));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ServerError> {
    use rustls::pki_types::pem::Error::NoItemsFound;
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        NoItemsFound => file_error(path, "no private key in it (looked for BEGIN PRIVATE KEY, unencrypted)"),
        error => file_error(path, format!("not PEM: {error}")),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(|error: io::Error| file_error(path, io_error::describe(&error)))
}

/// An error about one certificate or key file, on one line.
pub(super) fn file_error(path: &Path, reason: impl Into<String>) -> ServerError {
    ServerError::CertificateFile { path: path.to_owned(), reason: reason.into().replace('\n', " ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    /// A folder with a certificate and its key.
    fn certificate_files() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let pair = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&pair).unwrap();
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        (folder, chain, key)
    }

    fn error_message(chain: &Path, key: &Path) -> String {
        let source = CertificateSource::Files { chain: chain.to_owned(), key: key.to_owned() };
        let error = configure(&source, DateTime::UNIX_EPOCH).err().unwrap().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    #[test]
    fn a_given_certificate_and_key_are_used_and_no_authority_is_offered() {
        let (_folder, chain, key) = certificate_files();
        let tls = configure(&CertificateSource::Files { chain, key }, DateTime::UNIX_EPOCH).unwrap();
        assert!(tls.ca_pem.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_given_file_is_message_in_one_line_that_names_it() {
        let (folder, chain, key) = certificate_files();
        let absent = folder.path().join("absent.pem");
        let (_other, _, other_key) = certificate_files();
        let prefix = |path: &Path| format!("cannot use {}: ", path.display());

        let message = error_message(&absent, &key);
        assert_eq!(message, prefix(&absent) + "no such file");
        let message = error_message(&key, &key);
        assert_eq!(message, prefix(&key) + "no certificate in it (looked for BEGIN CERTIFICATE)");
        let message = error_message(&chain, &chain);
        assert!(message.starts_with(&(prefix(&chain) + "no private key in it")), "{message}");
        let message = error_message(&chain, &other_key);
        assert!(message.starts_with(&(prefix(&other_key) + "does not fit ")), "{message}");
        std::fs::write(&chain, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
        let message = error_message(&chain, &key);
        assert!(message.starts_with(&(prefix(&chain) + "not PEM: ")), "{message}");
    }
}

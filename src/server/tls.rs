//! TLS: the server's side of it, with a given certificate or one of our own making.
//!
//! TLS 1.2 and 1.3 are offered (rustls speaks nothing older), and HTTP/2, 1.1 and 1.0 by ALPN. Certificates of our
//! own making have ECDSA P-256 keys, because rcgen on ring cannot make RSA keys; a client too old for ECDSA needs
//! an RSA certificate made elsewhere and given as files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ServerError;
use super::authority;
use super::listener::reason;

/// Where the server's certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// Files in PEM form; their dates and names are the owner's business.
    Files {
        /// The server's certificate, then the intermediate ones.
        chain: PathBuf,
        /// Its private key: PKCS#8, PKCS#1 (RSA) or SEC1 (EC), not encrypted.
        key: PathBuf,
    },
    /// An authority made once and kept as `ca.pem` and `ca-key.pem`, and a certificate made by it at each start:
    /// for localhost, 127.0.0.1, `::1`, this host's name and the four Amazon host names of FPS.
    Authority {
        /// The folder of the two files. It is touched only when the authority must be made; where nothing can be
        /// written, an authority is made in memory, with a warning.
        data_dir: PathBuf,
        /// More host names or IP addresses for the certificate, a container's service name for instance.
        extra_names: Vec<String>,
    },
}

/// Ready to speak TLS.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    /// The authority that clients must trust, if it is our own.
    pub(super) ca_pem: Option<String>,
}

/// Reads or makes the certificate.
pub(super) fn prepare(source: &CertificateSource, now: DateTime<Utc>) -> Result<Tls, ServerError> {
    match source {
        CertificateSource::Files { chain, key } => {
            let server = server_config(read_chain(chain)?, read_key(key)?)
                .map_err(|error| unusable(key, format!("does not fit {}: {error}", chain.display())))?;
            Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(server)), ca_pem: None })
        }
        CertificateSource::Authority { data_dir, extra_names } => {
            let authority = authority::open(data_dir, now)?;
            let (certificate, key) = authority.issue(extra_names, now)?;
            let server = server_config(vec![certificate], key)
                .map_err(|error| ServerError::Making(error.to_string()))?;
            Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(server)), ca_pem: Some(authority.into_pem()) })
        }
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // `curl --http1.0` offers only the last, and a handshake without a common protocol fails.
    server.alpn_protocols = [&b"h2"[..], b"http/1.1", b"http/1.0"].map(<[u8]>::to_vec).into();
    Ok(server)
}

/// The cryptography: always named, so that no process-wide default is needed.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let pem = read(path)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(path, format!("not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(unusable(path, "no certificate in it (looked for BEGIN CERTIFICATE)"));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ServerError> {
    use rustls::pki_types::pem::Error::NoItemsFound;
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        NoItemsFound => unusable(path, "no private key in it (looked for BEGIN PRIVATE KEY, unencrypted)"),
        error => unusable(path, format!("not PEM: {error}")),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ServerError> {
    std::fs::read(path).map_err(|error: io::Error| unusable(path, reason(&error)))
}

/// An error about one file, on one line.
pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> ServerError {
    ServerError::Certificate { path: path.to_owned(), reason: reason.into().replace('\n', " ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    /// A folder with a certificate and its key.
    fn folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let pair = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&pair).unwrap();
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        (folder, chain, key)
    }

    fn message(chain: &Path, key: &Path) -> String {
        let source = CertificateSource::Files { chain: chain.to_owned(), key: key.to_owned() };
        let error = prepare(&source, DateTime::UNIX_EPOCH).err().unwrap().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    #[test]
    fn a_given_certificate_and_key_are_used_and_no_authority_is_offered() {
        let (_folder, chain, key) = folder();
        let tls = prepare(&CertificateSource::Files { chain, key }, DateTime::UNIX_EPOCH).unwrap();
        assert!(tls.ca_pem.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_given_file_is_said_in_one_line_that_names_it() {
        let (folder, chain, key) = folder();
        let absent = folder.path().join("absent.pem");
        let (_other, _, other_key) = self::folder();
        let shown = |path: &Path| format!("cannot use {}: ", path.display());

        let said = message(&absent, &key);
        assert_eq!(said, shown(&absent) + "no such file");
        let said = message(&key, &key);
        assert_eq!(said, shown(&key) + "no certificate in it (looked for BEGIN CERTIFICATE)");
        let said = message(&chain, &chain);
        assert!(said.starts_with(&(shown(&chain) + "no private key in it")), "{said}");
        let said = message(&chain, &other_key);
        assert!(said.starts_with(&(shown(&other_key) + "does not fit ")), "{said}");
        std::fs::write(&chain, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
        let said = message(&chain, &key);
        assert!(said.starts_with(&(shown(&chain) + "not PEM: ")), "{said}");
    }
}

//! TLS and its certificates.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;

use super::super::tls::crypto_provider;
use super::*;

/// A server with HTTPS whose certificate authority is stored in `folder`.
pub(super) async fn tls_server(folder: &std::path::Path, request_timeout: Duration) -> Server {
    let host_names =
        crate::host_names::AMAZON_HOSTS.into_iter().chain(["fps.test"]).map(str::to_owned).collect();
    let certificate = CertificateSource::Generated { data_dir: folder.to_owned(), host_names };
    let https = Some(HttpsSettings { listen: "127.0.0.1:0".into(), certificate });
    Server::start(ServerSettings { https, request_timeout, ..settings() }).await
}

/// The time at which a test client checks certificates.
#[derive(Debug)]
struct FixedTime(DateTime<Utc>);

impl TimeProvider for FixedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.timestamp()).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Connects a client that trusts only `ca_pem` and takes `at` for the current time.
pub(super) async fn tls_connect(
    server: &Server,
    ca_pem: &str,
    name: &str,
    at: DateTime<Utc>,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_details(crypto_provider(), Arc::new(FixedTime(at)))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.https.unwrap()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    timeout(LONG_TIMEOUT, tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream))
        .await
        .unwrap()
}

#[tokio::test]
async fn every_name_is_verified_by_a_client_that_trusts_only_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), LONG_TIMEOUT).await;
    let pem = server.ca_pem.clone().unwrap();
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "fps.test",
        "fps.sandbox.amazonaws.com",
        "fps.amazonaws.com",
        "authorize.payments-sandbox.amazon.com",
        "authorize.payments.amazon.com",
    ] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            tls_connect(&server, &pem, name, now(), version, &[]).await.unwrap();
        }
    }
    let refused = tls_connect(&server, &pem, "example.com", now(), &rustls::version::TLS13, &[]).await;
    assert!(refused.unwrap_err().to_string().contains("not valid for name"));
}

#[tokio::test]
async fn certificates_are_valid_from_a_day_before_for_397_days_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), LONG_TIMEOUT).await;
    let pem = server.ca_pem.clone().unwrap();
    for (days, valid) in [(-2, false), (0, true), (395, true), (397, false)] {
        let at = now() + chrono::TimeDelta::days(days) + chrono::TimeDelta::hours(1);
        let version = &rustls::version::TLS13;
        assert_eq!(tls_connect(&server, &pem, "localhost", at, version, &[]).await.is_ok(), valid, "{days}");
    }
}

#[tokio::test]
async fn tls_serves_the_same_router_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), LONG_TIMEOUT).await;
    let pem = server.ca_pem.clone().unwrap();
    let mut stream = tls_connect(&server, &pem, "localhost", now(), &rustls::version::TLS12, &[b"http/1.0"])
        .await
        .unwrap();
    stream.write_all(b"POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\na").await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.contains(&format!("local={}", server.https.unwrap())), "{answer}");
    assert!(answer.contains("tls=true body=a"), "{answer}");
}

#[tokio::test]
async fn a_later_start_shows_a_new_certificate_of_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let first = tls_server(folder.path(), LONG_TIMEOUT).await;
    let pem = first.ca_pem.clone().unwrap();
    drop(first);
    let second = tls_server(folder.path(), LONG_TIMEOUT).await;
    assert_eq!(second.ca_pem.as_deref(), Some(&*pem));
    tls_connect(&second, &pem, "localhost", now(), &rustls::version::TLS13, &[]).await.unwrap();
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_come_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SHORT_TIMEOUT).await;
    let mut stream = TcpStream::connect(server.https.unwrap()).await.unwrap();
    assert_eq!(read_to_close(&mut stream).await, "");
}

//! A local certificate authority: generated once, stored in two files, and used to issue server certificates.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use crate::files::write_atomically;

use super::tls::{crypto_provider, file_error};
use super::{ServerError, io_error};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;
/// A certificate becomes valid this long before it is generated, for clients whose clocks are behind; in seconds.
const BACKDATE_SECONDS: u64 = SECONDS_PER_DAY;
/// How long the certificate authority is valid after it is generated, in seconds: ten years.
const CA_LIFETIME_SECONDS: u64 = 3650 * SECONDS_PER_DAY;
/// How long an issued certificate is valid after it is generated, in seconds. With the day before that makes 397 days,
/// the maximum that browsers accept.
const CERTIFICATE_LIFETIME_SECONDS: u64 = 396 * SECONDS_PER_DAY;
/// The latest time written into a certificate, in seconds after 1970: in the year 8307.
const MAX_CERTIFICATE_SECONDS: u64 = 200_000_000_000;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
const REMEDY: &str = "put it right, or remove ca.pem and ca-key.pem to have a new authority made";

/// A certificate authority that can issue certificates.
pub(super) struct CertificateAuthority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// The path of its certificate, for error messages.
    path: PathBuf,
}

/// Why a certificate authority cannot be created in a folder.
enum CreateError {
    /// The folder is not writable. An authority in memory is the alternative.
    NotWritable(io::Error),
    /// A file in the folder is unusable. Its owner has to act.
    Unusable(ServerError),
}

impl From<io::Error> for CreateError {
    fn from(error: io::Error) -> Self {
        Self::NotWritable(error)
    }
}

impl From<ServerError> for CreateError {
    fn from(error: ServerError) -> Self {
        Self::Unusable(error)
    }
}

impl CertificateAuthority {
    /// Loads the authority stored in `data_dir`, or generates it there. If the folder is not writable, the authority
    /// exists in memory only, and a warning is logged.
    ///
    /// Two processes that do this at the same time get the same authority.
    pub(super) fn load_or_generate(data_dir: &Path, now: DateTime<Utc>) -> Result<Self, ServerError> {
        if let (Some(pem), Some(key)) = read_files(data_dir)? {
            return Self::parse(data_dir, pem, &key);
        }
        match Self::create(data_dir, now) {
            Ok(authority) => Ok(authority),
            Err(CreateError::Unusable(error)) => Err(error),
            Err(CreateError::NotWritable(error)) => {
                tracing::warn!(
                    "cannot store a certificate authority in {}: {}; this one is lost when the server stops",
                    data_dir.display(),
                    io_error::describe(&error)
                );
                let key = generate_key()?;
                let pem = generate_ca_certificate(&key, now)?;
                Self::parse(data_dir, pem, &key.serialize_pem())
            }
        }
    }

    /// Creates the authority in its folder, or loads it if another process was faster.
    ///
    /// The folder itself is the lock. The key is written first and the certificate is generated from it, so a crash
    /// between the two leaves a key, and the next start adds the certificate.
    fn create(data_dir: &Path, now: DateTime<Utc>) -> Result<Self, CreateError> {
        let _lock = lock_folder(data_dir)?;
        let (pem_path, key_path) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(KEY_FILE));
        let (pem, key) = read_files(data_dir)?;
        let key = match key {
            Some(key) => key,
            None if pem.is_some() => {
                let reason = format!("{CERTIFICATE_FILE} is there but its key is not; {REMEDY}");
                return Err(file_error(&key_path, reason).into());
            }
            None => {
                let key = generate_key()?.serialize_pem();
                write_atomically(&key_path, &key, 0o600)?;
                key
            }
        };
        let pem = if let Some(pem) = pem {
            pem
        } else {
            let pem = generate_ca_certificate(&parse_key(&key_path, &key)?, now)?;
            write_atomically(&pem_path, &pem, 0o644)?;
            pem
        };
        Ok(Self::parse(data_dir, pem, &key)?)
    }

    fn parse(data_dir: &Path, pem: String, key: &str) -> Result<Self, ServerError> {
        let path = data_dir.join(CERTIFICATE_FILE);
        let key = parse_key(&data_dir.join(KEY_FILE), key)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .map_err(|error| file_error(&path, format!("no usable certificate in it ({error}); {REMEDY}")))?;
        Ok(Self { pem, issuer, path })
    }

    /// The certificate that clients must trust, in PEM.
    pub(super) fn into_pem(self) -> String {
        self.pem
    }

    /// Issues a server certificate with a new key, for this machine's names and `host_names`.
    pub(super) fn issue(
        &self,
        host_names: &[String],
        now: DateTime<Utc>,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), ServerError> {
        if let Some(name) = host_names.iter().find(|name| !is_valid_subject(name)) {
            let reason = format!("{name:?} is neither a host name nor an IP address");
            return Err(ServerError::CertificateGeneration(reason));
        }
        let subjects = CertificateParams::new(subject_names(host_names)).map_err(generation_error)?;
        let mut params = certificate_params("FPS Sandbox", CERTIFICATE_LIFETIME_SECONDS, now);
        params.subject_alt_names = subjects.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = generate_key()?;
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).map_err(generation_error)?.into();
        self.verify_issued(&certificate, now)?;
        Ok((certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }

    /// Verifies an issued certificate as a client does. This detects a `ca.pem` that does not belong to its key.
    fn verify_issued(&self, certificate: &CertificateDer<'_>, now: DateTime<Utc>) -> Result<(), ServerError> {
        let error = |reason: String| file_error(&self.path, format!("{reason}; {REMEDY}"));
        let mut roots = RootCertStore::empty();
        let ca_certificate = CertificateDer::from_pem_slice(self.pem.as_bytes())
            .map_err(|problem| error(problem.to_string()))?;
        roots.add(ca_certificate).map_err(|problem| error(problem.to_string()))?;
        let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
            .build()
            .map_err(|problem| error(problem.to_string()))?;
        let name = ServerName::try_from("localhost").map_err(|problem| error(problem.to_string()))?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(unix_seconds(now)));
        client
            .verify_server_cert(certificate, &[], &name, &[], now)
            .map_err(|problem| error(format!("does not belong to {KEY_FILE} ({problem})")))?;
        Ok(())
    }
}

/// Creates the folder if necessary, and locks it against other processes for as long as the returned file is open.
fn lock_folder(data_dir: &Path) -> io::Result<File> {
    fs::create_dir_all(data_dir)?;
    let folder = File::open(data_dir)?;
    match folder.lock() {
        // Some network file systems have no locks. Then two first starts at the same time may overwrite each other.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(folder),
    }
}

/// Reads the stored certificate and key, in this order: the certificate is written last, so a key is stored whenever
/// a certificate is.
fn read_files(data_dir: &Path) -> Result<(Option<String>, Option<String>), ServerError> {
    Ok((read_file(&data_dir.join(CERTIFICATE_FILE))?, read_file(&data_dir.join(KEY_FILE))?))
}

/// Reads a file; `None` if it does not exist.
fn read_file(path: &Path) -> Result<Option<String>, ServerError> {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound};
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) if error.kind() == InvalidData => Err(file_error(path, format!("not PEM; {REMEDY}"))),
        Err(error) => Err(file_error(path, io_error::describe(&error))),
    }
}

fn generate_key() -> Result<KeyPair, ServerError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(generation_error)
}

fn parse_key(path: &Path, pem: &str) -> Result<KeyPair, ServerError> {
    KeyPair::from_pem(pem)
        .map_err(|error| file_error(path, format!("no usable key in it ({error}); {REMEDY}")))
}

/// Generates the authority's own certificate. Its name contains four bytes of its key, because clients that trust two
/// authorities of the same name use either of them.
fn generate_ca_certificate(key: &KeyPair, now: DateTime<Utc>) -> Result<String, ServerError> {
    let tag = key.der_bytes().iter().rev().take(4).fold(0_u32, |tag, byte| tag << 8 | u32::from(*byte));
    let mut params = certificate_params(&format!("FPS Sandbox CA {tag:08x}"), CA_LIFETIME_SECONDS, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(generation_error)?.pem())
}

/// The parameters of a certificate with this name and lifetime (in seconds).
fn certificate_params(common_name: &str, lifetime: u64, now: DateTime<Utc>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = unix_seconds(now);
    let date_time =
        |second: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(second.min(MAX_CERTIFICATE_SECONDS));
    params.not_before = date_time(now.saturating_sub(BACKDATE_SECONDS));
    params.not_after = date_time(now.saturating_add(lifetime));
    params
}

/// Seconds after 1970; 0 for earlier times.
fn unix_seconds(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp()).unwrap_or(0)
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn generation_error(error: rcgen::Error) -> ServerError {
    ServerError::CertificateGeneration(error.to_string())
}

/// The names and addresses of a certificate, in the order of the certificate and without repetition.
fn subject_names(host_names: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(host_names.iter().cloned());
    let machine = hostname::get().ok().and_then(|name| name.into_string().ok());
    // A machine name that is no DNS name is of no use to clients, and the certificate could not contain it.
    names.extend(machine.map(|name| name.to_lowercase()).filter(|name| is_valid_subject(name)));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Whether a client can ask for this host name or address.
fn is_valid_subject(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000, 0).unwrap()
    }

    fn load(folder: &Path) -> String {
        CertificateAuthority::load_or_generate(folder, now()).unwrap().into_pem()
    }

    fn load_error(folder: &Path) -> String {
        let error = CertificateAuthority::load_or_generate(folder, now())
            .and_then(|authority| authority.issue(&[], now()))
            .unwrap_err();
        let message = error.to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }

    #[test]
    fn an_authority_is_made_once_with_a_private_key_file_and_used_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/tls");
        let first = load(&folder);
        let mode = |file: &str| fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(KEY_FILE), 0o600);
        assert_eq!(mode(CERTIFICATE_FILE) & 0o644, mode(CERTIFICATE_FILE));
        assert_eq!(fs::read_to_string(folder.join(CERTIFICATE_FILE)).unwrap(), first);
        assert_eq!(load(&folder), first);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn many_first_starts_at_once_end_with_one_authority() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || load(&path))
            })
            .collect();
        let mut pems: Vec<String> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        pems.dedup();
        assert_eq!(pems, [fs::read_to_string(path.join(CERTIFICATE_FILE)).unwrap()]);
    }

    #[test]
    fn a_start_that_crashed_between_the_two_files_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path());
        let key = fs::read(folder.path().join(KEY_FILE)).unwrap();
        fs::remove_file(folder.path().join(CERTIFICATE_FILE)).unwrap();
        load(folder.path());
        assert_eq!(fs::read(folder.path().join(KEY_FILE)).unwrap(), key);
        CertificateAuthority::load_or_generate(folder.path(), now()).unwrap().issue(&[], now()).unwrap();
    }

    #[test]
    fn where_nothing_can_be_written_the_authority_lives_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        fs::write(&file, "in the way").unwrap();
        let first = load(&file.join("data"));
        assert_ne!(load(&file.join("data")), first);
    }

    #[test]
    fn a_damaged_file_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path());
        let (pem, key) = (folder.path().join(CERTIFICATE_FILE), folder.path().join(KEY_FILE));
        let good = fs::read(&pem).unwrap();
        for damage in [&b"nonsense"[..], b"\xff\xfe", &good[..good.len() / 2]] {
            fs::write(&pem, damage).unwrap();
            let message = load_error(folder.path());
            assert!(message.starts_with(&format!("cannot use {}: ", pem.display())), "{message}");
            assert!(message.ends_with(REMEDY), "{message}");
        }
        fs::write(&pem, good).unwrap();
        fs::write(&key, "nonsense").unwrap();
        assert!(
            load_error(folder.path()).starts_with(&format!("cannot use {}: no usable key", key.display()))
        );
        fs::remove_file(&key).unwrap();
        assert!(
            load_error(folder.path()).starts_with(&format!("cannot use {}: ca.pem is there", key.display()))
        );
    }

    #[test]
    fn a_certificate_of_another_key_is_found_out() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        load(folder.path());
        load(other.path());
        fs::copy(other.path().join(KEY_FILE), folder.path().join(KEY_FILE)).unwrap();
        assert!(load_error(folder.path()).contains("ca.pem: does not belong to ca-key.pem"));
    }

    #[test]
    fn certificates_hold_the_extra_names_and_refuse_what_is_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let authority = CertificateAuthority::load_or_generate(folder.path(), now()).unwrap();
        authority.issue(&["fps.test".into(), "10.1.2.3".into(), "localhost".into()], now()).unwrap();
        let error = authority.issue(&["no name".into()], now()).unwrap_err().to_string();
        assert_eq!(error, "cannot make a certificate: \"no name\" is neither a host name nor an IP address");
    }

    #[test]
    fn any_instant_can_be_certified() {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC] {
            let key = generate_key().unwrap();
            generate_ca_certificate(&key, now).unwrap();
        }
    }
}

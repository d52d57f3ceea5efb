//! A certificate authority of our own, made once, and the certificates it issues.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
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

use super::ServerError;
use super::listener::reason;
use super::tls::{provider, unusable};

/// The names FPS clients know: the service and the Co-Branded pages, sandbox and live.
const AMAZON_NAMES: [&str; 4] = [
    "fps.sandbox.amazonaws.com",
    "fps.amazonaws.com",
    "authorize.payments-sandbox.amazon.com",
    "authorize.payments.amazon.com",
];
const DAY: u64 = 24 * 60 * 60;
/// A certificate begins this long before it is made, for clients whose clocks are behind; in seconds.
const BACKDATED: u64 = DAY;
/// How long the authority is valid after it is made, in seconds: ten years.
const AUTHORITY_LIFE: u64 = 3650 * DAY;
/// How long an issued certificate is valid after it is made, in seconds: with the day before, 397 days in all,
/// which is the most that browsers take.
const CERTIFICATE_LIFE: u64 = 396 * DAY;
/// The last instant we write into a certificate, in seconds after 1970: somewhere in the year 8307.
const LAST_INSTANT: u64 = 200_000_000_000;

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";
const REMEDY: &str = "put it right, or remove ca.pem and ca-key.pem to have a new authority made";

/// An authority ready to issue certificates.
pub(super) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// The file to blame when what it issues does not hold.
    path: PathBuf,
}

/// Opens the authority kept in `data_dir`, or makes it there; where nothing can be written, in memory.
///
/// Two processes may do this at once: they end with the same authority.
pub(super) fn open(data_dir: &Path, now: DateTime<Utc>) -> Result<Authority, ServerError> {
    if let (Some(pem), Some(key)) = kept(data_dir)? {
        return Authority::read(data_dir, pem, &key);
    }
    match make_in(data_dir, now) {
        Ok(authority) => Ok(authority),
        Err(Failure::Unusable(error)) => Err(error),
        Err(Failure::NotWritable(error)) => {
            tracing::warn!(
                "cannot keep a certificate authority in {}: {}; this one lives until the server ends",
                data_dir.display(),
                reason(&error)
            );
            let key = new_key()?;
            let pem = new_certificate(&key, now)?;
            Authority::read(data_dir, pem, &key.serialize_pem())
        }
    }
}

/// Why an authority cannot be made in a folder.
enum Failure {
    /// Nothing can be written there; memory will do.
    NotWritable(io::Error),
    /// What stands there is no good, and its owner must know.
    Unusable(ServerError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::NotWritable(error)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::Unusable(error)
    }
}

/// Makes the authority in its folder, or reads it if another process was quicker.
///
/// The folder itself is the lock. The key is written first and the certificate is made from it, so that a crash
/// between the two leaves a key that the next start completes.
fn make_in(data_dir: &Path, now: DateTime<Utc>) -> Result<Authority, Failure> {
    let _lock = lock(data_dir)?;
    let (pem_path, key_path) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(KEY_FILE));
    let (pem, key) = kept(data_dir)?;
    let key = match key {
        Some(key) => key,
        None if pem.is_some() => {
            let reason = format!("{CERTIFICATE_FILE} is there but its key is not; {REMEDY}");
            return Err(unusable(&key_path, reason).into());
        }
        None => written(&key_path, new_key()?.serialize_pem(), 0o600)?,
    };
    let pem = match pem {
        Some(pem) => pem,
        None => written(&pem_path, new_certificate(&parse_key(&key_path, &key)?, now)?, 0o644)?,
    };
    Ok(Authority::read(data_dir, pem, &key)?)
}

/// The folder, made if need be, locked against other processes for as long as the file is open.
fn lock(data_dir: &Path) -> io::Result<File> {
    fs::create_dir_all(data_dir)?;
    let folder = File::open(data_dir)?;
    match folder.lock() {
        // Some network file systems know no locks; then two first starts at once are the owner's risk.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(folder),
    }
}

/// Certificate and key as they stand in the folder; the certificate first, because it is written last.
fn kept(data_dir: &Path) -> Result<(Option<String>, Option<String>), ServerError> {
    Ok((read(&data_dir.join(CERTIFICATE_FILE))?, read(&data_dir.join(KEY_FILE))?))
}

fn read(path: &Path) -> Result<Option<String>, ServerError> {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound};
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) if error.kind() == InvalidData => Err(unusable(path, format!("not PEM; {REMEDY}"))),
        Err(error) => Err(unusable(path, reason(&error))),
    }
}

/// The text, once it stands in its file: whole or not at all, by another name first.
fn written(path: &Path, text: String, mode: u32) -> io::Result<String> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    let draft = PathBuf::from(draft);
    // Left over from a crash, perhaps with other permissions.
    let _absent = fs::remove_file(&draft);
    let renamed = write_new(&draft, &text, mode).and_then(|()| fs::rename(&draft, path));
    if renamed.is_err() {
        let _absent = fs::remove_file(&draft);
    }
    renamed.map(|()| text)
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn new_key() -> Result<KeyPair, ServerError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| making(&error))
}

fn parse_key(path: &Path, pem: &str) -> Result<KeyPair, ServerError> {
    KeyPair::from_pem(pem).map_err(|error| unusable(path, format!("no usable key in it ({error}); {REMEDY}")))
}

/// The authority's own certificate. Its name holds four bytes of its key, because clients that trust two
/// authorities of one name pick either.
fn new_certificate(key: &KeyPair, now: DateTime<Utc>) -> Result<String, ServerError> {
    let tag = key.der_bytes().iter().rev().take(4).fold(0_u32, |tag, byte| tag << 8 | u32::from(*byte));
    let mut params = params(&format!("FPS Sandbox CA {tag:08x}"), AUTHORITY_LIFE, now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(|error| making(&error))?.pem())
}

/// A certificate's name and dates.
fn params(common_name: &str, life: u64, now: DateTime<Utc>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = seconds(now);
    let at = |second: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(second.min(LAST_INSTANT));
    params.not_before = at(now.saturating_sub(BACKDATED));
    params.not_after = at(now.saturating_add(life));
    params
}

/// Seconds after 1970; before it counts as 1970.
fn seconds(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or(0)
}

fn making(error: &rcgen::Error) -> ServerError {
    ServerError::Making(error.to_string())
}

/// The names and addresses a certificate is made for, in the order of the certificate.
fn names(extra: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(AMAZON_NAMES.map(str::to_owned));
    let host = hostname::get().ok().and_then(|name| name.into_string().ok()).map(|name| name.to_lowercase());
    // A host name that is no DNS name is of no use to a client either.
    names.extend(host.filter(|name| is_certifiable(name)));
    names.extend(extra.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Whether a client could ask for this name (or address).
fn is_certifiable(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}

impl Authority {
    fn read(data_dir: &Path, pem: String, key: &str) -> Result<Self, ServerError> {
        let path = data_dir.join(CERTIFICATE_FILE);
        let key = parse_key(&data_dir.join(KEY_FILE), key)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .map_err(|error| unusable(&path, format!("no usable certificate in it ({error}); {REMEDY}")))?;
        Ok(Self { pem, issuer, path })
    }

    /// The certificate that clients must trust, in PEM.
    pub(super) fn into_pem(self) -> String {
        self.pem
    }

    /// Issues a server certificate with a key of its own, for the usual names and `extra` ones.
    pub(super) fn issue(
        &self,
        extra: &[String],
        now: DateTime<Utc>,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), ServerError> {
        if let Some(name) = extra.iter().find(|name| !is_certifiable(name)) {
            return Err(ServerError::Making(format!("{name:?} is neither a host name nor an IP address")));
        }
        let named = CertificateParams::new(names(extra)).map_err(|error| making(&error))?;
        let mut params = params("FPS Sandbox", CERTIFICATE_LIFE, now);
        params.subject_alt_names = named.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = new_key()?;
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).map_err(|error| making(&error))?.into();
        self.prove(&certificate, now)?;
        Ok((certificate, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }

    /// Looks at an issued certificate as a client does: finds a `ca.pem` that does not belong to its key.
    fn prove(&self, certificate: &CertificateDer<'_>, now: DateTime<Utc>) -> Result<(), ServerError> {
        let wrong = |reason: String| unusable(&self.path, format!("{reason}; {REMEDY}"));
        let mut roots = RootCertStore::empty();
        let own =
            CertificateDer::from_pem_slice(self.pem.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        roots.add(own).map_err(|error| wrong(error.to_string()))?;
        let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let name = ServerName::try_from("localhost").map_err(|error| wrong(error.to_string()))?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds(now)));
        client
            .verify_server_cert(certificate, &[], &name, &[], now)
            .map_err(|error| wrong(format!("does not belong to {KEY_FILE} ({error})")))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000, 0).unwrap()
    }

    fn opened(folder: &Path) -> String {
        open(folder, now()).unwrap().into_pem()
    }

    fn refusal(folder: &Path) -> String {
        let error = open(folder, now()).and_then(|authority| authority.issue(&[], now())).unwrap_err();
        let message = error.to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }

    #[test]
    fn an_authority_is_made_once_with_a_private_key_file_and_used_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data/tls");
        let first = opened(&folder);
        let mode = |file: &str| fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(KEY_FILE), 0o600);
        assert_eq!(mode(CERTIFICATE_FILE) & 0o644, mode(CERTIFICATE_FILE));
        assert_eq!(fs::read_to_string(folder.join(CERTIFICATE_FILE)).unwrap(), first);
        assert_eq!(opened(&folder), first);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn many_first_starts_at_once_end_with_one_authority() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || opened(&path))
            })
            .collect();
        let mut pems: Vec<String> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        pems.dedup();
        assert_eq!(pems, [fs::read_to_string(path.join(CERTIFICATE_FILE)).unwrap()]);
    }

    #[test]
    fn a_start_that_crashed_between_the_two_files_is_completed() {
        let folder = tempfile::tempdir().unwrap();
        opened(folder.path());
        let key = fs::read(folder.path().join(KEY_FILE)).unwrap();
        fs::remove_file(folder.path().join(CERTIFICATE_FILE)).unwrap();
        opened(folder.path());
        assert_eq!(fs::read(folder.path().join(KEY_FILE)).unwrap(), key);
        open(folder.path(), now()).unwrap().issue(&[], now()).unwrap();
    }

    #[test]
    fn where_nothing_can_be_written_the_authority_lives_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        fs::write(&file, "in the way").unwrap();
        let first = opened(&file.join("data"));
        assert_ne!(opened(&file.join("data")), first);
    }

    #[test]
    fn a_damaged_file_is_named_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        opened(folder.path());
        let (pem, key) = (folder.path().join(CERTIFICATE_FILE), folder.path().join(KEY_FILE));
        let good = fs::read(&pem).unwrap();
        for damage in [&b"nonsense"[..], b"\xff\xfe", &good[..good.len() / 2]] {
            fs::write(&pem, damage).unwrap();
            let message = refusal(folder.path());
            assert!(message.starts_with(&format!("cannot use {}: ", pem.display())), "{message}");
            assert!(message.ends_with(REMEDY), "{message}");
        }
        fs::write(&pem, good).unwrap();
        fs::write(&key, "nonsense").unwrap();
        assert!(refusal(folder.path()).starts_with(&format!("cannot use {}: no usable key", key.display())));
        fs::remove_file(&key).unwrap();
        assert!(
            refusal(folder.path()).starts_with(&format!("cannot use {}: ca.pem is there", key.display()))
        );
    }

    #[test]
    fn a_certificate_of_another_key_is_found_out() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        opened(folder.path());
        opened(other.path());
        fs::copy(other.path().join(KEY_FILE), folder.path().join(KEY_FILE)).unwrap();
        assert!(refusal(folder.path()).contains("ca.pem: does not belong to ca-key.pem"));
    }

    #[test]
    fn certificates_hold_the_extra_names_and_refuse_what_is_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let authority = open(folder.path(), now()).unwrap();
        authority.issue(&["fps.test".into(), "10.1.2.3".into(), "localhost".into()], now()).unwrap();
        let error = authority.issue(&["no name".into()], now()).unwrap_err().to_string();
        assert_eq!(error, "cannot make a certificate: \"no name\" is neither a host name nor an IP address");
    }

    #[test]
    fn any_instant_can_be_certified() {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC] {
            let key = new_key().unwrap();
            new_certificate(&key, now).unwrap();
        }
    }
}

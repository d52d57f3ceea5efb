//! The key that the sandbox signs messages with: RSA, as FPS's was, with a certificate for merchants that verify.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::{self, VerifyingKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::signature::{Keypair, SignatureEncoding, Signer, Verifier};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::random;

/// The size of the key. FPS's sandbox key had 1024 bits, which some of today's libraries refuse; that of production had
/// 2048.
const KEY_BITS: usize = 2048;
/// The length of a line of a signature in characters: signatures are wrapped like mail (observed).
const LINE_LENGTH: usize = 76;
const CERTIFICATE_HEADER: &str = "-----BEGIN CERTIFICATE-----";

/// A private key and its certificate.
pub struct SigningKey {
    key: pkcs1v15::SigningKey<Sha1>,
    verifying: VerifyingKey<Sha1>,
    private_pem: String,
    certificate: String,
    /// The first four bytes of the certificate's SHA-256.
    fingerprint: u32,
}

/// Does not show the private key.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// A signing key cannot be generated, read or used.
#[derive(Debug, thiserror::Error)]
#[error("the key that signs messages is unusable: {0}")]
pub struct SigningKeyError(String);

fn key_error(error: impl std::fmt::Display) -> SigningKeyError {
    SigningKeyError(error.to_string())
}

impl SigningKey {
    /// Generates a key. This takes most of a second.
    pub fn generate() -> Result<Self, SigningKeyError> {
        let key = RsaPrivateKey::new(&mut random::secure_rng(), KEY_BITS).map_err(key_error)?;
        let private = key.to_pkcs8_pem(LineEnding::LF).map_err(key_error)?;
        let certificate = generate_certificate(&private)?;
        Ok(Self::from_parts(key, private.to_string(), certificate))
    }

    /// Reads the text of [`to_pem`](Self::to_pem).
    pub fn from_pem(pem: &str) -> Result<Self, SigningKeyError> {
        let at = pem.find(CERTIFICATE_HEADER).ok_or_else(|| key_error("it has no certificate"))?;
        let (private, certificate) = pem.split_at(at);
        let key = RsaPrivateKey::from_pkcs8_pem(private).map_err(key_error)?;
        Ok(Self::from_parts(key, private.to_owned(), certificate.to_owned()))
    }

    fn from_parts(key: RsaPrivateKey, private_pem: String, certificate: String) -> Self {
        let digest = Sha256::digest(certificate.as_bytes());
        let fingerprint = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let key = pkcs1v15::SigningKey::<Sha1>::new(key);
        let verifying = key.verifying_key();
        Self { key, verifying, private_pem, certificate, fingerprint }
    }

    /// The private key and the certificate (PEM); secret.
    pub fn to_pem(&self) -> String {
        format!("{}{}", self.private_pem, self.certificate)
    }

    /// The certificate (PEM).
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The path under which the certificate is served. Each key has its own, because clients cache certificates by URL.
    pub fn certificate_path(&self) -> String {
        format!("/certs/{:08x}/PKICert.pem", self.fingerprint)
    }

    /// Signs a text: RSASSA-PKCS1-v1_5 with SHA-1, in base64, with line breaks.
    pub fn sign(&self, text: &str) -> Result<String, SigningKeyError> {
        let signature = self.key.try_sign(text.as_bytes()).map_err(key_error)?;
        let line = STANDARD.encode(signature.to_bytes());
        let lines: Vec<_> = line.as_bytes().chunks(LINE_LENGTH).map(String::from_utf8_lossy).collect();
        Ok(lines.join("\n"))
    }

    /// Whether `signature` is this key's signature of `text`.
    pub fn verify(&self, text: &str, signature: &[u8]) -> bool {
        let signature = pkcs1v15::Signature::try_from(signature);
        signature.is_ok_and(|signature| self.verifying.verify(text.as_bytes(), &signature).is_ok())
    }
}

/// Generates a self-signed certificate. Its validity covers every time that a sandbox clock is likely to show.
fn generate_certificate(private_pem: &str) -> Result<String, SigningKeyError> {
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(private_pem, &PKCS_RSA_SHA256).map_err(key_error)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "FPS Sandbox");
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    Ok(params.self_signed(&key).map_err(key_error)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_and_is_the_same_after_it_was_stored() {
        let key = SigningKey::generate().unwrap();
        let stored = SigningKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(stored.certificate_path(), key.certificate_path());
        let signature = key.sign("text").unwrap();
        assert!(signature.lines().count() > 1 && signature.lines().all(|line| line.len() <= LINE_LENGTH));
        let bytes = STANDARD.decode(signature.replace('\n', "")).unwrap();
        assert!(stored.verify("text", &bytes));
        assert!(!stored.verify("texts", &bytes));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}

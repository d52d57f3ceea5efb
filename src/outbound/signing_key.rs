//! The key that the sandbox signs messages with: RSA, as FPS's was, with a certificate for those who check.

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

/// FPS's sandbox key had 1024 bits, which libraries of today refuse here and there; that of production had 2048.
const BITS: usize = 2048;
/// Signatures are wrapped like mail (observed).
const LINE: usize = 76;
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// A private key and its certificate.
pub struct SigningKey {
    key: pkcs1v15::SigningKey<Sha1>,
    verifying: VerifyingKey<Sha1>,
    private_pem: String,
    certificate: String,
    name: u32,
}

/// Never shows the key.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A key that cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the key that signs messages is unusable: {0}")]
pub struct UnusableKey(String);

fn unusable(problem: impl std::fmt::Display) -> UnusableKey {
    UnusableKey(problem.to_string())
}

impl SigningKey {
    /// Makes a key. That is work for a good part of a second.
    pub fn make() -> Result<Self, UnusableKey> {
        let key = RsaPrivateKey::new(&mut random::secure_rng(), BITS).map_err(unusable)?;
        let private = key.to_pkcs8_pem(LineEnding::LF).map_err(unusable)?;
        let certificate = certificate(&private)?;
        Ok(Self::from_parts(key, private.to_string(), certificate))
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote.
    pub fn from_pem(pem: &str) -> Result<Self, UnusableKey> {
        let at = pem.find(CERTIFICATE).ok_or_else(|| unusable("it has no certificate"))?;
        let (private, certificate) = pem.split_at(at);
        let key = RsaPrivateKey::from_pkcs8_pem(private).map_err(unusable)?;
        Ok(Self::from_parts(key, private.to_owned(), certificate.to_owned()))
    }

    fn from_parts(key: RsaPrivateKey, private_pem: String, certificate: String) -> Self {
        let digest = Sha256::digest(certificate.as_bytes());
        let name = digest.iter().take(4).fold(0_u32, |name, byte| name << 8 | u32::from(*byte));
        let key = pkcs1v15::SigningKey::<Sha1>::new(key);
        let verifying = key.verifying_key();
        Self { key, verifying, private_pem, certificate, name }
    }

    /// The key and the certificate as text, to be kept secret.
    pub fn to_pem(&self) -> String {
        format!("{}{}", self.private_pem, self.certificate)
    }

    /// The certificate (PEM).
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The path under which the certificate is served: one for each key, because clients keep what they fetched.
    pub fn certificate_path(&self) -> String {
        format!("/certs/{:08x}/PKICert.pem", self.name)
    }

    /// The signature of a text: RSASSA-PKCS1-v1_5 with SHA-1, in base64, wrapped.
    pub fn sign(&self, text: &str) -> Result<String, UnusableKey> {
        let signature = self.key.try_sign(text.as_bytes()).map_err(unusable)?;
        let line = STANDARD.encode(signature.to_bytes());
        let lines: Vec<_> = line.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
        Ok(lines.join("\n"))
    }

    /// Whether the signature is this key's, over this text.
    pub fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let signature = pkcs1v15::Signature::try_from(signature);
        signature.is_ok_and(|signature| self.verifying.verify(text.as_bytes(), &signature).is_ok())
    }
}

/// A certificate for the key by the key itself. It holds whatever the sandbox clock shows.
fn certificate(private_pem: &str) -> Result<String, UnusableKey> {
    let key = KeyPair::from_pkcs8_pem_and_sign_algo(private_pem, &PKCS_RSA_SHA256).map_err(unusable)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "FPS Sandbox");
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    Ok(params.self_signed(&key).map_err(unusable)?.pem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_and_is_the_same_after_it_was_kept() {
        let key = SigningKey::make().unwrap();
        let kept = SigningKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(kept.certificate_path(), key.certificate_path());
        let signature = key.sign("text").unwrap();
        assert!(signature.lines().count() > 1 && signature.lines().all(|line| line.len() <= LINE));
        let bytes = STANDARD.decode(signature.replace('\n', "")).unwrap();
        assert!(kept.verifies("text", &bytes));
        assert!(!kept.verifies("texts", &bytes));
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}

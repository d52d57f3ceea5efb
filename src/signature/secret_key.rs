//! The secret of an access key, and the hashes that it signs with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::digest::{Digest, common::Key};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// The secret of an access key, stored as two HMAC states, one for each hash.
///
/// Computing a state takes two hash blocks, so it is done once for all requests of a key. The text of the secret is not
/// stored, and `Debug` prints `SecretKey(…)`.
#[derive(Clone)]
pub struct SecretKey {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl SecretKey {
    /// Prepares `secret`, of any length, for both hashes.
    pub fn new(secret: &str) -> Self {
        Self { sha1: hmac_state(secret.as_bytes()), sha256: hmac_state(secret.as_bytes()) }
    }

    /// The base64 of the HMAC over `parts`, concatenated.
    pub(super) fn sign(&self, hash: Hash, parts: &[&[u8]]) -> String {
        match hash {
            Hash::Sha1 => STANDARD.encode(with_input(&self.sha1, parts).finalize().into_bytes()),
            Hash::Sha256 => STANDARD.encode(with_input(&self.sha256, parts).finalize().into_bytes()),
        }
    }

    /// Whether `signature` is the HMAC over `parts`, concatenated. Takes constant time, wherever the two differ.
    pub(super) fn verify(&self, hash: Hash, parts: &[&[u8]], signature: &[u8]) -> bool {
        match hash {
            Hash::Sha1 => with_input(&self.sha1, parts).verify_slice(signature).is_ok(),
            Hash::Sha256 => with_input(&self.sha256, parts).verify_slice(signature).is_ok(),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// The HMAC state for a key. The key is padded with zeros to one block, or hashed first if it is longer (RFC 2104).
/// That is done here because for a key of exactly one block the constructor cannot fail.
fn hmac_state<D: EagerHash + Digest>(secret: &[u8]) -> Hmac<D> {
    let mut key = Key::<Hmac<D>>::default();
    let digest;
    let bytes = if secret.len() <= key.len() {
        secret
    } else {
        digest = D::digest(secret);
        &digest
    };
    key.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    Hmac::new(&key)
}

/// A copy of an HMAC state that has read all `parts`.
fn with_input<M: Mac + Clone>(state: &M, parts: &[&[u8]]) -> M {
    let mut mac = state.clone();
    for part in parts {
        mac.update(part);
    }
    mac
}

/// The hash of an HMAC signature. Source: guide; it prefers `HmacSHA256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `HmacSHA1`, 20 bytes.
    Sha1,
    /// `HmacSHA256`, 32 bytes.
    Sha256,
}

impl Hash {
    /// Finds the hash by its name in `SignatureMethod`.
    pub fn from_name(method: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|hash| hash.name() == method)
    }

    /// The name in `SignatureMethod`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "HmacSHA1",
            Self::Sha256 => "HmacSHA256",
        }
    }

    /// The size of the HMAC in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

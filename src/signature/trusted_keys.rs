//! RSA keys, besides the sandbox's own, whose message signatures are trusted: `[[trusted_key]]` in the configuration file.

use std::collections::HashMap;

use ring::signature::RsaPublicKeyComponents;
use serde::{Deserialize, Serialize};

/// A trusted RSA key as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedRsaKey {
    /// The certificateUrl by which messages refer to it, without a query.
    pub certificate_url: String,
    /// The modulus, in hexadecimal digits.
    pub modulus: String,
    /// The public exponent, in hexadecimal digits.
    #[serde(default = "default_exponent")]
    pub exponent: String,
}

/// 65537, the usual exponent.
fn default_exponent() -> String {
    "010001".to_owned()
}

/// The trusted keys by certificateUrl. Certificates are never fetched.
#[derive(Debug, Default)]
pub struct TrustedRsaKeys(HashMap<String, RsaPublicKeyComponents<Vec<u8>>>);

impl TrustedRsaKeys {
    /// Reads the configured keys. The error message names the invalid key.
    pub fn new(keys: &[TrustedRsaKey]) -> Result<Self, String> {
        let read = |key: &TrustedRsaKey| {
            let number = |name: &str, digits: &str| {
                decode_hex(digits).ok_or_else(|| {
                    format!("trusted_key {}: `{name}` must be hexadecimal digits", key.certificate_url)
                })
            };
            let components = RsaPublicKeyComponents {
                n: number("modulus", &key.modulus)?,
                e: number("exponent", &key.exponent)?,
            };
            Ok((key.certificate_url.clone(), components))
        };
        keys.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Finds the key for a certificateUrl, whatever its query.
    pub fn find(&self, certificate_url: &str) -> Option<&RsaPublicKeyComponents<Vec<u8>>> {
        self.0.get(certificate_url.split('?').next().unwrap_or_default())
    }
}

/// Decodes hexadecimal digits; `None` if there are none or one is invalid.
fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    hex::decode(digits).ok().filter(|bytes| !bytes.is_empty())
}

//! RSA keys of others whose signatures are trusted, as the configuration file names them (`[[trusted_key]]`).

use std::collections::HashMap;

use ring::signature::RsaPublicKeyComponents;
use serde::{Deserialize, Serialize};

/// An RSA key whose signatures are trusted, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The certificateUrl under which messages name it, without its query.
    pub certificate_url: String,
    /// The modulus, in hexadecimal digits.
    pub modulus: String,
    /// The public exponent, in hexadecimal digits.
    #[serde(default = "f4")]
    pub exponent: String,
}

fn f4() -> String {
    "010001".to_owned()
}

/// The keys whose signatures are trusted, by certificateUrl. Nothing is ever fetched.
#[derive(Debug, Default)]
pub struct TrustedKeys(HashMap<String, RsaPublicKeyComponents<Vec<u8>>>);

impl TrustedKeys {
    /// Takes the configured keys; the error names the key that makes no sense.
    pub fn new(keys: &[TrustedKey]) -> Result<Self, String> {
        let read = |key: &TrustedKey| {
            let number = |name: &str, digits: &str| {
                from_hex(digits).ok_or_else(|| {
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

    /// The key that a certificateUrl names; its query does not matter.
    pub fn named(&self, certificate_url: &str) -> Option<&RsaPublicKeyComponents<Vec<u8>>> {
        self.0.get(certificate_url.split('?').next().unwrap_or_default())
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect()
}

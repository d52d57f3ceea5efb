//! Messages that FPS sends to merchants — return URLs and notifications — and how their signatures are checked
//! (guide: Verifying the Signature; VerifySignature).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};
use serde::{Deserialize, Serialize};

use super::query::{self, Pair};
use super::signature::{Hash, Scheme, Signable, string_to_sign};

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

/// What a check of a message found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The signature is right.
    Success,
    /// It is not, or nobody we trust made it.
    Failure,
    /// The signature is no base64.
    Undecodable,
    /// The message does not say who signed it.
    NoCertificateUrl,
}

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

    /// Checks a message: the merchant's URL that got it, and its parameters as they came.
    ///
    /// The verb is not known, so GET (a return URL) and POST (a notification) are both tried.
    pub fn check(&self, endpoint: &str, parameters: &str) -> Finding {
        let Ok(pairs) = query::decode(parameters.as_bytes()) else { return Finding::Failure };
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(known, value)| known == name && !value.is_empty())
                .map(|(_, value)| value.as_str())
        };
        let Some(certificate_url) = value("certificateUrl") else { return Finding::NoCertificateUrl };
        // A framework may have turned `+` into blanks, and the signature is wrapped at 76 characters.
        let given: String =
            value("signature").unwrap_or_default().replace(' ', "+").split_whitespace().collect();
        let Ok(signature) = STANDARD.decode(given) else { return Finding::Undecodable };
        let bare = certificate_url.split('?').next().unwrap_or_default();
        let (Some(key), Some((host, path))) = (self.0.get(bare), host_and_path(endpoint)) else {
            return Finding::Failure;
        };
        let signed = |verb: &str| {
            let text = signed_text(verb, &host, &path, &pairs);
            key.verify(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes(), &signature).is_ok()
        };
        if ["POST", "GET"].into_iter().any(signed) { Finding::Success } else { Finding::Failure }
    }
}

fn signed_text(verb: &str, host: &str, path: &str, pairs: &[Pair]) -> String {
    // The text is that of signature version 2; which hash the scheme names makes no difference to it.
    string_to_sign(Scheme::V2(Hash::Sha1), &Signable { verb, path, pairs, signature_name: "signature" }, host)
}

/// The host of a URL, with its port unless that is the scheme's own, and its path.
fn host_and_path(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let own_port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let host = authority.strip_suffix(own_port).unwrap_or(authority);
    if host.is_empty() { None } else { Some((host.to_ascii_lowercase(), path.to_owned())) }
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

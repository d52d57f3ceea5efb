//! The received signature, decoded tolerantly.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use percent_encoding::percent_decode_str;

use crate::signature::Hash;

/// The bytes of a received signature, however it was encoded.
pub(super) struct ReceivedSignature {
    pub(super) bytes: Vec<u8>,
    /// The hash whose signatures have this size.
    pub(super) hash: Hash,
    /// The mistake in its encoding, if there is one.
    pub(super) mistake: Option<String>,
}

impl ReceivedSignature {
    /// Tries the encodings that clients use, and takes the first that gives as many bytes as one of the hashes.
    /// `name` is the name of the signature parameter.
    pub(super) fn decode(text: &str, name: &str) -> Option<Self> {
        let base64 = |text: &str| STANDARD.decode(text).ok();
        let instead_of_hex = "where the base64 of the raw bytes is expected";
        let attempts = [
            (base64(text), None),
            (
                base64(&text.replace(' ', "+")),
                Some(format!(
                    "a `+` in the {name} arrived as a blank: encode + as %2B in the {name} parameter"
                )),
            ),
            (
                base64(&percent_decode_str(text).decode_utf8_lossy()),
                Some(format!("the {name} was percent-encoded twice when it was sent")),
            ),
            (
                base64(&text.split_ascii_whitespace().collect::<String>()),
                Some(format!("the {name} has white space in it that is not part of its base64")),
            ),
            (
                hex::decode(text).ok(),
                Some(format!("the {name} was written in hexadecimal, {instead_of_hex}")),
            ),
            (
                base64(text).and_then(|digits| hex::decode(digits).ok()),
                Some(format!("the {name} is the base64 of hexadecimal digits, {instead_of_hex}")),
            ),
            (
                STANDARD_NO_PAD.decode(text.trim_end_matches('=').replace('-', "+").replace('_', "/")).ok(),
                Some(format!("the {name} is not in standard base64, which has `+` and `/`, and ends in `=`")),
            ),
        ];
        attempts.into_iter().find_map(|(bytes, mistake)| {
            let bytes = bytes?;
            let hash = [Hash::Sha1, Hash::Sha256].into_iter().find(|hash| hash.size() == bytes.len())?;
            Some(Self { bytes, hash, mistake })
        })
    }
}

/// Describes a signature that cannot be decoded.
pub(super) fn describe_malformed(text: &str, name: &str, declared: Hash) -> String {
    if text.is_empty() {
        return format!("the {name} is empty");
    }
    match STANDARD.decode(text) {
        Ok(bytes) => describe_wrong_size(bytes.len(), name, declared),
        Err(_) => format!(
            "the {name} is not base64: {} gives {} characters of `A-Z a-z 0-9 + /` that end in `=`",
            declared.name(),
            declared.size().div_ceil(3) * 4,
        ),
    }
}

/// Describes a signature that does not have the size of the declared hash.
pub(super) fn describe_wrong_size(size: usize, name: &str, declared: Hash) -> String {
    format!(
        "the {name} is the base64 of {size} bytes, but {} gives {} bytes",
        declared.name(),
        declared.size()
    )
}

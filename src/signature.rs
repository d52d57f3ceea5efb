//! Request signatures, versions 1 and 2: the string to sign, signing, verification, and the explanation of a
//! mismatch.
//!
//! * **Version 2** (source: guide, and Amazon's own clients) signs four lines: the verb; the host in lower case; the
//!   path, `/` if empty; all parameters except the signature, sorted by the bytes of their names, names and values
//!   percent-encoded, as `name=value` joined by `&`. No line break follows the last line. `SignatureMethod` names the
//!   hash.
//! * **Version 1** (source: guide, deprecated there) signs the names and values of all parameters except the
//!   signature, sorted ignoring case, concatenated without separators and without encoding. It does not cover verb,
//!   host and path. The hash is always SHA-1.
//!
//! The encoding on the wire may differ from the encoding that is signed (observed: Amazon's Java and PHP clients send
//! a blank as `+` and sign `%20`), so this module takes decoded parameters and encodes them again. Co-Branded
//! requests and version 1 return URLs follow the same rules; only the name of the signature parameter differs. This
//! module does no I/O.

mod diagnosis;
mod secret_key;
mod trusted_keys;

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode as encode_bytes};

pub use secret_key::{Hash, SecretKey};
pub use trusted_keys::{TrustedRsaKey, TrustedRsaKeys};

/// Every byte except the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The signature version, with its hash, that a request declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `SignatureVersion=1`, always with `HmacSHA1`.
    V1,
    /// `SignatureVersion=2` with the hash that `SignatureMethod` names.
    V2(Hash),
}

impl Scheme {
    /// The hash of the signature.
    pub fn hash(self) -> Hash {
        match self {
            Self::V1 => Hash::Sha1,
            Self::V2(hash) => hash,
        }
    }
}

/// The signed parts of a decoded request or message. `T` is the type of names and values: text, or bytes that have
/// not been checked to be text yet, because a signature covers bytes.
#[derive(Debug)]
pub struct Signable<'a, T = String> {
    /// The HTTP verb in capitals, as on the request line.
    pub verb: &'a str,
    /// The absolute path without the query, as on the request line, percent-encoded or not.
    pub path: &'a str,
    /// All parameters, decoded, in the order received. The parameter named `signature_name` is not signed, so it may
    /// be present or absent.
    pub pairs: &'a [(T, T)],
    /// The name of the signature parameter: `Signature` for API calls, `signature` or `awsSignature` for Co-Branded
    /// requests.
    pub signature_name: &'a str,
}

/// The result of [`verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerificationResult {
    /// The signature is correct.
    Valid {
        /// The host that was signed, in lower case. Version 1 does not cover the host; then it is the first one
        /// tried.
        host: String,
    },
    /// The signature is not correct for any of the hosts.
    Invalid {
        /// The correct string to sign, with the first host.
        string_to_sign: String,
        /// One sentence that names the client's mistake, if a known mistake explains the signature. `None` usually
        /// means another secret, or parameters that were changed after signing.
        explanation: Option<String>,
    },
}

/// The exact text that is signed.
///
/// `host` is converted to lower case; version 1 does not use it.
pub fn string_to_sign<T: AsRef<[u8]>>(scheme: Scheme, request: &Signable<'_, T>, host: &str) -> String {
    let after_host = encode_after_host(scheme, request);
    to_text(&signed_parts(scheme, request.verb, &to_lower_case(host), &after_host).concat())
}

/// Signs a request; the signature is base64.
pub fn sign<T: AsRef<[u8]>>(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_, T>,
    host: &str,
) -> String {
    let after_host = encode_after_host(scheme, request);
    secret.sign(scheme.hash(), &signed_parts(scheme, request.verb, &to_lower_case(host), &after_host))
}

/// Verifies `signature` for each of `hosts` in turn, and explains a mismatch.
///
/// Real clients sign the Host header with or without its port (source: observed), so `hosts` lists every form that is
/// accepted. Version 1 is verified once, whatever the hosts are. `signature` is the decoded value of the signature
/// parameter: base64 in its canonical form, compared in constant time. Line breaks at its end are ignored, because
/// base64 encoders of that time add one (our choice). Anything else that is not base64 is a mismatch, in particular
/// the blank that an unencoded `+` is decoded to.
///
/// `raw_parameters` is the query, the form, or both joined by `&`, as received. Only the explanation uses it.
pub fn verify<T: AsRef<[u8]>>(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_, T>,
    hosts: &[&str],
    signature: &str,
    raw_parameters: &str,
) -> VerificationResult {
    let first = hosts.first().copied().unwrap_or_default();
    let candidates = match (scheme, hosts) {
        (Scheme::V1, _) | (_, []) => &[first],
        _ => hosts,
    };
    let signature = signature.trim_end_matches(['\r', '\n']);
    let after_host = encode_after_host(scheme, request);
    if let Ok(bytes) = STANDARD.decode(signature) {
        for host in candidates.iter().map(|host| to_lower_case(host)) {
            if secret.verify(scheme.hash(), &signed_parts(scheme, request.verb, &host, &after_host), &bytes) {
                return VerificationResult::Valid { host: host.into_owned() };
            }
        }
    }
    let texts: Vec<_> =
        request.pairs.iter().map(|(name, value)| (to_text(name.as_ref()), to_text(value.as_ref()))).collect();
    let request = Signable {
        verb: request.verb,
        path: request.path,
        pairs: &texts,
        signature_name: request.signature_name,
    };
    let parts = signed_parts(scheme, request.verb, &to_lower_case(first), &after_host).concat();
    VerificationResult::Invalid {
        string_to_sign: to_text(&parts),
        explanation: diagnosis::explain(secret, scheme, &request, hosts, signature, raw_parameters),
    }
}

/// The bytes as text, with U+FFFD in place of what is not UTF-8.
fn to_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The message for a mismatch that no known mistake explains.
pub fn unexplained_mismatch(scheme: Scheme, hosts: &[&str]) -> String {
    let advice =
        "No usual mistake explains it: check the secret key, and that nothing was changed after signing";
    match scheme {
        Scheme::V1 => format!("{advice}."),
        Scheme::V2(_) => format!(
            "{advice}. The hosts tried are {}; if the client signs another one, name it by --host-alias.",
            diagnosis::quoted_list(hosts, " and ")
        ),
    }
}

/// Verifies the signature that Co-Branded requests had in 2007: HMAC-SHA1 over path, `?` and the encoded parameters,
/// sorted ignoring case (source: third-party clients).
pub fn verify_path_and_query(secret: &SecretKey, request: &Signable<'_>, signature: &str) -> bool {
    let mut pairs: Vec<_> = request.pairs.iter().filter(|(name, _)| name != request.signature_name).collect();
    pairs.sort_by(|(left, _), (right, _)| ignoring_case(left).cmp(ignoring_case(right)));
    let mut text = format!("{}?", request.path);
    push_query(pairs, &mut text);
    let bytes = STANDARD.decode(signature.trim_end());
    bytes.is_ok_and(|bytes| secret.verify(Hash::Sha1, &[text.as_bytes()], &bytes))
}

/// Appends `text` percent-encoded as signatures require it: each byte of its UTF-8 except `A-Z a-z 0-9 - _ . ~` as
/// `%` and two upper-case hexadecimal digits (source: guide; RFC 3986).
pub fn percent_encode(text: &str, out: &mut String) {
    out.extend(encode_bytes(text.as_bytes(), RESERVED));
}

/// Appends `name=value` pairs joined by `&`, names and values percent-encoded, in the order given.
pub fn push_query<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>, out: &mut String) {
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        push_pair(index, name.as_bytes(), value.as_bytes(), out);
    }
}

/// The string to sign, in parts. The host is a separate part because only the host changes between attempts.
fn signed_parts<'a>(scheme: Scheme, verb: &'a str, host: &'a str, after_host: &'a [u8]) -> [&'a [u8]; 4] {
    match scheme {
        Scheme::V1 => [b"", b"", b"", after_host],
        Scheme::V2(_) => [verb.as_bytes(), b"\n", host.as_bytes(), after_host],
    }
}

/// Encodes the part of the string to sign that follows the host; in version 1, all of it.
fn encode_after_host<T: AsRef<[u8]>>(scheme: Scheme, request: &Signable<'_, T>) -> Vec<u8> {
    let pairs = request.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let mut pairs: Vec<_> = pairs.filter(|(name, _)| *name != request.signature_name.as_bytes()).collect();
    // Room for separators and for some encoded characters, so that the buffer rarely grows.
    let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let size = request.path.len() + size + size / 4;
    match scheme {
        Scheme::V1 => {
            let mut text = Vec::with_capacity(size);
            pairs.sort_by(|(left, _), (right, _)| bytes_ignoring_case(left).cmp(bytes_ignoring_case(right)));
            for (name, value) in pairs {
                text.extend_from_slice(name);
                text.extend_from_slice(value);
            }
            text
        }
        Scheme::V2(_) => {
            let mut text = String::with_capacity(size);
            pairs.sort_unstable();
            text.push('\n');
            push_path(request.path, &mut text);
            text.push('\n');
            for (index, (name, value)) in pairs.into_iter().enumerate() {
                push_pair(index, name, value, &mut text);
            }
            text.into_bytes()
        }
    }
}

/// Appends `name=value`, percent-encoded, with `&` before every pair except the first.
fn push_pair(index: usize, name: &[u8], value: &[u8], out: &mut String) {
    if index > 0 {
        out.push('&');
    }
    out.extend(encode_bytes(name, RESERVED));
    out.push('=');
    out.extend(encode_bytes(value, RESERVED));
}

/// Appends the path with each segment encoded once, whether or not the client encoded it.
fn push_path(path: &str, out: &mut String) {
    if path.is_empty() {
        out.push('/');
    }
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        let decoded: Cow<'_, [u8]> = percent_decode_str(segment).into();
        out.extend(encode_bytes(&decoded, RESERVED));
    }
}

/// The sort key of names in version 1.
fn ignoring_case(name: &str) -> impl Iterator<Item = u8> + '_ {
    bytes_ignoring_case(name.as_bytes())
}

fn bytes_ignoring_case(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    name.iter().map(u8::to_ascii_lowercase)
}

/// The host in lower case. Most are received in lower case and need no copy.
fn to_lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests;

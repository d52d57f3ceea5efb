//! Request signatures, versions 1 and 2: what is signed, the signature, the check, and why a check failed.
//!
//! * **Version 2** (source: guide, and Amazon's own clients) signs four lines: the verb; the host in lower
//!   case; the path, `/` when empty; all parameters but the signature, sorted by the bytes of their names,
//!   both sides percent-encoded, as `name=value` joined by `&`. No line break follows the last line. The hash
//!   is the one `SignatureMethod` names.
//! * **Version 1** (source: guide, deprecated there) signs names and values of all parameters but the
//!   signature, sorted ignoring case, run together without any separator or encoding. Verb, host and path are
//!   not covered, and the hash is always SHA-1.
//!
//! The encoding on the wire may differ from the encoding that is signed (observed: Amazon's Java and PHP
//! clients send a blank as `+` and sign `%20`), so this module starts from decoded parameters and spells them
//! anew. Co-Branded requests and version 1 return URLs follow the same rules, only the name of the signature
//! parameter differs. Nothing here does I/O.

mod reason;
mod trusted_keys;

use std::borrow::Cow;
use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::digest::{Digest, common::Key};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode as encode_bytes};
use sha1::Sha1;
use sha2::Sha256;

pub use trusted_keys::{TrustedKey, TrustedKeys};

/// Every byte but the unreserved ones of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An access key's secret, kept as the two HMAC states that are ready to sign with it.
///
/// Making the states costs two hash blocks each, so a key is made once and used for every request. The text of
/// the secret is not kept, and `Debug` prints `SecretKey(…)`.
#[derive(Clone)]
pub struct SecretKey {
    sha1: Hmac<Sha1>,
    sha256: Hmac<Sha256>,
}

impl SecretKey {
    /// Prepares `secret` for both hashes; a secret of any length will do.
    pub fn new(secret: &str) -> Self {
        Self { sha1: keyed(secret.as_bytes()), sha256: keyed(secret.as_bytes()) }
    }

    /// The base64 of the HMAC over `pieces`, read as one text.
    fn sign(&self, hash: Hash, pieces: &[&[u8]]) -> String {
        match hash {
            Hash::Sha1 => STANDARD.encode(fed(&self.sha1, pieces).finalize().into_bytes()),
            Hash::Sha256 => STANDARD.encode(fed(&self.sha256, pieces).finalize().into_bytes()),
        }
    }

    /// Whether `tag` is the HMAC over `pieces`, in a time that does not depend on where they differ.
    fn matches(&self, hash: Hash, pieces: &[&[u8]], tag: &[u8]) -> bool {
        match hash {
            Hash::Sha1 => fed(&self.sha1, pieces).verify_slice(tag).is_ok(),
            Hash::Sha256 => fed(&self.sha256, pieces).verify_slice(tag).is_ok(),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// HMAC's own first step (RFC 2104): the key filled up with zeros to a block, and hashed first when longer.
/// Done here because a key of exactly one block is the one kind the constructor cannot refuse.
fn keyed<D: EagerHash + Digest>(secret: &[u8]) -> Hmac<D> {
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

/// A copy of the keyed state that has read all `pieces`.
fn fed<M: Mac + Clone>(keyed: &M, pieces: &[&[u8]]) -> M {
    let mut mac = keyed.clone();
    for piece in pieces {
        mac.update(piece);
    }
    mac
}

/// The hash inside the HMAC. Source: guide; it prefers `HmacSHA256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `HmacSHA1`, 20 bytes.
    Sha1,
    /// `HmacSHA256`, 32 bytes.
    Sha256,
}

impl Hash {
    /// The hash a `SignatureMethod` names, if it is one of the two.
    pub fn from_name(method: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|hash| hash.name() == method)
    }

    /// The name as `SignatureMethod` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "HmacSHA1",
            Self::Sha256 => "HmacSHA256",
        }
    }

    /// How many bytes the HMAC has.
    fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// The rules a request says it was signed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `SignatureVersion=1`: names and values run together, `HmacSHA1`.
    V1,
    /// `SignatureVersion=2` with the hash of its `SignatureMethod`.
    V2(Hash),
}

impl Scheme {
    /// The hash these rules sign with.
    pub fn hash(self) -> Hash {
        match self {
            Self::V1 => Hash::Sha1,
            Self::V2(hash) => hash,
        }
    }
}

/// A decoded request as far as signing is concerned. `T` is text, or bytes where nobody knows yet whether they are
/// text: a signature covers bytes.
#[derive(Debug)]
pub struct Signable<'a, T = String> {
    /// The HTTP verb in capitals, as on the request line.
    pub verb: &'a str,
    /// The absolute path as on the request line, without the query; percent-encoded or not.
    pub path: &'a str,
    /// All parameters, decoded, in the order of arrival. The pair named `signature_name` is left out of what
    /// is signed, so it may stand here or not.
    pub pairs: &'a [(T, T)],
    /// `Signature` for API calls, `signature` or `awsSignature` for Co-Branded requests.
    pub signature_name: &'a str,
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The signature is right.
    Matches {
        /// The host that was signed, in lower case. Version 1 covers no host; then it is the first one tried.
        host: String,
    },
    /// The signature is not right for any of the hosts.
    Differs {
        /// What should have been signed, with the first host.
        string_to_sign: String,
        /// One sentence that names the mistake, when one was found that explains the signature. `None` mostly
        /// means another secret, or parameters that changed after signing.
        reason: Option<String>,
    },
}

/// The exact text that is signed.
///
/// `host` is put into lower case; version 1 does not use it.
pub fn string_to_sign<T: AsRef<[u8]>>(scheme: Scheme, request: &Signable<'_, T>, host: &str) -> String {
    as_text(&pieces(scheme, request.verb, &lower_case(host), &tail(scheme, request)).concat())
}

/// The signature of a request, in base64.
pub fn sign<T: AsRef<[u8]>>(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_, T>,
    host: &str,
) -> String {
    secret.sign(scheme.hash(), &pieces(scheme, request.verb, &lower_case(host), &tail(scheme, request)))
}

/// Checks the signature `given` against each of `hosts` in turn, and explains a mismatch.
///
/// Real clients sign the Host header with or without its port (source: observed), so the caller names every
/// spelling it accepts. Version 1 is checked once, whatever the hosts are. `given` is the decoded value of the
/// signature parameter: base64 in its one canonical form, compared in constant time. Line breaks at its end
/// are dropped, because base64 encoders of those days add one (our choice); anything else that is not base64
/// is a mismatch, above all the blank that an unencoded `+` arrives as.
///
/// `raw_parameters` is the query, the form, or both joined by `&`, as received; only the explanation uses it.
pub fn verify<T: AsRef<[u8]>>(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_, T>,
    hosts: &[&str],
    given: &str,
    raw_parameters: &str,
) -> Verdict {
    let first = hosts.first().copied().unwrap_or_default();
    let tried = match (scheme, hosts) {
        (Scheme::V1, _) | (_, []) => &[first],
        _ => hosts,
    };
    let given = given.trim_end_matches(['\r', '\n']);
    let tail = tail(scheme, request);
    if let Ok(tag) = STANDARD.decode(given) {
        for host in tried.iter().map(|host| lower_case(host)) {
            if secret.matches(scheme.hash(), &pieces(scheme, request.verb, &host, &tail), &tag) {
                return Verdict::Matches { host: host.into_owned() };
            }
        }
    }
    let texts: Vec<_> =
        request.pairs.iter().map(|(name, value)| (as_text(name.as_ref()), as_text(value.as_ref()))).collect();
    let request = Signable {
        verb: request.verb,
        path: request.path,
        pairs: &texts,
        signature_name: request.signature_name,
    };
    Verdict::Differs {
        string_to_sign: as_text(&pieces(scheme, request.verb, &lower_case(first), &tail).concat()),
        reason: reason::explain(secret, scheme, &request, hosts, given, raw_parameters),
    }
}

/// The bytes as text; what is no UTF-8 is replaced by U+FFFD.
fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What there is to say of a mismatch that no known mistake explains.
pub fn unexplained(scheme: Scheme, hosts: &[&str]) -> String {
    let advice =
        "No usual mistake explains it: check the secret key, and that nothing was changed after signing";
    match scheme {
        Scheme::V1 => format!("{advice}."),
        Scheme::V2(_) => format!(
            "{advice}. The hosts tried are {}; if the client signs another one, name it by --host-alias.",
            reason::listed(hosts, " and ")
        ),
    }
}

/// Whether `given` is the signature that Co-Branded requests had in 2007: HMAC-SHA1 over path, `?` and the encoded
/// parameters, sorted ignoring case (source: third-party clients).
pub fn matches_path_and_query(secret: &SecretKey, request: &Signable<'_>, given: &str) -> bool {
    let mut pairs: Vec<_> = request.pairs.iter().filter(|(name, _)| name != request.signature_name).collect();
    pairs.sort_by(|(left, _), (right, _)| ignoring_case(left).cmp(ignoring_case(right)));
    let mut text = format!("{}?", request.path);
    push_query(pairs, &mut text);
    STANDARD.decode(given.trim_end()).is_ok_and(|tag| secret.matches(Hash::Sha1, &[text.as_bytes()], &tag))
}

/// Appends `text` percent-encoded as signatures want it: the bytes of its UTF-8, all but `A-Z a-z 0-9 - _ . ~`
/// as `%` and two upper-case hexadecimal digits (source: guide; RFC 3986).
pub fn percent_encode(text: &str, out: &mut String) {
    out.extend(encode_bytes(text.as_bytes(), RESERVED));
}

/// Appends `name=value` pairs joined by `&`, both sides percent-encoded, in the order given.
pub fn push_query<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>, out: &mut String) {
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        push_pair(index, name.as_bytes(), value.as_bytes(), out);
    }
}

/// What is signed, in order. Only the host changes from one attempt to the next, so it is a piece of its own.
fn pieces<'a>(scheme: Scheme, verb: &'a str, host: &'a str, tail: &'a [u8]) -> [&'a [u8]; 4] {
    match scheme {
        Scheme::V1 => [b"", b"", b"", tail],
        Scheme::V2(_) => [verb.as_bytes(), b"\n", host.as_bytes(), tail],
    }
}

/// What is signed after the host; in version 1, everything.
fn tail<T: AsRef<[u8]>>(scheme: Scheme, request: &Signable<'_, T>) -> Vec<u8> {
    let pairs = request.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let mut pairs: Vec<_> = pairs.filter(|(name, _)| *name != request.signature_name.as_bytes()).collect();
    let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let size = request.path.len() + size + size / 4;
    match scheme {
        Scheme::V1 => {
            let mut tail = Vec::with_capacity(size);
            pairs.sort_by(|(left, _), (right, _)| bytes_ignoring_case(left).cmp(bytes_ignoring_case(right)));
            for (name, value) in pairs {
                tail.extend_from_slice(name);
                tail.extend_from_slice(value);
            }
            tail
        }
        Scheme::V2(_) => {
            let mut tail = String::with_capacity(size);
            pairs.sort_unstable();
            tail.push('\n');
            push_path(request.path, &mut tail);
            tail.push('\n');
            for (index, (name, value)) in pairs.into_iter().enumerate() {
                push_pair(index, name, value, &mut tail);
            }
            tail.into_bytes()
        }
    }
}

/// Appends `name=value`, percent-encoded, and `&` before every pair but the first.
fn push_pair(index: usize, name: &[u8], value: &[u8], out: &mut String) {
    if index > 0 {
        out.push('&');
    }
    out.extend(encode_bytes(name, RESERVED));
    out.push('=');
    out.extend(encode_bytes(value, RESERVED));
}

/// Appends the path with each segment encoded once, whether or not the client had encoded it.
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

/// The key that version 1 sorts names by.
fn ignoring_case(name: &str) -> impl Iterator<Item = u8> + '_ {
    bytes_ignoring_case(name.as_bytes())
}

fn bytes_ignoring_case(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    name.iter().map(u8::to_ascii_lowercase)
}

/// The host in lower case; most arrive that way.
fn lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests;

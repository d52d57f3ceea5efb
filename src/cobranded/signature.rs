//! The signature of a start URL, in the three forms that there were (guide: Request Security).

use crate::signature::{Hash, Scheme, Signable, Verdict, matches_path_and_query, unexplained, verify};
use crate::store::AccessKey;

use super::start::Start;

/// Whether a start URL is the merchant's own.
pub(super) enum Origin {
    /// The merchant has signed it.
    Signed,
    /// Nobody has signed it.
    Unsigned,
    /// Its signature is wrong; why, in words for the log.
    Forged(String),
}

/// Checks the signature, where there is one.
///
/// `signature` or `awsSignature` of version 2, or version 1 where no version is said; version 1 also as it was in 2007,
/// when path and encoded query were signed.
pub(super) fn check(start: &Start, query: &str, key: &AccessKey, hosts: &[String]) -> Origin {
    let Some((name, given)) = start.pair("signature").or_else(|| start.pair("awsSignature")) else {
        return Origin::Unsigned;
    };
    let scheme = match (start.value("signatureVersion"), start.value("signatureMethod")) {
        (None | Some("1"), _) => Scheme::V1,
        (Some("2"), Some(method)) => match Hash::from_name(method) {
            Some(hash) => Scheme::V2(hash),
            None => return Origin::Forged("signatureMethod is HmacSHA256 or HmacSHA1".to_owned()),
        },
        (Some("2"), None) => {
            return Origin::Forged("it has signatureVersion 2 and no signatureMethod".to_owned());
        }
        _ => return Origin::Forged("signatureVersion is 2 or 1".to_owned()),
    };
    let pairs = start.signed();
    let signable = Signable { verb: "GET", path: super::START, pairs: &pairs, signature_name: name };
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    match verify(&key.secret, scheme, &signable, &hosts, given, query) {
        Verdict::Matches { .. } => Origin::Signed,
        Verdict::Differs { .. }
            if scheme == Scheme::V1 && matches_path_and_query(&key.secret, &signable, given) =>
        {
            Origin::Signed
        }
        Verdict::Differs { string_to_sign, reason } => {
            let reason = reason.unwrap_or_else(|| unexplained(scheme, &hosts));
            Origin::Forged(format!(
                "its signature does not match: {reason} Expected was a signature of {string_to_sign:?}"
            ))
        }
    }
}

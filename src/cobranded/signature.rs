//! The signature of a start URL, in its three historical forms (guide: Request Security).

use crate::signature::{
    Hash, Scheme, Signable, VerificationResult, unexplained_mismatch, verify, verify_path_and_query,
};
use crate::store::AccessKey;

use super::start_url::StartUrl;

/// Whether a merchant has signed a start URL.
pub(super) enum StartUrlSignature {
    /// The signature is valid.
    Valid,
    /// There is no signature.
    Missing,
    /// The signature is invalid, for the reason given (for the log).
    Invalid(String),
}

/// Verifies the signature of a start URL, if it has one. `query` is the query as it was sent.
///
/// The parameter is `signature` or `awsSignature`. Without `signatureVersion` it is version 1, whose form of 2007
/// signs the path and the encoded query instead of the decoded parameters.
pub(super) fn verify_signature(
    start: &StartUrl,
    query: &str,
    key: &AccessKey,
    hosts: &[String],
) -> StartUrlSignature {
    let Some((name, signature)) = start.pair("signature").or_else(|| start.pair("awsSignature")) else {
        return StartUrlSignature::Missing;
    };
    let invalid = |reason: &str| StartUrlSignature::Invalid(reason.to_owned());
    let scheme = match (start.value("signatureVersion"), start.value("signatureMethod")) {
        (None | Some("1"), _) => Scheme::V1,
        (Some("2"), Some(method)) => match Hash::from_name(method) {
            Some(hash) => Scheme::V2(hash),
            None => return invalid("signatureMethod is HmacSHA256 or HmacSHA1"),
        },
        (Some("2"), None) => return invalid("it has signatureVersion 2 and no signatureMethod"),
        _ => return invalid("signatureVersion is 2 or 1"),
    };
    let pairs = start.merchant_parameters();
    let signable = Signable { verb: "GET", path: super::START_PATH, pairs: &pairs, signature_name: name };
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    match verify(&key.secret, scheme, &signable, &hosts, signature, query) {
        VerificationResult::Valid { .. } => StartUrlSignature::Valid,
        VerificationResult::Invalid { .. }
            if scheme == Scheme::V1 && verify_path_and_query(&key.secret, &signable, signature) =>
        {
            StartUrlSignature::Valid
        }
        VerificationResult::Invalid { string_to_sign, explanation } => {
            let reason = explanation.unwrap_or_else(|| unexplained_mismatch(scheme, &hosts));
            StartUrlSignature::Invalid(format!(
                "its signature does not match: {reason} Expected was a signature of {string_to_sign:?}"
            ))
        }
    }
}

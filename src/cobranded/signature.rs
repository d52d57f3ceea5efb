//! The signature of a start URL, in the three forms that there were (guide: Request Security).

use crate::fps::signature::{Hash, Scheme, Signable, Verdict, matches_path_and_query, unexplained, verify};
use crate::store::AccessKey;

use super::start::Start;

/// Why a start URL is not taken for the merchant's, in words for the log.
pub(super) type Doubt = String;

/// Checks the signature where there is one. Without one the URL is good unless signatures are insisted on.
///
/// `signature` or `awsSignature` of version 2, or version 1 where no version is said; version 1 also as it was in 2007,
/// when path and encoded query were signed.
pub(super) fn check(
    start: &Start,
    query: &str,
    key: &AccessKey,
    hosts: &[String],
    insists: bool,
) -> Result<(), Doubt> {
    let Some((name, given)) = start.pair("signature").or_else(|| start.pair("awsSignature")) else {
        return if insists {
            Err("it is not signed, and --cobranded-auth is strict".to_owned())
        } else {
            Ok(())
        };
    };
    let scheme = match (start.value("signatureVersion"), start.value("signatureMethod")) {
        (None | Some("1"), _) => Scheme::V1,
        (Some("2"), Some(method)) => Hash::from_name(method)
            .map(Scheme::V2)
            .ok_or_else(|| "signatureMethod is HmacSHA256 or HmacSHA1".to_owned())?,
        (Some("2"), None) => return Err("it has signatureVersion 2 and no signatureMethod".to_owned()),
        _ => return Err("signatureVersion is 2 or 1".to_owned()),
    };
    let pairs = start.signed();
    let signable = Signable { verb: "GET", path: super::START, pairs: &pairs, signature_name: name };
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    match verify(&key.secret, scheme, &signable, &hosts, given, query) {
        Verdict::Matches { .. } => Ok(()),
        Verdict::Differs { .. }
            if scheme == Scheme::V1 && matches_path_and_query(&key.secret, &signable, given) =>
        {
            Ok(())
        }
        Verdict::Differs { string_to_sign, reason } => {
            let reason = reason.unwrap_or_else(|| unexplained(scheme, &hosts));
            Err(format!(
                "its signature does not match: {reason} Expected was a signature of {string_to_sign:?}"
            ))
        }
    }
}

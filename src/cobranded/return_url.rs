//! The URL that takes a visitor back to the merchant: checks of the merchant's URL, and the redirect.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{Response, StatusCode};
use url::{Url, form_urlencoded};

use crate::query::Pair;

/// The parameters that the signature of a return URL adds.
pub(super) const SIGNATURE_PARAMETERS: [&str; 4] =
    ["signature", "signatureVersion", "signatureMethod", "certificateUrl"];
/// The parameters that report a result in a return URL, apart from the address, or in a notification.
///
/// The sandbox signs the merchant's own query together with its results, and signs notifications by the same key. So
/// whoever can put these parameters into a `returnURL` can have any result signed.
const RESULT_PARAMETERS: [&str; 14] = [
    "status",
    "tokenID",
    "refundTokenID",
    "creditInstrumentID",
    "creditSenderTokenID",
    "settlementTokenID",
    "prepaidInstrumentID",
    "prepaidSenderTokenID",
    "fundingTokenID",
    "errorMessage",
    "callerReference",
    "expiry",
    "notificationType",
    "transactionStatus",
];

/// The first result parameter that the query of a merchant's `returnURL` has already, if any.
pub(super) fn find_result_parameter(return_url: &Url) -> Option<&'static str> {
    find_query_parameter(return_url, &RESULT_PARAMETERS)
}

/// The first of `names` that the query of a URL has.
///
/// Names match as loosely as any web framework of a merchant reads them: in any case, of any alphabet, with spaces and
/// punctuation around them, as a list (`status[]`), and after a `;` as after a `&`.
pub(super) fn find_query_parameter(url: &Url, names: &[&'static str]) -> Option<&'static str> {
    let parts = url.query().unwrap_or_default().split(['&', ';']);
    let pairs = parts.flat_map(|part| form_urlencoded::parse(part.as_bytes()));
    let mut found = pairs.filter_map(|(name, _)| {
        let name = normalize_name(name.split('[').next().unwrap_or_default());
        names.iter().copied().find(|searched| normalize_name(searched) == name)
    });
    found.next()
}

/// The letters and digits of a name, in upper case by the rules of Unicode.
fn normalize_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Whether the host has only the characters of host names and IP addresses. Such a host can be written into a header.
pub(super) fn has_valid_host(url: &Url) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    url.host_str().is_some_and(|host| !host.is_empty() && host.bytes().all(is_valid))
}

/// Adds parameters to the query of a URL. Spaces are written as `+` (observed).
pub(super) fn append_parameters(url: &Url, pairs: &[Pair]) -> Url {
    let mut url = url.clone();
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs);
    let existing = url.query().filter(|query| !query.is_empty());
    let existing = existing.map(|query| format!("{query}&")).unwrap_or_default();
    url.set_query(Some(&format!("{existing}{}", added.finish())));
    url
}

/// Makes the signature among the parameters invalid, by changing its first character.
pub(super) fn corrupt_signature(pairs: &mut [Pair]) {
    if let Some((_, signature)) = pairs.iter_mut().find(|(name, _)| name == "signature") {
        let other = if signature.starts_with('A') { "B" } else { "A" };
        signature.replace_range(..1, other);
    }
}

/// The response that redirects the visitor to a URL.
pub(super) fn redirect_to(url: &Url) -> Response<Body> {
    let response = Response::builder()
        .status(StatusCode::FOUND)
        .header(LOCATION, url.as_str())
        .header(CACHE_CONTROL, "no-store")
        .body(Body::empty());
    response.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_the_return_url_that_reads_as_a_result_is_found_however_it_is_written() {
        let named = |query: &str| {
            find_result_parameter(&Url::parse(&format!("http://shop.test/back?{query}")).unwrap())
        };
        for name in RESULT_PARAMETERS {
            assert_eq!(named(&format!("order=7&{name}=x")), Some(name));
            assert_eq!(named(&name.to_uppercase()), Some(name));
        }
        for status in [
            "Status=SC",
            "s%74atus=SC",
            "x=1;status=SC",
            "%20status=SC",
            "+status",
            "status[]=SC",
            "%C5%BFtatus=SC",
            "%EF%BB%BFstatus=SC",
        ] {
            assert_eq!(named(status), Some("status"), "{status}");
        }
        for other in ["", "order=7", "statuses=SC", "x=status", "s=1#status=SC", "state=WA", "%2574atus=1"] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}

//! The URL that takes a visitor back to the merchant.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{Response, StatusCode};
use url::{Url, form_urlencoded};

use crate::query::Pair;

/// The merchant's URL with its own query, and these parameters after it. Blanks are `+` (observed).
pub(super) fn with_parameters(url: &Url, pairs: &[Pair]) -> Url {
    let mut url = url.clone();
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(pairs);
    let own = url.query().filter(|own| !own.is_empty()).map(|own| format!("{own}&")).unwrap_or_default();
    url.set_query(Some(&format!("{own}{}", added.finish())));
    url
}

/// Changes the first letter of the signature.
pub(super) fn tamper(pairs: &mut [Pair]) {
    if let Some((_, signature)) = pairs.iter_mut().find(|(name, _)| name == "signature") {
        let other = if signature.starts_with('A') { "B" } else { "A" };
        signature.replace_range(..1, other);
    }
}

/// Sends the visitor there.
pub(super) fn redirect(url: &Url) -> Response<Body> {
    let response = Response::builder()
        .status(StatusCode::FOUND)
        .header(LOCATION, url.as_str())
        .header(CACHE_CONTROL, "no-store")
        .body(Body::empty());
    response.unwrap_or_default()
}

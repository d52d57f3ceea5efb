//! The pages as people see them: templates, and the headers that keep a browser to them.

use askama::Template;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use url::Url;

use crate::ledger::{Account, CbuiStatus};

use super::words::Term;

/// What every page has.
#[derive(Debug)]
pub(super) struct Frame {
    /// What the visit is about, in a line.
    pub(super) headline: String,
    /// The merchant's name, if it is known.
    pub(super) merchant: String,
    /// The merchant's image: an address of https.
    pub(super) image: Option<Url>,
    /// Whether the image is a banner.
    pub(super) is_banner: bool,
    /// What the merchant says of himself.
    pub(super) description: Option<String>,
    /// The visit so far, sealed.
    pub(super) visit: String,
}

/// The first page: who is it?
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignIn<'a> {
    pub(super) frame: &'a Frame,
    pub(super) visitors: &'a [Account],
    /// What was wrong with the address given.
    pub(super) problem: Option<&'static str>,
    pub(super) email: &'a str,
    pub(super) endings: &'static [(CbuiStatus, &'static str)],
}

/// The second page: is it agreed?
#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct Review<'a> {
    pub(super) frame: &'a Frame,
    pub(super) agreement: &'static str,
    /// The visitor.
    pub(super) name: String,
    pub(super) email: &'a str,
    pub(super) is_new: bool,
    /// What is paid for, as HTML that is safe.
    pub(super) reason: Option<String>,
    pub(super) terms: Vec<Term>,
    /// What the methods are for.
    pub(super) paying: &'static str,
    pub(super) methods: Vec<Choice>,
    /// An address that the merchant has given.
    pub(super) address: Vec<String>,
    /// The address that the visitor is asked for.
    pub(super) fields: Vec<AddressField>,
    pub(super) endings: &'static [(CbuiStatus, &'static str)],
}

/// A payment method to choose.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: String,
    pub(super) is_chosen: bool,
}

/// A line of an address.
pub(super) struct AddressField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) autocomplete: &'static str,
}

/// A page that says why there is nothing to see.
#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: &'a Frame,
    title: &'a str,
    text: &'a str,
}

/// The endings that need nobody to have signed in.
pub(super) const WITHOUT_EFFECT: &[(CbuiStatus, &str)] = &[
    (CbuiStatus::A, "The buyer gives up"),
    (CbuiStatus::CE, "Caller error"),
    (CbuiStatus::PE, "Payment method mismatch"),
    (CbuiStatus::SE, "System error"),
    (CbuiStatus::NP, "The buyer cannot take part"),
    (CbuiStatus::NM, "The merchant is not registered"),
];

/// All that are offered beside success.
pub(super) const ALL_ENDINGS: &[(CbuiStatus, &str)] = &[
    (CbuiStatus::CE, "Caller error"),
    (CbuiStatus::PE, "Payment method mismatch"),
    (CbuiStatus::SE, "System error"),
    (CbuiStatus::NP, "The buyer cannot take part"),
    (CbuiStatus::NM, "The merchant is not registered"),
    (CbuiStatus::ExpiredCard, "Success by an expired card"),
    (CbuiStatus::TamperedSignature, "Success with a wrong signature"),
];

/// A page as an answer.
pub(super) fn show(status: StatusCode, frame: &Frame, page: &impl Template) -> Response<Body> {
    match page.render() {
        Ok(html) => answer(status, &policy(frame), html),
        Err(problem) => {
            tracing::error!(%problem, "a page cannot be written");
            answer(StatusCode::INTERNAL_SERVER_ERROR, &policy(frame), String::new())
        }
    }
}

/// A page that says why there is nothing to see.
pub(super) fn problem(status: StatusCode, title: &str, text: &str) -> Response<Body> {
    tracing::info!(status = status.as_u16(), reason = text, "a visit to the pages ends with a problem");
    let frame = Frame {
        headline: String::new(),
        merchant: String::new(),
        image: None,
        is_banner: false,
        description: None,
        visit: String::new(),
    };
    show(status, &frame, &Problem { frame: &frame, title, text })
}

fn answer(status: StatusCode, policy: &str, html: String) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_SECURITY_POLICY, policy)
        .header(CACHE_CONTROL, "no-store")
        // Not `no-referrer`: forms would then say that they come from nowhere.
        .header(REFERRER_POLICY, "same-origin")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(html));
    response.unwrap_or_default()
}

/// Nothing but our own style sheet and the merchant's image. Forms lead to these pages and, when the visit ends, to
/// the merchant and wherever he redirects to: browsers hold every such step against `form-action`.
fn policy(frame: &Frame) -> String {
    let image = frame.image.as_ref();
    let image = image.map(|url| format!(" {}", url.origin().ascii_serialization())).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'{image}; form-action 'self' http: https:; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

//! The templates of the pages, and the HTTP responses that carry them.

use askama::Template;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use url::Url;

use crate::error::FpsError;
use crate::fps::status;
use crate::ledger::Named as _;
use crate::ledger::{Account, CbuiStatus};

use super::copy::AgreementTerm;

/// What all pages have in common (`layout.html`).
#[derive(Debug, Default)]
pub(super) struct PageLayout {
    /// What the visit is about, in one line.
    pub(super) headline: String,
    /// The merchant's name; empty if it is not known.
    pub(super) merchant: String,
    /// URL of the merchant's image: https only.
    pub(super) image: Option<Url>,
    /// Whether the image is a banner, not a logo.
    pub(super) is_banner: bool,
    /// The merchant's description of its site.
    pub(super) description: Option<String>,
    /// The visit token, for the forms.
    pub(super) visit_token: String,
}

/// The first page: who is the visitor?
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub(super) layout: &'a PageLayout,
    /// Accounts with which the visitor can sign in by one click.
    pub(super) visitors: &'a [Account],
    /// What is wrong with the e-mail address entered.
    pub(super) problem: Option<&'static str>,
    pub(super) email: &'a str,
    pub(super) forced_statuses: &'static [(CbuiStatus, &'static str)],
}

/// The second page: does the visitor agree?
#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct ReviewPage<'a> {
    pub(super) layout: &'a PageLayout,
    pub(super) confirm_label: &'static str,
    /// The visitor's name.
    pub(super) name: String,
    pub(super) email: &'a str,
    /// Whether the visitor has no account yet.
    pub(super) is_new: bool,
    /// The merchant's `paymentReason`, as safe HTML.
    pub(super) reason: Option<String>,
    pub(super) terms: Vec<AgreementTerm>,
    /// Heading of the payment methods.
    pub(super) methods_legend: &'static str,
    pub(super) methods: Vec<PaymentMethodOption>,
    /// The lines of the shipping address that the merchant has given.
    pub(super) address: Vec<String>,
    /// The fields of the shipping address that the visitor is to enter.
    pub(super) address_fields: Vec<AddressField>,
    pub(super) forced_statuses: &'static [(CbuiStatus, &'static str)],
}

/// A payment method that the visitor can choose.
pub(super) struct PaymentMethodOption {
    pub(super) value: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: String,
    pub(super) is_selected: bool,
}

/// An input field for a line of an address.
pub(super) struct AddressField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) autocomplete: &'static str,
}

/// The statuses that can be forced before anybody has signed in.
pub(super) const SIGN_IN_PAGE_STATUSES: &[(CbuiStatus, &str)] = &[
    (CbuiStatus::A, "The buyer gives up"),
    (CbuiStatus::CE, "Caller error"),
    (CbuiStatus::PE, "Payment method mismatch"),
    (CbuiStatus::SE, "System error"),
    (CbuiStatus::NP, "The buyer cannot take part"),
    (CbuiStatus::NM, "The merchant is not registered"),
];

/// The statuses that can be forced on the review page. It has a button of its own to cancel.
pub(super) const REVIEW_PAGE_STATUSES: &[(CbuiStatus, &str)] = &[
    (CbuiStatus::CE, "Caller error"),
    (CbuiStatus::PE, "Payment method mismatch"),
    (CbuiStatus::SE, "System error"),
    (CbuiStatus::NP, "The buyer cannot take part"),
    (CbuiStatus::NM, "The merchant is not registered"),
    (CbuiStatus::ExpiredCard, "Success by an expired card"),
    (CbuiStatus::TamperedSignature, "Success with a wrong signature"),
];

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    layout: &'a PageLayout,
    title: &'a str,
    text: &'a str,
}

/// A page that says why a visit cannot begin or continue. Boxed, because responses are large and errors are rare.
pub(super) struct ErrorPage(Box<Response<Body>>);

impl ErrorPage {
    /// Renders the page, and logs its text.
    pub(super) fn new(status: StatusCode, title: &str, text: &str) -> Self {
        tracing::info!(
            status = status.as_u16(),
            reason = text,
            "a visit to the pages ends with an error page"
        );
        let layout = PageLayout::default();
        Self(Box::new(render(status, &layout, &ErrorTemplate { layout: &layout, title, text })))
    }
}

/// The page for a command or query that the sandbox could not run.
impl From<FpsError> for ErrorPage {
    fn from(error: FpsError) -> Self {
        Self::new(status(error.code), "The sandbox cannot do this now", &error.message)
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response<Body> {
        *self.0
    }
}

/// Renders a page into a response.
pub(super) fn render(status: StatusCode, layout: &PageLayout, page: &impl Template) -> Response<Body> {
    let (status, html) = match page.render() {
        Ok(html) => (status, html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_SECURITY_POLICY, content_security_policy(layout))
        .header(CACHE_CONTROL, "no-store")
        // Not `no-referrer`: browsers would then submit forms with `Origin: null`.
        .header(REFERRER_POLICY, "same-origin")
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(html));
    response.unwrap_or_default()
}

/// Allows nothing but the sandbox's own style sheet and images, and the merchant's image.
///
/// `form-action` allows any site, because browsers apply it to redirects too: the last form redirects to the merchant,
/// and the merchant may redirect further.
fn content_security_policy(layout: &PageLayout) -> String {
    let image = layout.image.as_ref();
    let image = image.map(|url| format!(" {}", url.origin().ascii_serialization())).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'{image}; form-action 'self' http: https:; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

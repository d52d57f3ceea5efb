//! The HTML forms that the pages submit.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use http_body_util::{BodyExt, Limited};

use crate::fps::hosts;
use crate::query::{self, Pair};

use super::CoBrandedService;
use super::pages::ErrorPage;
use super::visit_context::VisitContext;

/// Title of the error page for a form that cannot be parsed or has a wrong value.
pub(super) const UNREADABLE_FORM_TITLE: &str = "This form cannot be read";

/// A submitted form. It may contain a password, so it has no `Debug`.
pub(super) struct Form(Vec<Pair>);

impl Form {
    /// A form without fields, for visits that end without pages.
    pub(super) const fn empty() -> Self {
        Self(Vec::new())
    }

    /// The value of a field, trimmed. An empty field counts as absent.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }
}

/// Reads and parses a form that one of the pages has submitted.
pub(super) async fn read_form(
    service: &CoBrandedService,
    request: Request,
) -> Result<(Parts, Form), ErrorPage> {
    let (parts, body) = request.into_parts();
    if !is_same_origin(&parts) {
        let text = "The form was sent from another site.";
        return Err(ErrorPage::new(StatusCode::FORBIDDEN, "This form is not from here", text));
    }
    // The visit token contains the start URL's query in base64, which adds a third to its length.
    let limit = service.max_request_bytes * 2;
    let Ok(body) = Limited::new(body, limit).collect().await else {
        let text = format!("It is longer than {limit} bytes, or did not come to its end.");
        return Err(ErrorPage::new(StatusCode::PAYLOAD_TOO_LARGE, UNREADABLE_FORM_TITLE, &text));
    };
    let pairs = query::parse_parameters(&body.to_bytes())
        .map_err(|error| ErrorPage::new(StatusCode::BAD_REQUEST, UNREADABLE_FORM_TITLE, &error.message))?;
    Ok((parts, Form(pairs)))
}

/// Resumes the visit whose token a form contains.
pub(super) async fn resume_visit(
    service: &CoBrandedService,
    parts: &Parts,
    form: &Form,
) -> Result<VisitContext, ErrorPage> {
    const START_AGAIN: &str = "Go back to the shop and start again.";
    let key = service.visit_token_key().await?;
    let Some(visit) = key.verify(form.value("visit").unwrap_or_default()) else {
        let title = "This page cannot be gone on with";
        return Err(ErrorPage::new(StatusCode::BAD_REQUEST, title, START_AGAIN));
    };
    let resumed = VisitContext::resume(service, parts, visit).await?;
    resumed.ok_or_else(|| ErrorPage::new(StatusCode::GONE, "This page was open for too long", START_AGAIN))
}

/// Whether a form comes from the sandbox's own pages. Browsers declare the origin of a form. A client that declares
/// none is no browser, so no other site can make it submit a form without its user's knowledge.
fn is_same_origin(parts: &Parts) -> bool {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match header(ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some_and(|host| {
                hosts::host_header(parts).is_some_and(|sent| sent.eq_ignore_ascii_case(host))
            })
        }
    }
}

//! The HTTP handlers of the pages: they check the size of requests, and hand visits to `visit`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use tracing::Instrument;

use crate::random;

use super::form::{read_form, resume_visit};
use super::pages::ErrorPage;
use super::visit_context::VisitContext;
use super::{CoBrandedService, visit};

type Service = State<Arc<CoBrandedService>>;
type PageResult = Result<Response<Body>, ErrorPage>;

/// A merchant's start URL: the sign-in page, or a redirect back to the merchant.
pub(super) async fn start(State(service): Service, request: Request) -> PageResult {
    let (parts, _) = request.into_parts();
    // The route accepts HEAD too, which must not create tokens.
    if parts.method != Method::GET {
        return Ok((StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response());
    }
    let query = parts.uri.query().unwrap_or_default();
    if query.len() > service.max_request_bytes {
        let text = format!("It is longer than {} bytes (--max-request-bytes).", service.max_request_bytes);
        return Err(ErrorPage::new(StatusCode::URI_TOO_LONG, "This link is too long", &text));
    }
    if query.bytes().filter(|byte| *byte == b'&').count() >= service.max_parameters {
        let text = format!("It has more than {} parameters (--max-parameters).", service.max_parameters);
        return Err(ErrorPage::new(StatusCode::BAD_REQUEST, "This link is too long", &text));
    }
    let context = VisitContext::begin(&service, &parts, query).await?;
    visit::start(&service, context).await
}

/// The form of the sign-in page: the review page follows.
pub(super) async fn sign_in(State(service): Service, request: Request) -> PageResult {
    let (parts, form) = read_form(&service, request).await?;
    let context = resume_visit(&service, &parts, &form).await?;
    visit::sign_in(&service, context, &form).await
}

/// The form of the review page, and the panel of statuses to force: a redirect back to the merchant.
pub(super) async fn confirm(State(service): Service, request: Request) -> PageResult {
    let (parts, form) = read_form(&service, request).await?;
    let context = resume_visit(&service, &parts, &form).await?;
    visit::confirm(&service, context, &form).await
}

pub(super) async fn stylesheet() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/style.css"))
}

pub(super) async fn arrow_icon() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/continue.svg"))
}

/// The certificate of the key that signs return URLs, as PEM.
pub(super) async fn certificate(State(service): Service, Path(name): Path<String>) -> PageResult {
    Ok(match service.message_signer.find_signing_key(&format!("/certs/{name}/PKICert.pem")).await? {
        Some(key) => {
            ([(CONTENT_TYPE, "application/x-pem-file")], key.certificate().to_owned()).into_response()
        }
        None => (StatusCode::NOT_FOUND, "There is no such certificate.\n").into_response(),
    })
}

/// Gives every log line of a request the id of the request.
pub(super) async fn log_with_request_id(request: Request, next: Next) -> Response<Body> {
    let request_id = random::random_uuid();
    next.run(request).instrument(tracing::info_span!("request", %request_id)).await
}

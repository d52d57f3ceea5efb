//! The Co-Branded service: pages on which a buyer authorises a token (guide: Co-Branded Service API).
//!
//! A merchant sends somebody to [`START`] with a signed URL (`start`, `signature`); `pipelines` and `fields` read what
//! it asks for. The visitor signs in, sees it in plain `words` on a page (`pages`), and agrees or not; then the ledger
//! makes it, and the visitor goes back to the merchant with its `outcome` in a signed URL. Between the pages everything
//! is in the visitor's browser, sealed (`seal`). A merchant's test can have the last step at once, without pages.

mod address;
mod fields;
mod outcome;
mod pages;
mod pipelines;
pub mod reference;
mod return_url;
mod seal;
mod signature;
mod start;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Limited};
use tokio::sync::OnceCell;
use tracing::Instrument;
use url::Url;

use crate::error::{Code, FpsError};
use crate::fps::hosts::{self, Hosts};
use crate::fps::status;
use crate::ledger::{GetSecret, Secret, SecretName, StoreSecret};
use crate::outbound::Outbound;
use crate::query::{self, Pair};
use crate::random;
use crate::server::ConnectionInfo;
use crate::worlds::Worlds;

pub use seal::Seal;
pub use start::is_own;
use visit::Arrival;

/// Where merchants send people.
pub const START: &str = "/cobranded-ui/actions/start";
const SIGN_IN: &str = "/cobranded-ui/actions/sign-in";
const CONFIRM: &str = "/cobranded-ui/actions/confirm";

/// Amazon's own names for the pages: what merchants sign who cannot be pointed elsewhere.
pub const AMAZON_HOSTS: [&str; 2] =
    ["authorize.payments-sandbox.amazon.com", "authorize.payments.amazon.com"];
/// Where the certificate is when the pages are reached under these names.
const AMAZON_CERTIFICATES: [&str; 2] = ["https://fps.sandbox.amazonaws.com", "https://fps.amazonaws.com"];

/// Everything the pages need.
#[derive(Debug)]
pub struct CoBranded {
    /// Where merchants are.
    pub worlds: Worlds,
    /// The hosts that URLs may have been signed for.
    pub hosts: Hosts,
    /// Signs return URLs.
    pub outbound: Arc<Outbound>,
    /// Whether a start URL has to be signed.
    pub insists_on_signatures: bool,
    /// The address under which merchants get the certificate; the one that the visitor used, if there is none.
    pub certificate_base: Option<String>,
    /// Longest query, in bytes.
    pub max_request_bytes: usize,
    /// Most parameters in one.
    pub max_parameters: usize,
    /// Seals what browsers keep; empty until the first page is shown.
    pub seal: OnceCell<Seal>,
}

/// The pages, and the certificate.
pub fn router(pages: CoBranded) -> Router {
    Router::new()
        .route(START, get(start))
        .route(SIGN_IN, post(sign_in))
        .route(CONFIRM, post(confirm))
        .route("/cobranded-ui/style.css", get(style))
        .route("/cobranded-ui/continue.svg", get(arrow))
        .route("/certs/{name}/PKICert.pem", get(certificate))
        .layer(middleware::from_fn(with_request_id))
        .with_state(Arc::new(pages))
}

async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/style.css"))
}

async fn arrow() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/continue.svg"))
}

async fn certificate(State(pages): State<Arc<CoBranded>>, Path(name): Path<String>) -> Response<Body> {
    match pages.outbound.key_at(&format!("/certs/{name}/PKICert.pem")).await {
        Ok(Some(key)) => {
            ([(CONTENT_TYPE, "application/x-pem-file")], key.certificate().to_owned()).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "There is no such certificate.\n").into_response(),
        Err(refusal) => refused(&refusal),
    }
}

/// Every line of the log that a request writes carries its id.
async fn with_request_id(request: Request, next: Next) -> Response<Body> {
    let request_id = random::random_uuid();
    next.run(request).instrument(tracing::info_span!("request", %request_id)).await
}

async fn start(State(pages): State<Arc<CoBranded>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    // A look at the headers must not make tokens.
    if parts.method != Method::GET {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    if query.len() > pages.max_request_bytes {
        let text = format!("It is longer than {} bytes (--max-request-bytes).", pages.max_request_bytes);
        return pages::problem(StatusCode::URI_TOO_LONG, "This link is too long", &text);
    }
    if query.bytes().filter(|byte| *byte == b'&').count() >= pages.max_parameters {
        let text = format!("It has more than {} parameters (--max-parameters).", pages.max_parameters);
        return pages::problem(StatusCode::BAD_REQUEST, "This link is too long", &text);
    }
    let arrival = match Arrival::new(&pages, &parts, query).await {
        Ok(arrival) => arrival,
        Err(problem) => return *problem,
    };
    visit::begin(&pages, arrival).await.unwrap_or_else(|refusal| refused(&refusal))
}

async fn sign_in(State(pages): State<Arc<CoBranded>>, request: Request) -> Response<Body> {
    let (arrival, form) = match pages.form(request).await {
        Ok(arrived) => arrived,
        Err(problem) => return *problem,
    };
    visit::sign_in(&pages, arrival, &form).await.unwrap_or_else(|refusal| refused(&refusal))
}

async fn confirm(State(pages): State<Arc<CoBranded>>, request: Request) -> Response<Body> {
    let (arrival, form) = match pages.form(request).await {
        Ok(arrived) => arrived,
        Err(problem) => return *problem,
    };
    visit::confirm(&pages, arrival, &form).await.unwrap_or_else(|refusal| refused(&refusal))
}

/// The title of the page for a form that makes no sense.
const UNREADABLE: &str = "This form cannot be read";

/// A page to show in place of what was asked for; on the heap, because it is large and seldom.
type Instead = Box<Response<Body>>;

fn instead<T>(status: StatusCode, title: &str, text: &str) -> Result<T, Instead> {
    Err(Box::new(pages::problem(status, title, text)))
}

/// The page for a command that could not be run.
fn refused(refusal: &FpsError) -> Response<Body> {
    pages::problem(status(refusal.code), "The sandbox cannot do this now", &refusal.message)
}

/// A form as it was sent; a password may be in it.
struct Form(Vec<Pair>);

impl Form {
    /// The value of a field; an empty one is absent.
    fn value(&self, name: &str) -> Option<&str> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }
}

impl CoBranded {
    /// A form of one of the pages, with the visit that it goes on with.
    async fn form(&self, request: Request) -> Result<(Arrival, Form), Instead> {
        const STALE: &str = "Go back to the shop and start again.";
        let (parts, body) = request.into_parts();
        if !is_own_form(&parts) {
            let text = "The form was sent from another site.";
            return instead(StatusCode::FORBIDDEN, "This form is not from here", text);
        }
        // A sealed query takes a third more than the query itself.
        let most = self.max_request_bytes * 2;
        let Ok(body) = Limited::new(body, most).collect().await else {
            let text = format!("It is longer than {most} bytes, or did not come to its end.");
            return instead(StatusCode::PAYLOAD_TOO_LARGE, UNREADABLE, &text);
        };
        let form = match query::decode(&body.to_bytes()) {
            Ok(form) => Form(form),
            Err(refusal) => return instead(StatusCode::BAD_REQUEST, UNREADABLE, &refusal.message),
        };
        let seal = self.seal().await.map_err(|refusal| Box::new(refused(&refusal)))?;
        let Some(visit) = seal.open(form.value("visit").unwrap_or_default()) else {
            return instead(StatusCode::BAD_REQUEST, "This page cannot be gone on with", STALE);
        };
        match Arrival::going_on(self, &parts, visit).await? {
            Some(arrival) => Ok((arrival, form)),
            None => instead(StatusCode::GONE, "This page was open for too long", STALE),
        }
    }

    /// The seal of the database, made by the first sandbox that needs it.
    async fn seal(&self) -> Result<&Seal, FpsError> {
        let made = self.seal.get_or_try_init(|| async {
            let name = SecretName::Seal;
            let store = self.worlds.default_world().store();
            let secret = match store.query(GetSecret { name }).await? {
                Some(kept) => kept,
                None => store.run(StoreSecret { name, offered: Secret::new(Seal::new_secret()) }).await?,
            };
            Seal::new(secret.reveal()).ok_or_else(|| Code::InternalError.into())
        });
        made.await
    }

    /// The address under which merchants get the certificate.
    fn certificate_base(&self, parts: &Parts) -> String {
        if let Some(base) = &self.certificate_base {
            return base.trim_end_matches('/').to_owned();
        }
        let connection = parts.extensions.get::<ConnectionInfo>();
        let host = hosts::sent(parts).map(str::to_owned);
        let host = host.or_else(|| connection.map(|known| known.local_addr.to_string())).unwrap_or_default();
        let bare = hosts::without_port(&host);
        let amazon = AMAZON_HOSTS.iter().zip(AMAZON_CERTIFICATES);
        if let Some((_, base)) = amazon.into_iter().find(|(name, _)| bare.eq_ignore_ascii_case(name)) {
            return base.to_owned();
        }
        let scheme = if connection.is_some_and(|known| known.tls) { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}/")).ok().filter(start::has_plain_host);
        url.map_or_else(|| format!("{scheme}://localhost"), |url| url.origin().ascii_serialization())
    }
}

/// Whether a form comes from our own pages. Browsers say where a form stood; whoever says nothing is no browser, and
/// cannot be made to send what its user does not know of.
fn is_own_form(parts: &Parts) -> bool {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match header(ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some_and(|host| hosts::sent(parts).is_some_and(|sent| sent.eq_ignore_ascii_case(host)))
        }
    }
}

//! The Co-Branded service: the pages on which a buyer authorises a payment token (guide: Co-Branded Service API).
//!
//! A merchant redirects a buyer to [`START_PATH`] with a signed URL. A visit then takes these steps:
//!
//! 1. `start_link` parses the URL (`start_url`), finds the merchant and verifies the signature (`signature`).
//! 2. `authorization_request` reads the parameters of the pipeline (`pipelines`, `parameter_reader`) into a proposal
//!    for the ledger.
//! 3. The buyer signs in and reviews the proposal. `views` fills the templates (`pages`) with texts from `copy`.
//! 4. `visit` lets the ledger authorise the proposal and redirects the buyer to the merchant (`return_url`) with the
//!    signed `outcome`.
//!
//! Between two pages the state of a visit is kept by the browser alone, in a `visit_token`. A merchant's test can skip
//! the pages and go to step 4 at once (`sandbox_overrides`).

mod authorization_request;
mod copy;
pub mod documentation;
mod form;
mod handlers;
mod outcome;
mod pages;
mod parameter_reader;
mod payment_reason;
mod pipeline;
mod pipelines;
mod return_url;
mod sandbox_overrides;
mod shipping_address;
mod signature;
mod start_link;
mod start_url;
mod views;
mod visit;
mod visit_context;
mod visit_token;

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::middleware;
use axum::routing::{get, post};
use tokio::sync::OnceCell;
use url::Url;

use crate::error::{Code, FpsError};
use crate::fps::hosts::{self, SignedHosts};
use crate::host_names::{AMAZON_API_HOSTS, AMAZON_COBRANDED_HOSTS, split_port};
use crate::ledger::{GetSecret, Secret, SecretName, StoreSecret};
use crate::message_signing::MessageSigner;
use crate::server::ConnectionInfo;
use crate::worlds::Worlds;

pub use sandbox_overrides::is_sandbox_parameter;
pub use visit_token::VisitTokenKey;

/// Path of the URL to which merchants redirect buyers.
pub const START_PATH: &str = "/cobranded-ui/actions/start";
const SIGN_IN_PATH: &str = "/cobranded-ui/actions/sign-in";
const CONFIRM_PATH: &str = "/cobranded-ui/actions/confirm";

/// The state that the handlers share: other services, and the settings of the pages.
#[derive(Debug)]
pub struct CoBrandedService {
    /// Finds merchants by their access keys.
    pub worlds: Worlds,
    /// The hosts for which a start URL may have been signed.
    pub hosts: SignedHosts,
    /// Signs return URLs.
    pub message_signer: Arc<MessageSigner>,
    /// Whether a start URL without a signature is refused.
    pub requires_signature: bool,
    /// Base URL of `certificateUrl` in return URLs. `None` takes the address under which the visitor reached the
    /// sandbox.
    pub certificate_base: Option<String>,
    /// Maximum length of a start URL's query, in bytes.
    pub max_request_bytes: usize,
    /// Maximum number of parameters in a start URL.
    pub max_parameters: usize,
    /// The key of visit tokens, loaded when the first page is shown.
    pub visit_token_key: OnceCell<VisitTokenKey>,
}

/// The routes of the pages, of their static files, and of the certificate that verifies return URLs.
pub fn router(service: CoBrandedService) -> Router {
    Router::new()
        .route(START_PATH, get(handlers::start))
        .route(SIGN_IN_PATH, post(handlers::sign_in))
        .route(CONFIRM_PATH, post(handlers::confirm))
        .route("/cobranded-ui/style.css", get(handlers::stylesheet))
        .route("/cobranded-ui/continue.svg", get(handlers::arrow_icon))
        .route("/certs/{name}/PKICert.pem", get(handlers::certificate))
        .layer(middleware::from_fn(handlers::log_with_request_id))
        .with_state(Arc::new(service))
}

impl CoBrandedService {
    /// The key of visit tokens. It is stored in the database of the default world, so all sandboxes on a database
    /// accept each other's tokens. The first sandbox that needs the key creates it.
    async fn visit_token_key(&self) -> Result<&VisitTokenKey, FpsError> {
        let loaded = self.visit_token_key.get_or_try_init(|| async {
            let name = SecretName::VisitTokenKey;
            let store = self.worlds.default_world().store();
            let secret = if let Some(stored) = store.query(GetSecret { name }).await? {
                stored
            } else {
                // Another sandbox may store its secret first. `StoreSecret` then returns that one.
                let offered = Secret::new(VisitTokenKey::generate_secret());
                store.run(StoreSecret { name, offered }).await?
            };
            VisitTokenKey::new(secret.reveal()).ok_or_else(|| Code::InternalError.into())
        });
        loaded.await
    }

    /// The base URL under which the merchant can download the certificate, without a trailing slash.
    fn certificate_base(&self, parts: &Parts) -> String {
        if let Some(base) = &self.certificate_base {
            return base.trim_end_matches('/').to_owned();
        }
        let connection = parts.extensions.get::<ConnectionInfo>();
        let host = hosts::host_header(parts).map(str::to_owned);
        let host = host.or_else(|| connection.map(|info| info.local_addr.to_string())).unwrap_or_default();
        // A merchant who reaches the pages under Amazon's names reaches the API, which serves the certificate, under them too.
        let (host_name, _) = split_port(&host);
        let mut amazon_hosts = AMAZON_COBRANDED_HOSTS.iter().zip(AMAZON_API_HOSTS);
        if let Some((_, api)) = amazon_hosts.find(|(pages, _)| host_name.eq_ignore_ascii_case(pages)) {
            return format!("https://{api}");
        }
        let scheme = if connection.is_some_and(|info| info.tls) { "https" } else { "http" };
        let url = Url::parse(&format!("{scheme}://{host}/")).ok().filter(return_url::has_valid_host);
        url.map_or_else(|| format!("{scheme}://localhost"), |url| url.origin().ascii_serialization())
    }
}

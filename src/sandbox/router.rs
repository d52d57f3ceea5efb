//! The routes of the sandbox.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use tokio::sync::OnceCell;

use crate::authentication::Authenticator;
use crate::cobranded::{self, CoBrandedService};
use crate::config::{CoBrandedAuth, Config};
use crate::fps::hosts::SignedHosts;
use crate::fps::{self, RestApi, documentation};
use crate::host_names::AMAZON_COBRANDED_HOSTS;
use crate::message_signing::MessageSigner;
use crate::service::Service;
use crate::store::Store;
use crate::worlds::Worlds;

/// The web service at `/`, the Co-Branded pages, health checks, and the sandbox's own pages below `/_sandbox/`. `ca_pem`
/// is the certificate of the certificate authority, if the sandbox has one.
pub(super) fn router(
    config: &Config,
    worlds: &Worlds,
    message_signer: Arc<MessageSigner>,
    ca_pem: Option<&str>,
) -> Router {
    let hosts = SignedHosts { aliases: config.host_alias.clone() };
    let pages = CoBrandedService {
        worlds: worlds.clone(),
        hosts: hosts.clone().with_aliases(AMAZON_COBRANDED_HOSTS),
        message_signer: Arc::clone(&message_signer),
        requires_signature: config.cobranded_auth == CoBrandedAuth::Strict,
        certificate_base: config.certificate_base.clone(),
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
        visit_token_key: OnceCell::new(),
    };
    let authenticator = Authenticator {
        mode: config.auth,
        signature_versions: config.signature_versions.clone(),
        timestamp_window: config.timestamp_window.0,
        worlds: worlds.clone(),
    };
    let rest = RestApi {
        authenticator,
        service: Service { message_signer, verify_signature_refusal: config.verify_signature_refusal },
        hosts,
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
    };
    let markdown = |text: String| ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text);
    let mut router = Router::new()
        .route("/", any(fps::handle_request).with_state(Arc::new(rest)))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(worlds.default_world().store().clone()))
        .route("/_sandbox/actions", get(async move || markdown(documentation::actions_markdown())))
        .route("/_sandbox/errors", get(async move || markdown(documentation::errors_markdown())))
        .route("/_sandbox/magic", get(async move || markdown(documentation::magic_markdown())))
        .route("/_sandbox/cobranded", get(async move || markdown(cobranded::documentation::markdown())))
        .merge(cobranded::router(pages));
    if let Some(pem) = ca_pem.map(str::to_owned) {
        let file = [
            (header::CONTENT_TYPE, "application/x-pem-file"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"fps-sandbox-ca.pem\""),
        ];
        router = router.route("/_sandbox/ca.pem", get(async move || (file, pem)));
    }
    router.fallback(async || {
        (
            StatusCode::NOT_FOUND,
            "Nothing here. The FPS web service answers at /; see also /_sandbox/actions.\n",
        )
    })
}

/// Answers 200 if the database of the default world accepts changes.
async fn ready(State(store): State<Store>) -> impl IntoResponse {
    if store.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database is away or takes no changes\n")
    }
}

//! What is known of a visit while one of its requests is handled.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use url::Url;

use crate::error::FpsError;
use crate::ledger::Named as _;
use crate::ledger::Timestamp;
use crate::logging::excerpt;
use crate::message_signing::MessageSigner;
use crate::store::AccessKey;
use crate::worlds::World;

use super::CoBrandedService;
use super::authorization_request::AuthorizationRequest;
use super::outcome::VisitOutcome;
use super::pages::ErrorPage;
use super::pipelines;
use super::return_url::{append_parameters, corrupt_signature, redirect_to};
use super::sandbox_overrides::SandboxOverrides;
use super::start_link::StartLink;
use super::start_url::StartUrl;
use super::visit_token::VisitState;

/// A visit, and the merchant and the world that it belongs to.
pub(super) struct VisitContext {
    pub(super) world: Arc<World>,
    pub(super) visit: VisitState,
    pub(super) start: StartUrl,
    pub(super) overrides: SandboxOverrides,
    /// What the start URL asks for, or the names of the parameters that are malformed.
    pub(super) request: Result<AuthorizationRequest, Vec<&'static str>>,
    /// The merchant's access key.
    pub(super) key: Arc<AccessKey>,
    return_url: Url,
    /// Whether the start URL is refused for its signature. Of what it says, the return URL then contains nothing but
    /// the query of `returnURL`.
    is_refused: bool,
    /// Base URL of the certificate.
    certificate_base: String,
}

impl VisitContext {
    /// Begins a visit from a start URL, whose signature is verified.
    pub(super) async fn begin(
        service: &CoBrandedService,
        parts: &Parts,
        query: &str,
    ) -> Result<Self, ErrorPage> {
        let link = StartLink::parse(service, query).await?;
        let refusal_reason = link.find_refusal_reason(service, parts, query)?;
        let started_millis = service.worlds.clock_time_for(&link.merchant_key).millis();
        let visit =
            VisitState { query: query.to_owned(), started_millis, email: None, previous_method: None };
        let Some(reason) = refusal_reason else {
            return Self::enter_world(service, parts, link, visit).await;
        };
        tracing::info!(reason = excerpt(&reason).as_ref(), "a start URL is refused");
        // A refused link does not create the merchant's world. The redirect needs no world of its own.
        let StartLink { start, return_url, overrides, merchant_key } = link;
        let world = merchant_key.world().unwrap_or_else(|| service.worlds.default_world());
        Ok(Self {
            world: Arc::clone(world),
            visit,
            start,
            overrides,
            request: Err(vec!["signature"]),
            key: Arc::clone(&merchant_key.key),
            return_url,
            is_refused: true,
            certificate_base: service.certificate_base(parts),
        })
    }

    /// Resumes a visit from its token. The signature of the start URL was verified when the visit began. `None`: the
    /// visit has expired.
    pub(super) async fn resume(
        service: &CoBrandedService,
        parts: &Parts,
        visit: VisitState,
    ) -> Result<Option<Self>, ErrorPage> {
        let link = StartLink::parse(service, &visit.query).await?;
        if visit.has_expired(service.worlds.clock_time_for(&link.merchant_key)) {
            return Ok(None);
        }
        Self::enter_world(service, parts, link, visit).await.map(Some)
    }

    /// Enters the merchant's world, creating it if necessary, and reads what the start URL asks for.
    async fn enter_world(
        service: &CoBrandedService,
        parts: &Parts,
        link: StartLink,
        visit: VisitState,
    ) -> Result<Self, ErrorPage> {
        let StartLink { start, return_url, overrides, merchant_key } = link;
        let (world, key) = service.worlds.get_or_create_for(merchant_key).await?;
        // Parameters are checked as of the beginning of the visit, so that all its pages agree.
        let started = Timestamp::from_millis(visit.started_millis);
        let pipeline = start.value("pipelineName").and_then(pipelines::find_pipeline);
        let request = match pipeline {
            Some(pipeline) => AuthorizationRequest::parse(pipeline, &start, key.owner, started),
            None => Err(vec!["pipelineName"]),
        };
        let certificate_base = service.certificate_base(parts);
        let is_refused = false;
        Ok(Self { world, visit, start, overrides, request, key, return_url, is_refused, certificate_base })
    }

    /// Whether return URLs to this merchant are signed by version 1.
    pub(super) fn signs_by_version_1(&self) -> bool {
        self.key.cobranded.uses_signature_version_1
    }

    /// Ends the visit: redirects the visitor to the merchant, with the outcome in a signed URL.
    pub(super) async fn redirect_to_merchant(
        &self,
        service: &CoBrandedService,
        outcome: &VisitOutcome,
    ) -> Result<Response<Body>, FpsError> {
        self.redirect(service, outcome, false).await
    }

    /// The same with an invalid signature, for merchants that test how they verify signatures.
    pub(super) async fn redirect_with_invalid_signature(
        &self,
        service: &CoBrandedService,
        outcome: &VisitOutcome,
    ) -> Result<Response<Body>, FpsError> {
        self.redirect(service, outcome, true).await
    }

    async fn redirect(
        &self,
        service: &CoBrandedService,
        outcome: &VisitOutcome,
        with_invalid_signature: bool,
    ) -> Result<Response<Body>, FpsError> {
        let version_1 = self.signs_by_version_1();
        let caller_reference = self.start.value("callerReference").filter(|_| !self.is_refused);
        let mut pairs = outcome.parameters(version_1, caller_reference);
        if version_1 {
            MessageSigner::sign_version_1(&self.key, &self.return_url, &mut pairs);
        } else {
            let ids = self.world.request_ids();
            service
                .message_signer
                .sign("GET", &self.return_url, &self.certificate_base, ids, &mut pairs)
                .await?;
        }
        if with_invalid_signature {
            corrupt_signature(&mut pairs);
        }
        tracing::info!(
            pipeline = self.start.value("pipelineName").map(excerpt).as_deref(),
            status = outcome.status().name(),
            reason = self.failure_reason(outcome).map(|reason| excerpt(&reason).into_owned()),
            "a visit to the pages ends"
        );
        Ok(redirect_to(&append_parameters(&self.return_url, &pairs)))
    }

    /// Why the visit has failed, for the log: with the values of the malformed parameters.
    fn failure_reason(&self, outcome: &VisitOutcome) -> Option<String> {
        match outcome {
            VisitOutcome::MalformedParameters(names) => {
                let describe = |name: &&str| match self.start.value(name) {
                    Some(value) => format!("{name}={value}"),
                    None => format!("no readable {name}"),
                };
                Some(names.iter().map(describe).collect::<Vec<_>>().join(", "))
            }
            VisitOutcome::ReferenceInUse(name) => {
                let value = self.start.value(name).unwrap_or_default();
                Some(format!("{name}={value} has already been used for a token"))
            }
            VisitOutcome::NotPossible(reason) => Some((*reason).to_owned()),
            _ => None,
        }
    }
}

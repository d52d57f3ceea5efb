//! The steps of a visit: start, sign in, confirm, and the return to the merchant.

use std::ops::ControlFlow;

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::ledger::Named as _;
use crate::ledger::{
    AuthorizationPreview, Authorize, CbuiStatus, PaymentMethod, PreviewAuthorization, Visitor,
};

use super::CoBrandedService;
use super::form::{Form, UNREADABLE_FORM_TITLE};
use super::outcome::{AuthorizedVisit, VisitOutcome};
use super::pages::ErrorPage;
use super::sandbox_overrides::{is_email_address, parse_status};
use super::shipping_address::entered_address;
use super::views;
use super::visit_context::VisitContext;

/// What the visitor has decided, or a test in the visitor's place.
struct Decision<'a> {
    visitor: Visitor,
    /// The status to force, if any.
    forced_status: Option<CbuiStatus>,
    method: Option<PaymentMethod>,
    form: &'a Form,
}

/// Step 1, the visitor arrives: the sign-in page, or the end of the visit if a status is forced.
pub(super) async fn start(
    service: &CoBrandedService,
    mut context: VisitContext,
) -> Result<Response<Body>, ErrorPage> {
    let preview = match preview(service, &context, None).await? {
        ControlFlow::Continue(preview) => preview,
        ControlFlow::Break(redirect) => return Ok(redirect),
    };
    let preset_status = context.key.cobranded.preset_status.filter(|_| !context.overrides.shows_pages);
    let forced_status = context.overrides.forced_status.or(preset_status);
    if forced_status.is_some() {
        context.visit.previous_method = preview.current.map(|method| method.name().to_owned());
        let visitor = context.overrides.buyer_email.clone().map_or(Visitor::First, Visitor::At);
        let decision = Decision { visitor, forced_status, method: None, form: &Form::empty() };
        return complete(service, &context, decision).await;
    }
    views::sign_in_page(service, &context, &preview).await
}

/// Step 2, the visitor signs in: the review page, or the sign-in page again if the e-mail address is invalid.
pub(super) async fn sign_in(
    service: &CoBrandedService,
    mut context: VisitContext,
    form: &Form,
) -> Result<Response<Body>, ErrorPage> {
    // A button with the address of a known account takes precedence over the input field.
    let entered = form.value("visitor").or_else(|| form.value("email")).unwrap_or_default();
    let email = Some(entered.to_owned()).filter(|email| is_email_address(email));
    let preview = match preview(service, &context, email.clone()).await? {
        ControlFlow::Continue(preview) => preview,
        ControlFlow::Break(redirect) => return Ok(redirect),
    };
    if email.is_none() {
        return views::sign_in_page_with_error(service, &context, &preview, entered).await;
    }
    context.visit.email = email;
    context.visit.previous_method = preview.current.map(|method| method.name().to_owned());
    views::review_page(service, &context, &preview).await
}

/// Step 3, the visitor confirms, cancels, or picks a status to force: the end of the visit.
pub(super) async fn confirm(
    service: &CoBrandedService,
    context: VisitContext,
    form: &Form,
) -> Result<Response<Body>, ErrorPage> {
    let forced_status = form.value("ending").map(|name| parse_status(name).ok_or(name));
    let method = form.value("method").map(|name| name.parse::<PaymentMethod>().map_err(|_| name));
    let (forced_status, method) = match (forced_status.transpose(), method.transpose()) {
        (Ok(forced_status), Ok(method)) => (forced_status, method),
        (Err(name), _) | (_, Err(name)) => {
            let text = format!("There is neither an ending nor a payment method {name}.");
            return Err(ErrorPage::new(StatusCode::UNPROCESSABLE_ENTITY, UNREADABLE_FORM_TITLE, &text));
        }
    };
    let visitor = match (&context.visit.email, forced_status) {
        (Some(email), _) => Visitor::At(email.clone()),
        // Without a visitor a visit can fail, but it cannot succeed.
        (None, Some(status)) if !status.is_success() => Visitor::First,
        (None, _) => return Err(not_signed_in()),
    };
    complete(service, &context, Decision { visitor, forced_status, method, form }).await
}

/// The error page for a visitor who must sign in first.
pub(super) fn not_signed_in() -> ErrorPage {
    ErrorPage::new(StatusCode::BAD_REQUEST, "Nobody has signed in", "Go back and sign in first.")
}

/// What the visitor would authorise. `Break` is the redirect that ends the visit, because the request is malformed or
/// cannot be authorised.
async fn preview(
    service: &CoBrandedService,
    context: &VisitContext,
    email: Option<String>,
) -> Result<ControlFlow<Response<Body>, AuthorizationPreview>, ErrorPage> {
    let outcome = match &context.request {
        Err(names) => VisitOutcome::MalformedParameters(names.clone()),
        Ok(request) => {
            let query = PreviewAuthorization { proposal: request.proposal.clone(), email };
            match context.world.store().query(query).await? {
                Ok(preview) => return Ok(ControlFlow::Continue(preview)),
                Err(error) => error.into(),
            }
        }
    };
    Ok(ControlFlow::Break(context.redirect_to_merchant(service, &outcome).await?))
}

/// Ends the visit: authorises the proposal, unless a status of failure is forced, and redirects to the merchant.
async fn complete(
    service: &CoBrandedService,
    context: &VisitContext,
    decision: Decision<'_>,
) -> Result<Response<Body>, ErrorPage> {
    let Decision { visitor, forced_status, method, form } = decision;
    let request = match &context.request {
        Ok(request) => request,
        Err(names) => {
            let outcome = VisitOutcome::MalformedParameters(names.clone());
            return Ok(context.redirect_to_merchant(service, &outcome).await?);
        }
    };
    let failure = forced_status.and_then(|status| VisitOutcome::forced_failure(status, request.pipeline));
    if let Some(outcome) = failure {
        return Ok(context.redirect_to_merchant(service, &outcome).await?);
    }
    if !context.signs_by_version_1() {
        // Fails now if there is no key to sign the return URL: nothing is authorised that cannot be reported.
        service.message_signer.signing_key().await?;
    }
    let previous_method = context.visit.previous_method.as_deref().and_then(PaymentMethod::named);
    let method = match forced_status {
        Some(CbuiStatus::SA) => Some(PaymentMethod::ABT),
        Some(CbuiStatus::SB) => Some(PaymentMethod::ACH),
        Some(CbuiStatus::SC | CbuiStatus::ExpiredCard) => Some(PaymentMethod::CC),
        Some(CbuiStatus::SU) => previous_method.or(method),
        _ => method,
    };
    let command = Authorize { proposal: request.proposal.clone(), visitor, method, previous_method };
    let authorization = match context.world.store().run(command).await? {
        Ok(authorization) => authorization,
        Err(error) => return Ok(context.redirect_to_merchant(service, &error.into()).await?),
    };
    let caller_reference =
        context.start.value("callerReference").filter(|_| request.pipeline.returns_caller_reference());
    let outcome = VisitOutcome::Authorized(AuthorizedVisit {
        pipeline: request.pipeline,
        authorization,
        has_expired_card: forced_status == Some(CbuiStatus::ExpiredCard),
        address: if request.collects_address { entered_address(form) } else { Vec::new() },
        caller_reference: caller_reference.map(str::to_owned),
        authorized_at: context.world.clock().now(),
    });
    let redirect = if forced_status == Some(CbuiStatus::TamperedSignature) {
        context.redirect_with_invalid_signature(service, &outcome).await?
    } else {
        context.redirect_to_merchant(service, &outcome).await?
    };
    Ok(redirect)
}

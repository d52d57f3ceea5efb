//! Builds the pages of a visit from what the ledger says of its proposal.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use url::Url;

use crate::error::FpsError;
use crate::ledger::Named as _;
use crate::ledger::{AuthorizationPreview, PaymentMethod, Timestamp};

use super::outcome::card_expiry;
use super::pages::{ErrorPage, PageLayout, PaymentMethodOption, ReviewPage, SignInPage, render};
use super::pages::{REVIEW_PAGE_STATUSES, SIGN_IN_PAGE_STATUSES};
use super::payment_reason::payment_reason_html;
use super::return_url::has_valid_host;
use super::shipping_address::{address_from_merchant, input_fields};
use super::visit::not_signed_in;
use super::visit_context::VisitContext;
use super::{CoBrandedService, copy};

/// The first page: who is the visitor?
pub(super) async fn sign_in_page(
    service: &CoBrandedService,
    context: &VisitContext,
    preview: &AuthorizationPreview,
) -> Result<Response<Body>, ErrorPage> {
    let layout = layout(service, context, preview).await?;
    let page = SignInPage {
        layout: &layout,
        visitors: &preview.visitors,
        problem: None,
        email: context.overrides.buyer_email.as_deref().unwrap_or_default(),
        forced_statuses: SIGN_IN_PAGE_STATUSES,
    };
    Ok(render(StatusCode::OK, &layout, &page))
}

/// The first page again, because what the visitor has entered is no e-mail address.
pub(super) async fn sign_in_page_with_error(
    service: &CoBrandedService,
    context: &VisitContext,
    preview: &AuthorizationPreview,
    entered: &str,
) -> Result<Response<Body>, ErrorPage> {
    let layout = layout(service, context, preview).await?;
    let page = SignInPage {
        layout: &layout,
        visitors: &preview.visitors,
        problem: Some("Enter an e-mail address, such as alice@example.com."),
        email: entered,
        forced_statuses: SIGN_IN_PAGE_STATUSES,
    };
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &layout, &page))
}

/// The second page: does the visitor agree, and how will the visitor pay?
pub(super) async fn review_page(
    service: &CoBrandedService,
    context: &VisitContext,
    preview: &AuthorizationPreview,
) -> Result<Response<Body>, ErrorPage> {
    let (Ok(request), Some(email)) = (&context.request, &context.visit.email) else {
        return Err(not_signed_in());
    };
    let proposal = &request.proposal;
    let layout = layout(service, context, preview).await?;
    let name_from_email = || email.split('@').next().unwrap_or_default().to_owned();
    let name = preview.visitor.clone().unwrap_or_else(name_from_email);
    let selected = preview.current.or_else(|| preview.methods.first().copied());
    let option = |method: &PaymentMethod| PaymentMethodOption {
        value: method.name(),
        label: copy::payment_method(*method),
        hint: account_hint(*method, context.world.clock().now()),
        is_selected: Some(*method) == selected,
    };
    let mut terms = copy::agreement_terms(proposal, &preview.merchant, preview.current);
    terms.extend(copy::amount_breakdown(&request.amount_breakdown));
    // A recipient does not pay, so there is nothing to choose.
    let methods = preview.methods.iter().filter(|_| !proposal.is_receiving());
    let page = ReviewPage {
        layout: &layout,
        confirm_label: copy::confirm_label(proposal),
        email,
        is_new: preview.visitor.is_none(),
        reason: proposal.reason.as_deref().map(payment_reason_html),
        terms,
        methods_legend: copy::methods_legend(proposal),
        methods: methods.map(option).collect(),
        address: if request.collects_address { Vec::new() } else { address_from_merchant(&context.start) },
        address_fields: if request.collects_address { input_fields(&name) } else { Vec::new() },
        forced_statuses: REVIEW_PAGE_STATUSES,
        name,
    };
    Ok(render(StatusCode::OK, &layout, &page))
}

/// The parts that the pages of a visit have in common, with its token.
async fn layout(
    service: &CoBrandedService,
    context: &VisitContext,
    preview: &AuthorizationPreview,
) -> Result<PageLayout, FpsError> {
    let parameter = |name| context.start.value(name);
    let image = parameter("cobrandingUrl").and_then(|url| Url::parse(url).ok());
    let proposal = context.request.as_ref().ok().map(|request| &request.proposal);
    let headline = proposal.map(|proposal| copy::headline(proposal, &preview.merchant));
    Ok(PageLayout {
        headline: headline.unwrap_or_default(),
        merchant: preview.merchant.clone(),
        image: image.filter(|url| url.scheme() == "https" && has_valid_host(url)),
        is_banner: parameter("cobrandingStyle").is_some_and(|style| style.eq_ignore_ascii_case("banner")),
        description: parameter("websiteDescription").map(str::to_owned),
        visit_token: service.visit_token_key().await?.sign(&context.visit),
    })
}

/// Sample details of the visitor's account for a payment method (our choice).
fn account_hint(method: PaymentMethod, now: Timestamp) -> String {
    match method {
        PaymentMethod::CC => format!("Visa ending in 1111, expires {}", card_expiry(now, false)),
        PaymentMethod::ACH => "Checking account ending in 6789".to_owned(),
        PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => {
            "Money that was received or paid in".to_owned()
        }
    }
}

//! Reads the parameters of a start URL into a proposal for the ledger.

use crate::ledger::{
    Account, AccountNumber, Amount, PaymentMethod, Proposal, Timestamp, TokenRequest, TokenType, Validity,
};

use super::parameter_reader::StartUrlReader;
use super::pipeline::Pipeline;
use super::start_url::StartUrl;

/// Validity of a multi-use token without `validityExpiry`: a year (guide of 2007), in milliseconds.
const MULTI_USE_VALIDITY_MILLIS: i64 = 365 * 24 * 60 * 60 * 1000;

/// What a well-formed start URL asks the visitor to authorise.
pub(super) struct AuthorizationRequest {
    pub(super) pipeline: &'static Pipeline,
    pub(super) proposal: Proposal,
    /// Whether the visitor is to enter a shipping address.
    pub(super) collects_address: bool,
    /// What the amount consists of: names of parameters with their amounts. The pages show it.
    pub(super) amount_breakdown: Vec<(&'static str, Amount)>,
}

impl AuthorizationRequest {
    /// Reads all parameters of the pipeline. The error is the list of the malformed ones.
    pub(super) fn parse(
        pipeline: &'static Pipeline,
        start: &StartUrl,
        caller: AccountNumber,
        now: Timestamp,
    ) -> Result<Self, Vec<&'static str>> {
        let mut reader = StartUrlReader::new(start, pipeline, now);
        reader.check_common_parameters();
        let request = (pipeline.read)(&mut reader);
        let methods = read_methods(&mut reader, pipeline, &request);
        let reason = if pipeline.has_parameter("paymentReason") { reader.payment_reason() } else { None };
        let validity = read_validity(&mut reader, pipeline, &request, now);
        let collects_address = pipeline.has_parameter("collectShippingAddress")
            && reader.flag("collectShippingAddress") == Some(true);
        // These have no effect, but a malformed value is an error.
        for name in ["collectEmailAddress", "disableGuest"] {
            if pipeline.has_parameter(name) {
                reader.flag(name);
            }
        }
        let mut amount_breakdown = Vec::new();
        for name in ["itemTotal", "shipping", "handling", "giftWrapping", "tax", "discount"] {
            let amount = if pipeline.has_parameter(name) { reader.dollars_or_zero(name) } else { None };
            amount_breakdown.extend(amount.map(|amount| (name, amount)));
        }
        let malformed = reader.into_malformed();
        if !malformed.is_empty() {
            return Err(malformed);
        }
        let proposal = Proposal { caller, methods, reason, validity, request };
        Ok(Self { pipeline, proposal, collects_address, amount_breakdown })
    }
}

/// The payment methods that the merchant accepts: all, unless `paymentMethod` lists some. Only a card can be reserved.
fn read_methods(
    reader: &mut StartUrlReader<'_>,
    pipeline: &Pipeline,
    request: &TokenRequest,
) -> Vec<PaymentMethod> {
    let listed = if pipeline.has_parameter("paymentMethod") { reader.payment_methods() } else { None };
    let mut methods = listed.unwrap_or_else(|| Account::METHODS.into());
    if matches!(request, TokenRequest::Payments(payments) if payments.reserves) {
        methods.retain(|method| *method == PaymentMethod::CC);
    }
    methods
}

fn read_validity(
    reader: &mut StartUrlReader<'_>,
    pipeline: &Pipeline,
    request: &TokenRequest,
    now: Timestamp,
) -> Validity {
    let mut validity =
        if pipeline.has_parameter("validityStart") { reader.validity() } else { Validity::default() };
    if matches!(request, TokenRequest::Payments(payments) if payments.token_type == TokenType::MultiUse) {
        let default_end = || validity.from.unwrap_or(now).plus_millis(MULTI_USE_VALIDITY_MILLIS);
        validity.until = validity.until.or_else(|| Some(default_end()));
    }
    validity
}

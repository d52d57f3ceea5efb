//! CancelSubscriptionAndRefund: cancels a subscription (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger::{self, Amount, Descriptions};
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind, missing_parameter};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "CancelSubscriptionAndRefund",
    aliases: &[],
    summary: "Cancels a subscription and optionally refunds part of its last payment.",
    source: "API Reference, CancelSubscriptionAndRefund",
    parameters: &[
        shared::SUBSCRIPTION_ID,
        Parameter::optional(
            "RefundAmount",
            ParameterKind::Amount,
            "How much of the last payment goes back. Default: nothing.",
        ),
        Parameter::optional(
            "CallerReference",
            ParameterKind::Characters(128),
            "The refund's reference; needed with RefundAmount.",
        ),
        Parameter::optional("CancelReason", ParameterKind::Characters(256), "Why."),
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::AccessFailure,
        Code::InvalidTransactionState,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::RefundAmountExceeded,
        Code::TransactionFullyRefundedAlready,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
        Code::DuplicateRequest,
    ],
    behaviours: &[
        documented("RefundTransactionId is the id of the refund."),
        observed("CallerReference is needed when RefundAmount is given."),
        our_choice("Without RefundAmount nothing is refunded, and the result is empty."),
        shared::CALLER_REFERENCE_SCOPE,
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let (parameters, caller) = (&mut context.parameters, context.caller);
    let subscription = parameters.read("SubscriptionId")?;
    let amount: Option<Amount> = parameters.read("RefundAmount")?;
    let caller_reference: Option<String> = parameters.read("CallerReference")?;
    let caller_description = parameters.read("CancelReason")?;
    let Some(amount) = amount else {
        context.run(ledger::CancelSubscription { caller, subscription }).await?;
        return Ok(ActionResult::with_result(|_| {}));
    };
    let caller_reference = caller_reference.ok_or_else(|| missing_parameter("CallerReference"))?;
    let descriptions = Descriptions { caller_reference, caller_description, ..Descriptions::default() };
    let operation = ledger::CancelSubscriptionAndRefund { caller, subscription, amount, descriptions };
    let receipt = context.run_idempotent(operation).await?;
    Ok(ActionResult::with_result(|out| out.text("RefundTransactionId", &receipt.transaction)))
}

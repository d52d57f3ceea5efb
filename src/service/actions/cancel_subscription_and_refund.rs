//! CancelSubscriptionAndRefund: calls a subscription off (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger::{self, Descriptions, Idempotent};
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter, missing};

use super::{Action, Run, documented, observed, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "CancelSubscriptionAndRefund",
    aliases: &[],
    summary: "Calls a subscription off, and gives back part of its last payment if so asked.",
    source: "API Reference, CancelSubscriptionAndRefund",
    parameters: &[
        shared::SUBSCRIPTION_ID,
        Parameter::optional(
            "RefundAmount",
            Kind::Amount,
            "How much of the last payment goes back. Default: nothing.",
        ),
        Parameter::optional(
            "CallerReference",
            Kind::Characters(128),
            "The refund's reference; needed with RefundAmount.",
        ),
        Parameter::optional("CancelReason", Kind::Characters(256), "Why."),
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
    fidelity: &[
        documented("RefundTransactionId is the id of the refund."),
        observed("CallerReference is needed when RefundAmount is given."),
        our_choice("Without RefundAmount nothing is refunded, and the result is empty."),
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let (params, caller) = (&mut call.params, call.caller);
    let subscription = params.text("SubscriptionId")?.into();
    let amount = params.optional_amount("RefundAmount")?;
    let reference = params.optional_text("CallerReference")?;
    let reason = params.optional_text("CancelReason")?;
    let Some(amount) = amount else {
        call.run(ledger::CancelSubscription { caller, subscription }).await?;
        return Ok(Answer::result(|_| {}));
    };
    let caller_reference = reference.ok_or_else(|| missing("CallerReference"))?;
    let descriptions =
        Descriptions { caller_reference, caller_description: reason, ..Descriptions::default() };
    let operation = ledger::CancelSubscriptionAndRefund { caller, subscription, amount, descriptions };
    let receipt = call.run(Idempotent { operation, digest: call.params.digest() }).await?;
    Ok(Answer::result(|out| out.text("RefundTransactionId", &receipt.transaction)))
}

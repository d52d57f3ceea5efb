//! Refund: returns money of a payment, in part or in full (guide: API Reference, Refund).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "Refund",
    aliases: &[],
    summary: "Gives back a payment, in part or in full. The refund of a Pay on credit lowers the debt.",
    source: "API Reference, Refund; Aggregated Payments Guide, Order Cancellation",
    parameters: &[
        shared::TRANSACTION_ID,
        Parameter::optional(
            "RefundAmount",
            ParameterKind::Amount,
            "How much. Default: all that is left to refund.",
        ),
        shared::CALLER_REFERENCE,
        shared::CALLER_DESCRIPTION,
        Parameter::optional(
            "MarketplaceRefundPolicy",
            ParameterKind::OneOf(&["MasterTxnOnly", "MarketplaceTxnOnly", "MasterAndMarketplaceTxn"]),
            "What happens to a marketplace's fee: it stays, it alone goes back, or both go back.",
        )
        .or("MasterTxnOnly"),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &[
        "ChargeFeeTo",
        "MetaData",
        "RefundRecipientReference",
        "RefundSenderReference",
        "TransactionDate",
    ],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTransactionId,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::TransactionTypeNotRefundable,
        Code::OriginalTransactionIncomplete,
        Code::OriginalTransactionFailed,
        Code::InvalidTransactionState,
        Code::TransactionFullyRefundedAlready,
        Code::RefundAmountExceeded,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
        Code::DuplicateRequest,
    ],
    behaviours: &[
        documented(
            "Several partial refunds, never more in sum than was paid; FPS's fee goes back in proportion.",
        ),
        documented(
            "Card refunds are asynchronous; balance and bank payments go back to the balance, at once.",
        ),
        documented("SettleDebt and WriteOffDebt cannot be refunded, nor can a debt that is settled."),
        our_choice(
            "Settlements and write-offs clear the oldest debt first; what is open of a Pay can be refunded, as far as it is not being settled.",
        ),
        our_choice("MarketplaceTxnOnly moves the caller's own fee, or RefundAmount of it, to the recipient."),
        our_choice("The type of the original transaction is checked before its state."),
        shared::CALLER_REFERENCE_SCOPE,
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let original = parameters.read("TransactionId")?;
    let amount = parameters.read("RefundAmount")?;
    let mut descriptions = shared::read_descriptions(parameters)?;
    let policy = parameters.read("MarketplaceRefundPolicy")?;
    descriptions.ipn_url = parameters.read("OverrideIPNURL")?;
    let refund = ledger::Refund { caller: context.caller, original, amount, policy, descriptions };
    let receipt = context.run_idempotent(refund).await?;
    Ok(ActionResult::receipt(&receipt))
}

//! Refund: a payment goes back, in part or in full (guide: API Reference, Refund).

use crate::error::{Code, FpsError};
use crate::ledger::{self, MarketplaceRefundPolicy};
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Refund",
    aliases: &[],
    summary: "Gives back a payment, in part or in full; of a debt Pay it lowers the debt.",
    source: "API Reference, Refund; Aggregated Payments Guide, Order Cancellation",
    parameters: &[
        shared::TRANSACTION_ID,
        Parameter::optional("RefundAmount", Kind::Amount, "How much. Default: all that is left to refund."),
        shared::CALLER_REFERENCE,
        shared::CALLER_DESCRIPTION,
        Parameter::optional(
            "MarketplaceRefundPolicy",
            Kind::OneOf(&["MasterTxnOnly", "MarketplaceTxnOnly", "MasterAndMarketplaceTxn"]),
            "What happens to a marketplace's fee: it stays, it alone goes back, or both go back. Default MasterTxnOnly.",
        ),
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
    fidelity: &[
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
        our_choice("The type of the original is looked at before its state."),
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let original = params.text("TransactionId")?.into();
    let amount = params.optional_amount("RefundAmount")?;
    let mut descriptions = params.descriptions()?;
    let policy = params.choice("MarketplaceRefundPolicy", MarketplaceRefundPolicy::MasterTxnOnly)?;
    descriptions.ipn_url = params.optional_text("OverrideIPNURL")?;
    let refund = ledger::Refund { caller: call.caller, original, amount, policy, descriptions };
    call.run_once(refund).await
}

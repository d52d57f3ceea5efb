//! Pay: money, or debt, from sender to recipient (guide: API Reference, Pay; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};
use crate::fps::call::Call;
use crate::fps::params::{Kind, Parameter};
use crate::fps::xml::Answer;
use crate::ledger::{self, ChargeFeeTo};

use super::{Action, documented, observed, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Pay",
    summary: "Moves money from the sender to the recipient; with a credit token it makes debt instead.",
    source: "API Reference, Pay; Aggregated Payments Guide, Using Postpaid Payment Tokens",
    parameters: &[
        shared::SENDER_TOKEN_ID,
        Parameter::optional(
            "RecipientTokenId",
            Kind::Characters(64),
            "Marketplaces only, and they are not there yet: answers NotMarketplaceApp.",
        ),
        Parameter::required("TransactionAmount", Kind::Amount, "How much."),
        Parameter::optional(
            "ChargeFeeTo",
            Kind::OneOf(&["Caller", "Recipient"]),
            "Who pays FPS's fee; here caller and recipient are the same. Default Recipient.",
        ),
        shared::CALLER_REFERENCE,
        shared::CALLER_DESCRIPTION,
        shared::SENDER_DESCRIPTION,
        shared::SOFT_DESCRIPTOR_TYPE,
        shared::CS_OWNER,
        shared::TRANSACTION_TIMEOUT,
        Parameter::optional(
            "MarketplaceFixedFee",
            Kind::Amount,
            "Marketplaces only: answers NotMarketplaceApp.",
        ),
        Parameter::optional(
            "MarketplaceVariableFee",
            Kind::Percent,
            "Marketplaces only: answers NotMarketplaceApp.",
        ),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &["MetaData", "RecipientDescription", "RecipientReference", "SenderReference", "TransactionDate"],
    errors: &[
        Code::InvalidParams,
        Code::NotMarketplaceApp,
        Code::InvalidTokenId_Sender,
        Code::SameSenderAndRecipient,
        Code::InvalidAccountState_Caller,
        Code::InvalidAccountState_Sender,
        Code::UnverifiedEmailAddress_Caller,
        Code::UnverifiedEmailAddress_Sender,
        Code::TokenNotActive_Sender,
        Code::InstrumentExpired,
        Code::InactiveInstrument,
        Code::IncompatibleTokens,
        Code::InvalidRecipientForCCTransaction,
        Code::TokenUsageError,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented("Balance transfers finish in the call; cards and banks answer Pending and finish later."),
        documented("A pending payment that is not done within TransactionTimeoutInMins fails."),
        documented("New debt is refused above the credit limit."),
        observed(
            "The text of InsufficientBalance on a credit instrument; debt equal to the limit is allowed.",
        ),
        our_choice("A Pay by credit token succeeds at once, moves no money and costs no fee."),
        our_choice(
            "Cards take 1 s and banks 4 days by default; a timed-out payment ends as Failure / Expired.",
        ),
        our_choice("The fee table, which reproduces every recorded fee."),
        our_choice("A token used by another caller than its own is InvalidTokenId_Sender."),
    ],
    run: |call| Box::pin(run(call)),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let sender_token = params.text("SenderTokenId")?.into();
    let recipient_token = params.maybe_text("RecipientTokenId")?;
    let amount = params.amount("TransactionAmount")?;
    let charge_fee_to = params.choice("ChargeFeeTo", ChargeFeeTo::Recipient)?;
    let mut remarks = params.remarks_for_statement()?;
    let timeout_minutes = params.minutes("TransactionTimeoutInMins", shared::DEFAULT_TIMEOUT)?;
    let fixed_fee = params.maybe_amount("MarketplaceFixedFee")?;
    let variable_fee = params.percent("MarketplaceVariableFee")?;
    remarks.ipn_url = params.maybe_text("OverrideIPNURL")?;
    let marketplace = recipient_token.is_some() || fixed_fee.is_some() || variable_fee;
    let caller = call.caller;
    let pay =
        ledger::Pay { caller, sender_token, amount, charge_fee_to, remarks, timeout_minutes, marketplace };
    call.run_once(ACTION.name, pay).await
}

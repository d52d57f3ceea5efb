//! SettleDebt: money for debt (guide: SettleDebt; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::{Call, DEFAULT_TIMEOUT_MINUTES};
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "SettleDebt",
    aliases: &[],
    summary: "Settles debt on a credit instrument with money, by its settlement token.",
    source: "API Reference, SettleDebt; Aggregated Payments Guide, Using Postpaid Payment Tokens",
    parameters: &[
        Parameter::required(
            "SenderTokenId",
            Kind::Characters(64),
            "The settlement token, not the credit sender token.",
        ),
        shared::CREDIT_INSTRUMENT_ID,
        Parameter::optional("SettlementAmount", Kind::Amount, "How much. Default: the whole debt."),
        shared::CALLER_REFERENCE,
        shared::SENDER_DESCRIPTION,
        shared::CALLER_DESCRIPTION,
        shared::SOFT_DESCRIPTOR_TYPE,
        shared::CS_OWNER,
        shared::TRANSACTION_TIMEOUT,
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: shared::PAYMENT_LEGACY_WITH_FEE,
    errors: &[
        Code::InvalidParams,
        Code::InvalidTokenId_Sender,
        Code::InvalidPaymentInstrument,
        Code::InstrumentAccessDenied,
        Code::SameSenderAndRecipient,
        Code::AccountClosed,
        Code::UnverifiedAccount_Sender,
        Code::UnverifiedAccount_Recipient,
        Code::UnverifiedBankAccount,
        Code::TransactionDenied,
        Code::InvalidPaymentMethod,
        Code::PaymentMethodNotDefined,
        Code::AccountLimitsExceeded,
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
        Code::SettleAmountGreaterThanDebt,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented(
            "Debt falls by the whole amount, the recipient receives the amount less the fee; of a debt of 100, settling 90 leaves 10 and brings 87.50.",
        ),
        documented("The settlement token's global amount limit bounds the sum of all settlements."),
        documented("Settling more than is owed is SettleAmountGreaterThanDebt."),
        our_choice(
            "Without SettlementAmount the whole debt is settled; when nothing is owed, SettleAmountGreaterThanDebt.",
        ),
        our_choice("Debt is never settled by itself."),
        our_choice("A settlement that fails gives its amount back to the debt and to the token's limits."),
        shared::TOKEN_RULES,
        shared::TOKEN_RULES_TEXT,
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let sender_token = params.text("SenderTokenId")?.into();
    let instrument = params.text("CreditInstrumentId")?.into();
    let amount = params.optional_amount("SettlementAmount")?;
    let mut descriptions = params.statement_descriptions()?;
    let timeout_minutes = params.minutes("TransactionTimeoutInMins", DEFAULT_TIMEOUT_MINUTES)?;
    descriptions.ipn_url = params.optional_text("OverrideIPNURL")?;
    let caller = call.caller;
    let settle =
        ledger::SettleDebt { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
    call.run_once(settle).await
}

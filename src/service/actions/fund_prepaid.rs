//! FundPrepaid: money paid in advance (guide: API Reference, FundPrepaid).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::{Call, DEFAULT_TIMEOUT_MINUTES};
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, observed, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "FundPrepaid",
    aliases: &[],
    summary: "Pays money in advance onto a prepaid instrument, by its funding token.",
    source: "API Reference, FundPrepaid; Aggregated Payments Guide, Using Prepaid Payment Tokens",
    parameters: &[
        Parameter::required("SenderTokenId", Kind::Characters(64), "The funding token."),
        shared::PREPAID_INSTRUMENT_ID,
        Parameter::required("FundingAmount", Kind::Amount, "How much."),
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
        Code::AmountOutOfRange,
        Code::PrepaidFundingLimitExceeded,
        Code::InsufficientBalance,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented("The instrument gets the whole amount, the recipient the amount less the fee."),
        observed("The fees of the guide's samples: 0.10 for 1.00, 0.30 for 5.00 and for 10.00 by card."),
        our_choice(
            "The recharge limit binds what is there, on its way and newly paid in together; what a refund brings back may pass it.",
        ),
        shared::TOKEN_RULES,
        shared::TOKEN_RULES_TEXT,
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let sender_token = params.text("SenderTokenId")?.into();
    let instrument = params.text("PrepaidInstrumentId")?.into();
    let amount = params.amount("FundingAmount")?;
    let mut descriptions = params.statement_descriptions()?;
    let timeout_minutes = params.minutes("TransactionTimeoutInMins", DEFAULT_TIMEOUT_MINUTES)?;
    descriptions.ipn_url = params.optional_text("OverrideIPNURL")?;
    let caller = call.caller;
    let fund =
        ledger::FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
    call.run_once(fund).await
}

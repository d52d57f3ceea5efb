//! Reserve: money held on a card for up to seven days (guide: API Reference, Reserve).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Reserve",
    aliases: &[],
    summary: "Holds money on the sender's card, to be settled or cancelled later.",
    source: "API Reference, Reserve",
    parameters: shared::PAYMENT,
    legacy: shared::PAYMENT_LEGACY,
    errors: &[
        Code::InvalidParams,
        Code::NotMarketplaceApp,
        Code::SameTokenIdUsedMultipleTimes,
        Code::InvalidTokenId_Sender,
        Code::InvalidTokenId_Recipient,
        Code::SameSenderAndRecipient,
        Code::AccountClosed,
        Code::UnverifiedAccount_Sender,
        Code::UnverifiedAccount_Recipient,
        Code::TransactionDenied,
        Code::InvalidPaymentMethod,
        Code::PaymentMethodNotDefined,
        Code::AccountLimitsExceeded,
        Code::InvalidAccountState_Caller,
        Code::InvalidAccountState_Sender,
        Code::InvalidAccountState_Recipient,
        Code::UnverifiedEmailAddress_Caller,
        Code::UnverifiedEmailAddress_Sender,
        Code::UnverifiedEmailAddress_Recipient,
        Code::TokenNotActive_Sender,
        Code::TokenNotActive_Recipient,
        Code::IncompatibleTokens,
        Code::InvalidRecipientForCCTransaction,
        Code::TokenUsageError,
        Code::AmountOutOfRange,
        Code::PaymentInstrumentNotCC,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented("Cards only; the hold lapses after seven days."),
        our_choice(
            "Pending at first, Reserved when the card answers; a hold that lapses ends as Cancelled / Expired.",
        ),
        our_choice(
            "The fee is that of a card Pay and is taken when the hold is settled, on what is settled.",
        ),
        shared::TOKEN_RULES,
        shared::TOKEN_RULES_TEXT,
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let payment = call.params.payment(call.caller)?;
    call.run_once(ledger::Reserve(payment)).await
}

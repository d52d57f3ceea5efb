//! Pay: money, or debt, from sender to recipient (guide: API Reference, Pay; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, observed, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Pay",
    aliases: &[],
    summary: "Moves money from the sender to the recipient; with a credit token it makes debt, with a prepaid one it spends.",
    source: "API Reference, Pay; Aggregated Payments Guide, Using Postpaid Payment Tokens",
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
        Code::UnverifiedBankAccount,
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
        documented(
            "A marketplace's fee is bounded by what the recipient token allows; the recipient must get something.",
        ),
        our_choice("A business account is a marketplace unless the seed file says otherwise."),
        documented("A Pay by prepaid token spends what was paid in advance, at once and without a fee."),
        documented("A single-use token pays once, within three hours of its making."),
        shared::TOKEN_RULES,
        shared::TOKEN_RULES_TEXT,
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let payment = call.params.payment(call.caller)?;
    call.run_once(ledger::Pay(payment)).await
}

//! Settle: captures a reservation, once, in full or in part (guide: API Reference, Settle).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Settle",
    aliases: &[],
    summary: "Charges what a Reserve holds, once, in full or in part.",
    source: "API Reference, Settle",
    parameters: &[
        Parameter::required("ReserveTransactionId", Kind::Characters(35), "The reservation."),
        Parameter::optional("TransactionAmount", Kind::Amount, "How much of it. Default: all."),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &["TransactionDate"],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTransactionId,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::OriginalTransactionIncomplete,
        Code::OriginalTransactionFailed,
        Code::InvalidTransactionState,
        Code::SettleAmountGreaterThanReserveAmount,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
    ],
    fidelity: &[
        documented("The answer carries the id of the Reserve itself."),
        our_choice("What is not settled is released, and a second Settle is InvalidTransactionState."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let reservation = call.params.text("ReserveTransactionId")?.into();
    let amount = call.params.optional_amount("TransactionAmount")?;
    call.params.optional_text("OverrideIPNURL")?;
    let settle = ledger::Settle { caller: call.caller, reservation, amount };
    call.run_for_receipt(settle).await
}

//! Cancel: lets a reservation or a pending payment go (guide: API Reference, Cancel).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "Cancel",
    aliases: &[],
    summary: "Calls off a reserved or pending transaction.",
    source: "API Reference, Cancel",
    parameters: &[
        shared::TRANSACTION_ID,
        Parameter::optional("Description", Kind::Characters(160), "Why."),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTransactionId,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::InvalidTransactionState,
    ],
    fidelity: &[
        documented("The answer carries the id of the transaction itself, and Cancelled."),
        our_choice(
            "Pending payments can be cancelled too; refunds and reservations that are being settled cannot.",
        ),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let transaction = call.params.text("TransactionId")?.into();
    call.params.optional_text("Description")?;
    call.params.optional_text("OverrideIPNURL")?;
    let cancel = ledger::Cancel { caller: call.caller, transaction };
    call.run_for_receipt(cancel).await
}

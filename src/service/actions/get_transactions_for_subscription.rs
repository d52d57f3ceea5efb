//! GetTransactionsForSubscription: the payments of a subscription (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetTransactionsForSubscription",
    aliases: &[],
    summary: "Lists the payments of a subscription.",
    source: "API Reference (2010-08-28), GetTransactionsForSubscription; schema type SubscriptionTransaction",
    parameters: &[shared::SUBSCRIPTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams],
    fidelity: &[
        documented("Elements and their order."),
        our_choice("Oldest first, with serial numbers from 1."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let subscription = call.params.text("SubscriptionId")?.into();
    let asked = ledger::GetTransactionsForSubscription { caller: call.caller, subscription };
    let (subscription, payments) = call.ask(asked).await?;
    Ok(Answer::result(|out| {
        for (serial, payment) in (1_u32..).zip(&payments) {
            let transaction = &payment.transaction;
            out.nested("SubscriptionTransaction", |out| {
                out.text("TransactionId", &transaction.id);
                out.text("TransactionDate", transaction.received);
                out.text("TransactionSerialNumber", serial);
                out.amount("TransactionAmount", transaction.amount);
                out.text("Description", &subscription.terms.description);
                out.text("TransactionStatus", transaction.status().name());
            });
        }
    }))
}

//! GetTransactionsForSubscription: the payments of a subscription (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::fps::call::Call;
use crate::fps::xml::Answer;
use crate::ledger;

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
    Ok(Answer::result(ACTION.name, |xml| {
        for (serial, payment) in (1_u32..).zip(&payments) {
            let transaction = &payment.transaction;
            xml.nested("SubscriptionTransaction", |xml| {
                xml.text("TransactionId", &transaction.id);
                xml.text("TransactionDate", transaction.received);
                xml.text("TransactionSerialNumber", serial);
                xml.amount("TransactionAmount", transaction.amount);
                xml.text("Description", &subscription.terms.description);
                xml.text("TransactionStatus", transaction.status().name());
            });
        }
    }))
}

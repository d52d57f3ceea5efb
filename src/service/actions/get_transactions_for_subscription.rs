//! GetTransactionsForSubscription: lists the payments of a subscription (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::ledger::Named as _;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetTransactionsForSubscription",
    aliases: &[],
    summary: "Lists the payments of a subscription.",
    source: "API Reference (2010-08-28), GetTransactionsForSubscription; schema type SubscriptionTransaction",
    parameters: &[shared::SUBSCRIPTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams],
    behaviours: &[
        documented("Elements and their order."),
        our_choice("Oldest first, with serial numbers from 1."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let subscription = context.parameters.read("SubscriptionId")?;
    let query = ledger::GetTransactionsForSubscription { caller: context.caller, subscription };
    let (subscription, payments) = context.query(query).await?;
    Ok(ActionResult::with_result(|out| {
        for (serial, payment) in (1_u32..).zip(&payments) {
            let transaction = &payment.transaction;
            out.element("SubscriptionTransaction", |out| {
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

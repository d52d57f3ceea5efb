//! GetSubscriptionDetails: returns the terms and state of a subscription (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::ledger::Named as _;
use crate::ledger::{self, Period, SubscriptionDetails, Timestamp};
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::{ActionResult, ElementWriter};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetSubscriptionDetails",
    aliases: &[],
    summary: "Returns the terms and the state of a subscription.",
    source: "API Reference (2010-08-28), GetSubscriptionDetails; schema type SubscriptionDetails",
    parameters: &[shared::SUBSCRIPTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams],
    behaviours: &[
        documented("Elements and their order; time units in lower case."),
        our_choice("Subscriptions come from the seed file; those of others do not exist for the caller."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let subscription = context.parameters.read("SubscriptionId")?;
    let details =
        context.query(ledger::GetSubscriptionDetails { caller: context.caller, subscription }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("SubscriptionDetails", |out| write_details(out, &details));
    }))
}

fn write_details(out: &mut ElementWriter, details: &SubscriptionDetails) {
    let subscription = &details.subscription;
    let terms = &subscription.terms;
    let made = u32::try_from(subscription.transactions.len()).unwrap_or(u32::MAX);
    let promotion = terms.promotional_amount.filter(|_| made < terms.promotional_transactions);
    out.text("SubscriptionId", &subscription.id);
    out.text("Description", &terms.description);
    out.amount("SubscriptionAmount", terms.amount);
    if terms.next.is_some() {
        out.amount("NextTransactionAmount", promotion.unwrap_or(terms.amount));
    }
    if let Some(amount) = terms.promotional_amount {
        out.amount("PromotionalAmount", amount);
    }
    out.text("NumberOfPromotionalTransactions", terms.promotional_transactions);
    out.text("StartDate", Timestamp::from_millis(terms.start));
    out.optional_text("EndDate", terms.end.map(Timestamp::from_millis));
    if let Some(length) = terms.length {
        write_duration(out, "SubscriptionPeriod", length);
    }
    write_duration(out, "SubscriptionFrequency", terms.frequency);
    out.text("SubscriptionStatus", subscription.status.name());
    out.text("NumberOfTransactionsProcessed", made);
    out.text("RecipientEmail", &details.recipient.email);
    out.text("RecipientName", &details.recipient.name);
    out.text("SenderEmail", &details.sender.email);
    out.text("SenderName", &details.sender.name);
    out.optional_text("NextTransactionDate", terms.next_payment());
}

fn write_duration(out: &mut ElementWriter, name: &'static str, period: Period) {
    out.element(name, |out| {
        out.text("Value", period.count);
        out.text("TimeUnit", period.unit.name());
    });
}

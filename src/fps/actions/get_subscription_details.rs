//! GetSubscriptionDetails: the terms and state of a subscription (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::fps::call::Call;
use crate::fps::xml::{Answer, Xml};
use crate::ledger::{self, Period, SubscriptionDetails, Timestamp};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetSubscriptionDetails",
    aliases: &[],
    summary: "Tells the terms and the state of a subscription.",
    source: "API Reference (2010-08-28), GetSubscriptionDetails; schema type SubscriptionDetails",
    parameters: &[shared::SUBSCRIPTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams],
    fidelity: &[
        documented("Elements and their order; time units in lower case."),
        our_choice("Subscriptions come from the seed file; those of others do not exist for the caller."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let subscription = call.params.text("SubscriptionId")?.into();
    let details = call.ask(ledger::GetSubscriptionDetails { caller: call.caller, subscription }).await?;
    Ok(Answer::result(ACTION.name, |xml| {
        xml.nested("SubscriptionDetails", |xml| write_details(xml, &details));
    }))
}

fn write_details(xml: &mut Xml, details: &SubscriptionDetails) {
    let subscription = &details.subscription;
    let terms = &subscription.terms;
    let made = u32::try_from(subscription.transactions.len()).unwrap_or(u32::MAX);
    let promotion = terms.promotional_amount.filter(|_| made < terms.promotional_transactions);
    xml.text("SubscriptionId", &subscription.id);
    xml.text("Description", &terms.description);
    xml.amount("SubscriptionAmount", terms.amount);
    if terms.next.is_some() {
        xml.amount("NextTransactionAmount", promotion.unwrap_or(terms.amount));
    }
    if let Some(amount) = terms.promotional_amount {
        xml.amount("PromotionalAmount", amount);
    }
    xml.text("NumberOfPromotionalTransactions", terms.promotional_transactions);
    xml.text("StartDate", Timestamp::from_millis(terms.start));
    xml.maybe("EndDate", terms.end.map(Timestamp::from_millis));
    if let Some(length) = terms.length {
        write_duration(xml, "SubscriptionPeriod", length);
    }
    write_duration(xml, "SubscriptionFrequency", terms.frequency);
    xml.text("SubscriptionStatus", subscription.status.name());
    xml.text("NumberOfTransactionsProcessed", made);
    xml.text("RecipientEmail", &details.recipient.email);
    xml.text("RecipientName", &details.recipient.name);
    xml.text("SenderEmail", &details.sender.email);
    xml.text("SenderName", &details.sender.name);
    xml.maybe("NextTransactionDate", terms.next_payment());
}

fn write_duration(xml: &mut Xml, name: &str, period: Period) {
    xml.nested(name, |xml| {
        xml.text("Value", period.count);
        xml.text("TimeUnit", period.unit.name());
    });
}

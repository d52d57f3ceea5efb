//! Subscriptions.

use chrono::{DateTime, Utc};
use toml::Spanned;

use crate::ledger::{Subscription, SubscriptionStatus, SubscriptionTerms};

use super::super::error::{EntryError, EntryResult};
use super::super::file::SubscriptionEntry;
use super::Builder;
use super::values::{amount, period};

pub(super) fn add_subscription(builder: &mut Builder<'_>, entry: &SubscriptionEntry) -> EntryResult<()> {
    let id = entry.id.get_ref().as_str().into();
    if builder.book.subscription(&id).is_some() {
        return Err(EntryError::at(&entry.id, format!("there are two subscriptions `{id}`")));
    }
    let find_payment = |name: &Spanned<String>| {
        let transaction = builder.book.transaction(&name.get_ref().as_str().into());
        let problem = || format!("there is no payment `{}`", name.get_ref());
        let transaction = transaction.ok_or_else(|| EntryError::at(name, problem()))?;
        Ok(transaction.number)
    };
    let millis = |instant: Option<DateTime<Utc>>| instant.map(|instant| instant.timestamp_millis());
    let terms = SubscriptionTerms {
        description: entry.description.clone(),
        amount: amount(&entry.amount)?,
        promotional_amount: entry.promotional_amount.as_ref().map(amount).transpose()?,
        promotional_transactions: entry.promotional_transactions,
        start: millis(entry.start).unwrap_or_else(|| builder.now.millis()),
        end: millis(entry.end),
        length: entry.length.as_ref().map(period).transpose()?,
        frequency: period(&entry.frequency)?,
        next: millis(entry.next),
    };
    let subscription = Subscription {
        sender: builder.find_account(&entry.sender)?,
        recipient: builder.find_account(&entry.recipient)?,
        status: status(entry)?,
        terms,
        transactions: entry.payments.iter().map(find_payment).collect::<EntryResult<_>>()?,
        id,
    };
    builder.book.add_subscription(subscription);
    Ok(())
}

fn status(entry: &SubscriptionEntry) -> EntryResult<SubscriptionStatus> {
    let Some(name) = &entry.status else { return Ok(SubscriptionStatus::Active) };
    name.get_ref()
        .parse::<SubscriptionStatus>()
        .ok()
        .ok_or_else(|| EntryError::at(name, "a subscription is Active, Cancelled or Completed"))
}

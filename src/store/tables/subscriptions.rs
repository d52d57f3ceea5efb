//! The table `subscriptions`.

use crate::ledger::{AccountNumber, Subscription};

use super::table_columns;
use crate::ledger::Named;
use crate::store::columns::json_text;
use crate::store::engine::Row;

table_columns! {
    subscriptions: subscription: &Subscription;
    key {
        id = subscription.id.to_string(),
    }
    fixed {
        sender = subscription.sender.0,
        recipient = subscription.recipient.0,
    }
    updated {
        status = subscription.status.name(),
        terms = json_text(&subscription.terms),
    }
}

/// Reads a subscription without its payments, which stand in the table `subscription_payments`.
pub(in crate::store) fn read(row: &Row) -> sqlx::Result<Subscription> {
    Ok(Subscription {
        id: row.try_get::<String, _>("id")?.into(),
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        status: row.text_enum("status")?,
        terms: row.json("terms")?,
        transactions: Vec::new(),
    })
}

//! The table `transactions`.

use crate::ledger::{
    AccountNumber, Amount, Balances, Descriptions, History, IdCodec, InstrumentNumber, Progress, TokenNumber,
    Transaction, TransactionNumber,
};

use super::{stored_id, table_columns};
use crate::ledger::Named;
use crate::store::columns::{descriptor_policy_text, history_text};
use crate::store::engine::Row;

/// A transaction and its id as it is stored.
pub(in crate::store) struct TransactionToSave<'a> {
    transaction: &'a Transaction,
    stored_id: Option<String>,
}

impl<'a> TransactionToSave<'a> {
    pub(in crate::store) fn new(transaction: &'a Transaction, ids: IdCodec) -> Self {
        let derived = ids.transaction(transaction.number);
        Self { transaction, stored_id: stored_id(transaction.id.as_str(), derived.as_str()) }
    }
}

table_columns! {
    transactions: row: TransactionToSave<'_>;
    key {
        number = row.transaction.number.0,
    }
    fixed {
        id = row.stored_id.clone(),
        operation = row.transaction.operation.name(),
        caller = row.transaction.caller.0,
        sender = row.transaction.sender.0,
        recipient = row.transaction.recipient.0,
        sender_token = row.transaction.sender_token.map(|token| token.0),
        recipient_token = row.transaction.recipient_token.map(|token| token.0),
        instrument = row.transaction.instrument.map(|instrument| instrument.0),
        method = row.transaction.method.name(),
        amount = row.transaction.amount.micros(),
        charge_fee_to = row.transaction.charge_fee_to.name(),
        caller_reference = row.transaction.descriptions.caller_reference.clone(),
        caller_description = row.transaction.descriptions.caller_description.clone(),
        sender_description = row.transaction.descriptions.sender_description.clone(),
        descriptor_policy = row.transaction.descriptions.descriptor_policy.map(descriptor_policy_text),
        ipn_url = row.transaction.descriptions.ipn_url.clone(),
        original = row.transaction.original.map(|original| original.0),
        refund_policy = row.transaction.refund_policy.map(Named::name),
        received = row.transaction.received.millis(),
    }
    updated {
        status = row.transaction.status().name(),
        history = history_text(row.transaction.history.changes()),
        completed = row.transaction.history.completed().map(|at| at.millis()),
        settled = row.transaction.progress.settled.map(Amount::micros),
        fee = row.transaction.progress.fee.micros(),
        marketplace_fee = row.transaction.progress.marketplace_fee.micros(),
        refunded = row.transaction.progress.refunded.micros(),
        fee_returned = row.transaction.progress.fee_returned.micros(),
        marketplace_fee_returned = row.transaction.progress.marketplace_fee_returned.micros(),
        sender_balance = row.transaction.progress.balances.sender.micros(),
        caller_balance = row.transaction.progress.balances.caller.micros(),
        recipient_balance = row.transaction.progress.balances.recipient.micros(),
        lines = row.transaction.progress.lines,
    }
}

/// Reads a transaction.
pub(in crate::store) fn read(row: &Row, ids: IdCodec) -> sqlx::Result<Transaction> {
    let number = TransactionNumber(row.try_get("number")?);
    let stored_id: Option<String> = row.try_get("id")?;
    Ok(Transaction {
        number,
        id: stored_id.map_or_else(|| ids.transaction(number), Into::into),
        operation: row.text_enum("operation")?,
        caller: AccountNumber(row.try_get("caller")?),
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        sender_token: row.try_get::<Option<i64>, _>("sender_token")?.map(TokenNumber),
        recipient_token: row.try_get::<Option<i64>, _>("recipient_token")?.map(TokenNumber),
        instrument: row.try_get::<Option<i64>, _>("instrument")?.map(InstrumentNumber),
        method: row.text_enum("method")?,
        amount: row.amount("amount")?,
        charge_fee_to: row.text_enum("charge_fee_to")?,
        descriptions: Descriptions {
            caller_reference: row.try_get("caller_reference")?,
            caller_description: row.try_get("caller_description")?,
            sender_description: row.try_get("sender_description")?,
            descriptor_policy: row.descriptor_policy("descriptor_policy")?,
            ipn_url: row.try_get("ipn_url")?,
        },
        original: row.try_get::<Option<i64>, _>("original")?.map(TransactionNumber),
        refund_policy: row.optional_text_enum("refund_policy")?,
        received: row.instant("received")?,
        history: History::stored(row.history("history")?, row.optional_instant("completed")?),
        progress: Progress {
            settled: row.optional_amount("settled")?,
            fee: row.amount("fee")?,
            marketplace_fee: row.amount("marketplace_fee")?,
            refunded: row.amount("refunded")?,
            fee_returned: row.amount("fee_returned")?,
            marketplace_fee_returned: row.amount("marketplace_fee_returned")?,
            balances: Balances {
                sender: row.amount("sender_balance")?,
                caller: row.amount("caller_balance")?,
                recipient: row.amount("recipient_balance")?,
            },
            lines: row.try_get("lines")?,
        },
    })
}

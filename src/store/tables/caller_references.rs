//! The table `caller_references`: the idempotency records.

use crate::ledger::{AccountNumber, IdempotencyKey, IdempotencyRecord, RecordedOutcome, TransactionNumber};

use super::table_columns;
use crate::ledger::Named;
use crate::store::columns::corrupt;
use crate::store::engine::Row;

/// A caller reference and what is recorded under it.
pub(in crate::store) type ReferenceRow<'a> = (&'a IdempotencyKey, &'a IdempotencyRecord);

table_columns! {
    caller_references: row: ReferenceRow<'_>;
    insert {
        caller = row.0.caller.0,
        reference = row.0.reference.clone(),
        action = row.0.action.name(),
        digest = row.1.digest.to_vec(),
        transaction_number = match &row.1.outcome {
            RecordedOutcome::Made { transaction, .. } => Some(transaction.0),
            RecordedOutcome::Refused(_) => None,
        },
        status = match &row.1.outcome {
            RecordedOutcome::Made { status, .. } => Some(status.name()),
            RecordedOutcome::Refused(_) => None,
        },
        error_code = match &row.1.outcome {
            RecordedOutcome::Made { .. } => None,
            RecordedOutcome::Refused(refusal) => Some(refusal.code.name()),
        },
        error_message = match &row.1.outcome {
            RecordedOutcome::Made { .. } => None,
            RecordedOutcome::Refused(refusal) => Some(refusal.message.to_string()),
        },
        expires = row.1.expires.millis(),
    }
    on_conflict
        "ON CONFLICT (caller, reference, action) DO UPDATE SET digest = excluded.digest, \
         transaction_number = excluded.transaction_number, status = excluded.status, \
         error_code = excluded.error_code, error_message = excluded.error_message, expires = excluded.expires"
}

/// Reads a caller reference and its record.
pub(in crate::store) fn read(row: &Row) -> sqlx::Result<(IdempotencyKey, IdempotencyRecord)> {
    let key = IdempotencyKey {
        caller: AccountNumber(row.try_get("caller")?),
        action: row.text_enum("action")?,
        reference: row.try_get("reference")?,
    };
    let outcome = match row.try_get::<Option<i64>, _>("transaction_number")? {
        Some(number) => {
            RecordedOutcome::Made { transaction: TransactionNumber(number), status: row.text_enum("status")? }
        }
        None => RecordedOutcome::Refused(row.fps_error("error_code", "error_message")?),
    };
    let digest: Vec<u8> = row.try_get("digest")?;
    let digest = digest.try_into().map_err(|_| corrupt("caller_references.digest"))?;
    Ok((key, IdempotencyRecord { digest, outcome, expires: row.instant("expires")? }))
}

//! The table `due`: work that is scheduled for an instant of the world's clock.

use crate::ledger::{Changes, ScheduledStep, Timestamp, TransactionNumber};

use super::bulk_statement::BulkStatement;
use super::engine::{BindValues, Connection};
use crate::ledger::Named;

/// Work that is due at an instant, the earliest first.
pub(super) const DUE: &str = "SELECT at, transaction_number, step FROM due WHERE at <= $1 \
     AND problem IS NULL ORDER BY at, transaction_number LIMIT $2";
/// When the next work is due.
pub(super) const NEXT_DUE: &str = "SELECT min(at) FROM due WHERE problem IS NULL";
const MARK_FAILED: &str = "UPDATE due SET problem = $1 WHERE transaction_number = $2";
const CLEAR_FAILURES: &str = "UPDATE due SET problem = NULL WHERE problem IS NOT NULL";

static UPSERT: BulkStatement = BulkStatement::new(
    "INSERT INTO due (transaction_number, at, step)",
    3,
    "ON CONFLICT (transaction_number) DO UPDATE SET at = excluded.at, step = excluded.step, problem = NULL",
);
pub(super) static DELETE: BulkStatement =
    BulkStatement::new("DELETE FROM due WHERE transaction_number IN (", 1, ")");

/// Loads work that is due at `until`, the earliest first, at most `limit` items. Items that failed are left out.
pub(super) async fn load_due(
    connection: &mut Connection,
    until: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<ScheduledStep>> {
    let rows = connection.fetch_all(DUE, BindValues::default().bind(until.millis()).bind(limit)).await?;
    rows.iter()
        .map(|row| {
            Ok(ScheduledStep {
                at: row.instant("at")?,
                transaction: TransactionNumber(row.try_get("transaction_number")?),
                step: row.text_enum("step")?,
            })
        })
        .collect()
}

/// Loads when the next work is due.
pub(super) async fn load_next_due(connection: &mut Connection) -> sqlx::Result<Option<Timestamp>> {
    let at: Option<i64> = connection.fetch_scalar(NEXT_DUE, BindValues::default()).await?;
    Ok(at.map(Timestamp::from_millis))
}

/// Saves what was scheduled, and removes what is done.
pub(super) async fn save(connection: &mut Connection, changes: &Changes) -> sqlx::Result<()> {
    let scheduled: Vec<&ScheduledStep> = changes.due.values().flatten().collect();
    UPSERT
        .execute(connection, &scheduled, |values, item| {
            values.bind(item.transaction.0).bind(item.at.millis()).bind(item.step.name())
        })
        .await?;
    let done: Vec<_> =
        changes.due.iter().filter(|(_, item)| item.is_none()).map(|(number, _)| number.0).collect();
    DELETE.execute(connection, &done, |values, number| values.bind(*number)).await?;
    Ok(())
}

/// Marks an item as failed, with the reason. It is not run again until [`clear_failures`].
pub(super) async fn mark_failed(
    connection: &mut Connection,
    transaction: TransactionNumber,
    reason: String,
) -> sqlx::Result<()> {
    connection.execute_with(MARK_FAILED, BindValues::default().bind(reason).bind(transaction.0)).await
}

/// Makes failed items run again: a newer version of the program may be able to run them.
pub(super) async fn clear_failures(connection: &mut Connection) -> sqlx::Result<()> {
    connection.execute_with(CLEAR_FAILURES, BindValues::default()).await
}

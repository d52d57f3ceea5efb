//! Removes caller references that have expired after seven days, a few at a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::Timestamp;

use super::Writer;
use crate::store::batch_error::BatchError;
use crate::store::bulk_statement::BulkStatement;
use crate::store::engine::{BindValues, Connection};

/// How many references one step reads.
const STEP_REFERENCES: i64 = 1_000;
/// The time between two steps.
const STEP_INTERVAL: Duration = Duration::from_secs(30);
/// The time between two steps while most references that are read have expired.
const SHORT_STEP_INTERVAL: Duration = Duration::from_millis(100);

pub(in crate::store) const REFERENCES_AFTER_KEY: &str = "SELECT caller, reference, action, expires FROM caller_references \
     WHERE (caller, reference, action) > ($1, $2, $3) ORDER BY caller, reference, action LIMIT $4";
pub(in crate::store) static DELETE: BulkStatement =
    BulkStatement::new("DELETE FROM caller_references WHERE (caller, reference, action) IN (", 3, ")");

/// The primary key of a reference: caller, reference, action.
type ReferenceKey = (i64, String, String);

/// The progress through the table. After the last reference it starts again from the first.
#[derive(Debug)]
pub(super) struct ReferenceExpiry {
    /// The last reference that was read.
    last: ReferenceKey,
    next_step_at: Instant,
}

impl ReferenceExpiry {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: Self::before_first(), next_step_at: now + STEP_INTERVAL }
    }

    fn before_first() -> ReferenceKey {
        (i64::MIN, String::new(), String::new())
    }

    /// When the next step is due, in real time.
    pub(super) const fn next_step_at(&self) -> Instant {
        self.next_step_at
    }

    /// Postpones the next step, after a step that failed.
    fn postpone(&mut self, now: Instant) {
        self.next_step_at = now + STEP_INTERVAL;
    }

    /// Reads the next references. Returns those that have expired at `instant` of the world's clock. `now` is real time.
    async fn find_expired(
        &mut self,
        connection: &mut Connection,
        instant: Timestamp,
        now: Instant,
    ) -> sqlx::Result<Vec<ReferenceKey>> {
        let (caller, reference, action) = self.last.clone();
        let values = BindValues::default().bind(caller).bind(reference).bind(action).bind(STEP_REFERENCES);
        let mut read = Vec::new();
        for row in connection.fetch_all(REFERENCES_AFTER_KEY, values).await? {
            let key: ReferenceKey = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            read.push((key, row.try_get::<i64, _>(3)?));
        }
        self.last = read.last().map_or_else(Self::before_first, |(key, _)| key.clone());
        let read_count = read.len();
        let has_expired = |expires: i64| expires <= instant.millis();
        let expired: Vec<_> =
            read.into_iter().filter(|(_, expires)| has_expired(*expires)).map(|(key, _)| key).collect();
        let most_have_expired = expired.len() * 2 > read_count;
        self.next_step_at = now + if most_have_expired { SHORT_STEP_INTERVAL } else { STEP_INTERVAL };
        Ok(expired)
    }
}

impl Writer {
    /// Removes some of the references that have expired. If that fails they stay until a later step.
    pub(super) async fn remove_expired_references(&mut self, now: Timestamp) {
        let timeout = self.session.timeout();
        let removed = tokio::time::timeout(timeout, self.run_expiry_step(now)).await;
        if let Err(problem) = removed.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::debug!(%problem, "expired caller references could not be removed");
            self.reference_expiry.postpone(Instant::now());
            self.roll_back(problem).await;
        }
    }

    async fn run_expiry_step(&mut self, now: Timestamp) -> Result<(), BatchError> {
        let now = self.begin_batch(now).await?;
        let connection = self.session.connection()?;
        let expired = self.reference_expiry.find_expired(connection, now, Instant::now()).await?;
        if !expired.is_empty() {
            let removed = remove(self.session.begin_write().await?, &expired).await?;
            tracing::debug!(removed, "caller references have expired");
        }
        // Not counted as a change of the world: no sandbox keeps references in memory between batches.
        self.commit(false).await
    }
}

/// Removes references. Returns how many.
async fn remove(connection: &mut Connection, keys: &[ReferenceKey]) -> sqlx::Result<u64> {
    let bind = |values: BindValues, (caller, reference, action): &ReferenceKey| {
        values.bind(*caller).bind(reference.clone()).bind(action.clone())
    };
    DELETE.execute(connection, keys, bind).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::SqliteDatabase;

    /// A database with references of one caller, every third of which expires at instant 10.
    async fn filled(references: usize) -> Connection {
        let mut connection = SqliteDatabase::open_in_memory().await.unwrap().connection;
        for number in 0..references {
            let expires = if number % 3 == 0 { 10_i64 } else { 11 };
            let text =
                "INSERT INTO caller_references VALUES (1, $1, 'Pay', x'00', 1, 'Success', NULL, NULL, $2)";
            let values = BindValues::default().bind(format!("{number:06}")).bind(expires);
            connection.execute_with(text, values).await.unwrap();
        }
        connection
    }

    async fn count(connection: &mut Connection) -> i64 {
        let text = "SELECT count(*) FROM caller_references";
        connection.fetch_scalar(text, BindValues::default()).await.unwrap()
    }

    #[tokio::test]
    async fn what_has_expired_is_removed_step_by_step_and_again_from_the_start() {
        let mut connection = filled(2_400).await;
        let now = Instant::now();
        let mut expiry = ReferenceExpiry::new(now);
        let mut left = Vec::new();
        for _ in 0..4 {
            let at = Timestamp::from_millis(10);
            let expired = expiry.find_expired(&mut connection, at, now).await.unwrap();
            remove(&mut connection, &expired).await.unwrap();
            left.push(count(&mut connection).await);
            assert_eq!(expiry.next_step_at(), now + STEP_INTERVAL);
        }
        assert_eq!(left, [2_066, 1_733, 1_600, 1_600]);
        // From the start again; now everything has expired, and the next step comes soon.
        let expired = expiry.find_expired(&mut connection, Timestamp::from_millis(11), now).await.unwrap();
        assert_eq!(expired.len(), 1_000);
        assert_eq!(expiry.next_step_at(), now + SHORT_STEP_INTERVAL);
    }
}

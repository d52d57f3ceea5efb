//! Caller references past their seven days are removed, a few at a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::Timestamp;

use super::engine::{Connection, Values};
use super::statement::ManyRows;

/// How many references one step looks at.
const STEP: i64 = 1_000;
/// The time between two steps.
const PAUSE: Duration = Duration::from_secs(30);
/// The time between two steps while many are found that have expired.
const SHORT_PAUSE: Duration = Duration::from_millis(100);

pub(super) const AFTER: &str = "SELECT caller, reference, action, expires FROM caller_references \
     WHERE (caller, reference, action) > ($1, $2, $3) ORDER BY caller, reference, action LIMIT $4";
pub(super) static REMOVED: ManyRows =
    ManyRows::new("DELETE FROM caller_references WHERE (caller, reference, action) IN (", 3, ")");

/// The key of a reference.
type Key = (i64, String, String);

/// Goes through the references again and again.
#[derive(Debug)]
pub(super) struct Expiry {
    /// The last reference looked at.
    after: Key,
    /// When to look at more.
    next: Instant,
}

impl Expiry {
    pub(super) fn new(now: Instant) -> Self {
        Self { after: Self::start(), next: now + PAUSE }
    }

    fn start() -> Key {
        (i64::MIN, String::new(), String::new())
    }

    /// When the next step is to be made.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// Rests after a step that failed.
    pub(super) fn rest(&mut self, now: Instant) {
        self.next = now + PAUSE;
    }

    /// Looks at the next references; gives those that have expired.
    pub(super) async fn expired(
        &mut self,
        connection: &mut Connection,
        instant: Timestamp,
        now: Instant,
    ) -> sqlx::Result<Vec<Key>> {
        let (caller, reference, action) = self.after.clone();
        let values = Values::default().bind(caller).bind(reference).bind(action).bind(STEP);
        let mut seen = Vec::new();
        for row in connection.all(AFTER, values).await? {
            let key: Key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            seen.push((key, row.try_get::<i64, _>(3)?));
        }
        self.after = seen.last().map_or_else(Self::start, |(key, _)| key.clone());
        let mut expired = Vec::new();
        let looked_at = seen.len();
        expired
            .extend(seen.into_iter().filter(|(_, expires)| *expires <= instant.millis()).map(|(key, _)| key));
        let is_busy = expired.len() * 2 > looked_at;
        self.next = now + if is_busy { SHORT_PAUSE } else { PAUSE };
        Ok(expired)
    }
}

/// Removes references.
pub(super) async fn remove(connection: &mut Connection, keys: &[Key]) -> sqlx::Result<u64> {
    let bind = |values: Values, (caller, reference, action): &Key| {
        values.bind(*caller).bind(reference.clone()).bind(action.clone())
    };
    REMOVED.execute(connection, keys, bind).await
}

#[cfg(test)]
mod tests {
    use super::super::sqlite;
    use super::*;

    /// References of one caller, every third of which has expired at instant 10.
    async fn filled(references: usize) -> Connection {
        let mut connection = sqlite::open_in_memory().await.unwrap().connection;
        for number in 0..references {
            let expires = if number % 3 == 0 { 10_i64 } else { 11 };
            let text =
                "INSERT INTO caller_references VALUES (1, $1, 'Pay', x'00', 1, 'Success', NULL, NULL, $2)";
            let values = Values::default().bind(format!("{number:06}")).bind(expires);
            connection.all(text, values).await.unwrap();
        }
        connection
    }

    async fn count(connection: &mut Connection) -> i64 {
        connection.scalar("SELECT count(*) FROM caller_references", Values::default()).await.unwrap()
    }

    #[tokio::test]
    async fn what_has_expired_is_removed_step_by_step_and_again_from_the_start() {
        let mut connection = filled(2_400).await;
        let now = Instant::now();
        let mut expiry = Expiry::new(now);
        let mut left = Vec::new();
        for _ in 0..4 {
            let at = Timestamp::from_millis(10);
            let expired = expiry.expired(&mut connection, at, now).await.unwrap();
            remove(&mut connection, &expired).await.unwrap();
            left.push(count(&mut connection).await);
            assert_eq!(expiry.next(), now + PAUSE);
        }
        assert_eq!(left, [2_066, 1_733, 1_600, 1_600]);
        // From the start again; now everything has expired, and the next step comes soon.
        let expired = expiry.expired(&mut connection, Timestamp::from_millis(11), now).await.unwrap();
        assert_eq!(expired.len(), 1_000);
        assert_eq!(expiry.next(), now + SHORT_PAUSE);
    }
}

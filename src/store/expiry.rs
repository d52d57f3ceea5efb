//! Caller references past their seven days are removed, a few at a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{Timestamp, World};

use super::engine::{Connection, Values};
use super::statement::ManyRows;

/// How many references one step looks at.
const STEP: i64 = 1_000;
/// The time between two steps.
const PAUSE: Duration = Duration::from_secs(30);
/// The time between two steps while many are found that have expired.
const SHORT_PAUSE: Duration = Duration::from_millis(100);

pub(super) const AFTER: &str = "SELECT caller, reference, action, expires FROM caller_references \
     WHERE world = $1 AND (caller, reference, action) > ($2, $3, $4) ORDER BY caller, reference, action LIMIT $5";
pub(super) static REMOVED: ManyRows =
    ManyRows::new("DELETE FROM caller_references WHERE (world, caller, reference, action) IN (", 4, ")");

/// The key of a reference within its world.
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
        world: World,
        instant: Timestamp,
        now: Instant,
    ) -> sqlx::Result<Vec<Key>> {
        let (caller, reference, action) = self.after.clone();
        let values = Values::default().bind(world.0).bind(caller).bind(reference).bind(action).bind(STEP);
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
pub(super) async fn remove(connection: &mut Connection, world: World, keys: &[Key]) -> sqlx::Result<u64> {
    let bind = |values: Values, (caller, reference, action): &Key| {
        values.bind(world.0).bind(*caller).bind(reference.clone()).bind(action.clone())
    };
    REMOVED.execute(connection, keys, bind).await
}

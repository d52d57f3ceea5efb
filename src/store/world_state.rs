//! What a writer or a reader has to know of a world besides its rows: its id codec, its clock, and when work is due.

use crate::clock::ClockState;
use crate::ledger::{IdCodec, Timestamp};

use super::columns;
use super::engine::{BindValues, Connection};

/// Accounts, tokens, instruments and transactions share one sequence of numbers. The instants at which transactions are
/// received never fall as their numbers grow.
const WORLD_STATE: &str = "SELECT id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT max(number) FROM (SELECT max(number) AS number FROM accounts \
     UNION ALL SELECT max(number) FROM instruments \
     UNION ALL SELECT max(number) FROM tokens UNION ALL SELECT max(number) FROM transactions) AS used), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";
const SQLITE_SNAPSHOT: &str = "SELECT (SELECT data_version FROM pragma_data_version), id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";
const POSTGRES_SNAPSHOT: &str = "SELECT version, id_seed, clock_stands, clock_millis, \
     (SELECT min(at) FROM due WHERE problem IS NULL), \
     (SELECT received FROM transactions ORDER BY number DESC LIMIT 1) FROM world WHERE number = 1";

/// What a writer has to know of a world besides its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorldState {
    /// Derives ids from row numbers.
    pub(super) ids: IdCodec,
    pub(super) clock: ClockState,
    /// When the next work is due.
    pub(super) next_due: Option<Timestamp>,
    /// The first row number that is not in use.
    pub(super) next_number: i64,
    /// When the newest transaction was received.
    pub(super) newest: Timestamp,
}

impl WorldState {
    pub(super) async fn load(connection: &mut Connection) -> sqlx::Result<Self> {
        let rows = connection.fetch_all(WORLD_STATE, BindValues::default()).await?;
        let world = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (next_due, last_number): (Option<i64>, Option<i64>) = (world.try_get(3)?, world.try_get(4)?);
        let newest: Option<i64> = world.try_get(5)?;
        Ok(Self {
            ids: IdCodec::new(world.try_get::<i64, _>(0)?.cast_unsigned()),
            clock: columns::clock_state(world.try_get(1)?, world.try_get(2)?),
            next_due: next_due.map(Timestamp::from_millis),
            next_number: last_number.unwrap_or(0) + 1,
            newest: newest.map_or(Timestamp::MIN, Timestamp::from_millis),
        })
    }
}

/// What a reader has to know of a world besides its rows, as its transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snapshot {
    /// A number that differs after every change of the world: `PRAGMA data_version` on SQLite, `world.version` on
    /// PostgreSQL.
    pub(super) version: i64,
    /// Derives ids from row numbers.
    pub(super) ids: IdCodec,
    pub(super) clock: ClockState,
    /// When the next work is due.
    pub(super) next_due: Option<Timestamp>,
    /// When the newest transaction was received.
    pub(super) newest: Timestamp,
}

impl Snapshot {
    pub(super) async fn load(connection: &mut Connection) -> sqlx::Result<Self> {
        let text = match connection {
            Connection::Sqlite(_) => SQLITE_SNAPSHOT,
            Connection::Postgres(_) => POSTGRES_SNAPSHOT,
        };
        let rows = connection.fetch_all(text, BindValues::default()).await?;
        let world = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (next_due, newest): (Option<i64>, Option<i64>) = (world.try_get(4)?, world.try_get(5)?);
        Ok(Self {
            version: world.try_get(0)?,
            ids: IdCodec::new(world.try_get::<i64, _>(1)?.cast_unsigned()),
            clock: columns::clock_state(world.try_get(2)?, world.try_get(3)?),
            next_due: next_due.map(Timestamp::from_millis),
            newest: newest.map_or(Timestamp::MIN, Timestamp::from_millis),
        })
    }
}

/// Loads the id codec of a world.
pub(super) async fn load_id_codec(connection: &mut Connection) -> sqlx::Result<IdCodec> {
    let text = "SELECT id_seed FROM world WHERE number = 1";
    let seed: i64 = connection.fetch_scalar(text, BindValues::default()).await?;
    Ok(IdCodec::new(seed.cast_unsigned()))
}

/// Saves the state of a world's clock.
pub(super) async fn save_clock(connection: &mut Connection, clock: ClockState) -> sqlx::Result<()> {
    let (stands, millis) = columns::clock_columns(clock);
    let text = "UPDATE world SET clock_stands = $1, clock_millis = $2 WHERE number = 1";
    connection.execute_with(text, BindValues::default().bind(stands).bind(millis)).await
}

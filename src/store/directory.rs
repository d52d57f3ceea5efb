//! The directory of a shared database: which schema holds which world.
//!
//! It stands in the schema of the default world, which is not in it. A schema without a name is a spare: it has tables and no
//! rows, so that a new world need not wait for its tables to be made.

use sqlx::AssertSqlSafe;

use crate::clock::Clock;
use crate::ids;

use super::databases::{Databases, NewWorld, SharedDatabase, save_new};
use super::engine::{Connection, Values};
use super::error::StoreError;
use super::postgres::{self, Failure, Schema};

/// How many spare schemas are kept once worlds are made on demand.
const SPARES: i64 = 4;
/// How many worlds that nobody uses are dropped at a time.
const DROPPED_AT_ONCE: i64 = 8;

const IS_THERE: &str = "SELECT count(*) FROM pg_catalog.pg_tables \
     WHERE schemaname = current_schema() AND tablename = 'worlds'";
const CREATE: &str = "CREATE TABLE IF NOT EXISTS worlds (schema TEXT PRIMARY KEY, name TEXT UNIQUE, \
     keeps BIGINT NOT NULL, used BIGINT NOT NULL)";
const FIND: &str = "SELECT schema, keeps FROM worlds WHERE name = $1";
const NAMES: &str = "SELECT name, schema FROM worlds WHERE name IS NOT NULL ORDER BY name";
const CLAIM: &str = "UPDATE worlds SET name = $1, keeps = $2, used = $3 WHERE schema = \
     (SELECT schema FROM worlds WHERE name IS NULL ORDER BY schema LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING schema";
const ADD_SPARE: &str = "INSERT INTO worlds (schema, name, keeps, used) VALUES ($1, NULL, 0, 0)";
const USED: &str = "UPDATE worlds SET used = $1 WHERE name = $2 AND used < $1";
const COUNT: &str = "SELECT count(*) FROM worlds WHERE name IS NOT NULL";
const SPARE_COUNT: &str = "SELECT count(*) FROM worlds WHERE name IS NULL";
const TAKE_IDLE: &str = "DELETE FROM worlds WHERE schema IN (SELECT schema FROM worlds WHERE name IS NOT NULL \
     AND keeps = 0 AND used < $1 ORDER BY used LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING schema, name";
const REMOVE: &str = "DELETE FROM worlds WHERE name = $1 RETURNING schema, name";

/// A world in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The schema that holds it.
    pub schema: String,
    /// Whether it was asked to stay.
    pub keeps: bool,
}

/// Makes the directory, if there is none.
pub(super) async fn create(connection: &mut Connection) -> sqlx::Result<()> {
    let there: i64 = connection.scalar(IS_THERE, Values::default()).await?;
    if there > 0 {
        return Ok(());
    }
    // Sandboxes that start together do it one after the other.
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    postgres::lock_beginning(connection).await?;
    connection.run(CREATE).await?;
    connection.run("COMMIT").await
}

/// The worlds of a shared database and their schemas, but the default one.
pub(super) async fn worlds(connection: &mut Connection) -> sqlx::Result<Vec<(String, Schema)>> {
    let there: i64 = connection.scalar(IS_THERE, Values::default()).await?;
    if there == 0 {
        return Ok(Vec::new());
    }
    let rows = connection.all(NAMES, Values::default()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, Schema::named(&row.try_get::<String, _>(1)?)))).collect()
}

/// Worlds of a shared database other than the default one. On any other database there are none.
impl Databases {
    /// Whether worlds other than the default one are in a directory that other sandboxes share.
    pub fn has_directory(&self) -> bool {
        self.shared().is_some()
    }

    /// Where a world is, if it has been made.
    pub async fn find(&self, name: &str) -> Result<Option<DirectoryEntry>, StoreError> {
        let Some(shared) = self.shared() else { return Ok(None) };
        let mut connection = shared.directory().await?;
        let found = entry(&mut connection, name).await?;
        let _closed = connection.close().await;
        Ok(found)
    }

    /// Makes a world, or finds the one that somebody else has made meanwhile.
    pub async fn make(
        &self,
        name: &str,
        keeps: bool,
        world: &NewWorld,
    ) -> Result<DirectoryEntry, StoreError> {
        let Some(shared) = self.shared() else { return Err(StoreError::NoSandbox(name.to_owned())) };
        let mut connection = shared.directory().await?;
        let made = loop {
            match claim(shared, &mut connection, name, keeps, world).await {
                Ok(Some(entry)) => break Ok(entry),
                Ok(None) => add_spare(shared, &mut connection).await?,
                Err(problem) if Failure::of(&problem) == Failure::Clash => {
                    connection.run("ROLLBACK").await?;
                    if let Some(found) = entry(&mut connection, name).await? {
                        break Ok(found);
                    }
                }
                Err(problem) => break Err(problem.into()),
            }
        };
        let _closed = connection.close().await;
        made
    }

    /// Notes that these worlds are used.
    pub async fn note_used(&self, names: &[String]) -> Result<(), StoreError> {
        let Some(shared) = self.shared().filter(|_| !names.is_empty()) else { return Ok(()) };
        let mut connection = shared.directory().await?;
        for name in names {
            connection.all(USED, Values::default().bind(real_time()).bind(name.clone())).await?;
        }
        let _closed = connection.close().await;
        Ok(())
    }

    /// How many worlds there are besides the default one.
    pub async fn count(&self) -> Result<i64, StoreError> {
        let Some(shared) = self.shared() else { return Ok(0) };
        let mut connection = shared.directory().await?;
        let count = connection.scalar(COUNT, Values::default()).await?;
        let _closed = connection.close().await;
        Ok(count)
    }

    /// Drops worlds that nobody has used for so many milliseconds and that were not asked to stay, at most so many. Gives their
    /// names.
    pub async fn drop_idle(&self, idle_millis: i64, most: Option<i64>) -> Result<Vec<String>, StoreError> {
        let Some(shared) = self.shared() else { return Ok(Vec::new()) };
        let mut connection = shared.directory().await?;
        let until = real_time().saturating_sub(idle_millis);
        let idle = Values::default().bind(until).bind(most.unwrap_or(DROPPED_AT_ONCE));
        let dropped = drop_schemas(&mut connection, TAKE_IDLE, idle).await?;
        let _closed = connection.close().await;
        Ok(dropped)
    }

    /// Drops a world.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let Some(shared) = self.shared() else { return Ok(()) };
        let mut connection = shared.directory().await?;
        drop_schemas(&mut connection, REMOVE, Values::default().bind(name.to_owned())).await?;
        let _closed = connection.close().await;
        Ok(())
    }

    /// Makes a spare schema if there are too few; says whether it did.
    pub async fn top_up_spares(&self) -> Result<bool, StoreError> {
        let Some(shared) = self.shared() else { return Ok(false) };
        let mut connection = shared.directory().await?;
        let spares: i64 = connection.scalar(SPARE_COUNT, Values::default()).await?;
        if spares < SPARES {
            add_spare(shared, &mut connection).await?;
        }
        let _closed = connection.close().await;
        Ok(spares < SPARES)
    }
}

impl SharedDatabase {
    /// The schema of the default world, which is opened first.
    fn first_schema(&self) -> sqlx::Result<Schema> {
        let unknown = || sqlx::Error::Configuration("the default world is not open".into());
        self.first_schema.get().cloned().ok_or_else(unknown)
    }

    /// A connection in the schema of the directory.
    async fn directory(&self) -> Result<Connection, StoreError> {
        Ok(self.server.connect().await?)
    }
}

async fn entry(connection: &mut Connection, name: &str) -> sqlx::Result<Option<DirectoryEntry>> {
    let rows = connection.all(FIND, Values::default().bind(name.to_owned())).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(DirectoryEntry { schema: row.try_get(0)?, keeps: row.try_get::<i64, _>(1)? != 0 }))
}

/// Gives a spare schema a name and fills it, all in one transaction; `None` when there is no spare one.
async fn claim(
    shared: &SharedDatabase,
    connection: &mut Connection,
    name: &str,
    keeps: bool,
    world: &NewWorld,
) -> sqlx::Result<Option<DirectoryEntry>> {
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    let claim = Values::default().bind(name.to_owned()).bind(i64::from(keeps)).bind(real_time());
    let claimed = connection.all(CLAIM, claim).await?;
    let Some(row) = claimed.first() else {
        connection.run("ROLLBACK").await?;
        return Ok(None);
    };
    let schema: String = row.try_get(0)?;
    Schema::named(&schema).enter(connection).await?;
    save_new(connection, world).await?;
    connection.run("COMMIT").await?;
    shared.first_schema()?.enter(connection).await?;
    Ok(Some(DirectoryEntry { schema, keeps }))
}

/// Makes a schema with the tables of a world, and notes it as a spare one.
async fn add_spare(shared: &SharedDatabase, connection: &mut Connection) -> Result<(), StoreError> {
    let first = shared.first_schema()?;
    let schema = Schema::named(&format!("{}_{}", short(first.name()), ids::schema_suffix()));
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    let made = postgres::create_schema(connection, &schema, &first).await;
    let noted = match made {
        Ok(()) => connection.all(ADD_SPARE, Values::default().bind(schema.name().to_owned())).await.map(drop),
        Err(problem) => Err(problem),
    };
    match noted {
        Ok(()) => Ok(connection.run("COMMIT").await?),
        Err(problem) => {
            connection.run("ROLLBACK").await?;
            Err(problem.into())
        }
    }
}

/// Takes rows out of the directory and drops their schemas.
async fn drop_schemas(
    connection: &mut Connection,
    taken: &'static str,
    values: Values,
) -> Result<Vec<String>, StoreError> {
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    let mut names = Vec::new();
    for row in connection.all(taken, values).await? {
        let schema = Schema::named(&row.try_get::<String, _>(0)?);
        connection.run(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {} CASCADE", schema.quoted()))).await?;
        names.push(row.try_get(1)?);
    }
    connection.run("COMMIT").await?;
    Ok(names)
}

/// As much of a name as leaves room for a suffix: PostgreSQL's names have 63 bytes.
fn short(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

/// Worlds age by real time, whatever their clocks show.
fn real_time() -> i64 {
    Clock::system().now().millis()
}

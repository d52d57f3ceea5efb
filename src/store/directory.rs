//! The directory of a shared database: which schema holds which world.
//!
//! It stands in the schema of the default world, which is not in it. A schema without a name is a spare: it has tables and no
//! rows, so that a new world need not wait for its tables to be made.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::AssertSqlSafe;
use tokio::sync::OwnedSemaphorePermit;

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
     keeps BIGINT NOT NULL, used BIGINT NOT NULL, tables BIGINT NOT NULL)";
/// Whoever looks for a world is about to use it.
const FIND: &str = "UPDATE worlds SET used = CASE WHEN used < $1 THEN $1 ELSE used END WHERE name = $2 RETURNING schema, keeps";
const NAMES: &str = "SELECT name, schema FROM worlds WHERE name IS NOT NULL ORDER BY name";
const CLAIM: &str = "UPDATE worlds SET name = $1, keeps = $2, used = $3 WHERE schema = (SELECT schema FROM worlds \
     WHERE name IS NULL AND tables = $4 ORDER BY schema LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING schema";
const ADD_SPARE: &str = "INSERT INTO worlds (schema, name, keeps, used, tables) VALUES ($1, NULL, 0, 0, $2)";
const USED: &str = "UPDATE worlds SET used = $1 WHERE name = $2 AND used < $1";
const COUNT: &str = "SELECT count(*) FROM worlds WHERE name IS NOT NULL";
const SPARE_COUNT: &str = "SELECT count(*) FROM worlds WHERE name IS NULL AND tables = $1";
/// Spare schemas whose tables are of an older program go with the worlds that nobody uses.
const TAKE_IDLE: &str = "DELETE FROM worlds WHERE schema IN (SELECT schema FROM worlds WHERE keeps = 0 \
     AND (name IS NOT NULL AND used < $1 OR name IS NULL AND tables < $2) ORDER BY used LIMIT $3 \
     FOR UPDATE SKIP LOCKED) RETURNING schema, name";
const REMOVE: &str = "DELETE FROM worlds WHERE name = $1 RETURNING schema, name";

/// How many connections for the directory there are at a time, besides those of the worlds.
pub(super) const MAX_CONNECTIONS: usize = 2;
/// How often a world is tried to be made that somebody else is making too.
const ATTEMPTS: usize = 8;

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

    /// Where a world is, if it has been made; it counts as used now.
    pub async fn find(&self, name: &str) -> Result<Option<DirectoryEntry>, StoreError> {
        let Some(shared) = self.shared() else { return Ok(None) };
        let mut directory = shared.directory().await?;
        let found = entry(&mut directory.connection, name).await?;
        directory.close().await;
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
        let mut directory = shared.directory().await?;
        let made = make(shared, &mut directory.connection, name, keeps, world).await;
        directory.close().await;
        self.spares_may_lack.store(true, Ordering::Relaxed);
        made
    }

    /// Notes that these worlds are used.
    pub async fn note_used(&self, names: &[String]) -> Result<(), StoreError> {
        let Some(shared) = self.shared().filter(|_| !names.is_empty()) else { return Ok(()) };
        let mut directory = shared.directory().await?;
        for name in names {
            directory.connection.all(USED, Values::default().bind(real_time()).bind(name.clone())).await?;
        }
        directory.close().await;
        Ok(())
    }

    /// How many worlds there are besides the default one.
    pub async fn count(&self) -> Result<i64, StoreError> {
        let Some(shared) = self.shared() else { return Ok(0) };
        let mut directory = shared.directory().await?;
        let count = directory.connection.scalar(COUNT, Values::default()).await?;
        directory.close().await;
        Ok(count)
    }

    /// Drops worlds that nobody has used for so many milliseconds and that were not asked to stay, at most so many. Gives their
    /// names.
    pub async fn drop_idle(&self, idle_millis: i64, most: Option<i64>) -> Result<Vec<String>, StoreError> {
        let Some(shared) = self.shared() else { return Ok(Vec::new()) };
        let mut directory = shared.directory().await?;
        let until = real_time().saturating_sub(idle_millis);
        let idle = Values::default().bind(until).bind(table_version()).bind(most.unwrap_or(DROPPED_AT_ONCE));
        let dropped = drop_schemas(&mut directory.connection, TAKE_IDLE, idle).await?;
        directory.close().await;
        Ok(dropped)
    }

    /// Drops a world.
    pub async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let Some(shared) = self.shared() else { return Ok(()) };
        let mut directory = shared.directory().await?;
        drop_schemas(&mut directory.connection, REMOVE, Values::default().bind(name.to_owned())).await?;
        directory.close().await;
        Ok(())
    }

    /// Makes spare schemas if there are too few.
    pub async fn top_up_spares(&self) -> Result<(), StoreError> {
        let Some(shared) = self.shared() else { return Ok(()) };
        if !self.spares_may_lack.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let mut directory = shared.directory().await?;
        let own = Values::default().bind(table_version());
        let spares: i64 = directory.connection.scalar(SPARE_COUNT, own).await?;
        for _ in spares..SPARES {
            add_spare(shared, &mut directory.connection).await?;
        }
        directory.close().await;
        Ok(())
    }
}

/// A connection in the schema of the directory, and the permit for it.
struct Directory {
    connection: Connection,
    _permit: OwnedSemaphorePermit,
}

impl Directory {
    async fn close(self) {
        let _closed = self.connection.close().await;
    }
}

impl SharedDatabase {
    /// The schema of the default world, which is opened first.
    fn first_schema(&self) -> sqlx::Result<Schema> {
        let unknown = || sqlx::Error::Configuration("the default world is not open".into());
        self.first_schema.get().cloned().ok_or_else(unknown)
    }

    /// A connection of its own: requests of any world may ask, and there are only so many at a time.
    async fn directory(&self) -> Result<Directory, StoreError> {
        let permits = Arc::clone(&self.directory_permits);
        let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(Directory { connection: self.server.connect().await?, _permit: permit })
    }
}

async fn make(
    shared: &SharedDatabase,
    connection: &mut Connection,
    name: &str,
    keeps: bool,
    world: &NewWorld,
) -> Result<DirectoryEntry, StoreError> {
    for _ in 0..ATTEMPTS {
        match claim(shared, connection, name, keeps, world).await {
            Ok(Some(entry)) => return Ok(entry),
            Ok(None) => add_spare(shared, connection).await?,
            Err(problem) if Failure::of(&problem) == Failure::Clash => {
                connection.run("ROLLBACK").await?;
                if let Some(found) = entry(connection, name).await? {
                    return Ok(found);
                }
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    Err(StoreError::NotMade(name.to_owned()))
}

/// The version of the tables that this program makes.
fn table_version() -> i64 {
    postgres::latest_migration()
}

async fn entry(connection: &mut Connection, name: &str) -> sqlx::Result<Option<DirectoryEntry>> {
    let rows = connection.all(FIND, Values::default().bind(real_time()).bind(name.to_owned())).await?;
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
    let claim = Values::default().bind(name.to_owned()).bind(i64::from(keeps));
    let claim = claim.bind(real_time()).bind(table_version());
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
        Ok(()) => {
            let spare = Values::default().bind(schema.name().to_owned()).bind(table_version());
            connection.all(ADD_SPARE, spare).await.map(drop)
        }
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
        names.extend(row.try_get::<Option<String>, _>(1)?);
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

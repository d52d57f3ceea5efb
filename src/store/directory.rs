//! The directory of a PostgreSQL database: the table `worlds`, which says which schema holds which world.
//!
//! The table is in the schema of the default world and lists the other worlds. A schema without a name is a spare: it
//! has empty tables, so that a new world does not have to wait while its tables are created.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::random::random_schema_suffix;

use super::engine::{BindValues, Connection};
use super::error::StoreError;
use super::new_world::{NewWorld, save_new_world};
use super::postgres::{self, PgErrorClass, PostgresServer, Schema, latest_migration};

/// How many spare schemas are kept.
const SPARE_SCHEMAS: i64 = 4;
/// How many unused worlds are dropped at a time.
const MAX_DROPPED_AT_ONCE: i64 = 8;

const COUNT_DIRECTORY_TABLES: &str = "SELECT count(*) FROM pg_catalog.pg_tables \
     WHERE schemaname = current_schema() AND tablename = 'worlds'";
const CREATE_DIRECTORY: &str = "CREATE TABLE IF NOT EXISTS worlds (schema TEXT PRIMARY KEY, name TEXT UNIQUE, \
     keeps BIGINT NOT NULL, used BIGINT NOT NULL, tables BIGINT NOT NULL)";
/// Finding a world counts as using it.
const FIND_AND_RECORD_USE: &str = "UPDATE worlds SET used = CASE WHEN used < $1 THEN $1 ELSE used END WHERE name = $2 RETURNING schema, keeps";
const LIST_WORLDS: &str = "SELECT name, schema FROM worlds WHERE name IS NOT NULL ORDER BY name";
/// Sandboxes that claim spare schemas at the same time skip each other's (`SKIP LOCKED`) instead of waiting.
const CLAIM_SPARE: &str = "UPDATE worlds SET name = $1, keeps = $2, used = $3 WHERE schema = (SELECT schema FROM worlds \
     WHERE name IS NULL AND tables = $4 ORDER BY schema LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING schema";
const ADD_SPARE: &str = "INSERT INTO worlds (schema, name, keeps, used, tables) VALUES ($1, NULL, 0, 0, $2)";
const RECORD_USE: &str = "UPDATE worlds SET used = $1 WHERE name = $2 AND used < $1";
const COUNT_WORLDS: &str = "SELECT count(*) FROM worlds WHERE name IS NOT NULL";
const COUNT_SPARES: &str = "SELECT count(*) FROM worlds WHERE name IS NULL AND tables = $1";
/// Removes unused worlds, and spare schemas whose tables an older version of the program has created.
const REMOVE_IDLE: &str = "DELETE FROM worlds WHERE schema IN (SELECT schema FROM worlds WHERE keeps = 0 \
     AND (name IS NOT NULL AND used < $1 OR name IS NULL AND tables < $2) ORDER BY used LIMIT $3 \
     FOR UPDATE SKIP LOCKED) RETURNING schema, name";

/// The maximum number of connections to the directory, besides those of the pools.
const MAX_CONNECTIONS: usize = 2;
/// How many times creating a world is tried while other sandboxes create the same one.
const MAX_ATTEMPTS: usize = 8;

/// An entry of the directory: where a world is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The schema that holds the world.
    pub schema: String,
    /// Whether the world is persistent: it is never dropped because nobody uses it.
    pub is_persistent: bool,
}

/// Creates the table of the directory, unless it exists.
async fn create_table(connection: &mut Connection) -> sqlx::Result<()> {
    if has_table(connection).await? {
        return Ok(());
    }
    // The lock makes sandboxes that start at the same time do this one after the other.
    postgres::begin_write(connection).await?;
    postgres::lock_for_initialization(connection).await?;
    connection.execute(CREATE_DIRECTORY).await?;
    connection.execute("COMMIT").await
}

async fn has_table(connection: &mut Connection) -> sqlx::Result<bool> {
    let tables: i64 = connection.fetch_scalar(COUNT_DIRECTORY_TABLES, BindValues::default()).await?;
    Ok(tables > 0)
}

/// The worlds in the directory, sorted by name, and their schemas.
pub(super) async fn list_worlds(connection: &mut Connection) -> sqlx::Result<Vec<(String, Schema)>> {
    if !has_table(connection).await? {
        return Ok(Vec::new());
    }
    let rows = connection.fetch_all(LIST_WORLDS, BindValues::default()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, Schema::named(&row.try_get::<String, _>(1)?)))).collect()
}

/// The directory of the worlds of a PostgreSQL database, the default world left out.
#[derive(Debug)]
pub struct WorldDirectory {
    server: PostgresServer,
    permits: Arc<Semaphore>,
    /// The schema of the default world, once that is open.
    default_schema: OnceCell<Schema>,
    /// Whether spare schemas may have been used since they were last counted.
    spares_may_be_low: AtomicBool,
}

/// A connection to the schema of the directory, and the permit for it.
struct DirectoryConnection {
    connection: Connection,
    _permit: OwnedSemaphorePermit,
}

impl WorldDirectory {
    pub(super) fn new(server: PostgresServer) -> Self {
        Self {
            server,
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            default_schema: OnceCell::new(),
            spares_may_be_low: AtomicBool::new(true),
        }
    }

    /// Sets the schema of the default world, and creates the directory in it unless it exists.
    pub(super) async fn open(
        &self,
        connection: &mut Connection,
        default_schema: &Schema,
    ) -> sqlx::Result<()> {
        create_table(connection).await?;
        let _already_set = self.default_schema.set(default_schema.clone());
        Ok(())
    }

    /// Finds a world, and records that it is used now.
    pub async fn find(&self, name: &str) -> Result<Option<DirectoryEntry>, StoreError> {
        let mut directory = self.connect().await?;
        let found = find_entry(&mut directory.connection, name).await?;
        directory.close().await;
        Ok(found)
    }

    /// Creates a world, or finds the one that another sandbox has created meanwhile.
    pub async fn create(
        &self,
        name: &str,
        is_persistent: bool,
        world: &NewWorld,
    ) -> Result<DirectoryEntry, StoreError> {
        let mut directory = self.connect().await?;
        let created = self.claim_or_find(&mut directory.connection, name, is_persistent, world).await;
        directory.close().await;
        self.spares_may_be_low.store(true, Ordering::Relaxed);
        created
    }

    /// Records that these worlds are used now.
    pub async fn record_use(&self, names: &[String]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut directory = self.connect().await?;
        for name in names {
            let values = BindValues::default().bind(real_time_millis()).bind(name.clone());
            directory.connection.execute_with(RECORD_USE, values).await?;
        }
        directory.close().await;
        Ok(())
    }

    /// The number of worlds in the directory.
    pub async fn count(&self) -> Result<i64, StoreError> {
        let mut directory = self.connect().await?;
        let count = directory.connection.fetch_scalar(COUNT_WORLDS, BindValues::default()).await?;
        directory.close().await;
        Ok(count)
    }

    /// Drops worlds that are not persistent and have not been used for `idle`, at most `limit` of them, or else a
    /// few. Returns their names.
    pub async fn drop_idle(&self, idle: Duration, limit: Option<i64>) -> Result<Vec<String>, StoreError> {
        let mut directory = self.connect().await?;
        let idle_millis = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        let used_before = real_time_millis().saturating_sub(idle_millis);
        let values = BindValues::default().bind(used_before).bind(latest_migration());
        let values = values.bind(limit.unwrap_or(MAX_DROPPED_AT_ONCE));
        let dropped = drop_schemas(&mut directory.connection, REMOVE_IDLE, values).await?;
        directory.close().await;
        Ok(dropped)
    }

    /// Creates spare schemas if there are too few.
    pub async fn replenish_spares(&self) -> Result<(), StoreError> {
        if !self.spares_may_be_low.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let mut directory = self.connect().await?;
        let values = BindValues::default().bind(latest_migration());
        let spares: i64 = directory.connection.fetch_scalar(COUNT_SPARES, values).await?;
        for _ in spares..SPARE_SCHEMAS {
            self.create_spare(&mut directory.connection).await?;
        }
        directory.close().await;
        Ok(())
    }

    /// Opens a connection to the directory, when fewer than [`MAX_CONNECTIONS`] are open. It does not come from the pools:
    /// requests of all worlds share those.
    async fn connect(&self) -> Result<DirectoryConnection, StoreError> {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        Ok(DirectoryConnection { connection: self.server.connect().await?, _permit: permit })
    }

    /// The schema of the default world. Fails if that is not open.
    fn default_schema(&self) -> sqlx::Result<Schema> {
        let not_open = || sqlx::Error::Configuration("the default world is not open".into());
        self.default_schema.get().cloned().ok_or_else(not_open)
    }

    /// Claims a spare schema for a world, or finds the world in the directory.
    async fn claim_or_find(
        &self,
        connection: &mut Connection,
        name: &str,
        is_persistent: bool,
        world: &NewWorld,
    ) -> Result<DirectoryEntry, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            match self.claim_spare(connection, name, is_persistent, world).await {
                Ok(Some(entry)) => return Ok(entry),
                Ok(None) => self.create_spare(connection).await?,
                // Another sandbox has created a world with this name, and may drop it again before it is found.
                Err(problem) if PgErrorClass::of(&problem) == PgErrorClass::UniqueViolation => {
                    connection.execute("ROLLBACK").await?;
                    if let Some(found) = find_entry(connection, name).await? {
                        return Ok(found);
                    }
                }
                Err(problem) => return Err(problem.into()),
            }
        }
        Err(StoreError::WorldNotCreated(name.to_owned()))
    }

    /// Names a spare schema and fills it, in one transaction. Returns `None` if there is no spare schema.
    async fn claim_spare(
        &self,
        connection: &mut Connection,
        name: &str,
        is_persistent: bool,
        world: &NewWorld,
    ) -> sqlx::Result<Option<DirectoryEntry>> {
        postgres::begin_write(connection).await?;
        let values = BindValues::default().bind(name.to_owned()).bind(i64::from(is_persistent));
        let values = values.bind(real_time_millis()).bind(latest_migration());
        let claimed = connection.fetch_all(CLAIM_SPARE, values).await?;
        let Some(row) = claimed.first() else {
            connection.execute("ROLLBACK").await?;
            return Ok(None);
        };
        let schema: String = row.try_get(0)?;
        // The rows of the world and its name are committed together: no sandbox sees a world that is half filled.
        Schema::named(&schema).select(connection).await?;
        save_new_world(connection, world).await?;
        connection.execute("COMMIT").await?;
        // The connection goes on with the directory.
        self.default_schema()?.select(connection).await?;
        Ok(Some(DirectoryEntry { schema, is_persistent }))
    }

    /// Creates a schema with the empty tables of a world, and adds it to the directory as a spare.
    async fn create_spare(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let default = self.default_schema()?;
        let prefix = schema_name_prefix(default.name());
        let schema = Schema::named(&format!("{prefix}_{}", random_schema_suffix()));
        postgres::begin_write(connection).await?;
        let created = async {
            schema.create(connection, &default).await?;
            let values = BindValues::default().bind(schema.name().to_owned()).bind(latest_migration());
            connection.execute_with(ADD_SPARE, values).await
        };
        let created = created.await;
        connection.execute(if created.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        Ok(created?)
    }
}

impl DirectoryConnection {
    async fn close(self) {
        let _closed = self.connection.close().await;
    }
}

/// Finds a world in the directory, and records that it is used now.
async fn find_entry(connection: &mut Connection, name: &str) -> sqlx::Result<Option<DirectoryEntry>> {
    let values = BindValues::default().bind(real_time_millis()).bind(name.to_owned());
    let rows = connection.fetch_all(FIND_AND_RECORD_USE, values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(DirectoryEntry { schema: row.try_get(0)?, is_persistent: row.try_get::<i64, _>(1)? != 0 }))
}

/// Removes entries from the directory and drops their schemas. `removal` returns the schema and the name of each entry.
/// Returns the names of the worlds; spare schemas have none.
async fn drop_schemas(
    connection: &mut Connection,
    removal: &'static str,
    values: BindValues,
) -> Result<Vec<String>, StoreError> {
    postgres::begin_write(connection).await?;
    let mut names = Vec::new();
    for row in connection.fetch_all(removal, values).await? {
        let schema = Schema::named(&row.try_get::<String, _>(0)?);
        let text = format!("DROP SCHEMA IF EXISTS {} CASCADE", schema.quoted());
        connection.execute(AssertSqlSafe(text)).await?;
        names.extend(row.try_get::<Option<String>, _>(1)?);
    }
    connection.execute("COMMIT").await?;
    Ok(names)
}

/// The part of a schema's name that leaves space for a suffix: PostgreSQL's identifiers have at most 63 bytes.
fn schema_name_prefix(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

/// Milliseconds since the epoch. The use of worlds is recorded in real time, whatever their clocks show.
fn real_time_millis() -> i64 {
    Clock::real_time().now().millis()
}

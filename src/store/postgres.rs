//! PostgreSQL, the engine that several sandboxes share: connections, migrations, and the lock by which sandboxes take turns.
//!
//! Each world is a schema. A batch that may change something first locks the row of its world. So the batches of a world
//! follow one another, whichever sandbox runs them; no batch decides on rows that another one is changing, and there are no
//! deadlocks. The row also counts the changes. A sandbox that finds the count as it left it knows that the rows it has
//! loaded are still current. Readers use snapshots and wait for nobody. Batches of different worlds are independent.

mod error_class;
mod pool;
mod schema;

use std::fmt;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use tokio::time::Instant;

use crate::config::PostgresUrl;

use super::engine::{BindValues, Connection};
use super::error::{StoreError, check_not_newer, migration_error};

pub(super) use error_class::PgErrorClass;
pub(super) use pool::{LeasedConnection, Pool};
pub(super) use schema::Schema;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a sandbox may pause in the middle of a batch before the server ends its session, and with it its lock.
const MAX_IDLE_IN_TRANSACTION: Duration = Duration::from_secs(2);
/// How long to wait between attempts to reach a server that is starting.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Settings of every session. Statements find their rows by key, even if the tables were small when the server planned
/// them, and a committed transaction is on disk. Other engines that speak PostgreSQL's protocol may refuse these settings,
/// which is harmless.
const SESSION_SETTINGS: [&str; 6] = [
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    // A plan with a scan that is switched off and still needed has a huge cost, for which the server would compile each run.
    "SET jit = off",
    "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')",
];

/// A PostgreSQL server, and how to connect to it.
#[derive(Clone)]
pub(super) struct PostgresServer {
    options: PgConnectOptions,
    /// The URL without its password.
    name: String,
    /// The time limit of any one operation.
    pub(super) timeout: Duration,
}

/// Never shows the password.
impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresServer").field(&self.name).finish()
    }
}

impl PostgresServer {
    pub(super) fn new(url: &PostgresUrl, timeout: Duration) -> Result<Self, StoreError> {
        let invalid_url = |source| StoreError::InvalidUrl { database: url.to_string(), source };
        let options: PgConnectOptions = url.with_password().parse().map_err(invalid_url)?;
        let options = options.application_name("fps-sandbox").statement_cache_capacity(256);
        Ok(Self { options: options.disable_statement_logging(), name: url.to_string(), timeout })
    }

    /// Opens a connection with time limits on the server's side, so that no statement waits forever.
    pub(super) async fn connect(&self) -> sqlx::Result<Connection> {
        let connected = tokio::time::timeout(self.timeout, async {
            let mut connection = self.connect_without_settings().await?;
            self.apply_settings(&mut connection).await?;
            Ok(Connection::Postgres(connection))
        });
        connected.await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn connect_without_settings(&self) -> sqlx::Result<PgConnection> {
        let connected = tokio::time::timeout(self.timeout, PgConnection::connect_with(&self.options)).await;
        connected.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn apply_settings(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let half = self.timeout / 2;
        let limits = format!(
            "SET idle_in_transaction_session_timeout = {}; SET lock_timeout = {}",
            MAX_IDLE_IN_TRANSACTION.min(half).as_millis(),
            half.as_millis()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(limits)).execute(&mut *connection).await?;
        for setting in SESSION_SETTINGS {
            if let Err(problem) = sqlx::query(setting).execute(&mut *connection).await {
                tracing::debug!(%problem, setting, "the database does not support a session setting");
            }
        }
        Ok(())
    }

    /// Opens the first connection. Waits until the server has started, within the time limit, and migrates the schema of the
    /// default world. Sandboxes that start at the same time migrate one after the other, however long it takes.
    pub(super) async fn open(&self) -> Result<Connection, StoreError> {
        let deadline = Instant::now() + self.timeout;
        let connection = loop {
            match self.connect_without_settings().await {
                Ok(connection) => break connection,
                Err(source)
                    if PgErrorClass::of(&source) != PgErrorClass::ConnectionLost
                        || Instant::now() > deadline =>
                {
                    return Err(self.connect_error(source));
                }
                Err(problem) => {
                    tracing::info!(%problem, "waiting for the database");
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        };
        let mut connection = Connection::Postgres(connection);
        self.migrate(&mut connection).await?;
        Ok(connection)
    }

    /// Opens a connection to a world's schema, which has to exist. The schema is migrated only if it is not up to date,
    /// because a migration locks the whole database.
    pub(super) async fn open_schema(&self, schema: &Schema) -> Result<Connection, StoreError> {
        let opened = tokio::time::timeout(self.timeout, async {
            let mut connection = self.connect().await.map_err(|source| self.connect_error(source))?;
            schema.select(&mut connection).await?;
            let text = "SELECT max(version) FROM _sqlx_migrations";
            let applied: i64 = connection.fetch_scalar(text, BindValues::default()).await?;
            if applied != latest_migration() {
                self.migrate(&mut connection).await?;
            }
            Ok(connection)
        });
        opened.await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()))
    }

    /// Migrates the schema that the connection uses.
    async fn migrate(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let Connection::Postgres(connection) = connection else { return Ok(()) };
        // Silences notices such as "relation already exists, skipping".
        sqlx::query("SET client_min_messages = warning").execute(&mut *connection).await?;
        if has_foreign_tables(connection).await? {
            return Err(StoreError::MadeByOtherProgram(self.name.clone()));
        }
        run_migrations(connection).await.map_err(|problem| match problem {
            MigrateError::Execute(source) => self.connect_error(source),
            problem => migration_error(problem, self.name.clone()),
        })
    }

    /// Opens a connection to an existing world that sees a read-only snapshot of it: the world in this schema, or else the
    /// default world.
    pub(super) async fn open_read_only(&self, schema: Option<&Schema>) -> Result<Connection, StoreError> {
        let connected = self.connect_without_settings().await;
        let mut connection = Connection::Postgres(connected.map_err(|source| self.connect_error(source))?);
        if let Some(schema) = schema {
            schema.select(&mut connection).await?;
        }
        begin_snapshot(&mut connection).await?;
        check_not_newer(&mut connection, &MIGRATIONS, &self.name).await.map_err(|problem| match problem {
            StoreError::Database(sqlx::Error::Database(_)) => StoreError::NotInitialized(self.name.clone()),
            other => other,
        })?;
        Ok(connection)
    }

    /// The error when there is no connection: the server refused it, or did not answer.
    fn connect_error(&self, source: sqlx::Error) -> StoreError {
        let database = self.name.clone();
        match source {
            sqlx::Error::Database(refusal) => StoreError::ConnectionRefused {
                database,
                reason: refusal.message().to_owned(),
                advice: match refusal.code().as_deref() {
                    Some("28P01" | "28000") => "check user and password in --database",
                    Some("3D000") => "create it on the server, or give another --database",
                    Some("42501") => "give the user the rights to make tables there",
                    _ => "see the server's log",
                },
            },
            source => StoreError::Unreachable { database, source },
        }
    }
}

/// Runs the migrations. The migrator's other methods return futures that are not `Send`.
async fn run_migrations(connection: &mut PgConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, connection, false).await
}

/// Whether the schema has tables but no record of our migrations: another program has made them.
async fn has_foreign_tables(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let text = "SELECT count(*) > 0 AND count(*) FILTER (WHERE tablename = '_sqlx_migrations') = 0 \
         FROM pg_catalog.pg_tables WHERE schemaname = current_schema()";
    sqlx::query_scalar(text).fetch_one(connection).await
}

/// The version of the tables that this program makes.
pub(super) fn latest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Begins a transaction that writes.
pub(super) async fn begin_write(connection: &mut Connection) -> sqlx::Result<()> {
    connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await
}

/// Begins a transaction that sees a read-only snapshot.
pub(super) async fn begin_snapshot(connection: &mut Connection) -> sqlx::Result<()> {
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
}

/// Begins a transaction that may change the world: waits for the lock on the world's row, and returns its count of changes.
/// The statement finds the row by its key, because a scan would read all its dead versions.
pub(super) async fn begin_and_lock_world(connection: &mut Connection) -> sqlx::Result<i64> {
    begin_write(connection).await?;
    let text = "SELECT version FROM world WHERE number = 1 FOR UPDATE";
    connection.fetch_scalar(text, BindValues::default()).await
}

/// Increments the world's count of changes.
pub(super) async fn increment_version(connection: &mut Connection) -> sqlx::Result<()> {
    let text = "UPDATE world SET version = version + 1 WHERE number = 1";
    connection.execute_with(text, BindValues::default()).await
}

/// Keeps other sandboxes from filling an empty database until the transaction ends.
pub(super) async fn lock_for_initialization(connection: &mut Connection) -> sqlx::Result<()> {
    connection.execute("LOCK TABLE world IN EXCLUSIVE MODE").await
}

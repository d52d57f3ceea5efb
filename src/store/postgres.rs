//! PostgreSQL, the engine that several sandboxes share: how it is reached, and how they take turns.
//!
//! Each world is a schema. Whoever changes something first locks the row of the world, so that the batches of a world come
//! one after the other, whichever sandbox runs them: nobody decides on rows that another is changing, and there is nothing
//! to dead-lock on. The row counts the changes; a sandbox that finds the count as it left it knows that what it has loaded
//! still holds. Whoever only looks reads a snapshot and waits for nobody. Batches of different worlds do not meet.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSeverity};
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::PostgresUrl;

use super::engine::{Connection, Values};
use super::error::{StoreError, migration_error, refuse_newer};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A sandbox that stops in the middle of a batch loses its turn after this time.
const TURN: Duration = Duration::from_secs(2);
/// How often a server that cannot be reached is tried at start.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Statements find their rows by key, however small the tables were when the server planned them; and what is
/// committed is on disk. Other engines that speak the protocol may not know these, and need not.
const SESSION_SETTINGS: [&str; 5] = [
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')",
];

/// A server that can be reached, again and again.
#[derive(Clone)]
pub(super) struct Server {
    options: PgConnectOptions,
    /// The URL without its password.
    name: String,
    /// How long anything may take.
    pub(super) timeout: Duration,
}

/// Never shows the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Server {
    pub(super) fn new(url: &PostgresUrl, timeout: Duration) -> Result<Self, StoreError> {
        let unusable = |source| StoreError::Url { database: url.to_string(), source };
        let options: PgConnectOptions = url.secret().parse().map_err(unusable)?;
        let options = options.application_name("fps-sandbox").statement_cache_capacity(256);
        Ok(Self { options: options.disable_statement_logging(), name: url.to_string(), timeout })
    }

    /// A new connection, on which nothing takes for ever.
    pub(super) async fn connect(&self) -> sqlx::Result<Connection> {
        let connected = tokio::time::timeout(self.timeout, async {
            let mut connection = self.reach().await?;
            self.prepare(&mut connection).await?;
            Ok(Connection::Postgres(connection))
        });
        connected.await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    /// A bare connection, within the time that is given.
    async fn reach(&self) -> sqlx::Result<PgConnection> {
        let reached = tokio::time::timeout(self.timeout, PgConnection::connect_with(&self.options)).await;
        reached.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn prepare(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let half = self.timeout / 2;
        let bounds = format!(
            "SET idle_in_transaction_session_timeout = {}; SET lock_timeout = {}",
            TURN.min(half).as_millis(),
            half.as_millis()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(bounds)).execute(&mut *connection).await?;
        for setting in SESSION_SETTINGS {
            if let Err(problem) = sqlx::query(setting).execute(&mut *connection).await {
                tracing::debug!(%problem, "the database does it its own way");
            }
        }
        Ok(())
    }

    /// The first connection: waits a while for the server to start, and brings the schema of the default world up to
    /// date. Sandboxes that start together do that one after the other, however long it takes.
    pub(super) async fn open(&self) -> Result<Connection, StoreError> {
        let deadline = Instant::now() + self.timeout;
        let connection = loop {
            match self.reach().await {
                Ok(connection) => break connection,
                Err(source) if Failure::of(&source) != Failure::Lost || Instant::now() > deadline => {
                    return Err(self.unreachable(source));
                }
                Err(problem) => {
                    tracing::info!(%problem, "waiting for the database");
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        };
        let mut connection = Connection::Postgres(connection);
        self.migrate(&mut connection).await?;
        Ok(connection)
    }

    /// A connection to a world's schema that is there already. Its tables are brought up to date only when they are not: that is
    /// done under a lock of the whole database.
    pub(super) async fn open_schema(&self, schema: &Schema) -> Result<Connection, StoreError> {
        let opened = tokio::time::timeout(self.timeout, async {
            let mut connection = self.connect().await.map_err(|source| self.unreachable(source))?;
            schema.enter(&mut connection).await?;
            let applied: i64 =
                connection.scalar("SELECT max(version) FROM _sqlx_migrations", Values::default()).await?;
            if applied != latest_migration() {
                self.migrate(&mut connection).await?;
            }
            Ok(connection)
        });
        opened.await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()).into()))
    }

    /// Brings the tables of the schema that the connection is in up to date.
    pub(super) async fn migrate(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let Connection::Postgres(connection) = connection else { return Ok(()) };
        // Nothing that goes well needs telling.
        sqlx::query("SET client_min_messages = warning").execute(&mut *connection).await?;
        if is_foreign(connection).await? {
            return Err(StoreError::NotOurs(self.name.clone()));
        }
        let migrated = migrate(connection).await;
        migrated.map_err(|problem| match problem {
            MigrateError::Execute(source) => self.unreachable(source),
            problem => migration_error(problem, self.name.clone()),
        })
    }

    /// A connection to a world that is there already, seeing it as it is now; the default one, if no schema is named.
    pub(super) async fn open_to_read(&self, schema: Option<&Schema>) -> Result<Connection, StoreError> {
        let connected = self.reach().await;
        let mut connection = Connection::Postgres(connected.map_err(|source| self.unreachable(source))?);
        if let Some(schema) = schema {
            schema.enter(&mut connection).await?;
        }
        connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        refuse_newer(&mut connection, &MIGRATIONS, &self.name).await.map_err(|problem| match problem {
            StoreError::Database(sqlx::Error::Database(_)) => StoreError::NoSandbox(self.name.clone()),
            other => other,
        })?;
        Ok(connection)
    }

    /// Why there is no connection: nobody answered, or the server said no.
    fn unreachable(&self, source: sqlx::Error) -> StoreError {
        let database = self.name.clone();
        match source {
            sqlx::Error::Database(said) => StoreError::Refused {
                database,
                reason: said.message().to_owned(),
                advice: match said.code().as_deref() {
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

/// Brings the tables up to date. The migrator's other methods have futures that are not `Send`.
async fn migrate(connection: &mut PgConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, connection, false).await
}

/// Whether somebody else has made tables in it: ours come with a record of migrations.
async fn is_foreign(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let text = "SELECT count(*) > 0 AND count(*) FILTER (WHERE tablename = '_sqlx_migrations') = 0 \
         FROM pg_catalog.pg_tables WHERE schemaname = current_schema()";
    sqlx::query_scalar(text).fetch_one(connection).await
}

/// The version of the tables that this program makes.
pub(super) fn latest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The schema that holds a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schema(Arc<str>);

impl Schema {
    pub(super) fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// The schema that a connection is in.
    pub(super) async fn of(connection: &mut Connection) -> sqlx::Result<Self> {
        let name: String =
            connection.scalar("SELECT CAST(current_schema() AS TEXT)", Values::default()).await?;
        Ok(Self::named(&name))
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// The name as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    /// Makes statements mean the tables of this schema.
    pub(super) async fn enter(&self, connection: &mut Connection) -> sqlx::Result<()> {
        // Not prepared: it would push a statement out that is used again.
        connection.run_script(format!("SET search_path TO {}", self.quoted())).await
    }
}

/// A bounded number of connections that the worlds of a sandbox share. A connection goes back to the world that had it last
/// as long as no other needs it.
pub(super) struct Pool {
    pub(super) server: Server,
    permits: Arc<Semaphore>,
    most: usize,
    connections: Mutex<Connections>,
    /// Grows whenever a connection was lost: the server may have come back as another.
    generation: AtomicU64,
}

#[derive(Default)]
struct Connections {
    /// Those that nobody has, the one used last at the end.
    idle: Vec<Idle>,
    /// How many there are in all.
    live: usize,
}

struct Idle {
    connection: Connection,
    schema: Schema,
    /// When it was used last; a connection of an older generation may be dead.
    generation: u64,
}

/// A connection that one world has for a batch. Dropped, it is closed.
pub(super) struct Lease {
    pub(super) connection: Connection,
    schema: Schema,
    counted: Counted,
}

/// One of the connections of a pool, and the permit for it.
struct Counted {
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
    is_live: bool,
}

impl Pool {
    pub(super) fn new(server: Server, most: usize) -> Arc<Self> {
        Arc::new(Self {
            server,
            permits: Arc::new(Semaphore::new(most)),
            most,
            connections: Mutex::default(),
            generation: AtomicU64::new(0),
        })
    }

    /// How often a connection was lost. What a world knows of its rows holds as long as this stays the same.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// A connection was lost.
    pub(super) fn lost(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// A connection in this schema, when one is free.
    pub(super) async fn lease(self: &Arc<Self>, schema: &Schema) -> sqlx::Result<Lease> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut counted = Counted { pool: Arc::clone(self), _permit: permit, is_live: false };
        let taken = self.take(schema);
        counted.is_live = true;
        let lease = |connection| Lease { connection, schema: schema.clone(), counted };
        if let Some(mut idle) = taken {
            if idle.schema == *schema || schema.enter(&mut idle.connection).await.is_ok() {
                return Ok(lease(idle.connection));
            }
            // The server may have come back since.
            self.lost();
        }
        let mut connection = self.server.connect().await?;
        schema.enter(&mut connection).await?;
        Ok(lease(connection))
    }

    /// The connection that had this schema last; or else a new one is to be made while there are not too many, or the one
    /// that was unused longest is taken.
    fn take(&self, schema: &Schema) -> Option<Idle> {
        let mut connections = self.connections();
        let generation = self.generation();
        let dead = connections.idle.extract_if(.., |idle| idle.generation != generation).count();
        connections.live -= dead;
        if let Some(place) = connections.idle.iter().rposition(|idle| idle.schema == *schema) {
            return Some(connections.idle.remove(place));
        }
        if connections.live < self.most || connections.idle.is_empty() {
            connections.live += 1;
            return None;
        }
        Some(connections.idle.remove(0))
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that nobody has.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut self.connections().idle);
        self.connections().live -= idle.len();
        for idle in idle {
            let _closed = idle.connection.close().await;
        }
    }
}

impl Lease {
    /// Gives the connection back for another batch of any world.
    pub(super) fn undo_use(self) {
        let Self { connection, schema, mut counted } = self;
        counted.is_live = false;
        let generation = counted.pool.generation();
        counted.pool.connections().idle.push(Idle { connection, schema, generation });
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.is_live {
            let mut connections = self.pool.connections();
            connections.live = connections.live.saturating_sub(1);
        }
    }
}

/// Makes a schema with empty tables like those of another, within the transaction that is open.
pub(super) async fn create_schema(
    connection: &mut Connection,
    schema: &Schema,
    like: &Schema,
) -> sqlx::Result<()> {
    let (new, old) = (schema.quoted(), like.quoted());
    let mut script = format!("CREATE SCHEMA {new}; SET LOCAL search_path TO {new};\n");
    for migration in MIGRATIONS.iter() {
        script.push_str(migration.sql.as_str());
        script.push_str(";\n");
    }
    let _ = write!(
        script,
        "CREATE TABLE _sqlx_migrations (LIKE {old}._sqlx_migrations INCLUDING ALL); \
         INSERT INTO _sqlx_migrations SELECT * FROM {old}._sqlx_migrations; SET LOCAL search_path TO {old};"
    );
    connection.run_script(script).await
}

/// Begins a transaction that may change the world, when its turn comes. The row is found by its key: a scan would go through
/// all its dead versions. Gives the count of changes so far.
pub(super) async fn begin_changing(connection: &mut Connection) -> sqlx::Result<i64> {
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    connection.scalar("SELECT version FROM world WHERE number = 1 FOR UPDATE", Values::default()).await
}

/// Begins a transaction that sees the world as it is now.
pub(super) async fn begin_looking(connection: &mut Connection) -> sqlx::Result<()> {
    connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
}

/// Counts a change.
pub(super) async fn count_change(connection: &mut Connection) -> sqlx::Result<()> {
    let text = "UPDATE world SET version = version + 1 WHERE number = 1";
    connection.all(text, Values::default()).await.map(drop)
}

/// Keeps other sandboxes from filling an empty database until the transaction ends.
pub(super) async fn lock_beginning(connection: &mut Connection) -> sqlx::Result<()> {
    connection.run("LOCK TABLE world IN EXCLUSIVE MODE").await
}

/// What a failure says about the transaction that it struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is undone, and may succeed when it is run again.
    Undone,
    /// A row is there already, such as a reference used at another sandbox.
    Clash,
    /// The connection is gone.
    Lost,
    /// Anything else; it is undone.
    Final,
}

impl Failure {
    /// Classes of SQLSTATE: 40 transaction rollback, 55P03 lock not available, 57014 query cancelled, 23505 unique
    /// violation; 08 connection, 57P server shutting down or starting, 25P03 turn lost, 25006 it is a standby, 0A000 a
    /// statement prepared for an older schema.
    pub(super) fn of(problem: &sqlx::Error) -> Self {
        let problem = match problem {
            sqlx::Error::Database(problem) => problem,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => return Self::Lost,
            _ => return Self::Final,
        };
        let severity = problem.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
        match problem.code().as_deref().unwrap_or_default() {
            code if code.starts_with("08") || code.starts_with("57P") => Self::Lost,
            "25P03" | "25006" | "0A000" => Self::Lost,
            _ if matches!(severity, Some(PgSeverity::Panic)) => Self::Lost,
            "55P03" | "57014" => Self::Undone,
            code if code.starts_with("40") => Self::Undone,
            "23505" => Self::Clash,
            _ => Self::Final,
        }
    }
}

//! PostgreSQL, the engine that several sandboxes share: how it is reached, and how they take turns.
//!
//! Whoever changes something first locks the row of its world, so that the batches of a world come one after the other,
//! whichever sandbox runs them: nobody decides on rows that another is changing, and there is nothing to dead-lock
//! on. The row counts the changes; a sandbox that finds the count as it left it knows that what it has loaded still
//! holds. Whoever only looks reads a snapshot and waits for nobody.

use std::fmt;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgSeverity};
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use tokio::time::Instant;

use crate::config::PostgresUrl;

use super::engine::{Connection, Values};
use super::{StoreError, migration_error};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A sandbox that stops in the middle of a batch loses its turn after this time.
const TURN: Duration = Duration::from_secs(2);
/// How often a server that cannot be reached is tried at start.
const STARTING: Duration = Duration::from_millis(250);

/// Statements find their rows by key, however small the tables were when the server planned them; and what is
/// committed is on disk. Other engines that speak the protocol may not know these, and need not.
const WISHES: [&str; 5] = [
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
    pub(super) patience: Duration,
}

/// Never shows the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Server {
    pub(super) fn new(url: &PostgresUrl, patience: Duration) -> Result<Self, StoreError> {
        let unusable = |source| StoreError::Url { database: url.to_string(), source };
        let options: PgConnectOptions = url.secret().parse().map_err(unusable)?;
        let options = options.application_name("fps-sandbox").statement_cache_capacity(256);
        Ok(Self { options: options.disable_statement_logging(), name: url.to_string(), patience })
    }

    /// A new connection, on which nothing takes for ever.
    pub(super) async fn connect(&self) -> sqlx::Result<Connection> {
        let connected = tokio::time::timeout(self.patience, async {
            let mut connection = self.reach().await?;
            self.prepare(&mut connection).await?;
            Ok(Connection::Postgres(connection))
        });
        connected.await.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    /// A bare connection, within the time that is given.
    async fn reach(&self) -> sqlx::Result<PgConnection> {
        let reached = tokio::time::timeout(self.patience, PgConnection::connect_with(&self.options)).await;
        reached.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))
    }

    async fn prepare(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let half = self.patience / 2;
        let bounds = format!(
            "SET idle_in_transaction_session_timeout = {}; SET lock_timeout = {}",
            TURN.min(half).as_millis(),
            half.as_millis()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(bounds)).execute(&mut *connection).await?;
        for wish in WISHES {
            if let Err(problem) = sqlx::query(wish).execute(&mut *connection).await {
                tracing::debug!(%problem, "the database does it its own way");
            }
        }
        Ok(())
    }

    /// The first connection: waits a while for the server to start, and brings the schema up to date. Sandboxes that
    /// start together do that one after the other, however long it takes.
    pub(super) async fn open(&self) -> Result<Connection, StoreError> {
        let patience = Instant::now() + self.patience;
        let mut connection = loop {
            match self.reach().await {
                Ok(connection) => break connection,
                Err(source) if Failure::of(&source) != Failure::Lost || Instant::now() > patience => {
                    return Err(self.unreachable(source));
                }
                Err(problem) => {
                    tracing::info!(%problem, "waiting for the database");
                    tokio::time::sleep(STARTING).await;
                }
            }
        };
        // Nothing that goes well needs telling.
        sqlx::query("SET client_min_messages = warning").execute(&mut connection).await?;
        if is_foreign(&mut connection).await? {
            return Err(StoreError::NotOurs(self.name.clone()));
        }
        let migrated = MIGRATIONS.run(&mut connection).await;
        migrated.map_err(|problem| match problem {
            MigrateError::Execute(source) => self.unreachable(source),
            problem => migration_error(problem, self.name.clone()),
        })?;
        Ok(Connection::Postgres(connection))
    }

    /// A connection to a database that is there already, seeing it as it is now.
    pub(super) async fn open_to_read(&self) -> Result<Connection, StoreError> {
        let connected = self.reach().await;
        let mut connection = Connection::Postgres(connected.map_err(|source| self.unreachable(source))?);
        connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        super::refuse_newer(&mut connection, &MIGRATIONS, &self.name).await.map_err(
            |problem| match problem {
                StoreError::Database(sqlx::Error::Database(_)) => StoreError::NoSandbox(self.name.clone()),
                other => other,
            },
        )?;
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

/// Whether somebody else has made tables in it: ours come with a record of migrations.
async fn is_foreign(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let text = "SELECT count(*) > 0 AND count(*) FILTER (WHERE table_name = '_sqlx_migrations') = 0 \
         FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
    sqlx::query_scalar(text).fetch_one(connection).await
}

/// Begins a transaction that may change the world, when its turn comes. Gives the count of changes so far.
pub(super) async fn begin_changing(connection: &mut Connection) -> sqlx::Result<i64> {
    connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    let text = "SELECT version FROM world FOR UPDATE";
    connection.scalar(text, Values::default()).await
}

/// Begins a transaction that sees the world as it is now. Gives the count of changes so far.
pub(super) async fn begin_looking(connection: &mut Connection) -> sqlx::Result<i64> {
    connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    connection.scalar("SELECT version FROM world", Values::default()).await
}

/// Counts a change.
pub(super) async fn count_change(connection: &mut Connection) -> sqlx::Result<()> {
    let text = "UPDATE world SET version = version + 1";
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

//! The audit: recomputes every total from the postings and checks every invariant.

mod invariants;

use std::time::Duration;

use crate::config::Database;
use crate::ledger::{IdCodec, InstrumentNumber, TokenNumber, TransactionNumber};

use super::engine::{BindValues, Connection, Row};
use super::error::StoreError;
use super::location::{DEFAULT_WORLD, list_world_files};
use super::postgres::PostgresServer;
use super::{directory, sqlite, world_state};
use invariants::INVARIANTS;

/// The invariant that SQLite checks itself. PostgreSQL has no such check.
const FILE_IS_INTACT: &str = "the database file is intact";
/// How many violations of one invariant are reported.
const MAX_FINDINGS_PER_INVARIANT: i64 = 20;

/// A violation of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFinding {
    /// The name of the invariant.
    pub invariant: &'static str,
    /// Where it is violated, and by how much.
    pub details: String,
}

/// The result of the audit of one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldAudit {
    /// The name of the world.
    pub world: String,
    /// The number of invariants that were checked.
    pub invariants: usize,
    /// The violations that were found.
    pub findings: Vec<AuditFinding>,
}

/// Audits the worlds of a database: the world with this name, or all. Worlds in memory cannot be audited. `timeout` is the
/// time limit for connecting to a PostgreSQL server.
pub async fn audit(
    database: &Database,
    timeout: Duration,
    world: Option<&str>,
) -> Result<Vec<WorldAudit>, StoreError> {
    let is_requested = |name: &str| world.is_none_or(|requested| requested == name);
    let mut audits = Vec::new();
    match database {
        Database::Memory => return Err(StoreError::NotFound(database.to_string())),
        Database::File(path) => {
            let default = (DEFAULT_WORLD.to_owned(), path.clone());
            let worlds = std::iter::once(default).chain(list_world_files(path));
            for (name, path) in worlds.filter(|(name, _)| is_requested(name)) {
                audits.push(audit_world(name, sqlite::open_read_only(&path).await, true).await?);
            }
        }
        Database::Postgres(url) => {
            let server = PostgresServer::new(url, timeout)?;
            let mut connection = server.open_read_only(None).await?;
            let listed = directory::list_worlds(&mut connection).await?;
            let default = (DEFAULT_WORLD.to_owned(), None);
            let worlds =
                std::iter::once(default).chain(listed.into_iter().map(|(name, schema)| (name, Some(schema))));
            for (name, schema) in worlds.filter(|(name, _)| is_requested(name)) {
                audits.push(audit_world(name, server.open_read_only(schema.as_ref()).await, false).await?);
            }
        }
    }
    match world {
        Some(world) if audits.is_empty() => {
            Err(StoreError::WorldNotFound { database: database.to_string(), world: world.to_owned() })
        }
        _ => Ok(audits),
    }
}

async fn audit_world(
    world: String,
    opened: Result<Connection, StoreError>,
    is_file: bool,
) -> Result<WorldAudit, StoreError> {
    let invariants = INVARIANTS.len() + usize::from(is_file);
    let corruption = |details| AuditFinding { invariant: FILE_IS_INTACT, details };
    let mut connection = match opened {
        Err(StoreError::Corrupt { source, .. }) => {
            return Ok(WorldAudit { world, invariants, findings: vec![corruption(source.to_string())] });
        }
        opened => opened?,
    };
    let mut findings = Vec::new();
    let ids = match world_state::load_id_codec(&mut connection).await {
        Ok(ids) => Some(ids),
        // An invariant below reports a missing row of the world, and the integrity check a corrupt file.
        Err(sqlx::Error::RowNotFound) => None,
        Err(problem) if sqlite::is_corruption(&problem) => None,
        Err(problem) => return Err(problem.into()),
    };
    if is_file {
        let faults = sqlite::integrity_faults(&mut connection, MAX_FINDINGS_PER_INVARIANT).await?;
        findings.extend(faults.into_iter().map(corruption));
    }
    for invariant in INVARIANTS {
        let text = format!("{} LIMIT {MAX_FINDINGS_PER_INVARIANT}", invariant.violations);
        match connection.fetch_all(sqlx::AssertSqlSafe(text), BindValues::default()).await {
            Ok(rows) => {
                for row in rows {
                    let details = describe_violation(&row, ids)?;
                    findings.push(AuditFinding { invariant: invariant.name, details });
                }
            }
            Err(problem) if sqlite::is_corruption(&problem) => {
                findings.push(corruption(format!("{problem}, when checking that {}", invariant.name)));
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    let _closed = connection.close_read_only().await;
    Ok(WorldAudit { world, invariants, findings })
}

/// Describes a violation. Rows are named by the ids that clients know.
fn describe_violation(row: &Row, ids: Option<IdCodec>) -> sqlx::Result<String> {
    let (kind, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
    let id = match (row.try_get::<Option<String>, _>(2)?, ids, kind.as_str()) {
        (Some(id), _, _) => id,
        (None, Some(ids), "transaction") => ids.transaction(TransactionNumber(number)).to_string(),
        (None, Some(ids), "instrument") => ids.instrument(InstrumentNumber(number)).to_string(),
        (None, Some(ids), "token") => ids.token(TokenNumber(number)).to_string(),
        (None, _, _) => number.to_string(),
    };
    let description: Option<String> = row.try_get(3)?;
    Ok(match description {
        None => format!("{kind} {id}"),
        Some(description) => format!("{kind} {id}: {description}"),
    })
}

//! Database files: opening, initial content, persistence, and the audit.

mod audit;
mod opening;
mod start;
mod write_ahead_log;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::cobranded::{Pages, ReturnUrl, start_parameters};
use crate::support::program::{Program, run};
use crate::support::{Client, NOW, Server, config, demo, instant, pay, settle};
use fps_sandbox::clock::{Clock, ClockState};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::sandbox::Sandbox;
use fps_sandbox::signature::SecretKey;
use fps_sandbox::store::{AuditFinding, StoreError, audit};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);

fn file_config(path: &Path) -> Config {
    Config { database: Database::File(path.to_owned()), ..config() }
}

async fn start_error(config: Config) -> String {
    match Server::start_at(config, instant(NOW)).await {
        Ok(_) => panic!("it starts"),
        Err(problem) => problem.to_string(),
    }
}

/// Runs SQL on a database file without its CHECK constraints.
async fn run_sql_unchecked(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).pragma("ignore_check_constraints", "ON");
    let mut connection = options.connect().await.expect("the database opens");
    let changed = connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.expect(sql).rows_affected();
    assert!(changed > 0, "nothing to tamper with: {sql}");
    connection.close().await.expect("the database closes");
}

async fn audit_file(path: &Path) -> Result<(usize, Vec<AuditFinding>), StoreError> {
    let audited = audit(&Database::File(path.to_owned()), Duration::from_secs(5), None).await?;
    let [audited] = &audited[..] else { panic!("one world: {audited:?}") };
    Ok((audited.invariants, audited.findings.clone()))
}

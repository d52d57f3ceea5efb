//! The PostgreSQL server for tests, if there is one. `.ci/postgres` starts it and sets `FPS_TEST_POSTGRES` to its URL.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use fps_sandbox::config::Database;
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

/// The URL of the server; `None` when the tests run on SQLite.
pub fn server_url() -> Option<String> {
    std::env::var("FPS_TEST_POSTGRES").ok()
}

/// Runs `pg_ctl` on the server, for example with `restart`.
pub fn pg_ctl(arguments: &[&str]) {
    let control = std::env::var("FPS_TEST_POSTGRES_CONTROL").expect("run by .ci/postgres");
    assert!(Command::new(control).args(arguments).status().expect("pg_ctl").success(), "{arguments:?}");
}

/// Creates a schema on the server and returns its URL. Each test program has a database of its own.
pub async fn new_schema() -> String {
    static DATABASE: OnceCell<String> = OnceCell::const_new();
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let server =
        server_url().expect("this test needs PostgreSQL: .ci/postgres cargo test -- --include-ignored");
    let database = DATABASE
        .get_or_init(async || {
            let name = format!("fps_test_{}", std::process::id());
            execute(&server, &format!("CREATE DATABASE {name}")).await;
            let (base, _) = server.rsplit_once('/').expect("a URL with a database");
            format!("{base}/{name}")
        })
        .await;
    let schema = format!("world_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
    execute(database, &format!("CREATE SCHEMA {schema}")).await;
    format!("{database}?options=-c%20search_path%3D{schema}")
}

/// Creates a schema on the server, as a setting of the sandbox.
pub async fn new_database() -> Database {
    new_schema().await.parse().expect("a database")
}

/// Runs a statement on the database with this URL.
pub async fn execute(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let text = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::query(text).execute(&mut connection).await.expect(statement);
    connection.close().await.expect("it closes");
}

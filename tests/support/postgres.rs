//! The PostgreSQL server that tests are given, if they are: `.ci/postgres` starts one and says where it is.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use fps_sandbox::config::Database;
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

/// Where the server is; none when the tests run on SQLite.
pub fn server() -> Option<String> {
    std::env::var("FPS_TEST_POSTGRES").ok()
}

/// Does something to the server, such as `restart`.
pub fn control(arguments: &[&str]) {
    let control = std::env::var("FPS_TEST_POSTGRES_CONTROL").expect("run by .ci/postgres");
    assert!(Command::new(control).args(arguments).status().expect("pg_ctl").success(), "{arguments:?}");
}

/// The URL of a new, empty place on the server: a schema of its own in the database of this test file.
pub async fn fresh() -> String {
    static DATABASE: OnceCell<String> = OnceCell::const_new();
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let server = server().expect("this test needs PostgreSQL: .ci/postgres cargo test -- --include-ignored");
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

/// The same as a setting.
pub async fn fresh_database() -> Database {
    fresh().await.parse().expect("a database")
}

/// Runs a statement there.
pub async fn execute(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL answers");
    let text = sqlx::AssertSqlSafe(statement.to_owned());
    sqlx::query(text).execute(&mut connection).await.expect(statement);
    connection.close().await.expect("it closes");
}

//! A reset: all rows of a world give way to the first rows of a new one, in one transaction.
//!
//! The tables stay, so that other sandboxes on a shared database notice it as they notice any change.

use crate::error::{Code, FpsError};

use super::batch_error::BatchError;
use super::databases::{NewWorld, save_new};
use super::engine::{Connection, Values};
use super::load;
use super::writer::Writer;

/// The row of the world stays, and counts on. Secrets are those of the database: whoever has fetched a certificate goes on
/// with it.
const TABLES_OF_SQLITE: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite_%' AND name NOT IN ('_sqlx_migrations', 'world', 'secrets')";
/// The directory of worlds is no part of a world.
const TABLES_OF_POSTGRES: &str = "SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables \
     WHERE schemaname = current_schema() AND tablename NOT IN ('_sqlx_migrations', 'world', 'secrets', 'worlds')";

impl Writer {
    /// Makes the world anew.
    pub(super) async fn reset(&mut self, world: &NewWorld) -> Result<(), FpsError> {
        let timeout = self.session.timeout();
        let replaced = tokio::time::timeout(timeout, self.replace_rows(world)).await;
        if let Err(problem) = replaced.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::error!(%problem, "the world could not be reset");
            let problem = self.give_up(problem).await;
            return Err(problem.for_everybody().unwrap_or_else(|| Code::InternalError.into()));
        }
        Ok(())
    }

    async fn replace_rows(&mut self, world: &NewWorld) -> Result<(), BatchError> {
        self.enter(self.clock.now()).await?;
        let connection = self.session.begin().await?;
        let deletions: Vec<_> =
            tables(connection).await?.iter().map(|table| format!("DELETE FROM {table}")).collect();
        connection.run_script(deletions.join("; ")).await?;
        save_new(connection, world).await?;
        let state = load::world_state(connection).await?;
        self.end(true).await?;
        self.adopt(&state);
        self.due_rests_until = None;
        self.clock.set(state.clock);
        Ok(())
    }
}

async fn tables(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let text = match connection {
        Connection::Sqlite(_) => TABLES_OF_SQLITE,
        Connection::Postgres(_) => TABLES_OF_POSTGRES,
    };
    connection.all(text, Values::default()).await?.iter().map(|row| row.try_get(0)).collect()
}

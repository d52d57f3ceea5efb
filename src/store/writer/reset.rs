//! A reset: replaces all rows of a world by those of a new one, in one transaction.
//!
//! The tables stay, so that other sandboxes on a shared database notice a reset as they notice any other change.

use crate::error::{Code, FpsError};

use super::Writer;
use crate::store::batch_error::BatchError;
use crate::store::engine::{BindValues, Connection};
use crate::store::new_world::{NewWorld, save_new_world};
use crate::store::world_state::WorldState;

/// The tables of a world that a reset empties. The row of the world stays, and its version goes on counting. The secrets
/// stay too: a client that has fetched the certificate can go on using it.
const SQLITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite_%' AND name NOT IN ('_sqlx_migrations', 'world', 'secrets')";
/// The same. The table `worlds` is the directory of all worlds.
const POSTGRES_TABLES: &str = "SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables \
     WHERE schemaname = current_schema() AND tablename NOT IN ('_sqlx_migrations', 'world', 'secrets', 'worlds')";

impl Writer {
    /// Replaces the world by a new one.
    pub(super) async fn reset(&mut self, world: &NewWorld) -> Result<(), FpsError> {
        let timeout = self.session.timeout();
        let replaced = tokio::time::timeout(timeout, self.replace_rows(world)).await;
        if let Err(problem) = replaced.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::error!(%problem, "the world could not be reset");
            let problem = self.roll_back(problem).await;
            return Err(problem.response_to_all().unwrap_or_else(|| Code::InternalError.into()));
        }
        Ok(())
    }

    async fn replace_rows(&mut self, world: &NewWorld) -> Result<(), BatchError> {
        self.begin_batch(self.clock.now()).await?;
        let connection = self.session.begin_write().await?;
        let deletions: Vec<_> =
            list_tables(connection).await?.iter().map(|table| format!("DELETE FROM {table}")).collect();
        connection.execute_script(deletions.join("; ")).await?;
        save_new_world(connection, world).await?;
        let state = WorldState::load(connection).await?;
        self.commit(true).await?;
        self.reload(&state);
        self.due_work_paused_until = None;
        self.clock.set(state.clock);
        Ok(())
    }
}

async fn list_tables(connection: &mut Connection) -> sqlx::Result<Vec<String>> {
    let text = match connection {
        Connection::Sqlite(_) => SQLITE_TABLES,
        Connection::Postgres(_) => POSTGRES_TABLES,
    };
    connection.fetch_all(text, BindValues::default()).await?.iter().map(|row| row.try_get(0)).collect()
}

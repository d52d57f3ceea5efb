//! PostgreSQL schemas. Each world has one.

use std::fmt::Write;
use std::sync::Arc;

use super::MIGRATIONS;
use crate::store::engine::{BindValues, Connection};

/// The name of the schema that holds a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Schema(Arc<str>);

impl Schema {
    pub(in crate::store) fn named(name: &str) -> Self {
        Self(name.into())
    }

    /// The schema that a connection currently uses.
    pub(in crate::store) async fn current(connection: &mut Connection) -> sqlx::Result<Self> {
        let text = "SELECT CAST(current_schema() AS TEXT)";
        let name: String = connection.fetch_scalar(text, BindValues::default()).await?;
        Ok(Self::named(&name))
    }

    pub(in crate::store) fn name(&self) -> &str {
        &self.0
    }

    /// The name as a quoted SQL identifier.
    pub(in crate::store) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    /// Makes the connection use the tables of this schema.
    pub(in crate::store) async fn select(&self, connection: &mut Connection) -> sqlx::Result<()> {
        // Not prepared: it would displace a statement that is used again from the cache.
        connection.execute_script(format!("SET search_path TO {}", self.quoted())).await
    }

    /// Creates this schema with the empty tables of a world, within the open transaction. The record of migrations is
    /// copied from another schema.
    pub(in crate::store) async fn create(
        &self,
        connection: &mut Connection,
        template: &Schema,
    ) -> sqlx::Result<()> {
        let (new, old) = (self.quoted(), template.quoted());
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
        connection.execute_script(script).await
    }
}

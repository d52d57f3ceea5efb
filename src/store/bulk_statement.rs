//! Statements over many rows at a time. The text of each is built once.

use std::sync::OnceLock;

use sqlx::sqlite::SqliteArguments;

use super::engine::{BindValues, Connection, Row};

/// The maximum number of rows in one SQLite statement. There is a text for every number of rows up to it, prepared on
/// first use. So a batch needs about one statement for each table, and each statement is one round trip to SQLite's thread.
const MAX_SQLITE_ROWS: usize = 64;
/// The maximum number of rows in one PostgreSQL statement. Its text is the same for any number of rows, because each
/// column is passed as one array.
const MAX_POSTGRES_ROWS: usize = 4096;

/// A statement over any number of rows: a `VALUES` list on SQLite, one array for each column on PostgreSQL.
pub(super) struct BulkStatement {
    prefix: &'static str,
    columns: usize,
    suffix: &'static str,
    sqlite_texts: [OnceLock<String>; MAX_SQLITE_ROWS],
    postgres_text: OnceLock<String>,
}

impl BulkStatement {
    /// On SQLite the text is `prefix VALUES (?, …), (?, …) suffix`, with this many columns in each row.
    pub(super) const fn new(prefix: &'static str, columns: usize, suffix: &'static str) -> Self {
        let sqlite_texts = [const { OnceLock::new() }; MAX_SQLITE_ROWS];
        Self { prefix, columns, suffix, sqlite_texts, postgres_text: OnceLock::new() }
    }

    /// Runs the statement over all rows. Returns the number of database rows that it changed.
    pub(super) async fn execute<T>(
        &'static self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(BindValues, &T) -> BindValues,
    ) -> sqlx::Result<u64> {
        let mut changed = 0;
        match connection {
            Connection::Sqlite(connection) => {
                for chunk in rows.chunks(MAX_SQLITE_ROWS) {
                    let arguments = BindValues::of_rows(chunk, &bind).into_arguments::<SqliteArguments>()?;
                    let query = sqlx::query_with(self.sqlite_text(chunk.len()), arguments);
                    changed += query.execute(&mut *connection).await?.rows_affected();
                }
            }
            Connection::Postgres(connection) => {
                for chunk in rows.chunks(MAX_POSTGRES_ROWS) {
                    let arguments = BindValues::of_rows(chunk, &bind).into_arrays(self.columns)?;
                    let query = sqlx::query_with(self.postgres_text(), arguments);
                    changed += query.execute(&mut *connection).await?.rows_affected();
                }
            }
        }
        Ok(changed)
    }

    /// Runs the statement over all rows and calls `on_row` with each row of the result.
    pub(super) async fn fetch<T>(
        &'static self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(BindValues, &T) -> BindValues,
        mut on_row: impl FnMut(&Row) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        match connection {
            Connection::Sqlite(connection) => {
                for chunk in rows.chunks(MAX_SQLITE_ROWS) {
                    let arguments = BindValues::of_rows(chunk, &bind).into_arguments::<SqliteArguments>()?;
                    let query = sqlx::query_with(self.sqlite_text(chunk.len()), arguments);
                    for row in query.fetch_all(&mut *connection).await? {
                        on_row(&Row::Sqlite(row))?;
                    }
                }
            }
            Connection::Postgres(connection) => {
                for chunk in rows.chunks(MAX_POSTGRES_ROWS) {
                    let arguments = BindValues::of_rows(chunk, &bind).into_arrays(self.columns)?;
                    let query = sqlx::query_with(self.postgres_text(), arguments);
                    for row in query.fetch_all(&mut *connection).await? {
                        on_row(&Row::Postgres(row))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The SQLite text for every number of rows, to check the query plans.
    #[cfg(test)]
    pub(super) fn sqlite_texts(&'static self) -> impl Iterator<Item = &'static str> {
        (1..=MAX_SQLITE_ROWS).map(|rows| self.sqlite_text(rows))
    }

    /// The SQLite text for this number of rows, from 1 to [`MAX_SQLITE_ROWS`].
    fn sqlite_text(&'static self, rows: usize) -> &'static str {
        let Some(text) = self.sqlite_texts.get(rows.saturating_sub(1)) else { return "" };
        text.get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(", "));
            format!("{} VALUES {} {}", self.prefix, vec![row; rows].join(", "), self.suffix)
        })
    }

    /// The PostgreSQL text for any number of rows.
    fn postgres_text(&'static self) -> &'static str {
        self.postgres_text.get_or_init(|| {
            let arrays: Vec<String> = (1..=self.columns).map(|column| format!("${column}")).collect();
            format!("{} SELECT * FROM unnest({}) {}", self.prefix, arrays.join(", "), self.suffix)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROWS: BulkStatement = BulkStatement::new("INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");

    #[test]
    fn there_is_a_text_for_every_number_of_rows() {
        assert_eq!(ROWS.sqlite_text(1), "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING");
        for rows in 1..=MAX_SQLITE_ROWS {
            assert_eq!(ROWS.sqlite_text(rows).matches("(?, ?)").count(), rows);
        }
    }

    #[test]
    fn with_arrays_one_text_does_for_any_number_of_rows() {
        let text = "INSERT INTO t (a, b) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING";
        assert_eq!(ROWS.postgres_text(), text);
    }
}

//! Statements over many rows at a time, each text built once.

use std::sync::OnceLock;

use sqlx::sqlite::SqliteArguments;

use super::engine::{Connection, Row, Values};

/// Most rows in one statement of SQLite. There is a text for every number of rows up to it, each prepared when it is
/// first needed: a batch is then one statement a table, and every statement is a way to SQLite's thread and back.
const MAX_ROWS: usize = 64;
/// Most rows in one statement of PostgreSQL, whose text is the same for any number: a column is one array.
const MAX_IN_ARRAYS: usize = 4096;

/// A statement with rows of any number in its middle: a `VALUES` list on SQLite, arrays on PostgreSQL.
pub(super) struct ManyRows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; MAX_ROWS],
    text_with_arrays: OnceLock<String>,
}

impl ManyRows {
    /// `head VALUES (?, …), (?, …) tail`, with so many columns a row.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        let texts = [const { OnceLock::new() }; MAX_ROWS];
        Self { head, columns, tail, texts, text_with_arrays: OnceLock::new() }
    }

    /// Runs the statement over all rows; gives back how many rows of the database were changed.
    pub(super) async fn execute<T>(
        &'static self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(Values, &T) -> Values,
    ) -> sqlx::Result<u64> {
        let mut changed = 0;
        match connection {
            Connection::Sqlite(connection) => {
                for chunk in rows.chunks(MAX_ROWS) {
                    let arguments = Values::of_rows(chunk, &bind).into_arguments::<SqliteArguments>()?;
                    let query = sqlx::query_with(self.text(chunk.len()), arguments);
                    changed += query.execute(&mut *connection).await?.rows_affected();
                }
            }
            Connection::Postgres(connection) => {
                for chunk in rows.chunks(MAX_IN_ARRAYS) {
                    let arguments = Values::of_rows(chunk, &bind).into_arrays(self.columns)?;
                    let query = sqlx::query_with(self.text_with_arrays(), arguments);
                    changed += query.execute(&mut *connection).await?.rows_affected();
                }
            }
        }
        Ok(changed)
    }

    /// Runs the statement over all rows and hands each row of the answer to `take`.
    pub(super) async fn fetch<T>(
        &'static self,
        connection: &mut Connection,
        rows: &[T],
        bind: impl Fn(Values, &T) -> Values,
        mut take: impl FnMut(&Row) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        match connection {
            Connection::Sqlite(connection) => {
                for chunk in rows.chunks(MAX_ROWS) {
                    let arguments = Values::of_rows(chunk, &bind).into_arguments::<SqliteArguments>()?;
                    let query = sqlx::query_with(self.text(chunk.len()), arguments);
                    for row in query.fetch_all(&mut *connection).await? {
                        take(&Row::Sqlite(row))?;
                    }
                }
            }
            Connection::Postgres(connection) => {
                for chunk in rows.chunks(MAX_IN_ARRAYS) {
                    let arguments = Values::of_rows(chunk, &bind).into_arrays(self.columns)?;
                    let query = sqlx::query_with(self.text_with_arrays(), arguments);
                    for row in query.fetch_all(&mut *connection).await? {
                        take(&Row::Postgres(row))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The text of the statement for every number of rows, to look at its query plans.
    #[cfg(test)]
    pub(super) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        (1..=MAX_ROWS).map(|rows| self.text(rows))
    }

    /// The text for so many rows, from one to the most.
    fn text(&'static self, rows: usize) -> &'static str {
        let Some(text) = self.texts.get(rows.saturating_sub(1)) else { return "" };
        text.get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(", "));
            format!("{} VALUES {} {}", self.head, vec![row; rows].join(", "), self.tail)
        })
    }

    /// The text for any number of rows, a column an array.
    fn text_with_arrays(&'static self) -> &'static str {
        self.text_with_arrays.get_or_init(|| {
            let arrays: Vec<String> = (1..=self.columns).map(|column| format!("${column}")).collect();
            format!("{} SELECT * FROM unnest({}) {}", self.head, arrays.join(", "), self.tail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROWS: ManyRows = ManyRows::new("INSERT INTO t (a, b)", 2, "ON CONFLICT DO NOTHING");

    #[test]
    fn there_is_a_text_for_every_number_of_rows() {
        assert_eq!(ROWS.text(1), "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING");
        for rows in 1..=MAX_ROWS {
            assert_eq!(ROWS.text(rows).matches("(?, ?)").count(), rows);
        }
    }

    #[test]
    fn with_arrays_one_text_does_for_any_number_of_rows() {
        let text = "INSERT INTO t (a, b) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING";
        assert_eq!(ROWS.text_with_arrays(), text);
    }
}

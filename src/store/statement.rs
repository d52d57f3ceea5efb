//! Statements over many rows at a time, each text built once.

use std::sync::OnceLock;

use sqlx::query::Query;
use sqlx::{Sqlite, SqliteConnection, sqlite::SqliteArguments, sqlite::SqliteRow};

/// A query with its arguments, on the engine in use.
pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// Most rows in one statement. There is a text for every number of rows up to it, each prepared when it is first
/// needed: a batch is then one statement a table, and every statement is a way to SQLite's thread and back.
const MOST_ROWS: usize = 64;

/// A statement with a `VALUES` list of any length in its middle.
pub(super) struct ManyRows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; MOST_ROWS],
}

impl ManyRows {
    /// `head VALUES (?, …), (?, …) tail`, with so many columns a row.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { OnceLock::new() }; MOST_ROWS] }
    }

    /// Runs the statement over all rows; gives back how many rows of the database were changed.
    pub(super) async fn execute<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(Bound, &T) -> Bound,
    ) -> sqlx::Result<u64> {
        let mut changed = 0;
        for chunk in rows.chunks(MOST_ROWS) {
            changed += self.bound(chunk, &bind).execute(&mut *connection).await?.rows_affected();
        }
        Ok(changed)
    }

    /// Runs the statement over all rows and hands each row of the answer to `take`.
    pub(super) async fn fetch<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(Bound, &T) -> Bound,
        mut take: impl FnMut(&SqliteRow) -> sqlx::Result<()>,
    ) -> sqlx::Result<()> {
        for chunk in rows.chunks(MOST_ROWS) {
            for row in self.bound(chunk, &bind).fetch_all(&mut *connection).await? {
                take(&row)?;
            }
        }
        Ok(())
    }

    /// The text of the statement for every number of rows, to look at its query plans.
    #[cfg(test)]
    pub(super) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        (1..=MOST_ROWS).map(|rows| self.text(rows))
    }

    fn bound<T>(&'static self, chunk: &[T], bind: impl Fn(Bound, &T) -> Bound) -> Bound {
        chunk.iter().fold(sqlx::query(self.text(chunk.len())), bind)
    }

    /// The text for so many rows, from one to the most.
    fn text(&'static self, rows: usize) -> &'static str {
        let Some(text) = self.texts.get(rows.saturating_sub(1)) else { return "" };
        text.get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(", "));
            format!("{} VALUES {} {}", self.head, vec![row; rows].join(", "), self.tail)
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
        for rows in 1..=MOST_ROWS {
            assert_eq!(ROWS.text(rows).matches("(?, ?)").count(), rows);
        }
    }
}

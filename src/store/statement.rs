//! Statements over many rows at a time, each text built once.

use std::sync::OnceLock;

use sqlx::query::Query;
use sqlx::{Sqlite, SqliteConnection, sqlite::SqliteArguments, sqlite::SqliteRow};

/// A query with its arguments, on the engine in use.
pub(super) type Bound = Query<'static, Sqlite, SqliteArguments>;

/// How many rows go into one statement. A batch is cut into these, so that each text is prepared once.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// A statement with a `VALUES` list of any length in its middle.
pub(super) struct ManyRows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES.len()],
}

impl ManyRows {
    /// `head VALUES (?, …), (?, …) tail`, with so many columns a row.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { OnceLock::new() }; SIZES.len()] }
    }

    /// Runs the statement over all rows; gives back how many rows of the database were changed.
    pub(super) async fn execute<T>(
        &'static self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl Fn(Bound, &T) -> Bound,
    ) -> sqlx::Result<u64> {
        let mut changed = 0;
        for (size, chunk) in chunks(rows) {
            changed += self.bound(size, chunk, &bind).execute(&mut *connection).await?.rows_affected();
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
        for (size, chunk) in chunks(rows) {
            for row in self.bound(size, chunk, &bind).fetch_all(&mut *connection).await? {
                take(&row)?;
            }
        }
        Ok(())
    }

    /// The text of the statement for every number of rows it is prepared for, to look at its query plans.
    #[cfg(test)]
    pub(super) fn texts(&'static self) -> impl Iterator<Item = &'static str> {
        (0..SIZES.len()).map(|size| self.text(size))
    }

    fn bound<T>(&'static self, size: usize, chunk: &[T], bind: impl Fn(Bound, &T) -> Bound) -> Bound {
        chunk.iter().fold(sqlx::query(self.text(size)), bind)
    }

    fn text(&'static self, size: usize) -> &'static str {
        self.texts[size].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns].join(", "));
            let rows = vec![row; SIZES[size]].join(", ");
            format!("{} VALUES {rows} {}", self.head, self.tail)
        })
    }
}

/// Cuts rows into pieces of the sizes above, the largest first: the index of each size, and its rows.
fn chunks<T>(mut rows: &[T]) -> Vec<(usize, &[T])> {
    let mut pieces = Vec::new();
    for (index, &size) in SIZES.iter().enumerate() {
        while rows.len() >= size {
            let (piece, rest) = rows.split_at(size);
            pieces.push((index, piece));
            rows = rest;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_few_pieces_and_none_is_lost() {
        let rows: Vec<usize> = (0..203).collect();
        let pieces = chunks(&rows);
        assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).collect::<Vec<_>>(), [64, 64, 64, 8, 2, 1]);
        assert!(pieces.iter().flat_map(|(_, piece)| piece.iter()).eq(rows.iter()));
    }
}

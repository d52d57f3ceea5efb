//! The rows that a writer or a reader has in memory.

use tokio::time::Instant;

use crate::ledger::{Book, IdCodec, MissingRows, ReadSet};

use super::activity::ActivitySearches;
use super::batch_error::{BatchError, MAX_LOAD_ROUNDS};
use super::engine::Connection;
use super::job::Job;
use super::load;

/// How many rows, transactions aside, stay in memory between batches. When there are more, all rows are dropped.
const MAX_CACHED_ROWS: usize = 200_000;

/// The limits of batches and of what is kept between them.
#[derive(Clone, Copy)]
pub(super) struct BatchLimits {
    /// The maximum number of messages that are received for one batch.
    pub(super) max_jobs: usize,
    /// The maximum number of transactions that stay in memory between batches.
    pub(super) max_cached_transactions: usize,
}

/// The rows in memory, and the searches in progress.
pub(super) struct WorkingSet {
    pub(super) book: Book,
    /// Derives ids from row numbers.
    pub(super) ids: IdCodec,
    pub(super) searches: ActivitySearches,
    max_cached_transactions: usize,
}

impl WorkingSet {
    pub(super) fn new(ids: IdCodec, max_cached_transactions: usize) -> Self {
        let searches = ActivitySearches::new(Instant::now());
        Self { book: Book::default(), ids, searches, max_cached_transactions }
    }

    /// Loads the rows that the jobs need.
    ///
    /// Rows refer to others: which instrument a token belongs to is known only after the token is loaded. So the jobs
    /// are asked again after each round, until nothing is missing.
    pub(super) async fn load<J: Job + ?Sized>(
        &mut self,
        connection: &mut Connection,
        jobs: &mut [Box<J>],
    ) -> Result<(), BatchError> {
        let mut missing_before = MissingRows::default();
        for _ in 0..MAX_LOAD_ROUNDS {
            let mut reads = ReadSet::new(&self.book);
            for job in jobs.iter() {
                job.read_set(&mut reads);
            }
            let missing = reads.into_missing();
            if missing.is_empty() {
                return Ok(());
            }
            // The last round has looked for this row by its number and not found it. A number comes only from a row that
            // refers to it, so the database is inconsistent.
            if missing == missing_before
                && let Some((table, number)) = missing.first_row()
            {
                return Err(BatchError::RowMissing { table, number });
            }
            self.load_missing(connection, &missing).await?;
            missing_before = missing;
        }
        Err(BatchError::ReadSetIncomplete)
    }

    /// Loads these rows.
    pub(super) async fn load_missing(
        &mut self,
        connection: &mut Connection,
        missing: &MissingRows,
    ) -> sqlx::Result<()> {
        load::load_missing(connection, missing, self.ids, &mut self.searches, &mut self.book).await
    }

    /// Marks the changes as saved, and drops the rows that are seldom needed again.
    pub(super) fn mark_saved(&mut self) {
        self.book.mark_saved(self.max_cached_transactions);
        if self.book.kept_rows() > MAX_CACHED_ROWS {
            self.clear();
        }
    }

    /// Drops all rows. They are loaded again from the database, the only source of truth.
    pub(super) fn clear(&mut self) {
        self.book = Book::default();
    }
}

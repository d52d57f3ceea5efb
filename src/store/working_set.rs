//! The rows that a writer or a reader has at hand, and the searches that take longer than a batch.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{ActivityQuery, Book, IdCodec, MissingRows, ReadSet};

use super::activity::Searches;
use super::batch_error::{BatchError, LOAD_ROUNDS};
use super::engine::Connection;
use super::job::Waiting;
use super::load;

/// How many rows may stay between batches besides transactions; beyond that all are forgotten.
const KEPT_ROWS: usize = 200_000;
/// How long a search may take.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(60);

/// The rows at hand.
pub(super) struct WorkingSet {
    pub(super) book: Book,
    /// Makes the ids that are not stored.
    pub(super) ids: IdCodec,
    /// How far the searches have got.
    pub(super) searches: Searches,
    /// How many transactions may stay between batches.
    kept_transactions: usize,
}

impl WorkingSet {
    pub(super) fn new(ids: IdCodec, kept_transactions: usize) -> Self {
        let searches = Searches::new(Instant::now());
        Self { book: Book::default(), ids, searches, kept_transactions }
    }

    /// Loads until none of them needs anything that is unknown.
    pub(super) async fn load<W: Waiting + ?Sized>(
        &mut self,
        connection: &mut Connection,
        waiting: &mut [Box<W>],
    ) -> Result<(), BatchError> {
        let mut before = MissingRows::default();
        for _ in 0..LOAD_ROUNDS {
            let mut reads = ReadSet::new(&self.book);
            for one in waiting.iter() {
                one.read_set(&mut reads);
            }
            let wanted = reads.into_missing();
            if wanted.is_empty() {
                return Ok(());
            }
            // What was named by its number has been looked for, and another row points to it.
            if wanted == before
                && let Some((table, number)) = wanted.first_row()
            {
                return Err(BatchError::NotThere { table, number });
            }
            self.fetch(connection, &wanted).await?;
            before = wanted;
        }
        Err(BatchError::Unsatisfied)
    }

    /// Loads these rows.
    pub(super) async fn fetch(
        &mut self,
        connection: &mut Connection,
        wanted: &MissingRows,
    ) -> sqlx::Result<()> {
        load::fetch(connection, wanted, self.ids, &mut self.searches, &mut self.book).await
    }

    /// The batch is done: forgets what is seldom asked for again.
    pub(super) fn saved(&mut self) {
        self.book.saved(self.kept_transactions);
        if self.book.kept_rows() > KEPT_ROWS {
            self.forget();
        }
    }

    /// Forgets all rows: the database alone knows what holds.
    pub(super) fn forget(&mut self) {
        self.book = Book::default();
    }
}

/// What waits for a search that goes on in the next batch.
pub(super) struct Unfinished<W: ?Sized> {
    waiting: Vec<Box<W>>,
    /// What they look for.
    awaited: BTreeSet<ActivityQuery>,
}

impl<W: Waiting + ?Sized> Unfinished<W> {
    pub(super) const fn new() -> Self {
        Self { waiting: Vec::new(), awaited: BTreeSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What has waited since earlier batches. Those that take too long are given up: a client that has closed its side of the
    /// connection may have gone, which nobody tells.
    pub(super) fn go_on(&mut self) -> Vec<Box<W>> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|one| !one.is_abandoned());
        for one in waiting.extract_if(.., |one| one.age() > MAX_SEARCH_TIME) {
            let text = "The search took too long. Ask for a shorter time, or with fewer filters.";
            one.fail(FpsError::new(Code::ServiceUnavailable, text));
        }
        waiting
    }

    /// Takes out those that wait for a search which goes on in the next batch.
    pub(super) fn set_aside(&mut self, book: &Book, waiting: &mut Vec<Box<W>>) {
        if !book.has_unfinished() {
            return;
        }
        let waits = |one: &mut Box<W>| {
            let mut reads = ReadSet::new(book);
            one.read_set(&mut reads);
            self.awaited.extend(reads.unfinished().iter().cloned());
            !reads.unfinished().is_empty()
        };
        self.waiting.extend(waiting.extract_if(.., waits));
    }

    /// Forgets the searches that nobody waits for any more.
    pub(super) fn keep_awaited(&mut self, searches: &mut Searches) {
        searches.keep_only(&std::mem::take(&mut self.awaited));
    }
}

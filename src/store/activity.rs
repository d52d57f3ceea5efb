//! ActivitySearches for pages of account activity (guide: GetAccountActivity), in bounded steps.
//!
//! A filter may match almost nothing in a long history. So each step scans a bounded number of transactions. A search that
//! takes more steps than one batch may spend is continued in the next batch, and payments run in between.

mod statements;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{ActivityPage, ActivityQuery, Book, Timestamp, TransactionNumber};

use super::engine::Connection;
use statements::{nth_received, select_matches};

/// How many more matches are read than fit on a page. One shows that there is another page; several may share a
/// millisecond, by which the next page continues.
const EXTRA_MATCHES: u32 = 8;
/// How many transactions one step scans.
const STEP_TRANSACTIONS: u32 = 256;
/// How many transactions the steps of one batch may scan together when there is no other work.
const MAX_SCANNED_WHEN_IDLE: u32 = 4_096;
/// How many transactions the steps of one batch may scan together when there is other work.
const MAX_SCANNED_WHEN_BUSY: u32 = 256;
/// While there is other work, searches pause for this many times the duration of their last steps.
const PAUSE_FACTOR: u32 = 7;
/// How long more work is expected after some has arrived: clients send a new request after each response.
const BUSY_PERIOD: Duration = Duration::from_millis(5);

/// The searches that are in progress. They last longer than a batch.
#[derive(Debug)]
pub(super) struct ActivitySearches {
    in_progress: BTreeMap<ActivityQuery, ActivitySearch>,
    /// The query that made the last step. The next batch begins with the query after it, so that all get their turn.
    last_stepped: Option<ActivityQuery>,
    /// Other work is expected until this instant.
    busy_until: Instant,
    /// While other work is expected, searches make no steps until this instant.
    paused_until: Instant,
}

impl ActivitySearches {
    pub(super) fn new(now: Instant) -> Self {
        Self { in_progress: BTreeMap::new(), last_stepped: None, busy_until: now, paused_until: now }
    }

    /// Notes that there is other work.
    pub(super) fn note_other_work(&mut self) {
        self.busy_until = Instant::now() + BUSY_PERIOD;
    }

    /// When searches may make their next step.
    pub(super) fn next_step_at(&self) -> Instant {
        self.busy_until.min(self.paused_until)
    }

    /// Makes steps for these queries in turn, up to the limit of one batch. Puts the pages that are complete into the book,
    /// and marks the other queries as unfinished. A query without a filter needs one step and is always completed.
    pub(super) async fn advance(
        &mut self,
        connection: &mut Connection,
        queries: &BTreeSet<ActivityQuery>,
        book: &mut Book,
    ) -> sqlx::Result<()> {
        let began = Instant::now();
        let mut scan_budget = if began >= self.busy_until {
            MAX_SCANNED_WHEN_IDLE
        } else if began >= self.paused_until {
            MAX_SCANNED_WHEN_BUSY
        } else {
            0
        };
        let makes_steps = scan_budget > 0 && queries.iter().any(ActivityQuery::is_filtered);
        // Round-robin: the queries after the one that stepped last come first.
        let (before, after): (Vec<_>, Vec<_>) =
            queries.iter().partition(|query| self.last_stepped.as_ref().is_some_and(|last| *query <= last));
        for query in after.into_iter().chain(before) {
            let mut search = self.in_progress.remove(query).unwrap_or_else(|| ActivitySearch::new(query));
            let mut page = None;
            while page.is_none() && (scan_budget > 0 || !query.is_filtered()) {
                if query.is_filtered() {
                    self.last_stepped = Some(query.clone());
                    scan_budget = scan_budget.saturating_sub(search.step_size());
                }
                page = search.step(connection, query).await?;
            }
            if let Some(page) = page {
                book.put_activity(query.clone(), page);
            } else {
                self.in_progress.insert(query.clone(), search);
                book.mark_activity_unfinished(query.clone());
            }
        }
        if makes_steps {
            self.paused_until = Instant::now() + began.elapsed() * PAUSE_FACTOR;
        }
        Ok(())
    }

    /// Drops the searches that nobody waits for any more.
    pub(super) fn retain(&mut self, awaited: &BTreeSet<ActivityQuery>) {
        self.in_progress.retain(|query, _| awaited.contains(query));
    }
}

/// A transaction that matches a query.
#[derive(Clone, Copy, Debug)]
struct ActivityMatch {
    number: TransactionNumber,
    /// In milliseconds since the epoch.
    received: i64,
}

/// A range of milliseconds since the epoch, both ends included.
type MillisRange = (i64, i64);

/// The progress of one search through the history of an account.
#[derive(Debug)]
struct ActivitySearch {
    /// The matches found so far, in the order of the page.
    found: Vec<ActivityMatch>,
    /// The range that has not been scanned.
    remaining: MillisRange,
    has_begun: bool,
}

impl ActivitySearch {
    fn new(query: &ActivityQuery) -> Self {
        Self { found: Vec::new(), remaining: (query.from.millis(), query.to.millis()), has_begun: false }
    }

    /// How many transactions the next step scans. The first step is smaller than the others.
    const fn step_size(&self) -> u32 {
        if self.has_begun { STEP_TRANSACTIONS } else { STEP_TRANSACTIONS / 4 }
    }

    /// Scans a part of the remaining range. Returns the page once it is complete.
    async fn step(
        &mut self,
        connection: &mut Connection,
        query: &ActivityQuery,
    ) -> sqlx::Result<Option<ActivityPage>> {
        let limit = query.batch + EXTRA_MATCHES;
        let end = if query.is_filtered() {
            nth_received(connection, query, self.remaining, self.step_size()).await?
        } else {
            None
        };
        self.has_begun = true;
        let part = end.map_or(self.remaining, |end| part_through(query, self.remaining, end));
        let found = select_matches(connection, query, part, Some(limit)).await?;
        // The scan stopped at the limit, so the part may hold more matches than were read.
        let is_cut = found.len() >= limit as usize;
        self.found.extend(found);
        self.remaining = part_after(query, self.remaining, part);
        let is_complete = !is_cut && end.is_none();
        let page_size = query.batch as usize;
        let Some(first_of_next) = self.found.get(page_size).copied() else {
            return Ok(is_complete.then(|| page(&self.found, None)));
        };
        // The next page begins at a millisecond, so matches of one millisecond must not be split between pages.
        let fit = self.found.iter().take_while(|found| found.received != first_of_next.received).count();
        if fit > 0 {
            return Ok(Some(page(&self.found[..fit], Some(first_of_next.received))));
        }
        // More matches share this millisecond than fit on a page. The page holds all of them.
        let millis = first_of_next.received;
        let whole = select_matches(connection, query, (millis, millis), None).await?;
        let next = if query.descending { millis - 1 } else { millis + 1 };
        Ok(Some(page(&whole, Some(next))))
    }
}

fn page(found: &[ActivityMatch], next: Option<i64>) -> ActivityPage {
    ActivityPage {
        transactions: found.iter().map(|found| found.number).collect(),
        next: next.map(Timestamp::from_millis),
    }
}

/// The part of a range up to an instant, in the order of the page: the later part if the order is descending.
const fn part_through(query: &ActivityQuery, (from, to): MillisRange, end: i64) -> MillisRange {
    if query.descending { (end, to) } else { (from, end) }
}

/// What remains of a range after a part of it, in the order of the page.
const fn part_after(query: &ActivityQuery, (from, to): MillisRange, part: MillisRange) -> MillisRange {
    if query.descending { (from, part.0.saturating_sub(1)) } else { (part.1.saturating_add(1), to) }
}

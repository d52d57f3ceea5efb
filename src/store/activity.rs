//! Pages of account activity (guide: GetAccountActivity), found in bounded steps.
//!
//! A filter may match next to nothing of a long history. So a step looks through a bounded number of transactions; a page
//! that takes more steps than one batch may spend is gone on with in the next batch, and payments run in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::AssertSqlSafe;
use tokio::time::Instant;

use crate::ledger::{ActivityPage, ActivityQuery, Book, Role, Timestamp, TransactionNumber};

use super::engine::{Connection, Values};

/// How many more than fit on a page are asked for: one tells that there is another page, some may share a millisecond.
const BEYOND: u32 = 8;
/// How many transactions one step looks through for a filter.
const STEP: u32 = 256;
/// How many transactions the steps of one batch may look through together when there is no other work,
const PER_BATCH: u32 = 4_096;
/// and when there is.
const PER_SHARED_BATCH: u32 = 256;
/// While there is other work, searches rest so many times as long as they have just taken.
const REST: u32 = 7;
/// Other work is expected to go on for so long: clients that have just been answered ask again.
const BUSY: Duration = Duration::from_millis(5);

/// The searches that are not done yet; they outlive a batch.
#[derive(Debug)]
pub(super) struct Searches {
    /// Where each query has got to.
    begun: BTreeMap<ActivityQuery, Search>,
    /// The query that made the last step: the next batch begins after it.
    last: Option<ActivityQuery>,
    /// Until when other work is expected.
    busy_until: Instant,
    /// Until when searches make no steps while other work is expected.
    rests_until: Instant,
}

impl Searches {
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: BTreeMap::new(), last: None, busy_until: now, rests_until: now }
    }

    /// Notes that there is other work.
    pub(super) fn make_way(&mut self) {
        self.busy_until = Instant::now() + BUSY;
    }

    /// When searches may make their next step.
    pub(super) fn next(&self) -> Instant {
        self.busy_until.min(self.rests_until)
    }

    /// Makes steps for these queries, in turn, as far as one batch may go. Pages that are found go into the book.
    pub(super) async fn go_on(
        &mut self,
        connection: &mut Connection,
        queries: &BTreeSet<ActivityQuery>,
        book: &mut Book,
    ) -> sqlx::Result<()> {
        let began = Instant::now();
        let mut left = if began >= self.busy_until {
            PER_BATCH
        } else if began >= self.rests_until {
            PER_SHARED_BATCH
        } else {
            0
        };
        let makes_steps = left > 0 && queries.iter().any(ActivityQuery::is_filtered);
        let (before, after): (Vec<_>, Vec<_>) =
            queries.iter().partition(|query| self.last.as_ref().is_some_and(|last| *query <= last));
        for query in after.into_iter().chain(before) {
            let mut search = self.begun.remove(query).unwrap_or_else(|| Search::new(query));
            let mut page = None;
            while page.is_none() && (left > 0 || !query.is_filtered()) {
                if query.is_filtered() {
                    self.last = Some(query.clone());
                    left = left.saturating_sub(search.cost());
                }
                page = search.step(connection, query).await?;
            }
            if let Some(page) = page {
                book.put_activity(query.clone(), page);
            } else {
                self.begun.insert(query.clone(), search);
                book.put_unfinished(query.clone());
            }
        }
        if makes_steps {
            self.rests_until = Instant::now() + began.elapsed() * REST;
        }
        Ok(())
    }

    /// Forgets the searches that nobody waits for any more.
    pub(super) fn keep_only(&mut self, awaited: &BTreeSet<ActivityQuery>) {
        self.begun.retain(|query, _| awaited.contains(query));
    }
}

/// A transaction that matches, and when it was received.
#[derive(Clone, Copy, Debug)]
struct Found {
    number: TransactionNumber,
    received: i64,
}

/// A range of milliseconds, both ends included.
type Range = (i64, i64);

/// One search on its way through the history.
#[derive(Debug)]
struct Search {
    /// What matched so far, in the order of the page.
    found: Vec<Found>,
    /// What has not been looked through yet.
    rest: Range,
    has_begun: bool,
}

impl Search {
    fn new(query: &ActivityQuery) -> Self {
        Self { found: Vec::new(), rest: (query.from.millis(), query.to.millis()), has_begun: false }
    }

    /// How many transactions the next step looks through for a filter.
    const fn cost(&self) -> u32 {
        if self.has_begun { STEP } else { STEP / 4 }
    }

    /// Looks through a part of the rest; gives the page once it is found.
    async fn step(
        &mut self,
        connection: &mut Connection,
        query: &ActivityQuery,
    ) -> sqlx::Result<Option<ActivityPage>> {
        let most = query.batch + BEYOND;
        let end =
            if query.is_filtered() { nth(connection, query, self.rest, self.cost()).await? } else { None };
        self.has_begun = true;
        let part = end.map_or(self.rest, |end| part_through(query, self.rest, end));
        let found = select(connection, query, part, Some(most)).await?;
        let is_cut = found.len() >= most as usize;
        self.found.extend(found);
        self.rest = part_after(query, self.rest, part);
        let is_done = !is_cut && end.is_none();
        let batch = query.batch as usize;
        let Some(beyond) = self.found.get(batch).copied() else {
            let all = || page(&self.found, None);
            return Ok(if is_done { Some(all()) } else { None });
        };
        let fit = self.found.iter().take_while(|found| found.received != beyond.received).count();
        if fit > 0 {
            return Ok(Some(page(&self.found[..fit], Some(beyond.received))));
        }
        // More share one millisecond than fit on a page.
        let whole = select(connection, query, (beyond.received, beyond.received), None).await?;
        let next = if query.descending { beyond.received - 1 } else { beyond.received + 1 };
        Ok(Some(page(&whole, Some(next))))
    }
}

fn page(found: &[Found], next: Option<i64>) -> ActivityPage {
    ActivityPage {
        transactions: found.iter().map(|found| found.number).collect(),
        next: next.map(Timestamp::from_millis),
    }
}

/// The part of a range up to an instant, in the order of the page.
const fn part_through(query: &ActivityQuery, (from, to): Range, end: i64) -> Range {
    if query.descending { (end, to) } else { (from, end) }
}

/// What of a range comes after a part of it.
const fn part_after(query: &ActivityQuery, (from, to): Range, part: Range) -> Range {
    if query.descending { (from, part.0.saturating_sub(1)) } else { (part.1.saturating_add(1), to) }
}

/// When the account's `n`th transaction of the range was received, filters aside; `None` when there are fewer.
async fn nth(
    connection: &mut Connection,
    query: &ActivityQuery,
    (from, to): Range,
    n: u32,
) -> sqlx::Result<Option<i64>> {
    let direction = direction(query);
    let mut values = Values::default();
    let mut branches = Vec::new();
    for (place, condition) in indexed(query).iter().enumerate() {
        let at = |offset: usize| format!("${}", place * 4 + offset);
        branches.push(format!(
            "SELECT * FROM (SELECT received FROM transactions WHERE {} AND received BETWEEN {} AND {} \
             ORDER BY received {direction}, number {direction} LIMIT {}) AS branch",
            condition.replace('?', &at(1)),
            at(2),
            at(3),
            at(4)
        ));
        values = values.bind(query.account.0).bind(from).bind(to).bind(i64::from(n));
    }
    let text = format!(
        "SELECT received FROM ({}) AS seen ORDER BY received {direction} LIMIT 1 OFFSET ${}",
        branches.join(" UNION ALL "),
        branches.len() * 4 + 1
    );
    let rows = connection.all(AssertSqlSafe(text), values.bind(i64::from(n) - 1)).await?;
    rows.first().map(|row| row.try_get(0)).transpose()
}

/// The account's transactions of the range that match, in the order of the page, at most so many.
async fn select(
    connection: &mut Connection,
    query: &ActivityQuery,
    (from, to): Range,
    most: Option<u32>,
) -> sqlx::Result<Vec<Found>> {
    let direction = direction(query);
    let most = most.map_or(i64::MAX, i64::from);
    let (operation, method, status) = (
        query.operation.map(|operation| operation.name()),
        query.method.map(|method| method.name()),
        query.status.map(|status| status.name()),
    );
    let mut values = Values::default();
    let mut branches = Vec::new();
    for (place, condition) in matching(query).iter().enumerate() {
        let at = |offset: usize| format!("${}", place * 7 + offset);
        let filters = [("operation", at(4)), ("method", at(5)), ("status", at(6))]
            .map(|(column, value)| format!("{column} = coalesce({value}, {column})"))
            .join(" AND ");
        branches.push(format!(
            "SELECT * FROM (SELECT number, received FROM transactions WHERE {} AND received BETWEEN {} AND {} \
             AND {filters} AND operation <> 'DepositFunds' \
             ORDER BY received {direction}, number {direction} LIMIT {}) AS branch",
            condition.replace('?', &at(1)),
            at(2),
            at(3),
            at(7)
        ));
        values = values.bind(query.account.0).bind(from).bind(to);
        values = values.bind(operation).bind(method).bind(status).bind(most);
    }
    let text = format!(
        "SELECT number, received FROM ({}) AS page ORDER BY received {direction}, number {direction} LIMIT ${}",
        branches.join(" UNION "),
        branches.len() * 7 + 1
    );
    let rows = connection.all(AssertSqlSafe(text), values.bind(most)).await?;
    rows.iter()
        .map(|row| Ok(Found { number: TransactionNumber(row.try_get(0)?), received: row.try_get(1)? }))
        .collect()
}

const fn direction(query: &ActivityQuery) -> &'static str {
    if query.descending { "DESC" } else { "ASC" }
}

/// The conditions, each answered by one index alone, among which the account's transactions are.
fn indexed(query: &ActivityQuery) -> Vec<&'static str> {
    let is_caller = query.roles.contains(&Role::Caller);
    let is_any = query.roles.is_empty() || is_caller;
    let mut conditions = Vec::new();
    if is_any || query.roles.contains(&Role::Sender) {
        conditions.push("sender = ?");
    }
    if is_any || query.roles.contains(&Role::Recipient) {
        conditions.push("recipient = ?");
    }
    if is_any {
        conditions.push(CALLER_ONLY);
    }
    conditions
}

/// The conditions under which the account played one of the roles, each within one of the indexes.
fn matching(query: &ActivityQuery) -> Vec<&'static str> {
    if query.roles.is_empty() {
        return vec!["sender = ?", "recipient = ?", CALLER_ONLY];
    }
    let conditions = |role: &Role| -> &[&str] {
        match role {
            Role::Sender => &["sender = ?"],
            Role::Recipient => &["recipient = ?"],
            Role::Caller => {
                &["sender = ? AND caller = sender", "recipient = ? AND caller = recipient", CALLER_ONLY]
            }
        }
    };
    query.roles.iter().flat_map(conditions).copied().collect()
}

/// An account that is sender or recipient is found as such; the callers' index holds only those that are neither.
const CALLER_ONLY: &str = "caller = ? AND caller <> sender AND caller <> recipient";

//! The table `open_debts`: what is still open of each Pay by a credit token.

use std::collections::BTreeMap;

use crate::ledger::{Amount, Book, Changes, InstrumentNumber, MissingDebts, MissingRows, TransactionNumber};

use super::bulk_statement::BulkStatement;
use super::columns::corrupt;
use super::engine::{BindValues, Connection, Row};
use super::load::select_by_keys;

/// How many open debts of an instrument the first statement loads. Most settlements clear only a few. The statement
/// [`OLDEST_DEBTS`] holds this number less one as its offset.
const FIRST_DEBTS: usize = 16;
/// How many open debts of an instrument each further statement loads.
const NEXT_DEBTS_LIMIT: i64 = 1_024;

/// The oldest open debts of each instrument after a Pay, at most [`FIRST_DEBTS`] of them.
pub(super) static OLDEST_DEBTS: BulkStatement = BulkStatement::new(
    "WITH requested (instrument, after) AS (",
    2,
    "), ranges AS MATERIALIZED (SELECT instrument, after, coalesce((SELECT p.transaction_number FROM open_debts p \
     WHERE p.instrument = requested.instrument AND p.transaction_number > requested.after \
     ORDER BY p.transaction_number LIMIT 1 OFFSET 15), 9223372036854775807) AS through FROM requested) \
     SELECT o.instrument, o.transaction_number, o.amount FROM ranges CROSS JOIN open_debts o \
     WHERE o.instrument = ranges.instrument AND o.transaction_number > ranges.after \
     AND o.transaction_number <= ranges.through ORDER BY o.instrument, o.transaction_number",
);
/// The next open debts of one instrument.
pub(super) const NEXT_DEBTS: &str = "SELECT instrument, transaction_number, amount FROM open_debts \
     WHERE instrument = $1 AND transaction_number > $2 ORDER BY transaction_number LIMIT $3";
pub(super) static OPEN_DEBTS: BulkStatement = select_by_keys!(
    "o.instrument, o.transaction_number, o.amount",
    "instrument, number",
    "open_debts o WHERE o.instrument = requested.instrument AND o.transaction_number = requested.number"
);
static UPSERT: BulkStatement = BulkStatement::new(
    "INSERT INTO open_debts (instrument, transaction_number, amount)",
    3,
    "ON CONFLICT (instrument, transaction_number) DO UPDATE SET amount = excluded.amount",
);
pub(super) static DELETE: BulkStatement =
    BulkStatement::new("DELETE FROM open_debts WHERE (instrument, transaction_number) IN (", 2, ")");

/// How far the open debts of one instrument are loaded.
#[derive(Clone, Copy)]
struct LoadedDebts {
    count: usize,
    /// The newest Pay that is loaded.
    through: TransactionNumber,
    sum: Amount,
}

/// Loads the missing open debts into the book.
pub(super) async fn load(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let put = |row: &Row| {
        let (instrument, pay, open) = read(row)?;
        book.put_open_debt(instrument, pay, open);
        Ok(())
    };
    let keys: Vec<_> = missing.open_debts.iter().map(|(instrument, pay)| (instrument.0, pay.0)).collect();
    let bind = |values: BindValues, (instrument, pay): &(i64, i64)| values.bind(*instrument).bind(*pay);
    OPEN_DEBTS.fetch(connection, &keys, bind, put).await?;
    load_oldest(connection, missing, book).await
}

/// Loads the oldest open debts of instruments, only as many as it takes to reach the amount that is to be cleared: an
/// instrument may have very many.
async fn load_oldest(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let nothing_loaded =
        |debts: &MissingDebts| LoadedDebts { count: 0, through: debts.after, sum: Amount::ZERO };
    let mut loaded: BTreeMap<InstrumentNumber, LoadedDebts> =
        missing.oldest_debts.iter().map(|(instrument, debts)| (*instrument, nothing_loaded(debts))).collect();
    let put = |row: &Row| {
        let (instrument, pay, open) = read(row)?;
        book.put_open_debt(instrument, pay, open);
        let loaded = loaded.get_mut(&instrument).ok_or_else(|| corrupt("open_debts.instrument"))?;
        loaded.add(pay, open);
        Ok(())
    };
    let keys: Vec<_> =
        missing.oldest_debts.iter().map(|(instrument, debts)| (instrument.0, debts.after.0)).collect();
    let bind = |values: BindValues, (instrument, after): &(i64, i64)| values.bind(*instrument).bind(*after);
    OLDEST_DEBTS.fetch(connection, &keys, bind, put).await?;
    for (instrument, debts) in &missing.oldest_debts {
        let Some(loaded) = loaded.get(instrument) else { continue };
        load_next(connection, *instrument, debts.sum, *loaded, book).await?;
    }
    Ok(())
}

/// Loads further open debts of one instrument until they add up to the sum, or there are no more.
async fn load_next(
    connection: &mut Connection,
    instrument: InstrumentNumber,
    sum: Amount,
    mut loaded: LoadedDebts,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut is_complete = loaded.count < FIRST_DEBTS;
    while !is_complete && loaded.sum < sum {
        let values = BindValues::default().bind(instrument.0).bind(loaded.through.0).bind(NEXT_DEBTS_LIMIT);
        let rows = connection.fetch_all(NEXT_DEBTS, values).await?;
        for row in &rows {
            let (_, pay, open) = read(row)?;
            book.put_open_debt(instrument, pay, open);
            loaded.add(pay, open);
        }
        is_complete = rows.len() < usize::try_from(NEXT_DEBTS_LIMIT).unwrap_or(usize::MAX);
    }
    // The highest number tells the book that no open debt is missing.
    let through = if is_complete { TransactionNumber(i64::MAX) } else { loaded.through };
    book.mark_oldest_debts_loaded(instrument, through);
    Ok(())
}

impl LoadedDebts {
    fn add(&mut self, pay: TransactionNumber, open: Amount) {
        self.count += 1;
        self.through = pay;
        self.sum = self.sum.saturating_add(open);
    }
}

fn read(row: &Row) -> sqlx::Result<(InstrumentNumber, TransactionNumber, Amount)> {
    let open = Amount::from_micros(row.try_get(2)?);
    Ok((InstrumentNumber(row.try_get(0)?), TransactionNumber(row.try_get(1)?), open))
}

/// Saves the open debts that changed. A debt with nothing open has no row.
pub(super) async fn save(connection: &mut Connection, changes: &Changes) -> sqlx::Result<()> {
    let (closed, open): (Vec<_>, Vec<_>) =
        changes.open_debts.iter().partition(|(_, amount)| amount.is_zero());
    DELETE
        .execute(connection, &closed, |values, ((instrument, pay), _)| values.bind(instrument.0).bind(pay.0))
        .await?;
    UPSERT
        .execute(connection, &open, |values, ((instrument, pay), amount)| {
            values.bind(instrument.0).bind(pay.0).bind(amount.micros())
        })
        .await?;
    Ok(())
}

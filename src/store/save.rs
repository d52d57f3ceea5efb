//! Save: writes what a batch changed, with a few statements for each table.

use std::collections::BTreeSet;

use crate::clock::ClockState;
use crate::ledger::{
    Account, Book, Changes, IdCodec, Instrument, InstrumentKind, LedgerAccount, LedgerAccountKind,
    Subscription, SubscriptionId, TokenNumber, TransactionNumber,
};

use super::bulk_statement::BulkStatement;
use super::columns;
use super::engine::{BindValues, Connection};
use super::tables::instruments::InstrumentToSave;
use super::tables::tokens::TokenToSave;
use super::tables::transactions::TransactionToSave;
use super::tables::{accounts, caller_references, instruments, subscriptions, tokens, transactions};
use super::{open_debts, schedule};
use crate::ledger::Named;

static INSERT_POSTINGS: BulkStatement =
    BulkStatement::new("INSERT INTO postings (transaction_number, line, kind, owner, amount)", 5, "");
static INSERT_TOTALS: BulkStatement =
    BulkStatement::new("INSERT INTO totals (kind, owner, amount, floor, ceiling)", 5, "");
pub(super) static UPDATE_TOTALS: BulkStatement = BulkStatement::new(
    "WITH new (kind, owner, delta) AS (",
    3,
    ") UPDATE totals SET amount = totals.amount + new.delta FROM new \
     WHERE totals.kind = new.kind AND totals.owner = new.owner",
);
static INSERT_SECRETS: BulkStatement = BulkStatement::new("INSERT INTO secrets (name, value)", 2, "");
static INSERT_SUBSCRIPTION_PAYMENTS: BulkStatement =
    BulkStatement::new("INSERT INTO subscription_payments (subscription, transaction_number)", 2, "");

/// Saves the row of a new world, and the ledger accounts of the service itself, all at zero. When a world is reset its row
/// stays and is updated: other sandboxes may be waiting for the lock on it.
pub(super) async fn save_world_row(
    connection: &mut Connection,
    ids: IdCodec,
    clock: ClockState,
) -> sqlx::Result<()> {
    let (stands, millis) = columns::clock_columns(clock);
    let row = BindValues::default().bind(1).bind(ids.seed().cast_signed()).bind(stands).bind(millis).bind(0);
    let text = "INSERT INTO world (number, id_seed, clock_stands, clock_millis, version) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (number) DO UPDATE SET id_seed = excluded.id_seed, clock_stands = excluded.clock_stands, \
         clock_millis = excluded.clock_millis";
    connection.execute_with(text, row).await?;
    let totals: Vec<_> =
        LedgerAccount::SERVICE_ACCOUNTS.iter().map(|account| NewTotal::of(*account)).collect();
    insert_totals(connection, &totals).await
}

/// Saves the book's changes within the open transaction.
pub(super) async fn save_changes(connection: &mut Connection, book: &Book, ids: IdCodec) -> sqlx::Result<()> {
    let changes = book.changes();
    save_accounts_and_instruments(connection, book, changes, ids).await?;
    save_tokens(connection, book, changes, ids).await?;
    save_transactions(connection, book, changes, ids).await?;
    save_postings(connection, changes).await?;
    open_debts::save(connection, changes).await?;
    save_subscriptions(connection, book, changes).await?;
    save_references(connection, book, changes).await?;
    save_secrets(connection, book, changes).await?;
    schedule::save(connection, changes).await
}

async fn save_accounts_and_instruments(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let new_accounts: Vec<&Account> =
        require_all("accounts", changes.accounts.iter().map(|number| book.account(*number)))?;
    accounts::insert(connection, &new_accounts).await?;
    let new_instruments: Vec<&Instrument> = require_all(
        "instruments",
        changes.instruments.iter().map(|number| book.instrument_by_number(*number)),
    )?;
    let rows: Vec<_> =
        new_instruments.iter().map(|instrument| InstrumentToSave::new(instrument, ids)).collect();
    instruments::insert(connection, &rows).await?;
    insert_totals(connection, &new_totals(&new_accounts, &new_instruments)).await
}

/// The total of a new ledger account, at zero.
struct NewTotal {
    account: LedgerAccount,
    /// The maximum that the database allows, in micros.
    ceiling: Option<i64>,
}

impl NewTotal {
    const fn of(account: LedgerAccount) -> Self {
        Self { account, ceiling: None }
    }
}

async fn insert_totals(connection: &mut Connection, totals: &[NewTotal]) -> sqlx::Result<()> {
    let bind = |values: BindValues, total: &NewTotal| {
        let LedgerAccount { kind, owner } = total.account;
        let floor = kind.never_negative().then_some(0_i64);
        values.bind(kind.name()).bind(owner).bind(0_i64).bind(floor).bind(total.ceiling)
    };
    INSERT_TOTALS.execute(connection, totals, bind).await.map(drop)
}

/// The totals of the ledger accounts that belong to new accounts and instruments.
fn new_totals(accounts: &[&Account], instruments: &[&Instrument]) -> Vec<NewTotal> {
    let mut totals = Vec::new();
    for account in accounts {
        let kinds = [
            LedgerAccountKind::Balance,
            LedgerAccountKind::Incoming,
            LedgerAccountKind::Outgoing,
            LedgerAccountKind::Reserved,
            LedgerAccountKind::CreditExtended,
            LedgerAccountKind::CreditExtendedPending,
            LedgerAccountKind::WriteOffs,
            LedgerAccountKind::PrepaidLiability,
            LedgerAccountKind::PrepaidLiabilityPending,
        ];
        totals.extend(kinds.map(|kind| NewTotal::of(LedgerAccount { kind, owner: account.number.0 })));
    }
    for instrument in instruments {
        let owner = instrument.number.0;
        // A prepaid instrument has no ceiling: a refund may raise it above its limit.
        let (kinds, ceiling) = match instrument.kind {
            InstrumentKind::Credit => {
                ([LedgerAccountKind::Debt, LedgerAccountKind::DebtPending], Some(instrument.ceiling.micros()))
            }
            InstrumentKind::Prepaid => {
                ([LedgerAccountKind::Prepaid, LedgerAccountKind::PrepaidPending], None)
            }
        };
        totals.extend(kinds.map(|kind| NewTotal { account: LedgerAccount { kind, owner }, ceiling }));
    }
    totals
}

async fn save_tokens(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let rows = |numbers: &BTreeSet<TokenNumber>| -> sqlx::Result<Vec<TokenToSave<'_>>> {
        let tokens = require_all("tokens", numbers.iter().map(|number| book.token_by_number(*number)))?;
        Ok(tokens.into_iter().map(|token| TokenToSave::new(token, ids)).collect())
    };
    tokens::insert(connection, &rows(&changes.new_tokens)?).await?;
    tokens::update(connection, &rows(&changes.updated_tokens)?).await
}

async fn save_transactions(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let rows = |numbers: &BTreeSet<TransactionNumber>| -> sqlx::Result<Vec<TransactionToSave<'_>>> {
        let found =
            require_all("transactions", numbers.iter().map(|number| book.transaction_by_number(*number)))?;
        Ok(found.into_iter().map(|transaction| TransactionToSave::new(transaction, ids)).collect())
    };
    transactions::insert(connection, &rows(&changes.new_transactions)?).await?;
    transactions::update(connection, &rows(&changes.updated_transactions)?).await
}

/// Returns the rows that are to be saved. Fails when one of them is not in the book.
fn require_all<T>(table: &'static str, rows: impl Iterator<Item = Option<T>>) -> sqlx::Result<Vec<T>> {
    rows.collect::<Option<_>>().ok_or_else(|| {
        sqlx::Error::Encode(format!("a row of {table} is to be saved and is not in the book").into())
    })
}

/// Fails unless an UPDATE has changed as many rows as it named: a row that does not exist must not be lost silently.
pub(super) fn check_all_changed(table: &'static str, changed: u64, named: usize) -> sqlx::Result<()> {
    if changed == named as u64 {
        return Ok(());
    }
    Err(sqlx::Error::Encode(format!("of {named} rows of {table} to be changed, {changed} were there").into()))
}

/// Saves postings, and adds them to the totals of their ledger accounts.
async fn save_postings(connection: &mut Connection, changes: &Changes) -> sqlx::Result<()> {
    INSERT_POSTINGS
        .execute(connection, &changes.postings, |values, posting| {
            values
                .bind(posting.transaction.0)
                .bind(posting.line)
                .bind(posting.account.kind.name())
                .bind(posting.account.owner)
                .bind(posting.amount.micros())
        })
        .await?;
    let totals: Vec<_> = changes.totals.iter().filter(|(_, delta)| !delta.is_zero()).collect();
    let updated = UPDATE_TOTALS
        .execute(connection, &totals, |values, (account, delta)| {
            values.bind(account.kind.name()).bind(account.owner).bind(delta.micros())
        })
        .await?;
    check_all_changed("totals", updated, totals.len())
}

async fn save_references(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let references = changes.references.iter().map(|key| Some((key, book.reference(key)?)));
    caller_references::insert(connection, &require_all("caller_references", references)?).await
}

async fn save_subscriptions(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let rows = |keys: &BTreeSet<SubscriptionId>| -> sqlx::Result<Vec<&Subscription>> {
        require_all("subscriptions", keys.iter().map(|id| book.subscription(id)))
    };
    let new = rows(&changes.new_subscriptions)?;
    subscriptions::insert(connection, &new).await?;
    let payments: Vec<_> =
        new.iter().flat_map(|made| made.transactions.iter().map(move |payment| (made, payment.0))).collect();
    INSERT_SUBSCRIPTION_PAYMENTS
        .execute(connection, &payments, |values, (subscription, payment)| {
            values.bind(subscription.id.to_string()).bind(*payment)
        })
        .await?;
    subscriptions::update(connection, &rows(&changes.cancelled_subscriptions)?).await
}

async fn save_secrets(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let secrets = changes.secrets.iter().map(|name| Some((name.name(), book.secret(*name)?)));
    INSERT_SECRETS
        .execute(connection, &require_all("secrets", secrets)?, |values, (name, secret)| {
            values.bind(*name).bind(secret.reveal().to_owned())
        })
        .await?;
    Ok(())
}

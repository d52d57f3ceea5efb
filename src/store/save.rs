//! Save: what a batch changed, a few statements a table.

use std::collections::BTreeSet;

use crate::clock::ClockState;
use crate::ledger::{
    Account, Amount, Book, Changes, EmailKey, IdCodec, Instrument, InstrumentKind, LedgerAccount,
    LedgerAccountKind, RecordedOutcome, Scheduled, SecretName, Subscription, SubscriptionId, Token,
    TokenNumber, Transaction, TransactionNumber,
};

use super::columns::{
    self, account_kind_name, account_state_name, descriptor_text, history_text, methods_text, step_name,
    token_ids_text,
};
use super::engine::{Connection, Values};
use super::statement::ManyRows;

static ACCOUNTS: ManyRows = ManyRows::new(
    "INSERT INTO accounts (number, name, email, email_key, kind, state, marketplace, methods, transaction_limit)",
    9,
    "",
);
static INSTRUMENTS: ManyRows = ManyRows::new(
    "INSERT INTO instruments (number, id, kind, sender, recipient, ceiling, valid_from, valid_until, active)",
    9,
    "",
);
static TOKENS: ManyRows = ManyRows::new(
    "INSERT INTO tokens (number, id, account, caller, purpose, token_type, active, method, instrument, \
     caller_reference, friendly_name, payment_reason, instruction, terms, recipients, installed, valid_from, valid_until, min_charge, max_charge, global_limit, \
     limits, uses, spent, windows)",
    25,
    "",
);
pub(super) static USED_TOKENS: ManyRows = ManyRows::new(
    "WITH new (number, active, method, uses, spent, windows) AS (",
    6,
    ") UPDATE tokens SET active = new.active, method = new.method, uses = new.uses, spent = new.spent, windows = new.windows FROM new \
     WHERE tokens.number = new.number",
);
static TRANSACTIONS: ManyRows = ManyRows::new(
    "INSERT INTO transactions (number, id, operation, caller, sender, recipient, sender_token, \
     recipient_token, instrument, method, amount, charge_fee_to, caller_reference, caller_description, \
     sender_description, descriptor_policy, ipn_url, original, refund_policy, received, status, history, completed, \
     settled, fee, marketplace_fee, refunded, fee_returned, marketplace_fee_returned, sender_balance, \
     caller_balance, recipient_balance, lines)",
    33,
    "",
);
pub(super) static PROGRESSED: ManyRows = ManyRows::new(
    "WITH new (number, status, history, completed, settled, fee, marketplace_fee, refunded, fee_returned, \
     marketplace_fee_returned, sender_balance, caller_balance, recipient_balance, lines) AS (",
    14,
    ") UPDATE transactions SET status = new.status, history = new.history, completed = new.completed, \
     settled = new.settled, fee = new.fee, marketplace_fee = new.marketplace_fee, refunded = new.refunded, \
     fee_returned = new.fee_returned, marketplace_fee_returned = new.marketplace_fee_returned, \
     sender_balance = new.sender_balance, caller_balance = new.caller_balance, \
     recipient_balance = new.recipient_balance, lines = new.lines FROM new WHERE transactions.number = new.number",
);
static POSTINGS: ManyRows =
    ManyRows::new("INSERT INTO postings (transaction_number, line, kind, owner, amount)", 5, "");
static NEW_TOTALS: ManyRows =
    ManyRows::new("INSERT INTO totals (kind, owner, amount, floor, ceiling)", 5, "");
pub(super) static TOTALS: ManyRows = ManyRows::new(
    "WITH new (kind, owner, delta) AS (",
    3,
    ") UPDATE totals SET amount = totals.amount + new.delta FROM new \
     WHERE totals.kind = new.kind AND totals.owner = new.owner",
);
static OPEN_DEBTS: ManyRows = ManyRows::new(
    "INSERT INTO open_debts (instrument, transaction_number, amount)",
    3,
    "ON CONFLICT (instrument, transaction_number) DO UPDATE SET amount = excluded.amount",
);
pub(super) static CLOSED_DEBTS: ManyRows =
    ManyRows::new("DELETE FROM open_debts WHERE (instrument, transaction_number) IN (", 2, ")");
static REFERENCES: ManyRows = ManyRows::new(
    "INSERT INTO caller_references (caller, reference, action, digest, transaction_number, status, error_code, \
     error_message, expires)",
    9,
    "ON CONFLICT (caller, reference, action) DO UPDATE SET digest = excluded.digest, \
     transaction_number = excluded.transaction_number, status = excluded.status, error_code = excluded.error_code, \
     error_message = excluded.error_message, expires = excluded.expires",
);
static DUE: ManyRows = ManyRows::new(
    "INSERT INTO due (transaction_number, at, step)",
    3,
    "ON CONFLICT (transaction_number) DO UPDATE SET at = excluded.at, step = excluded.step, problem = NULL",
);
pub(super) static DUE_DONE: ManyRows = ManyRows::new("DELETE FROM due WHERE transaction_number IN (", 1, ")");
static SUBSCRIPTIONS: ManyRows =
    ManyRows::new("INSERT INTO subscriptions (id, sender, recipient, status, terms)", 5, "");
static SECRETS: ManyRows = ManyRows::new("INSERT INTO secrets (name, value)", 2, "");
static SUBSCRIPTION_PAYMENTS: ManyRows =
    ManyRows::new("INSERT INTO subscription_payments (subscription, transaction_number)", 2, "");
pub(super) static CANCELLED_SUBSCRIPTIONS: ManyRows = ManyRows::new(
    "WITH new (id, status, terms) AS (",
    3,
    ") UPDATE subscriptions SET status = new.status, terms = new.terms FROM new \
     WHERE subscriptions.id = new.id",
);

/// Makes the row of a new world, and the accounts that belong to the service itself, all at zero. In a world that is made
/// anew the row stays: others may be waiting for it.
pub(super) async fn begin_world(
    connection: &mut Connection,
    ids: IdCodec,
    clock: ClockState,
) -> sqlx::Result<()> {
    let (stands, millis) = columns::clock(clock);
    let row = Values::default().bind(1).bind(ids.seed().cast_signed()).bind(stands).bind(millis).bind(0);
    let text = "INSERT INTO world (number, id_seed, clock_stands, clock_millis, version) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (number) DO UPDATE SET id_seed = excluded.id_seed, clock_stands = excluded.clock_stands, \
         clock_millis = excluded.clock_millis";
    connection.all(text, row).await?;
    let totals: Vec<_> =
        LedgerAccount::SERVICE_ACCOUNTS.iter().map(|account| NewTotal::of(*account)).collect();
    save_new_totals(connection, &totals).await
}

/// Keeps how the world's clock goes.
pub(super) async fn set_clock(connection: &mut Connection, clock: ClockState) -> sqlx::Result<()> {
    let (stands, millis) = columns::clock(clock);
    let text = "UPDATE world SET clock_stands = $1, clock_millis = $2 WHERE number = 1";
    connection.all(text, Values::default().bind(stands).bind(millis)).await.map(drop)
}

/// Saves the book's changes inside the transaction that is open.
pub(super) async fn save(connection: &mut Connection, book: &Book, ids: IdCodec) -> sqlx::Result<()> {
    let changes = book.changes();
    save_parties(connection, book, changes, ids).await?;
    save_tokens(connection, book, changes, ids).await?;
    save_transactions(connection, book, changes, ids).await?;
    save_money(connection, changes).await?;
    save_subscriptions(connection, book, changes).await?;
    save_references(connection, book, changes).await?;
    save_secrets(connection, book, changes).await?;
    save_due(connection, changes).await
}

async fn save_parties(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let accounts: Vec<&Account> =
        all_there("accounts", changes.accounts.iter().map(|number| book.account(*number)))?;
    ACCOUNTS
        .execute(connection, &accounts, |query, account| {
            query
                .bind(account.number.0)
                .bind(account.name.clone())
                .bind(account.email.clone())
                .bind(EmailKey::of(&account.email).as_str().to_owned())
                .bind(account_kind_name(account.kind))
                .bind(account_state_name(account.state))
                .bind(i64::from(account.marketplace))
                .bind(methods_text(&account.methods))
                .bind(account.transaction_limit.map(Amount::micros))
        })
        .await?;
    let instruments: Vec<&Instrument> =
        all_there("instruments", changes.instruments.iter().map(|number| book.instrument_row(*number)))?;
    INSTRUMENTS
        .execute(connection, &instruments, |query, instrument| {
            query
                .bind(instrument.number.0)
                .bind(named(instrument.id.as_str(), ids.instrument(instrument.number).as_str()))
                .bind(instrument.kind.name())
                .bind(instrument.sender.0)
                .bind(instrument.recipient.0)
                .bind(instrument.ceiling.micros())
                .bind(instrument.validity.from.map(|at| at.millis()))
                .bind(instrument.validity.until.map(|at| at.millis()))
                .bind(i64::from(instrument.active))
        })
        .await?;
    save_new_totals(connection, &new_totals(&accounts, &instruments)).await
}

async fn save_new_totals(connection: &mut Connection, totals: &[NewTotal]) -> sqlx::Result<()> {
    let bind = |query: Values, total: &NewTotal| {
        let LedgerAccount { kind, owner } = total.account;
        let floor = kind.never_negative().then_some(0_i64);
        query.bind(kind.name()).bind(owner).bind(0_i64).bind(floor).bind(total.ceiling)
    };
    NEW_TOTALS.execute(connection, totals, bind).await.map(drop)
}

struct NewTotal {
    account: LedgerAccount,
    ceiling: Option<i64>,
}

impl NewTotal {
    const fn of(account: LedgerAccount) -> Self {
        Self { account, ceiling: None }
    }
}

/// The accounts of the book that come with each new party and instrument, all at zero.
fn new_totals(accounts: &[&Account], instruments: &[&Instrument]) -> Vec<NewTotal> {
    let mut totals = Vec::new();
    for account in accounts {
        let own = [
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
        totals.extend(own.map(|kind| NewTotal::of(LedgerAccount { kind, owner: account.number.0 })));
    }
    for instrument in instruments {
        let owner = instrument.number.0;
        // What a refund brings back may fill a prepaid instrument beyond its limit.
        let (carried, ceiling) = match instrument.kind {
            InstrumentKind::Credit => {
                ([LedgerAccountKind::Debt, LedgerAccountKind::DebtPending], Some(instrument.ceiling.micros()))
            }
            InstrumentKind::Prepaid => {
                ([LedgerAccountKind::Prepaid, LedgerAccountKind::PrepaidPending], None)
            }
        };
        totals.extend(carried.map(|kind| NewTotal { account: LedgerAccount { kind, owner }, ceiling }));
    }
    totals
}

async fn save_tokens(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let rows = |numbers: &BTreeSet<TokenNumber>| -> sqlx::Result<Vec<&Token>> {
        all_there("tokens", numbers.iter().map(|number| book.token_row(*number)))
    };
    TOKENS
        .execute(connection, &rows(&changes.new_tokens)?, |query, token| bind_token(query, token, ids))
        .await?;
    let used = rows(&changes.updated_tokens)?;
    let saved = USED_TOKENS
        .execute(connection, &used, |query, token| {
            query
                .bind(token.number.0)
                .bind(i64::from(token.active))
                .bind(token.method.name())
                .bind(token.usage.uses)
                .bind(token.usage.spent.micros())
                .bind(json(&token.usage.windows))
        })
        .await?;
    all_changed("tokens", saved, used.len())
}

/// The rows that are to be saved, each of which has to be in the book.
fn all_there<T>(table: &'static str, rows: impl Iterator<Item = Option<T>>) -> sqlx::Result<Vec<T>> {
    rows.collect::<Option<_>>().ok_or_else(|| {
        sqlx::Error::Encode(format!("a row of {table} is to be saved and is not in the book").into())
    })
}

/// As many rows have to be changed as were named.
fn all_changed(table: &'static str, changed: u64, named: usize) -> sqlx::Result<()> {
    if changed == named as u64 {
        return Ok(());
    }
    Err(sqlx::Error::Encode(format!("of {named} rows of {table} to be changed, {changed} were there").into()))
}

/// The id to store: one that is made from the row number needs no place.
fn named(id: &str, made: &str) -> Option<String> {
    (id != made).then(|| id.to_owned())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn bind_token(query: Values, token: &Token, ids: IdCodec) -> Values {
    query
        .bind(token.number.0)
        .bind(named(token.id.as_str(), ids.token(token.number).as_str()))
        .bind(token.account.0)
        .bind(token.caller.0)
        .bind(token.purpose.name())
        .bind(token.token_type.name())
        .bind(i64::from(token.active))
        .bind(token.method.name())
        .bind(token.instrument.map(|instrument| instrument.0))
        .bind(token.caller_reference.clone())
        .bind(token.friendly_name.clone())
        .bind(token.payment_reason.clone())
        .bind(token.instruction.clone())
        .bind(token.terms.as_ref().map(json))
        .bind(token_ids_text(&token.recipients))
        .bind(token.installed.millis())
        .bind(token.validity.from.map(|at| at.millis()))
        .bind(token.validity.until.map(|at| at.millis()))
        .bind(token.min_charge.map(|amount| amount.micros()))
        .bind(token.max_charge.map(|amount| amount.micros()))
        .bind(token.global_limit.map(|amount| amount.micros()))
        .bind(json(&token.limits))
        .bind(token.usage.uses)
        .bind(token.usage.spent.micros())
        .bind(json(&token.usage.windows))
}

async fn save_transactions(
    connection: &mut Connection,
    book: &Book,
    changes: &Changes,
    ids: IdCodec,
) -> sqlx::Result<()> {
    let rows = |numbers: &BTreeSet<TransactionNumber>| -> sqlx::Result<Vec<&Transaction>> {
        all_there("transactions", numbers.iter().map(|number| book.transaction_row(*number)))
    };
    let new = rows(&changes.new_transactions)?;
    TRANSACTIONS
        .execute(connection, &new, |query, transaction| bind_transaction(query, transaction, ids))
        .await?;
    let updated_transactions = rows(&changes.updated_transactions)?;
    let saved = PROGRESSED
        .execute(connection, &updated_transactions, |query, transaction| {
            bind_progress(query.bind(transaction.number.0), transaction)
        })
        .await?;
    all_changed("transactions", saved, updated_transactions.len())
}

fn bind_transaction(query: Values, transaction: &Transaction, ids: IdCodec) -> Values {
    let descriptions = &transaction.descriptions;
    let query = query
        .bind(transaction.number.0)
        .bind(named(transaction.id.as_str(), ids.transaction(transaction.number).as_str()))
        .bind(transaction.operation.name())
        .bind(transaction.caller.0)
        .bind(transaction.sender.0)
        .bind(transaction.recipient.0)
        .bind(transaction.sender_token.map(|token| token.0))
        .bind(transaction.recipient_token.map(|token| token.0))
        .bind(transaction.instrument.map(|instrument| instrument.0))
        .bind(transaction.method.name())
        .bind(transaction.amount.micros())
        .bind(transaction.charge_fee_to.name())
        .bind(descriptions.caller_reference.clone())
        .bind(descriptions.caller_description.clone())
        .bind(descriptions.sender_description.clone())
        .bind(descriptions.descriptor_policy.map(descriptor_text))
        .bind(descriptions.ipn_url.clone())
        .bind(transaction.original.map(|original| original.0))
        .bind(transaction.refund_policy.map(|policy| policy.name()))
        .bind(transaction.received.millis());
    bind_progress(query, transaction)
}

fn bind_progress(query: Values, transaction: &Transaction) -> Values {
    let progress = &transaction.progress;
    query
        .bind(transaction.status().name())
        .bind(history_text(transaction.history.changes()))
        .bind(transaction.history.completed().map(|at| at.millis()))
        .bind(progress.settled.map(|amount| amount.micros()))
        .bind(progress.fee.micros())
        .bind(progress.marketplace_fee.micros())
        .bind(progress.refunded.micros())
        .bind(progress.fee_returned.micros())
        .bind(progress.marketplace_fee_returned.micros())
        .bind(progress.balances.sender.micros())
        .bind(progress.balances.caller.micros())
        .bind(progress.balances.recipient.micros())
        .bind(progress.lines)
}

async fn save_money(connection: &mut Connection, changes: &Changes) -> sqlx::Result<()> {
    POSTINGS
        .execute(connection, &changes.postings, |query, posting| {
            query
                .bind(posting.transaction.0)
                .bind(posting.line)
                .bind(posting.account.kind.name())
                .bind(posting.account.owner)
                .bind(posting.amount.micros())
        })
        .await?;
    let totals: Vec<_> = changes.totals.iter().filter(|(_, delta)| !delta.is_zero()).collect();
    let updated = TOTALS
        .execute(connection, &totals, |query, (account, delta)| {
            query.bind(account.kind.name()).bind(account.owner).bind(delta.micros())
        })
        .await?;
    all_changed("totals", updated, totals.len())?;
    let (closed, open): (Vec<_>, Vec<_>) =
        changes.open_debts.iter().partition(|(_, amount)| amount.is_zero());
    CLOSED_DEBTS
        .execute(connection, &closed, |query, ((instrument, pay), _)| query.bind(instrument.0).bind(pay.0))
        .await?;
    OPEN_DEBTS
        .execute(connection, &open, |query, ((instrument, pay), amount)| {
            query.bind(instrument.0).bind(pay.0).bind(amount.micros())
        })
        .await?;
    Ok(())
}

async fn save_references(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let references: Vec<_> = all_there(
        "caller_references",
        changes.references.iter().map(|key| Some((key, book.reference(key)?))),
    )?;
    REFERENCES
        .execute(connection, &references, |query, (key, reference)| {
            let (transaction, status, code, message) = match &reference.outcome {
                RecordedOutcome::Made { transaction, status } => {
                    (Some(transaction.0), Some(status.name()), None, None)
                }
                RecordedOutcome::Refused(refusal) => {
                    (None, None, Some(refusal.code.name()), Some(refusal.message.to_string()))
                }
            };
            query
                .bind(key.caller.0)
                .bind(key.reference.clone())
                .bind(key.action.name())
                .bind(reference.digest.to_vec())
                .bind(transaction)
                .bind(status)
                .bind(code)
                .bind(message)
                .bind(reference.expires.millis())
        })
        .await?;
    Ok(())
}

async fn save_subscriptions(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let rows = |keys: &BTreeSet<SubscriptionId>| -> sqlx::Result<Vec<&Subscription>> {
        all_there("subscriptions", keys.iter().map(|id| book.subscription(id)))
    };
    let new = rows(&changes.new_subscriptions)?;
    SUBSCRIPTIONS
        .execute(connection, &new, |query, subscription| {
            query
                .bind(subscription.id.to_string())
                .bind(subscription.sender.0)
                .bind(subscription.recipient.0)
                .bind(subscription.status.name())
                .bind(json(&subscription.terms))
        })
        .await?;
    let payments: Vec<_> =
        new.iter().flat_map(|made| made.transactions.iter().map(move |payment| (made, payment.0))).collect();
    SUBSCRIPTION_PAYMENTS
        .execute(connection, &payments, |query, (subscription, payment)| {
            query.bind(subscription.id.to_string()).bind(*payment)
        })
        .await?;
    let cancelled = rows(&changes.cancelled_subscriptions)?;
    let saved = CANCELLED_SUBSCRIPTIONS
        .execute(connection, &cancelled, |query, subscription| {
            query
                .bind(subscription.id.to_string())
                .bind(subscription.status.name())
                .bind(json(&subscription.terms))
        })
        .await?;
    all_changed("subscriptions", saved, cancelled.len())
}

async fn save_secrets(connection: &mut Connection, book: &Book, changes: &Changes) -> sqlx::Result<()> {
    let secret = |name: &SecretName| Some((name.name(), book.secret(*name)?));
    let secrets = all_there("secrets", changes.secrets.iter().map(secret))?;
    SECRETS
        .execute(connection, &secrets, |query, (name, value)| {
            query.bind(*name).bind(value.reveal().to_owned())
        })
        .await?;
    Ok(())
}

async fn save_due(connection: &mut Connection, changes: &Changes) -> sqlx::Result<()> {
    let due: Vec<&Scheduled> = changes.due.values().flatten().collect();
    DUE.execute(connection, &due, |query, due| {
        query.bind(due.transaction.0).bind(due.at.millis()).bind(step_name(due.step))
    })
    .await?;
    let done: Vec<_> =
        changes.due.iter().filter(|(_, due)| due.is_none()).map(|(number, _)| number.0).collect();
    DUE_DONE.execute(connection, &done, |query, number| query.bind(*number)).await?;
    Ok(())
}

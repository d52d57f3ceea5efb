//! Load: reads the rows that a batch is missing, with a few statements for each table.

use crate::ledger::{
    Account, AccountKind, AccountNumber, Amount, Book, EmailKey, IdCodec, IdempotencyKey, LedgerAccount,
    MissingRows, Secret, SecretName, TransactionNumber,
};

use super::activity::ActivitySearches;
use super::bulk_statement::BulkStatement;
use super::engine::{BindValues, Connection, Row};
use super::open_debts;
use super::tables::{accounts, caller_references, instruments, subscriptions, tokens, transactions};
use crate::ledger::Named;

/// Makes a statement that selects rows by many keys. `CROSS JOIN` makes SQLite search the table for each of the requested
/// keys, never the other way round; a test checks the query plans.
macro_rules! select_by_keys {
    ($columns:literal, $keys:literal, $from:literal) => {
        $crate::store::bulk_statement::BulkStatement::new(
            concat!("WITH requested (", $keys, ") AS ("),
            $crate::store::load::count_columns($keys),
            concat!(") SELECT ", $columns, " FROM requested CROSS JOIN ", $from),
        )
    };
}
pub(super) use select_by_keys;

/// The number of names in a list that is separated by commas.
pub(super) const fn count_columns(names: &str) -> usize {
    let bytes = names.as_bytes();
    let (mut count, mut index) = (1, 0);
    while index < bytes.len() {
        if bytes[index] == b',' {
            count += 1;
        }
        index += 1;
    }
    count
}

pub(super) static REFERENCES: BulkStatement = select_by_keys!(
    "r.*",
    "caller, reference, action",
    "caller_references r WHERE r.caller = requested.caller AND r.reference = requested.reference \
     AND r.action = requested.action"
);
pub(super) static TOKENS_BY_ID: BulkStatement =
    select_by_keys!("t.*", "id", "tokens t WHERE t.id = requested.id");
pub(super) static TOKENS: BulkStatement =
    select_by_keys!("t.*", "number", "tokens t WHERE t.number = requested.number");
pub(super) static TOKENS_OF_ACCOUNT: BulkStatement =
    select_by_keys!("t.*", "account", "tokens t WHERE t.account = requested.account");
pub(super) static TOKENS_BY_REFERENCE: BulkStatement = select_by_keys!(
    "t.*",
    "caller, reference",
    "tokens t WHERE t.caller = requested.caller AND t.caller_reference = requested.reference"
);
pub(super) static SUBSCRIPTIONS: BulkStatement =
    select_by_keys!("s.*", "id", "subscriptions s WHERE s.id = requested.id");
pub(super) static INSTRUMENTS_BY_ID: BulkStatement =
    select_by_keys!("i.*", "id", "instruments i WHERE i.id = requested.id");
pub(super) static INSTRUMENTS: BulkStatement =
    select_by_keys!("i.*", "number", "instruments i WHERE i.number = requested.number");
pub(super) static TRANSACTIONS_BY_ID: BulkStatement =
    select_by_keys!("t.*", "id", "transactions t WHERE t.id = requested.id");
pub(super) static TRANSACTIONS: BulkStatement =
    select_by_keys!("t.*", "number", "transactions t WHERE t.number = requested.number");
pub(super) static REFUNDS: BulkStatement =
    select_by_keys!("t.*", "number", "transactions t WHERE t.original = requested.number");
pub(super) static ACCOUNTS: BulkStatement =
    select_by_keys!("a.*", "number", "accounts a WHERE a.number = requested.number");
pub(super) static ACCOUNTS_BY_EMAIL: BulkStatement =
    select_by_keys!("a.*", "email_key", "accounts a WHERE a.email_key = requested.email_key");
pub(super) static SECRETS: BulkStatement =
    select_by_keys!("s.name, s.value", "name", "secrets s WHERE s.name = requested.name");
pub(super) static TOTALS: BulkStatement = select_by_keys!(
    "t.kind, t.owner, t.amount",
    "kind, owner",
    "totals t WHERE t.kind = requested.kind AND t.owner = requested.owner"
);

/// How many accounts of a kind are loaded when any one of them will do.
const FIRST_ACCOUNTS: i64 = 8;

/// Loads the missing rows into the book. Afterwards the book knows of each of them that it exists or that it does not.
pub(super) async fn load_missing(
    connection: &mut Connection,
    missing: &MissingRows,
    ids: IdCodec,
    searches: &mut ActivitySearches,
    book: &mut Book,
) -> sqlx::Result<()> {
    load_references(connection, missing, book).await?;
    load_tokens(connection, missing, ids, book).await?;
    load_instruments(connection, missing, ids, book).await?;
    load_transactions(connection, missing, ids, book).await?;
    load_accounts(connection, missing, book).await?;
    load_secrets(connection, missing, book).await?;
    load_totals(connection, missing, book).await?;
    open_debts::load(connection, missing, book).await?;
    load_first_accounts(connection, missing, book).await?;
    load_subscriptions(connection, missing, book).await?;
    searches.advance(connection, &missing.activity, book).await?;
    book.mark_all_loaded(missing);
    Ok(())
}

async fn load_references(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let keys: Vec<_> = missing.references.iter().cloned().collect();
    let bind = |values: BindValues, key: &IdempotencyKey| {
        values.bind(key.caller.0).bind(key.reference.clone()).bind(key.action.name())
    };
    REFERENCES
        .fetch(connection, &keys, bind, |row| {
            let (key, record) = caller_references::read(row)?;
            book.put_reference(key, record);
            Ok(())
        })
        .await
}

/// Splits ids into row numbers, for ids that are derived from them, and other ids, which a seed file may have named.
fn split_ids<'a>(missing: impl Iterator<Item = &'a str>, ids: IdCodec) -> (Vec<i64>, Vec<String>) {
    let (mut numbers, mut stored) = (Vec::new(), Vec::new());
    for id in missing {
        match ids.number_in(id) {
            Some(number) => numbers.push(number),
            None => stored.push(id.to_owned()),
        }
    }
    (numbers, stored)
}

async fn load_tokens(
    connection: &mut Connection,
    missing: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        let token = tokens::read(row, ids)?;
        // The book's own row may have changed in this batch; it must not be replaced.
        if book.token_by_number(token.number).is_none() {
            book.put_token(token);
        }
        Ok(())
    };
    let (mut numbers, stored) = split_ids(missing.token_ids.iter().map(|id| id.as_str()), ids);
    TOKENS_BY_ID.fetch(connection, &stored, |values, id| values.bind(id.clone()), &mut put).await?;
    numbers.extend(missing.tokens.iter().map(|number| number.0));
    TOKENS.fetch(connection, &numbers, |values, number| values.bind(*number), &mut put).await?;
    let accounts: Vec<_> = missing.tokens_of.iter().map(|account| account.0).collect();
    TOKENS_OF_ACCOUNT.fetch(connection, &accounts, |values, account| values.bind(*account), &mut put).await?;
    let references: Vec<_> = missing.tokens_by_reference.iter().cloned().collect();
    let bind = |values: BindValues, (caller, reference): &(AccountNumber, String)| {
        values.bind(caller.0).bind(reference.clone())
    };
    TOKENS_BY_REFERENCE.fetch(connection, &references, bind, &mut put).await
}

async fn load_instruments(
    connection: &mut Connection,
    missing: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        book.put_instrument(instruments::read(row, ids)?);
        Ok(())
    };
    let (mut numbers, stored) = split_ids(missing.instrument_ids.iter().map(|id| id.as_str()), ids);
    INSTRUMENTS_BY_ID.fetch(connection, &stored, |values, id| values.bind(id.clone()), &mut put).await?;
    numbers.extend(missing.instruments.iter().map(|number| number.0));
    INSTRUMENTS.fetch(connection, &numbers, |values, number| values.bind(*number), &mut put).await
}

async fn load_transactions(
    connection: &mut Connection,
    missing: &MissingRows,
    ids: IdCodec,
    book: &mut Book,
) -> sqlx::Result<()> {
    let mut put = |row: &Row| {
        let transaction = transactions::read(row, ids)?;
        // The book's own row may have changed in this batch; it must not be replaced.
        if book.transaction_by_number(transaction.number).is_none() {
            book.put_transaction(transaction);
        }
        Ok(())
    };
    let (mut numbers, stored) = split_ids(missing.transaction_ids.iter().map(|id| id.as_str()), ids);
    TRANSACTIONS_BY_ID.fetch(connection, &stored, |values, id| values.bind(id.clone()), &mut put).await?;
    numbers.extend(missing.transactions.iter().map(|number| number.0));
    TRANSACTIONS.fetch(connection, &numbers, |values, number| values.bind(*number), &mut put).await?;
    let originals: Vec<_> = missing.refunds_of.iter().map(|number| number.0).collect();
    REFUNDS.fetch(connection, &originals, |values, number| values.bind(*number), &mut put).await
}

async fn load_accounts(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let numbers: Vec<_> = missing.accounts.iter().map(|number| number.0).collect();
    let put = |row: &Row| {
        book.put_account(accounts::read(row)?);
        Ok(())
    };
    ACCOUNTS.fetch(connection, &numbers, |values, number| values.bind(*number), put).await?;
    let addresses: Vec<_> = missing.accounts_at.iter().cloned().collect();
    let bind = |values: BindValues, key: &EmailKey| values.bind(key.as_str().to_owned());
    let put = |row: &Row| {
        book.put_account_at(accounts::read(row)?);
        Ok(())
    };
    ACCOUNTS_BY_EMAIL.fetch(connection, &addresses, bind, put).await
}

async fn load_first_accounts(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    for kind in &missing.first_accounts {
        let accounts = first_accounts(connection, *kind).await?;
        book.put_first_accounts(*kind, accounts.iter().map(|account| account.number).collect());
        for account in accounts {
            book.put_account(account);
        }
    }
    Ok(())
}

async fn first_accounts(connection: &mut Connection, kind: AccountKind) -> sqlx::Result<Vec<Account>> {
    let text = "SELECT * FROM accounts WHERE kind = $1 ORDER BY number LIMIT $2";
    let values = BindValues::default().bind(kind.name()).bind(FIRST_ACCOUNTS);
    connection.fetch_all(text, values).await?.iter().map(accounts::read).collect()
}

async fn load_subscriptions(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let ids: Vec<_> = missing.subscriptions.iter().map(|id| id.to_string()).collect();
    let mut found = Vec::new();
    let put = |row: &Row| {
        found.push(subscriptions::read(row)?);
        Ok(())
    };
    SUBSCRIPTIONS.fetch(connection, &ids, |values, id| values.bind(id.clone()), put).await?;
    for mut subscription in found {
        let text = "SELECT transaction_number FROM subscription_payments WHERE subscription = $1 \
             ORDER BY transaction_number";
        let key = BindValues::default().bind(subscription.id.to_string());
        for payment in connection.fetch_all(text, key).await? {
            subscription.transactions.push(TransactionNumber(payment.try_get(0)?));
        }
        book.put_subscription(subscription);
    }
    Ok(())
}

async fn load_secrets(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let names: Vec<_> = missing.secrets.iter().copied().collect();
    let bind = |values: BindValues, name: &SecretName| values.bind(name.name());
    let put = |row: &Row| {
        book.put_secret(row.text_enum("name")?, Secret::new(row.try_get("value")?));
        Ok(())
    };
    SECRETS.fetch(connection, &names, bind, put).await
}

async fn load_totals(
    connection: &mut Connection,
    missing: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let accounts: Vec<_> = missing.totals.iter().copied().collect();
    let bind =
        |values: BindValues, account: &LedgerAccount| values.bind(account.kind.name()).bind(account.owner);
    let put = |row: &Row| {
        let account = LedgerAccount { kind: row.text_enum("kind")?, owner: row.try_get("owner")? };
        book.put_total(account, Amount::from_micros(row.try_get("amount")?));
        Ok(())
    };
    TOTALS.fetch(connection, &accounts, bind, put).await
}

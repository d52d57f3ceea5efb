//! Lists: the first accounts of a kind, subscriptions with their payments.

use crate::ledger::{
    Account, AccountKind, AccountNumber, Book, MissingRows, Subscription, TransactionNumber,
};

use super::columns::{self, Cell};
use super::engine::{Connection, Row, Values};
use super::load::{self, SUBSCRIPTIONS};

/// Loads the reports that are wanted into the book.
pub(super) async fn fetch(
    connection: &mut Connection,
    wanted: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    for kind in &wanted.first_accounts {
        let accounts = first_accounts(connection, *kind).await?;
        book.put_first_accounts(*kind, accounts.iter().map(|account| account.number).collect());
        for account in accounts {
            book.put_account(account);
        }
    }
    fetch_subscriptions(connection, wanted, book).await
}

async fn fetch_subscriptions(
    connection: &mut Connection,
    wanted: &MissingRows,
    book: &mut Book,
) -> sqlx::Result<()> {
    let ids: Vec<_> = wanted.subscriptions.iter().map(|id| id.to_string()).collect();
    let mut found = Vec::new();
    let take = |row: &Row| {
        found.push(subscription(row)?);
        Ok(())
    };
    SUBSCRIPTIONS.fetch(connection, &ids, |query, id| query.bind(id.clone()), take).await?;
    for mut subscription in found {
        let text = "SELECT transaction_number FROM subscription_payments WHERE subscription = $1 \
             ORDER BY transaction_number";
        let key = Values::default().bind(subscription.id.to_string());
        for payment in connection.all(text, key).await? {
            subscription.transactions.push(TransactionNumber(payment.try_get(0)?));
        }
        book.put_subscription(subscription);
    }
    Ok(())
}

fn subscription(row: &Row) -> sqlx::Result<Subscription> {
    Ok(Subscription {
        id: row.try_get::<String, _>("id")?.into(),
        sender: AccountNumber(row.try_get("sender")?),
        recipient: AccountNumber(row.try_get("recipient")?),
        status: row.subscription_status("status")?,
        terms: row.json("terms")?,
        transactions: Vec::new(),
    })
}

/// How many accounts of a kind are looked at, to pick one from.
const FIRST_ACCOUNTS: i64 = 8;

async fn first_accounts(connection: &mut Connection, kind: AccountKind) -> sqlx::Result<Vec<Account>> {
    let text = "SELECT * FROM accounts WHERE kind = $1 ORDER BY number LIMIT $2";
    let values = Values::default().bind(columns::account_kind_name(kind)).bind(FIRST_ACCOUNTS);
    connection.all(text, values).await?.iter().map(load::account).collect()
}

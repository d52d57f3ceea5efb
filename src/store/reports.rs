//! Lists and sums: pages of account activity, outstanding debt, subscriptions.

use sqlx::AssertSqlSafe;

use crate::ledger::{
    Account, AccountKind, AccountNumber, ActivityPage, ActivityQuery, Amount, Book, DebtBalance, Kind, Role,
    Subscription, Timestamp, TransactionNumber, Wanted, World,
};

use super::columns::{self, Cell};
use super::engine::{Connection, Row, Values};
use super::load::{self, SUBSCRIPTIONS};

/// Loads the reports that are wanted into the book.
pub(super) async fn fetch(connection: &mut Connection, wanted: &Wanted, book: &mut Book) -> sqlx::Result<()> {
    for query in &wanted.activity {
        let page = activity(connection, query).await?;
        book.put_activity(query.clone(), page);
    }
    for creditor in &wanted.outstanding_debt {
        let debt = outstanding_debt(connection, *creditor).await?;
        book.put_outstanding_debt(*creditor, debt);
    }
    for (world, kind) in &wanted.first_accounts {
        let accounts = first_accounts(connection, *world, *kind).await?;
        book.put_first_accounts(*world, *kind, accounts.iter().map(|account| account.number).collect());
        for account in accounts {
            book.put_account(account);
        }
    }
    fetch_subscriptions(connection, wanted, book).await
}

async fn fetch_subscriptions(
    connection: &mut Connection,
    wanted: &Wanted,
    book: &mut Book,
) -> sqlx::Result<()> {
    let ids: Vec<_> = wanted.subscriptions.iter().map(|(world, id)| (world.0, id.to_string())).collect();
    let mut found = Vec::new();
    let take = |row: &Row| {
        found.push(subscription(row)?);
        Ok(())
    };
    SUBSCRIPTIONS
        .fetch(connection, &ids, |query, (world, id)| query.bind(*world).bind(id.clone()), take)
        .await?;
    for mut subscription in found {
        let text = "SELECT transaction_number FROM subscription_payments WHERE world = $1 AND subscription = $2 \
             ORDER BY transaction_number";
        let key = Values::default().bind(subscription.world.0).bind(subscription.id.to_string());
        for payment in connection.all(text, key).await? {
            subscription.transactions.push(TransactionNumber(payment.try_get(0)?));
        }
        book.put_subscription(subscription);
    }
    Ok(())
}

fn subscription(row: &Row) -> sqlx::Result<Subscription> {
    Ok(Subscription {
        world: World(row.try_get("world")?),
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

async fn first_accounts(
    connection: &mut Connection,
    world: World,
    kind: AccountKind,
) -> sqlx::Result<Vec<Account>> {
    let text = "SELECT * FROM accounts WHERE world = $1 AND kind = $2 ORDER BY number LIMIT $3";
    let values = Values::default().bind(world.0).bind(columns::account_kind_name(kind)).bind(FIRST_ACCOUNTS);
    connection.all(text, values).await?.iter().map(load::account).collect()
}

async fn outstanding_debt(connection: &mut Connection, creditor: AccountNumber) -> sqlx::Result<DebtBalance> {
    let text = "SELECT t.kind, CAST(sum(t.amount) AS BIGINT) FROM instruments i \
         JOIN totals t ON t.owner = i.number AND t.kind IN ('debt', 'debt-pending') \
         WHERE i.recipient = $1 AND i.kind = 'Credit' GROUP BY t.kind";
    let mut debt = DebtBalance::default();
    for row in connection.all(text, Values::default().bind(creditor.0)).await? {
        let amount = Amount::from_micros(row.try_get(1)?);
        match columns::kind(&row.try_get::<String, _>(0)?)? {
            Kind::Debt => debt.available = amount,
            _ => debt.pending_out = amount,
        }
    }
    Ok(debt)
}

/// How many more than fit on a page are looked at first: those received at the instant at which it ends stand on it
/// too, and one beyond them begins the next.
const BEYOND: u32 = 8;

/// A page of the account's transactions. Each role is looked up by its own index, newest (or oldest) first and no
/// further than the page needs, so that the newest page costs the same whatever the history.
async fn activity(connection: &mut Connection, query: &ActivityQuery) -> sqlx::Result<ActivityPage> {
    let (from, to) = (query.from.millis(), query.to.millis());
    let most = query.batch + BEYOND;
    let first = select(connection, query, from, to, most).await?;
    let Some(end) = first.get((query.batch as usize).saturating_sub(1)).map(|found| found.received) else {
        return Ok(page(&first, None));
    };
    match first.iter().position(|found| is_after(query, found.received, end)) {
        Some(next) => Ok(page(&first[..next], Some(first[next].received))),
        None if first.len() < most as usize => Ok(page(&first, None)),
        // More at one instant than were looked at.
        None => {
            let (from, to) = if query.descending { (end, to) } else { (from, end) };
            let whole = select(connection, query, from, to, u32::MAX).await?;
            let (from, to) =
                if query.descending { (query.from.millis(), end - 1) } else { (end + 1, query.to.millis()) };
            let next = select(connection, query, from, to, 1).await?;
            Ok(page(&whole, next.first().map(|found| found.received)))
        }
    }
}

/// Whether an instant comes later in the order of the page.
const fn is_after(query: &ActivityQuery, received: i64, end: i64) -> bool {
    if query.descending { received < end } else { received > end }
}

fn page(found: &[Found], next: Option<i64>) -> ActivityPage {
    ActivityPage {
        transactions: found.iter().map(|found| found.number).collect(),
        next: next.map(Timestamp::from_millis),
    }
}

/// A transaction, and when it was received.
struct Found {
    number: TransactionNumber,
    received: i64,
}

/// The account's transactions received between two instants, both included, in the order of the page.
async fn select(
    connection: &mut Connection,
    query: &ActivityQuery,
    from: i64,
    to: i64,
    most: u32,
) -> sqlx::Result<Vec<Found>> {
    let direction = if query.descending { "DESC" } else { "ASC" };
    let most = i64::from(most);
    let places: Vec<&str> = if query.roles.is_empty() {
        ANY_ROLE.to_vec()
    } else {
        query.roles.iter().flat_map(|role| role_conditions(*role)).copied().collect()
    };
    let (operation, method, status) = (
        query.operation.map(|operation| operation.name()),
        query.method.map(|method| method.name()),
        query.status.map(|status| status.name()),
    );
    let mut values = Values::default();
    let mut branches = Vec::new();
    for (place, condition) in places.iter().enumerate() {
        let at = |offset: usize| format!("${}", place * 7 + offset);
        let (account, from_at, to_at, least) = (at(1), at(2), at(3), at(7));
        let filters = [("operation", at(4)), ("method", at(5)), ("status", at(6))]
            .map(|(column, value)| format!("{column} = coalesce({value}, {column})"))
            .join(" AND ");
        branches.push(format!(
            "SELECT * FROM (SELECT number, received FROM transactions WHERE {} AND received BETWEEN {from_at} AND {to_at} \
             AND {filters} AND operation <> 'DepositFunds' \
             ORDER BY received {direction}, number {direction} LIMIT {least}) AS branch",
            condition.replace('?', &account)
        ));
        values = values.bind(query.account.0).bind(from).bind(to);
        values = values.bind(operation).bind(method).bind(status).bind(most);
    }
    let text = format!(
        "SELECT number, received FROM ({}) AS page ORDER BY received {direction}, number {direction} LIMIT ${}",
        branches.join(" UNION "),
        places.len() * 7 + 1
    );
    let rows = connection.all(AssertSqlSafe(text), values.bind(most)).await?;
    rows.iter()
        .map(|row| Ok(Found { number: TransactionNumber(row.try_get(0)?), received: row.try_get(1)? }))
        .collect()
}

/// An account that is sender or recipient is found as such; the callers' index holds only those that are neither.
const ANY_ROLE: [&str; 3] =
    ["sender = ?", "recipient = ?", "caller = ? AND caller <> sender AND caller <> recipient"];

/// The conditions, each answered by one index, under which an account played a role.
const fn role_conditions(role: Role) -> &'static [&'static str] {
    match role {
        Role::Sender => &["sender = ?"],
        Role::Recipient => &["recipient = ?"],
        Role::Caller => &[
            "sender = ? AND caller = sender",
            "recipient = ? AND caller = recipient",
            "caller = ? AND caller <> sender AND caller <> recipient",
        ],
    }
}

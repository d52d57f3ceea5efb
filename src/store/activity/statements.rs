//! The statements that a search of account activity runs.

use sqlx::AssertSqlSafe;

use crate::ledger::{ActivityQuery, Role, TransactionNumber};

use super::{ActivityMatch, MillisRange};
use crate::ledger::Named;
use crate::store::engine::{BindValues, Connection};

/// When the account's `n`th transaction of the range was received, without regard to filters; `None` if there are fewer.
pub(super) async fn nth_received(
    connection: &mut Connection,
    query: &ActivityQuery,
    (from, to): MillisRange,
    n: u32,
) -> sqlx::Result<Option<i64>> {
    let direction = direction(query);
    let mut values = BindValues::default();
    let mut branches = Vec::new();
    for (index, condition) in index_conditions(query).iter().enumerate() {
        let placeholder = |offset: usize| format!("${}", index * 4 + offset);
        branches.push(format!(
            "SELECT * FROM (SELECT received FROM transactions WHERE {} AND received BETWEEN {} AND {} \
             ORDER BY received {direction}, number {direction} LIMIT {}) AS branch",
            condition.replace('?', &placeholder(1)),
            placeholder(2),
            placeholder(3),
            placeholder(4)
        ));
        values = values.bind(query.account.0).bind(from).bind(to).bind(i64::from(n));
    }
    let text = format!(
        "SELECT received FROM ({}) AS seen ORDER BY received {direction} LIMIT 1 OFFSET ${}",
        branches.join(" UNION ALL "),
        branches.len() * 4 + 1
    );
    let rows = connection.fetch_all(AssertSqlSafe(text), values.bind(i64::from(n) - 1)).await?;
    rows.first().map(|row| row.try_get(0)).transpose()
}

/// The account's transactions of the range that match, in the order of the page, at most `limit`.
pub(super) async fn select_matches(
    connection: &mut Connection,
    query: &ActivityQuery,
    (from, to): MillisRange,
    limit: Option<u32>,
) -> sqlx::Result<Vec<ActivityMatch>> {
    let direction = direction(query);
    let limit = limit.map_or(i64::MAX, i64::from);
    let (operation, method, status) = (
        query.operation.map(|operation| operation.name()),
        query.method.map(|method| method.name()),
        query.status.map(|status| status.name()),
    );
    let mut values = BindValues::default();
    let mut branches = Vec::new();
    for (index, condition) in role_conditions(query).iter().enumerate() {
        let placeholder = |offset: usize| format!("${}", index * 7 + offset);
        let filters = [("operation", placeholder(4)), ("method", placeholder(5)), ("status", placeholder(6))]
            .map(|(column, value)| format!("{column} = coalesce({value}, {column})"))
            .join(" AND ");
        branches.push(format!(
            "SELECT * FROM (SELECT number, received FROM transactions WHERE {} AND received BETWEEN {} AND {} \
             AND {filters} AND operation <> 'DepositFunds' \
             ORDER BY received {direction}, number {direction} LIMIT {}) AS branch",
            condition.replace('?', &placeholder(1)),
            placeholder(2),
            placeholder(3),
            placeholder(7)
        ));
        values = values.bind(query.account.0).bind(from).bind(to);
        values = values.bind(operation).bind(method).bind(status).bind(limit);
    }
    let text = format!(
        "SELECT number, received FROM ({}) AS page ORDER BY received {direction}, number {direction} LIMIT ${}",
        branches.join(" UNION "),
        branches.len() * 7 + 1
    );
    let rows = connection.fetch_all(AssertSqlSafe(text), values.bind(limit)).await?;
    rows.iter()
        .map(|row| {
            Ok(ActivityMatch { number: TransactionNumber(row.try_get(0)?), received: row.try_get(1)? })
        })
        .collect()
}

const fn direction(query: &ActivityQuery) -> &'static str {
    if query.descending { "DESC" } else { "ASC" }
}

/// Conditions that together select a superset of the matches. Each uses one index alone.
fn index_conditions(query: &ActivityQuery) -> Vec<&'static str> {
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

/// Conditions that together select the transactions in which the account has one of the roles. Each uses one index.
fn role_conditions(query: &ActivityQuery) -> Vec<&'static str> {
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

/// A caller who is also sender or recipient is found by those indexes. The index of callers holds only the other
/// transactions.
const CALLER_ONLY: &str = "caller = ? AND caller <> sender AND caller <> recipient";

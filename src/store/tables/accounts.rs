//! The table `accounts`.

use crate::ledger::{Account, AccountNumber, Amount, EmailKey};

use super::table_columns;
use crate::ledger::Named;
use crate::store::columns::methods_text;
use crate::store::engine::Row;

table_columns! {
    accounts: account: &Account;
    insert {
        number = account.number.0,
        name = account.name.clone(),
        email = account.email.clone(),
        email_key = EmailKey::of(&account.email).as_str().to_owned(),
        kind = account.kind.name(),
        state = account.state.name(),
        marketplace = i64::from(account.marketplace),
        methods = methods_text(&account.methods),
        transaction_limit = account.transaction_limit.map(Amount::micros),
    }
}

/// Reads an account.
pub(in crate::store) fn read(row: &Row) -> sqlx::Result<Account> {
    Ok(Account {
        number: AccountNumber(row.try_get("number")?),
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        kind: row.text_enum("kind")?,
        state: row.text_enum("state")?,
        marketplace: row.boolean("marketplace")?,
        methods: row.methods("methods")?,
        transaction_limit: row.optional_amount("transaction_limit")?,
    })
}

//! The seed file's form: TOML tables, each remembering where it stands so that mistakes can name a line.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::ledger::{AccountKind, AccountState};

/// A seed file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedFile {
    #[serde(default)]
    pub(super) account: Vec<AccountEntry>,
    #[serde(default)]
    pub(super) credit_instrument: Vec<InstrumentEntry>,
    #[serde(default)]
    pub(super) token: Vec<TokenEntry>,
    #[serde(default)]
    pub(super) payment: Vec<PaymentEntry>,
}

/// A merchant or a buyer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountEntry {
    /// How the rest of the file calls it.
    pub(super) name: Spanned<String>,
    /// The name in answers; the default is `name`.
    pub(super) display_name: Option<String>,
    pub(super) email: String,
    #[serde(default = "business")]
    pub(super) kind: AccountKind,
    #[serde(default = "active")]
    pub(super) state: AccountState,
    /// Dollars on the Amazon Payments balance.
    pub(super) balance: Option<Spanned<Decimal>>,
    #[serde(default)]
    pub(super) access_key: Vec<KeyEntry>,
}

fn business() -> AccountKind {
    AccountKind::Business
}

fn active() -> AccountState {
    AccountState::Active
}

/// An access key of an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) id: Spanned<String>,
    pub(super) secret: String,
}

/// A line of credit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstrumentEntry {
    pub(super) id: Spanned<String>,
    /// The buyer: a name of an account.
    pub(super) sender: Spanned<String>,
    /// The merchant: a name of an account.
    pub(super) recipient: Spanned<String>,
    pub(super) credit_limit: Spanned<Decimal>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

fn yes() -> bool {
    true
}

/// An instant, written as TOML writes it or as text.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(instant) => instant.to_string(),
        toml::Value::String(text) => text,
        other => other.to_string(),
    };
    let problem =
        || D::Error::custom(format!("`{text}` is no instant; write for example 2012-06-01T12:00:00Z"));
    text.parse().map(Some).map_err(|_| problem())
}

/// A payment token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenEntry {
    pub(super) id: Spanned<String>,
    /// The buyer; of a credit or settlement token, the instrument tells.
    pub(super) sender: Option<Spanned<String>>,
    /// The merchant who may use it; of a credit or settlement token, the instrument tells.
    pub(super) caller: Option<Spanned<String>>,
    /// Makes debt on this instrument.
    pub(super) charges: Option<Spanned<String>>,
    /// Settles debt on this instrument.
    pub(super) settles: Option<Spanned<String>>,
    /// ABT, CC or ACH; of a token that makes debt, Debt.
    pub(super) method: Option<Spanned<String>>,
    /// SingleUse, MultiUse, Recurring or Unrestricted; the default is MultiUse.
    #[serde(rename = "type")]
    pub(super) token_type: Option<Spanned<String>>,
    pub(super) caller_reference: Option<String>,
    pub(super) friendly_name: Option<String>,
    #[serde(default = "yes")]
    pub(super) active: bool,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    pub(super) min_charge: Option<Spanned<Decimal>>,
    pub(super) max_charge: Option<Spanned<Decimal>>,
    pub(super) global_amount_limit: Option<Spanned<Decimal>>,
    #[serde(default)]
    pub(super) usage_limit: Vec<UsageLimitEntry>,
}

/// A usage limit of a token: an amount or a count, for its life or for each period.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageLimitEntry {
    pub(super) amount: Option<Spanned<Decimal>>,
    pub(super) count: Option<Spanned<i64>>,
    pub(super) period: Option<Spanned<String>>,
}

/// A Pay that has happened: how an opening debt comes about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentEntry {
    /// The transaction's id; one is made when there is none.
    pub(super) id: Option<Spanned<String>>,
    pub(super) token: Spanned<String>,
    pub(super) amount: Spanned<Decimal>,
    pub(super) caller_reference: Option<String>,
    pub(super) caller_description: Option<String>,
}

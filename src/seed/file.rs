//! The format of seed files: TOML tables. `Spanned` values know their place in the file, for errors that name a line.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::ledger::{AccountKind, AccountState, Secret};

/// The entries of a seed file. Each kind can refer to the kinds above it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedFile {
    #[serde(default)]
    pub(super) account: Vec<AccountEntry>,
    #[serde(default)]
    pub(super) credit_instrument: Vec<CreditInstrumentEntry>,
    #[serde(default)]
    pub(super) prepaid_instrument: Vec<PrepaidInstrumentEntry>,
    #[serde(default)]
    pub(super) token: Vec<TokenEntry>,
    #[serde(default)]
    pub(super) payment: Vec<PaymentEntry>,
    #[serde(default)]
    pub(super) subscription: Vec<SubscriptionEntry>,
}

/// A merchant or a buyer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountEntry {
    /// The name by which the rest of the file refers to the account.
    pub(super) name: Spanned<String>,
    /// The name in responses; by default `name`.
    pub(super) display_name: Option<String>,
    /// Unique among the accounts, whatever the case.
    pub(super) email: Spanned<String>,
    #[serde(default = "business")]
    pub(super) kind: AccountKind,
    #[serde(default = "active")]
    pub(super) state: AccountState,
    /// Whether it is a developer account. If not, every request with its keys is refused with AccessFailure.
    #[serde(default = "yes")]
    pub(super) developer: bool,
    /// Whether it is signed up for FPS. If not, every request with its keys is refused with AuthFailure.
    #[serde(default = "yes")]
    pub(super) signed_up: bool,
    /// Whether it may act between a sender and another recipient; by default a business account may.
    pub(super) marketplace: Option<bool>,
    /// Opening Amazon Payments balance, in dollars.
    pub(super) balance: Option<Spanned<Decimal>>,
    /// Maximum amount of a transaction from or to it, in dollars. Beyond that is AccountLimitsExceeded.
    pub(super) transaction_limit: Option<Spanned<Decimal>>,
    /// The payment methods it has: CC, ACH, ABT; by default all three. A token with another method is refused.
    pub(super) methods: Option<Vec<Spanned<String>>>,
    /// The status (SC, A, PE, …) with which its visits to the Co-Branded pages end, at once and without pages.
    pub(super) cobranded_ending: Option<Spanned<String>>,
    /// The signature version of its return URLs: 2 (the default) or 1.
    pub(super) return_signature: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) access_key: Vec<AccessKeyEntry>,
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
pub(super) struct AccessKeyEntry {
    pub(super) id: Spanned<String>,
    pub(super) secret: Secret,
}

/// A credit instrument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreditInstrumentEntry {
    pub(super) id: Spanned<String>,
    /// The buyer: a name of an account.
    pub(super) sender: Spanned<String>,
    /// The merchant: a name of an account.
    pub(super) recipient: Spanned<String>,
    pub(super) credit_limit: Spanned<Decimal>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

fn yes() -> bool {
    true
}

/// A prepaid instrument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrepaidInstrumentEntry {
    pub(super) id: Spanned<String>,
    /// The buyer: a name of an account.
    pub(super) sender: Spanned<String>,
    /// The merchant: a name of an account.
    pub(super) recipient: Spanned<String>,
    /// Maximum balance, in dollars.
    pub(super) recharge_limit: Spanned<Decimal>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

/// A subscription. In production Simple Pay creates them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionEntry {
    pub(super) id: Spanned<String>,
    pub(super) sender: Spanned<String>,
    pub(super) recipient: Spanned<String>,
    pub(super) description: String,
    pub(super) amount: Spanned<Decimal>,
    /// The period of payments, such as `1 Month`.
    pub(super) frequency: Spanned<String>,
    /// How long it lasts, such as `1 Year`; by default without end.
    pub(super) length: Option<Spanned<String>>,
    pub(super) promotional_amount: Option<Spanned<Decimal>>,
    #[serde(default)]
    pub(super) promotional_transactions: u32,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) start: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) end: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) next: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) status: Option<Spanned<String>>,
    /// Its payments so far, by the ids of payments in this file.
    #[serde(default)]
    pub(super) payments: Vec<Spanned<String>>,
}

/// Deserializes an instant, from a date and time of TOML or from a string.
fn deserialize_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
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
    /// The buyer: a name of an account. Not needed with an instrument, which has a sender.
    pub(super) sender: Option<Spanned<String>>,
    /// The merchant who may use the token: a name of an account. Not needed with an instrument, which has a recipient.
    pub(super) caller: Option<Spanned<String>>,
    /// The instrument with which it pays: it makes debt on it, or spends its prepaid balance.
    pub(super) charges: Option<Spanned<String>>,
    /// The credit instrument whose debt it settles.
    pub(super) settles: Option<Spanned<String>>,
    /// The prepaid instrument that it funds.
    pub(super) funds: Option<Spanned<String>>,
    /// Recipient tokens: the account that receives, in a marketplace.
    pub(super) recipient: Option<Spanned<String>>,
    /// Sender tokens: the recipient tokens that it may pay; by default any.
    #[serde(default)]
    pub(super) recipients: Vec<Spanned<String>>,
    /// Recipient tokens: whether the recipient pays FPS's fee; by default yes.
    pub(super) recipient_pays_fee: Option<bool>,
    /// Recipient tokens: the caller's maximum commission on a payment, in dollars.
    pub(super) max_fixed_fee: Option<Spanned<Decimal>>,
    /// Recipient tokens: the caller's maximum commission, as a percentage of a payment.
    pub(super) max_variable_fee: Option<Spanned<Decimal>>,
    /// ABT, CC or ACH. A token that `charges` an instrument has none: it pays by the instrument.
    pub(super) method: Option<Spanned<String>>,
    /// SingleUse, MultiUse, Recurring or Unrestricted; by default MultiUse.
    #[serde(rename = "type")]
    pub(super) token_type: Option<Spanned<String>>,
    pub(super) caller_reference: Option<String>,
    pub(super) friendly_name: Option<String>,
    #[serde(default = "yes")]
    pub(super) active: bool,
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    /// By default a single-use token is valid for three hours, and other tokens have no end.
    #[serde(default, deserialize_with = "deserialize_instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    pub(super) min_charge: Option<Spanned<Decimal>>,
    pub(super) max_charge: Option<Spanned<Decimal>>,
    pub(super) global_amount_limit: Option<Spanned<Decimal>>,
    #[serde(default)]
    pub(super) usage_limit: Vec<UsageLimitEntry>,
}

/// A usage limit of a token: an amount or a count, in each period, or in all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageLimitEntry {
    pub(super) amount: Option<Spanned<Decimal>>,
    pub(super) count: Option<Spanned<i64>>,
    pub(super) period: Option<Spanned<String>>,
}

/// A payment in the past, such as the one that has made an opening debt or a prepaid balance. With a token that settles
/// or funds, it is a settlement or a funding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PaymentEntry {
    /// The id of the transaction; by default a generated one.
    pub(super) id: Option<Spanned<String>>,
    pub(super) token: Spanned<String>,
    pub(super) amount: Spanned<Decimal>,
    pub(super) caller_reference: Option<String>,
    pub(super) caller_description: Option<String>,
}

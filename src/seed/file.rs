//! The seed file's form: TOML tables, each remembering where it stands so that mistakes can name a line.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::ledger::{AccountKind, AccountState, Secret};

/// A seed file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedFile {
    #[serde(default)]
    pub(super) account: Vec<AccountEntry>,
    #[serde(default)]
    pub(super) credit_instrument: Vec<InstrumentEntry>,
    #[serde(default)]
    pub(super) prepaid_instrument: Vec<PrepaidEntry>,
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
    /// How the rest of the file calls it.
    pub(super) name: Spanned<String>,
    /// The name in answers; the default is `name`.
    pub(super) display_name: Option<String>,
    /// No other account has it, in whatever case.
    pub(super) email: Spanned<String>,
    #[serde(default = "business")]
    pub(super) kind: AccountKind,
    #[serde(default = "active")]
    pub(super) state: AccountState,
    /// Whether it is a developer account; without that every call by its keys is AccessFailure.
    #[serde(default = "yes")]
    pub(super) developer: bool,
    /// Whether it is signed up for FPS; without that every call by its keys is AuthFailure.
    #[serde(default = "yes")]
    pub(super) signed_up: bool,
    /// Whether it may act between a sender and another recipient; the default is what it is: a business may.
    pub(super) marketplace: Option<bool>,
    /// Dollars on the Amazon Payments balance.
    pub(super) balance: Option<Spanned<Decimal>>,
    /// Most that one transaction may take from it or bring to it, in dollars; more is AccountLimitsExceeded.
    pub(super) transaction_limit: Option<Spanned<Decimal>>,
    /// How it can pay: CC, ACH, ABT; the default is all three. A token that pays otherwise is refused.
    pub(super) methods: Option<Vec<Spanned<String>>>,
    /// How visits to the Co-Branded pages end that it sends there, at once and without pages: SC, A, PE, …
    pub(super) cobranded_ending: Option<Spanned<String>>,
    /// The signature version of its return URLs: 2, the default, or 1.
    pub(super) return_signature: Option<Spanned<i64>>,
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
    pub(super) secret: Secret,
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

/// Money paid in advance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrepaidEntry {
    pub(super) id: Spanned<String>,
    /// The buyer: a name of an account.
    pub(super) sender: Spanned<String>,
    /// The merchant: a name of an account.
    pub(super) recipient: Spanned<String>,
    /// The highest balance it may hold.
    pub(super) recharge_limit: Spanned<Decimal>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_from: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) valid_until: Option<DateTime<Utc>>,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

/// A subscription that Simple Pay would have set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionEntry {
    pub(super) id: Spanned<String>,
    pub(super) sender: Spanned<String>,
    pub(super) recipient: Spanned<String>,
    pub(super) description: String,
    pub(super) amount: Spanned<Decimal>,
    /// How often is paid: `1 Month`.
    pub(super) frequency: Spanned<String>,
    /// How long it lasts; without one it goes on.
    pub(super) length: Option<Spanned<String>>,
    pub(super) promotional_amount: Option<Spanned<Decimal>>,
    #[serde(default)]
    pub(super) promotional_transactions: u32,
    #[serde(default, deserialize_with = "instant")]
    pub(super) start: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) end: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(super) next: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) status: Option<Spanned<String>>,
    /// Its payments so far: ids of payments in this file.
    #[serde(default)]
    pub(super) payments: Vec<Spanned<String>>,
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
    /// Pays with this instrument: makes debt on it, or spends what was paid in advance.
    pub(super) charges: Option<Spanned<String>>,
    /// Settles debt on this credit instrument.
    pub(super) settles: Option<Spanned<String>>,
    /// Pays in advance onto this prepaid instrument.
    pub(super) funds: Option<Spanned<String>>,
    /// The account that receives by it, in a marketplace.
    pub(super) recipient: Option<Spanned<String>>,
    /// Sender tokens: the recipient tokens that it pays; any without it.
    #[serde(default)]
    pub(super) recipients: Vec<Spanned<String>>,
    /// Recipient tokens: whether the recipient pays FPS's fee; the default is yes.
    pub(super) recipient_pays_fee: Option<bool>,
    /// Recipient tokens: most that the caller may take, in dollars.
    pub(super) max_fixed_fee: Option<Spanned<Decimal>>,
    /// Recipient tokens: and in per cent.
    pub(super) max_variable_fee: Option<Spanned<Decimal>>,
    /// ABT, CC or ACH; a token that `charges` an instrument pays by that.
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
    /// The default of a single-use token is three hours, others have no end.
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

/// A payment that has happened: how an opening debt or prepaid balance comes about. A token that settles or funds
/// makes it a settlement or a funding.
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

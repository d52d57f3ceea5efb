//! Payment tokens: a buyer's permission, its limits, and how much of them is used.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::id_allocator::MAX_LEAD_MILLIS;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, TokenId, TokenNumber};
use crate::ledger::instrument::{Instrument, Validity};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::time::{Period, Timestamp};
use crate::ledger::transaction::ChargeFeeTo;

/// How often a token may be used (schema: TokenType).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum TokenType {
    /// One successful payment.
    SingleUse,
    /// Many payments within limits.
    MultiUse,
    /// One payment a period.
    Recurring,
    /// No limits at all.
    Unrestricted,
}

/// What a token is for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum Purpose {
    /// An ordinary sender token.
    Payment,
    /// Pays with a credit instrument: makes debt.
    Credit,
    /// Pays real money to settle a credit instrument's debt.
    Settlement,
    /// Pays with a prepaid instrument.
    Prepaid,
    /// Pays real money onto a prepaid instrument.
    Funding,
    /// Receives, in a marketplace.
    Recipient,
    /// Lets the caller refund what the recipient received; no action of the API of 2008 asks for it.
    Refund,
    /// Made by InstallPaymentInstruction on the caller's own account; its text is not interpreted.
    Installed,
}

impl Purpose {
    /// Whether it can be the sender token of a Pay or Reserve.
    pub const fn pays(self) -> bool {
        matches!(self, Self::Payment | Self::Credit | Self::Prepaid | Self::Installed)
    }

    /// Whether it can be a recipient token.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Recipient | Self::Installed)
    }
}

/// On what terms a recipient takes part in a marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientTerms {
    /// Whether the recipient pays FPS's fee, or the caller.
    pub recipient_pays_fee: bool,
    /// Most that the caller may take for himself: dollars.
    pub max_fixed_fee: Option<Amount>,
    /// And per cent.
    pub max_variable_fee: Option<Decimal>,
}

impl RecipientTerms {
    /// Who pays the FPS fee.
    pub const fn fee_payer(&self) -> ChargeFeeTo {
        if self.recipient_pays_fee { ChargeFeeTo::Recipient } else { ChargeFeeTo::Caller }
    }
}

/// What a usage limit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UsageMeasure {
    /// Millionths of a dollar.
    Amount,
    /// Uses.
    Count,
}

/// A limit on a token's use, for its life or for each window of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLimit {
    /// What the limit measures.
    pub measure: UsageMeasure,
    /// How much is allowed: millionths of a dollar, or uses.
    pub allowed: i64,
    /// The length of a window; none = the token's life.
    pub period: Option<Period>,
}

/// The use of a limit in the window that began at `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUsage {
    /// Start of the window, milliseconds since 1970.
    pub since: i64,
    /// Used so far, in the limit's measure.
    pub used: i64,
}

/// The usage of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Successful and pending uses.
    pub uses: i64,
    /// Their total.
    pub spent: Amount,
    /// One entry for each usage limit, in the same order.
    pub windows: Vec<WindowUsage>,
}

/// A payment token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The row number.
    pub number: TokenNumber,
    /// The id that clients see.
    pub id: TokenId,
    /// The owner: the account whose money it moves.
    pub account: AccountNumber,
    /// The caller that may use it.
    pub caller: AccountNumber,
    /// The purpose.
    pub purpose: Purpose,
    /// The token type: how often the token may be used.
    pub token_type: TokenType,
    /// Whether it is active (not cancelled).
    pub active: bool,
    /// The payment method. A credit token pays by [`PaymentMethod::Debt`].
    pub method: PaymentMethod,
    /// Credit and settlement tokens: their instrument.
    pub instrument: Option<InstrumentNumber>,
    /// The reference under which it was made.
    pub caller_reference: String,
    /// A name for people to read.
    pub friendly_name: String,
    /// What it is for, in the words of whoever made it.
    pub payment_reason: Option<String>,
    /// The text of InstallPaymentInstruction.
    pub instruction: Option<String>,
    /// Recipient tokens: the terms.
    pub terms: Option<RecipientTerms>,
    /// Sender tokens: the recipient tokens that it pays; any, and the caller himself, when none is named.
    pub recipients: Vec<TokenId>,
    /// When the token was installed.
    pub installed: Timestamp,
    /// The period in which it may be used.
    pub validity: Validity,
    /// The smallest single charge.
    pub min_charge: Option<Amount>,
    /// The largest single charge.
    pub max_charge: Option<Amount>,
    /// The limit of all payments together.
    pub global_limit: Option<Amount>,
    /// Further limits.
    pub limits: Vec<UsageLimit>,
    /// How much of the limits is used up.
    pub usage: Usage,
}

/// The recorded detail of a charge that is not the exact amount of its token.
const NOT_EQUAL: &str = "Transaction amount not equal to accepted value";

/// A single-use token is kept for three hours (2007 guide), for which no later source has another number.
const SINGLE_USE_MILLIS: i64 = 3 * 60 * 60 * 1000;

impl TokenType {
    /// When a token of this type may be used, unless whoever makes it says otherwise.
    pub fn validity(self, installed: Timestamp) -> Validity {
        let kept = (self == Self::SingleUse).then(|| installed.plus_millis(SINGLE_USE_MILLIS));
        Validity { from: None, until: kept }
    }
}

impl Token {
    /// Whether uses have to be counted at all: a token without limits never changes.
    pub fn is_limited(&self) -> bool {
        self.token_type == TokenType::SingleUse || self.global_limit.is_some() || !self.limits.is_empty()
    }

    /// Whether this caller had the token installed: nobody else can use it (Amazon's description of
    /// `IncompatibleTokens`; the detail is our choice).
    pub(in crate::ledger) fn check_installer(&self, caller: AccountNumber) -> Result<(), FpsError> {
        if self.caller == caller {
            return Ok(());
        }
        Err(FpsError::incompatible_tokens("Token was installed by another application"))
    }

    /// Whether the sender token was not cancelled.
    pub fn check_not_cancelled(&self) -> Result<(), FpsError> {
        if self.active { Ok(()) } else { Err(Code::TokenNotActive_Sender.into()) }
    }

    /// Whether the token is within its validity. One that is not breaks a rule of its own (Amazon's description of
    /// `IncompatibleTokens`; the details are our choice).
    pub fn check_in_force(&self, now: Timestamp) -> Result<(), FpsError> {
        if self.validity.holds(now) {
            return Ok(());
        }
        let begins_later = self.validity.from.is_some_and(|from| now < from);
        let detail = if begins_later { "Token is not valid yet" } else { "Token has expired" };
        Err(FpsError::incompatible_tokens(detail))
    }

    /// Whether it is the token for this purpose of this very instrument.
    pub(in crate::ledger) fn check_purpose(
        &self,
        purpose: Purpose,
        instrument: &Instrument,
    ) -> Result<(), FpsError> {
        let problem = if self.purpose != purpose {
            "The operation needs the token that settles or funds the instrument, not one that pays with it or another."
        } else if self.instrument != Some(instrument.number) {
            "The token belongs to another instrument."
        } else {
            return Ok(());
        };
        Err(FpsError::incompatible_tokens(problem))
    }

    /// Whether another use of `amount` stays within every usage limit (guide: `TokenUsageError`).
    pub fn check_usage_limits(&self, amount: Amount, now: Timestamp) -> Result<(), FpsError> {
        let spent = self.token_type == TokenType::SingleUse && self.usage.uses > 0;
        let over_global = self.global_limit.is_some_and(|limit| self.usage.spent + amount > limit);
        let over_window = self
            .limits
            .iter()
            .zip(self.windows(now))
            .any(|(limit, window)| window.used.saturating_add(limit.step(amount)) > limit.allowed);
        if spent || over_global || over_window {
            let text = format!("The token \"{}\" has violated its usage policy.", self.id);
            return Err(FpsError::new(Code::TokenUsageError, text));
        }
        Ok(())
    }

    /// Whether the token's own rule allows a single charge of `amount`. The detail for an exact amount is recorded, the
    /// others are our choice.
    pub fn check_charge(&self, amount: Amount) -> Result<(), FpsError> {
        let is_exact = self.min_charge.is_some() && self.min_charge == self.max_charge;
        let detail = if self.min_charge.is_some_and(|least| amount < least) {
            if is_exact { NOT_EQUAL } else { "Transaction amount is less than accepted value" }
        } else if self.max_charge.is_some_and(|most| amount > most) {
            if is_exact { NOT_EQUAL } else { "Transaction amount is greater than accepted value" }
        } else {
            return Ok(());
        };
        Err(FpsError::incompatible_tokens(detail))
    }

    /// Records a use.
    pub fn record_use(&mut self, amount: Amount, now: Timestamp) {
        let windows = self.windows(now);
        self.usage.windows = self
            .limits
            .iter()
            .zip(windows)
            .map(|(limit, window)| WindowUsage {
                used: window.used.saturating_add(limit.step(amount)),
                ..window
            })
            .collect();
        self.usage.uses += 1;
        self.usage.spent += amount;
    }

    /// Takes back a use that came to nothing; windows that have passed since stay as they are.
    pub fn undo_use(&mut self, amount: Amount, used_at: Timestamp) {
        let windows = self.windows(used_at);
        for ((limit, window), kept) in self.limits.iter().zip(windows).zip(&mut self.usage.windows) {
            if kept.since == window.since {
                kept.used = (kept.used - limit.step(amount)).max(0);
            }
        }
        self.usage.uses = (self.usage.uses - 1).max(0);
        self.usage.spent = (self.usage.spent - amount).max(Amount::ZERO);
    }

    /// The state of each limit in the window that holds `now`.
    pub fn windows(&self, now: Timestamp) -> Vec<WindowUsage> {
        let anchor = self.validity.from.unwrap_or(self.installed);
        let current =
            |limit: &UsageLimit| limit.period.map_or(anchor, |period| period.window_start(anchor, now));
        self.limits
            .iter()
            .enumerate()
            .map(|(place, limit)| {
                let since = current(limit).millis();
                // A use may have been received a little later than the clock shows, in the next window.
                let latest = now.plus_millis(MAX_LEAD_MILLIS).millis();
                let kept = self.usage.windows.get(place);
                let kept = kept.filter(|kept| kept.since == since || (since..=latest).contains(&kept.since));
                let since = kept.map_or(since, |kept| kept.since);
                WindowUsage { since, used: kept.map_or(0, |kept| kept.used) }
            })
            .collect()
    }

    /// Whether it is as good as this draft: the same parties, references, purpose and limits.
    pub(in crate::ledger) fn allows_the_same(&self, draft: &Self) -> bool {
        let terms = |token: &Self| {
            (
                (token.account, token.caller, token.purpose, token.token_type, token.active, token.method),
                (token.min_charge, token.max_charge, token.global_limit, token.limits.clone()),
                (token.payment_reason.clone(), token.terms, token.recipients.clone(), token.validity.from),
                token.caller_reference.clone(),
            )
        };
        terms(self) == terms(draft)
    }
}

impl UsageLimit {
    /// What one use of `amount` takes from the limit.
    fn step(&self, amount: Amount) -> i64 {
        match self.measure {
            UsageMeasure::Amount => amount.micros(),
            UsageMeasure::Count => 1,
        }
    }
}

//! Payment tokens: what the owner of an account permits a caller to do, the limits, and their usage.

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
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum TokenType {
    /// The token makes one successful payment.
    SingleUse,
    /// The token makes many payments within limits.
    MultiUse,
    /// The token makes one payment in each period.
    Recurring,
    /// The token has no limits.
    Unrestricted,
}

/// The purpose of a token.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Purpose {
    /// Pays by card, bank account or balance: an ordinary sender token.
    Payment,
    /// Pays with a credit instrument, which makes debt.
    Credit,
    /// Pays real money to settle a credit instrument's debt.
    Settlement,
    /// Pays with a prepaid instrument.
    Prepaid,
    /// Pays real money onto a prepaid instrument.
    Funding,
    /// Receives payments in a marketplace.
    Recipient,
    /// Permits the caller to refund what the recipient received. No action of the API of 2008 asks for it.
    Refund,
    /// Was made by InstallPaymentInstruction on the caller's own account. The text of the instruction is not
    /// interpreted.
    Installed,
}

impl Purpose {
    /// Whether a token of this purpose can be the sender token of a Pay or Reserve.
    pub const fn can_pay(self) -> bool {
        matches!(self, Self::Payment | Self::Credit | Self::Prepaid | Self::Installed)
    }

    /// Whether a token of this purpose can be a recipient token.
    pub const fn can_receive(self) -> bool {
        matches!(self, Self::Recipient | Self::Installed)
    }
}

/// The terms on which a recipient takes part in a marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientTerms {
    /// Whether the recipient pays FPS's fee; otherwise the caller does.
    pub recipient_pays_fee: bool,
    /// The fixed part of the largest marketplace fee that the caller may take, in dollars.
    pub max_fixed_fee: Option<Amount>,
    /// The variable part of the largest marketplace fee, in per cent of the payment's amount.
    pub max_variable_fee: Option<Decimal>,
}

impl RecipientTerms {
    /// The party that pays FPS's fee.
    pub const fn fee_payer(&self) -> ChargeFeeTo {
        if self.recipient_pays_fee { ChargeFeeTo::Recipient } else { ChargeFeeTo::Caller }
    }
}

/// The measure of a usage limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UsageMeasure {
    /// The amount of the uses, in millionths of a dollar.
    Amount,
    /// The number of uses.
    Count,
}

/// A limit on the use of a token, for its whole life or for each window of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLimit {
    /// What the limit measures.
    pub measure: UsageMeasure,
    /// The limit: millionths of a dollar, or a number of uses.
    pub allowed: i64,
    /// The length of a window; `None` means the token's whole life.
    pub period: Option<Period>,
}

/// How much of a usage limit is used in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUsage {
    /// The start of the window, in milliseconds since 1970.
    pub since: i64,
    /// How much was used in the window so far: millionths of a dollar, or a number of uses.
    pub used: i64,
}

/// The usage of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The number of uses that succeeded or are pending.
    pub uses: i64,
    /// The sum of their amounts.
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
    /// The owner: the account that pays with the token, or receives by it.
    pub account: AccountNumber,
    /// The caller that installed the token. Only this caller may use it.
    pub caller: AccountNumber,
    /// The purpose.
    pub purpose: Purpose,
    /// The token type: how often the token may be used.
    pub token_type: TokenType,
    /// Whether it is active (not cancelled).
    pub active: bool,
    /// The payment method. A credit token pays by [`PaymentMethod::Debt`].
    pub method: PaymentMethod,
    /// The instrument of a credit, settlement, prepaid or funding token.
    pub instrument: Option<InstrumentNumber>,
    /// The caller reference under which the token was made.
    pub caller_reference: String,
    /// A name for people to read.
    pub friendly_name: String,
    /// The purpose, in the words of the caller.
    pub payment_reason: Option<String>,
    /// The text of InstallPaymentInstruction.
    pub instruction: Option<String>,
    /// The terms of a recipient token.
    pub terms: Option<RecipientTerms>,
    /// The recipient tokens that a sender token may pay. If none is named, it may pay the caller and any recipient.
    pub recipients: Vec<TokenId>,
    /// When the token was installed.
    pub installed: Timestamp,
    /// The period in which it may be used.
    pub validity: Validity,
    /// The smallest single charge.
    pub min_charge: Option<Amount>,
    /// The largest single charge.
    pub max_charge: Option<Amount>,
    /// The limit for the sum of all payments.
    pub global_limit: Option<Amount>,
    /// Usage limits.
    pub limits: Vec<UsageLimit>,
    /// How much of the limits is used.
    pub usage: Usage,
}

/// The recorded detail of the refusal of a charge that is not the exact amount of its token.
const NOT_EQUAL: &str = "Transaction amount not equal to accepted value";

/// How long a single-use token is valid, in milliseconds: three hours (2007 guide). No later source gives another
/// duration.
const SINGLE_USE_MILLIS: i64 = 3 * 60 * 60 * 1000;

impl TokenType {
    /// The validity of a token of this type, unless the request that makes it gives another.
    pub fn validity(self, installed: Timestamp) -> Validity {
        let kept = (self == Self::SingleUse).then(|| installed.plus_millis(SINGLE_USE_MILLIS));
        Validity { from: None, until: kept }
    }
}

impl Token {
    /// Whether the uses of the token have to be counted. They need not be for a token without limits, and it is not
    /// saved with every payment.
    pub fn is_limited(&self) -> bool {
        self.token_type == TokenType::SingleUse || self.global_limit.is_some() || !self.limits.is_empty()
    }

    /// Whether this caller installed the token. Nobody else can use it (Amazon's description of `IncompatibleTokens`;
    /// the detail is our choice).
    pub(in crate::ledger) fn check_installer(&self, caller: AccountNumber) -> Result<(), FpsError> {
        if self.caller == caller {
            return Ok(());
        }
        Err(FpsError::incompatible_tokens("Token was installed by another application"))
    }

    /// Whether the token, used as a sender token, has not been cancelled.
    pub fn check_sender_token_active(&self) -> Result<(), FpsError> {
        if self.active { Ok(()) } else { Err(Code::TokenNotActive_Sender.into()) }
    }

    /// Whether the token is within its validity. A use at another time breaks a rule of the token (Amazon's
    /// description of `IncompatibleTokens`; the details are our choice).
    pub fn check_within_validity(&self, now: Timestamp) -> Result<(), FpsError> {
        if self.validity.contains(now) {
            return Ok(());
        }
        let begins_later = self.validity.from.is_some_and(|from| now < from);
        let detail = if begins_later { "Token is not valid yet" } else { "Token has expired" };
        Err(FpsError::incompatible_tokens(detail))
    }

    /// Whether the token has this purpose and belongs to this instrument.
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

    /// Whether the token's own rule allows a single charge of `amount`. The detail for an exact amount is recorded,
    /// the other details are our choice.
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

    /// Records a use of `amount`.
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

    /// Takes back a use of `amount` that was recorded at `used_at`, because its transaction failed or was cancelled.
    /// A limit whose window has changed since stays as it is: the new window never counted this use.
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

    /// The usage of each limit in the window that contains `now`.
    pub fn windows(&self, now: Timestamp) -> Vec<WindowUsage> {
        let anchor = self.validity.from.unwrap_or(self.installed);
        let current =
            |limit: &UsageLimit| limit.period.map_or(anchor, |period| period.window_start(anchor, now));
        self.limits
            .iter()
            .enumerate()
            .map(|(place, limit)| {
                let since = current(limit).millis();
                // A transaction may count as received a little later than the clock shows. So the recorded window may
                // already be the one after the window of `now`, and it stays the current one.
                let latest = now.plus_millis(MAX_LEAD_MILLIS).millis();
                let kept = self.usage.windows.get(place);
                let kept = kept.filter(|kept| kept.since == since || (since..=latest).contains(&kept.since));
                let since = kept.map_or(since, |kept| kept.since);
                WindowUsage { since, used: kept.map_or(0, |kept| kept.used) }
            })
            .collect()
    }

    /// Whether the token permits the same as this draft: parties, reference, purpose, limits and terms are equal. The
    /// end of its validity is not compared, because a draft may get an end that depends on the instant.
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
    /// How much of the limit one use of `amount` takes, in the limit's measure.
    fn step(&self, amount: Amount) -> i64 {
        match self.measure {
            UsageMeasure::Amount => amount.micros(),
            UsageMeasure::Count => 1,
        }
    }
}

//! Subscriptions: recurring payments that Simple Pay set up (guide: CancelSubscriptionAndRefund and the two look-ups
//! of 2010).

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, SubscriptionId, TransactionNumber};
use crate::ledger::time::{Period, Timestamp};

/// The state of a subscription (schema: SubscriptionStatus).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum SubscriptionStatus {
    /// Further payments are due.
    Active,
    /// The subscription was cancelled. No further payments are due.
    Cancelled,
    /// All payments are made.
    Completed,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The id that clients see.
    pub id: SubscriptionId,
    /// The account that pays.
    pub sender: AccountNumber,
    /// The account that receives the payments. It may cancel the subscription.
    pub recipient: AccountNumber,
    /// The status.
    pub status: SubscriptionStatus,
    /// The terms.
    pub terms: SubscriptionTerms,
    /// The payments made so far, oldest first.
    pub transactions: Vec<TransactionNumber>,
}

/// The terms that the parties agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionTerms {
    /// The purpose.
    pub description: String,
    /// The amount of each payment.
    pub amount: Amount,
    /// The amount of each promotional payment; these come first.
    pub promotional_amount: Option<Amount>,
    /// The number of promotional payments.
    pub promotional_transactions: u32,
    /// The start, in milliseconds since 1970.
    pub start: i64,
    /// The end, in milliseconds since 1970; `None` if the subscription is not limited.
    pub end: Option<i64>,
    /// The duration, if it is limited.
    pub length: Option<Period>,
    /// The time between two payments.
    pub frequency: Period,
    /// When the next payment is due, in milliseconds since 1970; `None` if no payment is due.
    pub next: Option<i64>,
}

impl SubscriptionTerms {
    /// When the next payment is due.
    pub fn next_payment(&self) -> Option<Timestamp> {
        self.next.map(Timestamp::from_millis)
    }
}

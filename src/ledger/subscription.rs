//! Subscriptions: recurring payments that Simple Pay set up (guide: CancelSubscriptionAndRefund and the two
//! look-ups of 2010).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Code, FpsError};

use super::account::{Account, Role};
use super::amount::Amount;
use super::book::Book;
use super::idempotency::{IdempotencyKey, IdempotentAction, IdempotentOperation};
use super::ids::{AccountNumber, SubscriptionId, TransactionNumber};
use super::read_set::ReadSet;
use super::refund::Refund;
use super::time::{Period, Timestamp};
use super::transaction::{Descriptions, MarketplaceRefundPolicy, wire_names};
use super::transaction_views::TransactionDetail;
use super::{Command, Context, Query, QueryContext};

wire_names! {
    /// The state of a subscription (schema: SubscriptionStatus).
    SubscriptionStatus {
        /// Payments go on.
        Active,
        /// Called off.
        Cancelled,
        /// All payments were made.
        Completed,
    }
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id on the wire.
    pub id: SubscriptionId,
    /// Who pays.
    pub sender: AccountNumber,
    /// Who receives, and may call it off.
    pub recipient: AccountNumber,
    /// How far it got.
    pub status: SubscriptionStatus,
    /// Its terms.
    pub terms: SubscriptionTerms,
    /// Its payments, oldest first.
    pub transactions: Vec<TransactionNumber>,
}

/// What was agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionTerms {
    /// What it is for.
    pub description: String,
    /// Each payment.
    pub amount: Amount,
    /// Each of the first payments.
    pub promotional_amount: Option<Amount>,
    /// How many first payments there are.
    pub promotional_transactions: u32,
    /// When it began, milliseconds since 1970.
    pub start: i64,
    /// When it ends, if it does.
    pub end: Option<i64>,
    /// How long it lasts, if it ends.
    pub length: Option<Period>,
    /// How often is paid.
    pub frequency: Period,
    /// When the next payment is due, if one is.
    pub next: Option<i64>,
}

/// Asks for a subscription.
#[derive(Clone, Debug)]
pub struct GetSubscriptionDetails {
    /// Who asks: one of its parties.
    pub caller: AccountNumber,
    /// Which subscription.
    pub subscription: SubscriptionId,
}

/// A subscription with its parties' names and e-mail addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionDetails {
    /// The subscription.
    pub subscription: Subscription,
    /// The recipient.
    pub recipient: Arc<Account>,
    /// The sender.
    pub sender: Arc<Account>,
}

impl Query for GetSubscriptionDetails {
    type Output = SubscriptionDetails;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.subscription(&self.subscription);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<SubscriptionDetails, FpsError> {
        let subscription = Subscription::seen_by(book, self.caller, &self.subscription)?;
        let party = |number| book.shared_account(number).ok_or(Code::InternalError);
        Ok(SubscriptionDetails {
            recipient: party(subscription.recipient)?,
            sender: party(subscription.sender)?,
            subscription: subscription.clone(),
        })
    }
}

/// Asks for a subscription's payments.
#[derive(Clone, Debug)]
pub struct GetTransactionsForSubscription {
    /// Who asks: one of its parties.
    pub caller: AccountNumber,
    /// Which subscription.
    pub subscription: SubscriptionId,
}

impl Query for GetTransactionsForSubscription {
    type Output = (Subscription, Vec<TransactionDetail>);

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let Some(subscription) = reads.subscription(&self.subscription) else { return };
        for &number in &subscription.transactions {
            reads.transaction_row(number);
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let subscription = Subscription::seen_by(book, self.caller, &self.subscription)?;
        let payments = subscription.transactions.iter();
        let details = payments.filter_map(|number| TransactionDetail::of(book, *number)).collect();
        Ok((subscription.clone(), details))
    }
}

/// Calls a subscription off, and gives back part of its last payment if so asked.
#[derive(Clone, Debug)]
pub struct CancelSubscription {
    /// Who asks: the recipient.
    pub caller: AccountNumber,
    /// Which subscription.
    pub subscription: SubscriptionId,
}

impl Command for CancelSubscription {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.subscription(&self.subscription);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let subscription = Subscription::check_owner(book, self.caller, &self.subscription)?;
        let key = subscription.id.clone();
        book.cancel_subscription(&key);
        Ok(())
    }
}

/// The same with a refund of its last payment.
#[derive(Clone, Debug)]
pub struct CancelSubscriptionAndRefund {
    /// Who asks: the recipient.
    pub caller: AccountNumber,
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// How much of the last payment goes back.
    pub amount: Amount,
    /// The refund's reference and note.
    pub descriptions: Descriptions,
}

impl IdempotentOperation for CancelSubscriptionAndRefund {
    fn key(&self) -> IdempotencyKey {
        self.descriptions.idempotency_key(self.caller, IdempotentAction::CancelSubscriptionAndRefund)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        let last = reads.subscription(&self.subscription).and_then(|found| found.transactions.last());
        if let Some(&last) = last {
            reads.transaction_row(last);
        }
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let subscription = Subscription::check_owner(book, self.caller, &self.subscription)?;
        let key = subscription.id.clone();
        let last = subscription.transactions.last().and_then(|number| book.transaction_row(*number));
        let last = last.ok_or_else(|| {
            FpsError::new(
                Code::RefundAmountExceeded,
                "The subscription has no payment that could be refunded.",
            )
        })?;
        let refund = Refund {
            caller: self.caller,
            original: last.id.clone(),
            amount: Some(self.amount),
            policy: MarketplaceRefundPolicy::MasterTxnOnly,
            descriptions: self.descriptions.clone(),
        };
        let refunded = refund.decide(book, context)?;
        book.cancel_subscription(&key);
        Ok(refunded)
    }
}

impl Subscription {
    /// The subscription of this id, for one of its parties.
    fn seen_by<'b>(book: &'b Book, caller: AccountNumber, id: &SubscriptionId) -> Result<&'b Self, FpsError> {
        let found = book.subscription(id);
        let found = found.filter(|found| [found.sender, found.recipient].contains(&caller));
        found.ok_or_else(|| {
            let text = format!("subscriptionId has to be a valid subscription ID. Specified value: {id}");
            FpsError::invalid_params(text)
        })
    }

    /// The same for its recipient, while it goes on.
    fn check_owner<'b>(
        book: &'b Book,
        caller: AccountNumber,
        id: &SubscriptionId,
    ) -> Result<&'b Self, FpsError> {
        let found = Self::seen_by(book, caller, id)?;
        if found.recipient != caller {
            return Err(Code::AccessFailure.into());
        }
        book.account(caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        if found.status == SubscriptionStatus::Active {
            return Ok(found);
        }
        Err(FpsError::new(Code::InvalidTransactionState, "The subscription is not active any more."))
    }
}

impl SubscriptionTerms {
    /// When the next payment is due.
    pub fn next_payment(&self) -> Option<Timestamp> {
        self.next.map(Timestamp::from_millis)
    }
}

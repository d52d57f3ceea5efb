//! GetSubscriptionDetails and GetTransactionsForSubscription (guide of 2010).

use std::sync::Arc;

use crate::error::{Code, FpsError};
use crate::ledger::account::Account;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::{AccountNumber, SubscriptionId};
use crate::ledger::queries::transactions::TransactionDetail;
use crate::ledger::subscription::Subscription;

/// Asks for a subscription.
#[derive(Clone, Debug)]
pub struct GetSubscriptionDetails {
    /// The caller: one of the parties.
    pub caller: AccountNumber,
    /// The subscription.
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
        let subscription = book.find_subscription_of_party(self.caller, &self.subscription)?;
        let party = |number| book.account_arc(number).ok_or(Code::InternalError);
        Ok(SubscriptionDetails {
            recipient: party(subscription.recipient)?,
            sender: party(subscription.sender)?,
            subscription: subscription.clone(),
        })
    }
}

/// Asks for the payments of a subscription.
#[derive(Clone, Debug)]
pub struct GetTransactionsForSubscription {
    /// The caller: one of the parties.
    pub caller: AccountNumber,
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Query for GetTransactionsForSubscription {
    type Output = (Subscription, Vec<TransactionDetail>);

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let Some(subscription) = reads.subscription(&self.subscription) else { return };
        for &number in &subscription.transactions {
            reads.transaction_by_number(number);
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let subscription = book.find_subscription_of_party(self.caller, &self.subscription)?;
        let payments = subscription.transactions.iter();
        let details = payments.filter_map(|number| TransactionDetail::of(book, *number)).collect();
        Ok((subscription.clone(), details))
    }
}

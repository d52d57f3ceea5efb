//! CancelSubscription and CancelSubscriptionAndRefund (guide: page of that name).

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::commands::refund::Refund;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::{AccountNumber, SubscriptionId, TransactionNumber};
use crate::ledger::transaction::MarketplaceRefundPolicy;
use crate::ledger::transaction::descriptions::Descriptions;

/// Cancels a subscription without a refund: CancelSubscriptionAndRefund without an amount.
#[derive(Clone, Debug)]
pub struct CancelSubscription {
    /// The caller: the recipient.
    pub caller: AccountNumber,
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Command for CancelSubscription {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.subscription(&self.subscription);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let subscription = book.find_active_subscription_of_recipient(self.caller, &self.subscription)?;
        let key = subscription.id.clone();
        book.cancel_subscription(&key);
        Ok(())
    }
}

/// Cancels a subscription and refunds its last payment, in part or in full.
#[derive(Clone, Debug)]
pub struct CancelSubscriptionAndRefund {
    /// The caller: the recipient.
    pub caller: AccountNumber,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The amount of the refund.
    pub amount: Amount,
    /// The caller's reference and description of the refund.
    pub descriptions: Descriptions,
}

impl IdempotentOperation for CancelSubscriptionAndRefund {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(
            self.caller,
            IdempotentAction::CancelSubscriptionAndRefund,
            &self.descriptions.caller_reference,
        )
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        let last = reads.subscription(&self.subscription).and_then(|found| found.transactions.last());
        if let Some(&last) = last {
            reads.transaction_by_number(last);
        }
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let subscription = book.find_active_subscription_of_recipient(self.caller, &self.subscription)?;
        let key = subscription.id.clone();
        let last = subscription.transactions.last().and_then(|number| book.transaction_by_number(*number));
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
        // A refused refund leaves the subscription active: the request has both effects or none.
        let refunded = refund.decide(book, context)?;
        book.cancel_subscription(&key);
        Ok(refunded)
    }
}

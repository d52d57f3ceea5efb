//! The changes of a batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::amount::Amount;
use crate::ledger::event::Event;
use crate::ledger::idempotency::IdempotencyKey;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, SubscriptionId, TokenNumber, TransactionNumber};
use crate::ledger::journal::{LedgerAccount, Posting};
use crate::ledger::schedule::ScheduledStep;
use crate::ledger::secret::SecretName;

/// The changes of a batch, as the store saves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New accounts.
    pub accounts: BTreeSet<AccountNumber>,
    /// New tokens.
    pub new_tokens: BTreeSet<TokenNumber>,
    /// New credit and prepaid instruments.
    pub instruments: BTreeSet<InstrumentNumber>,
    /// Stored tokens whose usage, state or payment method changed.
    pub updated_tokens: BTreeSet<TokenNumber>,
    /// New transactions.
    pub new_transactions: BTreeSet<TransactionNumber>,
    /// Stored transactions whose status or progress changed.
    pub updated_transactions: BTreeSet<TransactionNumber>,
    /// New postings.
    pub postings: Vec<Posting>,
    /// The amount that each total changes by. It is added to the stored total.
    pub totals: BTreeMap<LedgerAccount, Amount>,
    /// Open debts that changed, with what is still open. Zero means that nothing is: the stored row is deleted.
    pub open_debts: BTreeMap<(InstrumentNumber, TransactionNumber), Amount>,
    /// New subscriptions.
    pub new_subscriptions: BTreeSet<SubscriptionId>,
    /// Stored subscriptions that were cancelled.
    pub cancelled_subscriptions: BTreeSet<SubscriptionId>,
    /// New secrets.
    pub secrets: BTreeSet<SecretName>,
    /// Caller references that were used.
    pub references: BTreeSet<IdempotencyKey>,
    /// The step that is now scheduled for a transaction, in place of any earlier one; `None` if no step is.
    pub due: BTreeMap<TransactionNumber, Option<ScheduledStep>>,
    /// The events of the batch, in the order of the decisions. Each comes with a change of a row. Events are not
    /// stored yet.
    pub events: Vec<Event>,
}

impl Changes {
    /// Whether nothing has to be saved.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

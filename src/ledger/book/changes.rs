//! What a batch has to save.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::amount::Amount;
use crate::ledger::event::Event;
use crate::ledger::idempotency::IdempotencyKey;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, SubscriptionId, TokenNumber, TransactionNumber};
use crate::ledger::journal::{LedgerAccount, Posting};
use crate::ledger::schedule::Scheduled;
use crate::ledger::secret::SecretName;

/// The changes of a batch, as the store saves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New accounts.
    pub accounts: BTreeSet<AccountNumber>,
    /// New tokens.
    pub new_tokens: BTreeSet<TokenNumber>,
    /// New credit instruments.
    pub instruments: BTreeSet<InstrumentNumber>,
    /// Older tokens whose usage or state changed.
    pub updated_tokens: BTreeSet<TokenNumber>,
    /// New transactions.
    pub new_transactions: BTreeSet<TransactionNumber>,
    /// Older transactions whose status or progress changed.
    pub updated_transactions: BTreeSet<TransactionNumber>,
    /// New journal lines.
    pub postings: Vec<Posting>,
    /// The change of each total.
    pub totals: BTreeMap<LedgerAccount, Amount>,
    /// Open debts that changed; an amount of zero means closed.
    pub open_debts: BTreeMap<(InstrumentNumber, TransactionNumber), Amount>,
    /// New subscriptions.
    pub new_subscriptions: BTreeSet<SubscriptionId>,
    /// Older subscriptions that were cancelled.
    pub cancelled_subscriptions: BTreeSet<SubscriptionId>,
    /// New secrets.
    pub secrets: BTreeSet<SecretName>,
    /// References used.
    pub references: BTreeSet<IdempotencyKey>,
    /// The step that is now scheduled for a transaction; `None` unschedules it.
    pub due: BTreeMap<TransactionNumber, Option<Scheduled>>,
    /// The events of the batch, in the order of decisions. They always come with other changes. They are not stored yet.
    pub events: Vec<Event>,
}

impl Changes {
    /// Whether nothing has to be saved.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

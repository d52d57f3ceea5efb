//! GetTransactionStatus and GetTransaction: what a party of a transaction may see of it.

use std::sync::Arc;

use crate::error::{Code, FpsError};
use crate::ledger::account::Account;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::{
    AccountNumber, InstrumentId, TokenId, TokenNumber, TransactionId, TransactionNumber,
};
use crate::ledger::instrument::InstrumentKind;
use crate::ledger::transaction::Transaction;
use crate::ledger::transaction::status::StatusChange;

/// Asks for the status of a transaction.
#[derive(Clone, Debug)]
pub struct GetTransactionStatus {
    /// The caller: a party of the transaction.
    pub caller: AccountNumber,
    /// The transaction.
    pub transaction: TransactionId,
}

/// The status of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionState {
    /// The id of the transaction.
    pub id: TransactionId,
    /// The last status change.
    pub last_change: StatusChange,
    /// The caller reference of the request that made the transaction.
    pub caller_reference: String,
}

impl Query for GetTransactionStatus {
    type Output = TransactionState;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.transaction_alone(&self.transaction);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<TransactionState, FpsError> {
        let found = book.find_transaction_of_party(self.caller, &self.transaction)?;
        Ok(TransactionState {
            id: found.id.clone(),
            last_change: found.last_change(),
            caller_reference: found.descriptions.caller_reference.clone(),
        })
    }
}

/// Asks for a transaction in full.
#[derive(Clone, Debug)]
pub struct GetTransaction {
    /// The caller: a party of the transaction.
    pub caller: AccountNumber,
    /// The transaction.
    pub transaction: TransactionId,
}

/// A transaction with the accounts and ids that its row numbers stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDetail {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// The sender.
    pub sender: Arc<Account>,
    /// The caller.
    pub caller: Arc<Account>,
    /// The recipient.
    pub recipient: Arc<Account>,
    /// The token that paid.
    pub sender_token: Option<TokenId>,
    /// The token of a marketplace's recipient.
    pub recipient_token: Option<TokenId>,
    /// The instrument charged, funded, settled or written off.
    pub instrument: Option<(InstrumentKind, InstrumentId)>,
    /// Refunds: the transaction that was refunded.
    pub original: Option<TransactionId>,
    /// The refunds of the transaction, if they were loaded.
    pub refunds: Vec<TransactionId>,
}

impl Query for GetTransaction {
    type Output = TransactionDetail;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        if let Some(found) = reads.transaction_alone(&self.transaction) {
            reads.transaction_shown(found.number);
            reads.refunds_of(found.number);
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<TransactionDetail, FpsError> {
        let number = book.find_transaction_of_party(self.caller, &self.transaction)?.number;
        TransactionDetail::of(book, number).ok_or_else(|| Code::InternalError.into())
    }
}

impl TransactionDetail {
    /// The detail of a transaction, from the rows in the book; `None` if the transaction or one of its parties is not
    /// loaded.
    pub(in crate::ledger) fn of(book: &Book, number: TransactionNumber) -> Option<Self> {
        let found = book.transaction_arc(number)?;
        let token = |row: TokenNumber| book.token_by_number(row).map(|token| token.id.clone());
        let id = |row: TransactionNumber| {
            book.transaction_by_number(row).map(|transaction| transaction.id.clone())
        };
        let instrument = found.instrument.and_then(|row| book.instrument_by_number(row));
        // Without a look-up the book may hold some refunds, but not all: then it reports none.
        let refunds = book.refunds_of(number).filter(|_| book.has_loaded_refunds_of(number));
        Some(Self {
            sender: book.account_arc(found.sender)?,
            caller: book.account_arc(found.caller)?,
            recipient: book.account_arc(found.recipient)?,
            sender_token: found.sender_token.and_then(token),
            recipient_token: found.recipient_token.and_then(token),
            instrument: instrument.map(|instrument| (instrument.kind, instrument.id.clone())),
            original: found.original.and_then(id),
            refunds: refunds.map(|refund| refund.id.clone()).collect(),
            transaction: found,
        })
    }
}

//! GetTransactionStatus and GetTransaction: what a party may see of a transaction.

use crate::error::FpsError;

use super::book::Book;
use super::instrument::InstrumentKind;
use super::names::{AccountNumber, InstrumentId, TokenId, TokenNumber, TransactionId, TransactionNumber};
use super::needs::Needs;
use super::transaction::{Stage, Transaction};
use super::{Caller, Command, Context};

/// Asks how far a transaction got.
#[derive(Clone, Debug)]
pub struct GetTransactionStatus {
    /// Who asks: a party of it.
    pub caller: Caller,
    /// Which transaction.
    pub transaction: TransactionId,
}

/// How far a transaction got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionState {
    /// Its id.
    pub id: TransactionId,
    /// Where it stands.
    pub stage: Stage,
    /// The caller's reference for it.
    pub caller_reference: String,
}

impl Command for GetTransactionStatus {
    type Output = TransactionState;
    const LOOKS: bool = true;

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.transaction_alone(self.caller.world, &self.transaction);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<TransactionState, FpsError> {
        let found = Transaction::find(book, self.caller, &self.transaction)?;
        Ok(TransactionState {
            id: found.id.clone(),
            stage: found.stage(),
            caller_reference: found.remarks.caller_reference.clone(),
        })
    }
}

/// Asks for a transaction in full.
#[derive(Clone, Debug)]
pub struct GetTransaction {
    /// Who asks: a party of it.
    pub caller: Caller,
    /// Which transaction.
    pub transaction: TransactionId,
}

/// A party's name and e-mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Contact or business name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

/// A transaction in full, with the ids and names behind its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDetail {
    /// The transaction.
    pub transaction: Transaction,
    /// The sender.
    pub sender: Party,
    /// The caller.
    pub caller: Party,
    /// The recipient.
    pub recipient: Party,
    /// The token that paid.
    pub sender_token: Option<TokenId>,
    /// The token of a marketplace's recipient.
    pub recipient_token: Option<TokenId>,
    /// The instrument charged, funded, settled or written off.
    pub instrument: Option<(InstrumentKind, InstrumentId)>,
    /// Refunds: what was refunded.
    pub original: Option<TransactionId>,
    /// What refunded it, as far as it was asked for.
    pub refunds: Vec<TransactionId>,
}

impl Command for GetTransaction {
    type Output = TransactionDetail;
    const LOOKS: bool = true;

    fn needs(&self, needs: &mut Needs<'_>) {
        if let Some(found) = needs.transaction_alone(self.caller.world, &self.transaction) {
            needs.transaction_shown(found.number);
            needs.refunds_of(found.number);
        }
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<TransactionDetail, FpsError> {
        Ok(TransactionDetail::of(book, Transaction::find(book, self.caller, &self.transaction)?))
    }
}

impl Party {
    /// Name and address of an account.
    pub(super) fn of(book: &Book, number: AccountNumber) -> Self {
        let account = book.account(number);
        account.map(|found| Self { name: found.name.clone(), email: found.email.clone() }).unwrap_or_default()
    }
}

impl TransactionDetail {
    /// A transaction with what the book knows of its surroundings.
    pub(super) fn of(book: &Book, found: &Transaction) -> Self {
        let token = |row: TokenNumber| book.token_row(row).map(|token| token.id.clone());
        let id = |row: TransactionNumber| book.transaction_row(row).map(|transaction| transaction.id.clone());
        Self {
            sender: Party::of(book, found.sender),
            caller: Party::of(book, found.caller),
            recipient: Party::of(book, found.recipient),
            sender_token: found.sender_token.and_then(token),
            recipient_token: found.recipient_token.and_then(token),
            instrument: found
                .instrument
                .and_then(|row| book.instrument_row(row))
                .map(|instrument| (instrument.kind, instrument.id.clone())),
            original: found.original.and_then(id),
            refunds: book.refunds_of(found.number).map(|refund| refund.id.clone()).collect(),
            transaction: found.clone(),
        }
    }
}

//! WriteOffDebt: debt forgiven, no money moved, not to be undone (guide: WriteOffDebt).

use crate::error::{Code, FpsError};

use super::Context;
use super::account::Role;
use super::amount::Amount;
use super::book::Book;
use super::idempotency::{IdempotencyKey, IdempotentAction, IdempotentOperation};
use super::ids::{AccountNumber, InstrumentId, TransactionNumber};
use super::instrument::{Instrument, InstrumentKind};
use super::lifecycle;
use super::posting::LedgerAccount;
use super::read_set::ReadSet;
use super::transaction::{Descriptions, Operation, PaymentMethod, Transaction};

/// A WriteOffDebt as asked for.
#[derive(Clone, Debug)]
pub struct WriteOffDebt {
    /// Who asks: the creditor.
    pub caller: AccountNumber,
    /// Whose debt.
    pub instrument: InstrumentId,
    /// How much of it.
    pub amount: Amount,
    /// What the caller says about it.
    pub descriptions: Descriptions,
}

impl IdempotentOperation for WriteOffDebt {
    fn key(&self) -> IdempotencyKey {
        self.descriptions.idempotency_key(self.caller, IdempotentAction::WriteOffDebt)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Credit)?;
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        if self.amount > book.total(LedgerAccount::debt(instrument.number)) {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.check_amount(self.amount, PaymentMethod::Debt)?;
        let draft = Transaction::draft(
            context,
            self.caller,
            Operation::WriteOffDebt,
            self.amount,
            &self.descriptions,
        )
        .on_debt_of(instrument);
        if let Some(instrument) = draft.instrument {
            book.require_debts_to_clear(instrument, draft.amount)?;
        }
        Ok(lifecycle::finish_at_once(book, draft))
    }
}

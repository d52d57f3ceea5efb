//! WriteOffDebt: debt forgiven, no money moved, not to be undone (guide: WriteOffDebt).

use crate::error::{Code, FpsError};

use super::Context;
use super::account::Role;
use super::book::Book;
use super::completion;
use super::idempotency::{ReferenceKey, Referenced, ReferencedAction};
use super::instrument::{Instrument, InstrumentKind};
use super::money::Amount;
use super::names::{AccountNumber, InstrumentId, TransactionNumber};
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::transaction::{Operation, PaymentMethod, Remarks, Transaction};

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
    pub remarks: Remarks,
}

impl Referenced for WriteOffDebt {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller, ReferencedAction::WriteOffDebt)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller);
        needs.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Credit)?;
        book.account(self.caller).ok_or(Code::AccessFailure)?.take_part(Role::Caller)?;
        if self.amount > book.total(LedgerAccount::debt(instrument.number)) {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.amount_in_range(self.amount, PaymentMethod::Debt)?;
        let draft =
            Transaction::draft(context, self.caller, Operation::WriteOffDebt, self.amount, &self.remarks)
                .on_debt_of(instrument);
        if let Some(instrument) = draft.instrument {
            book.has_debts_to_clear(instrument, draft.amount)?;
        }
        Ok(completion::finish_at_once(book, draft))
    }
}

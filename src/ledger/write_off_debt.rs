//! WriteOffDebt: debt forgiven, no money moved, not to be undone (guide: WriteOffDebt).

use crate::error::{Code, FpsError};

use super::account::Role;
use super::book::Book;
use super::completion;
use super::idempotency::{ReferenceKey, Referenced};
use super::instrument::CreditInstrument;
use super::money::Amount;
use super::names::{InstrumentId, TransactionNumber};
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::transaction::{Operation, PaymentMethod, Remarks, Transaction};
use super::{Caller, Context, unknown_id};

/// A WriteOffDebt as asked for.
#[derive(Clone, Debug)]
pub struct WriteOffDebt {
    /// Who asks: the creditor.
    pub caller: Caller,
    /// Whose debt.
    pub instrument: InstrumentId,
    /// How much of it.
    pub amount: Amount,
    /// What the caller says about it.
    pub remarks: Remarks,
}

impl Referenced for WriteOffDebt {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller.account);
        if let Some(instrument) = needs.instrument(self.caller.world, &self.instrument) {
            needs.open_debts_on(instrument.number);
        }
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let instrument = CreditInstrument::find(book, self.caller, &self.instrument)?;
        book.account(self.caller.account).ok_or(Code::AccessFailure)?.take_part(Role::Caller)?;
        if self.amount > book.total(LedgerAccount::debt(instrument.number)) {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.amount_in_range(self.amount, PaymentMethod::Debt)?;
        let draft =
            Transaction::draft(context, self.caller, Operation::WriteOffDebt, self.amount, &self.remarks)
                .on_debt_of(instrument);
        let instrument = instrument.number;
        let number = completion::finish_at_once(book, draft);
        let forgiven = LedgerAccount::write_offs(self.caller.account);
        book.post(number, &[(LedgerAccount::debt(instrument), -self.amount), (forgiven, self.amount)]);
        book.clear_debt(instrument, self.amount);
        Ok(number)
    }
}

impl CreditInstrument {
    /// The instrument of this id, if the caller is its creditor.
    pub(super) fn find<'b>(book: &'b Book, caller: Caller, id: &InstrumentId) -> Result<&'b Self, FpsError> {
        let instrument = book.instrument(caller.world, id).ok_or_else(|| unknown_instrument(id))?;
        instrument.owned_by(caller.account)?;
        Ok(instrument)
    }
}

/// The refusal of a credit instrument id that names nothing.
pub(super) fn unknown_instrument(id: &InstrumentId) -> FpsError {
    let what = "creditInstrumentId has to be a valid instrument ID";
    unknown_id(id.has_fps_form(), Code::InvalidPaymentInstrument, what, id.as_str())
}

//! WriteOffDebt: a creditor forgives debt. No money moves, and nothing can undo it (guide: WriteOffDebt).

use crate::error::{Code, FpsError};
use crate::ledger::account::Role;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::Context;
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::{AccountNumber, InstrumentId, TransactionNumber};
use crate::ledger::instrument::InstrumentKind;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::lifecycle;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::transaction::Operation;
use crate::ledger::transaction::descriptions::Descriptions;

/// A WriteOffDebt request.
#[derive(Clone, Debug)]
pub struct WriteOffDebt {
    /// The caller: the creditor.
    pub caller: AccountNumber,
    /// The instrument whose debt is written off.
    pub instrument: InstrumentId,
    /// The amount.
    pub amount: Amount,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
}

impl IdempotentOperation for WriteOffDebt {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(self.caller, IdempotentAction::WriteOffDebt, &self.descriptions.caller_reference)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let instrument =
            book.find_instrument_of_merchant(self.caller, &self.instrument, InstrumentKind::Credit)?;
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        if self.amount > book.total(LedgerAccount::debt(instrument.number)) {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.check_amount(self.amount, PaymentMethod::Debt)?;
        let draft = context
            .draft_transaction(self.caller, Operation::WriteOffDebt, self.amount, &self.descriptions)
            .on_debt_of(instrument);
        // After all checks, because an instrument may have very many open debts.
        if let Some(instrument) = draft.instrument {
            book.require_debts_to_clear(instrument, draft.amount)?;
        }
        Ok(lifecycle::finish_at_once(book, draft))
    }
}

//! GetDebtBalance: what a buyer owes on one credit instrument (guide: GetDebtBalance).

use crate::error::{Code, FpsError};

use super::book::Book;
use super::money::Amount;
use super::names::InstrumentId;
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::write_off_debt::unknown_instrument;
use super::{Caller, Command, Context};

/// Asks for the debt on an instrument.
#[derive(Clone, Debug)]
pub struct GetDebtBalance {
    /// Who asks: debtor or creditor.
    pub caller: Caller,
    /// Which instrument.
    pub instrument: InstrumentId,
}

/// The debt on an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebtBalance {
    /// Debt accumulated and not being settled.
    pub available: Amount,
    /// Debt that waits for a card or a bank to settle it.
    pub pending_out: Amount,
}

impl Command for GetDebtBalance {
    type Output = DebtBalance;

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.instrument(self.caller.world, &self.instrument);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<DebtBalance, FpsError> {
        let found = book.instrument(self.caller.world, &self.instrument);
        let instrument = found.ok_or_else(|| unknown_instrument(&self.instrument))?;
        if ![instrument.sender, instrument.recipient].contains(&self.caller.account) {
            return Err(Code::InstrumentAccessDenied.into());
        }
        Ok(DebtBalance {
            available: book.total(LedgerAccount::debt(instrument.number)),
            pending_out: book.total(LedgerAccount::debt_pending(instrument.number)),
        })
    }
}

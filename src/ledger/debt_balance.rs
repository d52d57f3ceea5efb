//! GetDebtBalance and GetOutstandingDebtBalance: what buyers owe (guide: pages of the same names).

use crate::error::FpsError;

use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, InstrumentId};
use super::instrument::{Instrument, InstrumentKind};
use super::posting::LedgerAccount;
use super::read_set::ReadSet;
use super::{Query, QueryContext};

/// Asks for the debt on an instrument.
#[derive(Clone, Debug)]
pub struct GetDebtBalance {
    /// Who asks: debtor or creditor.
    pub caller: AccountNumber,
    /// Which instrument.
    pub instrument: InstrumentId,
}

/// Debt on one or more instruments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DebtBalance {
    /// Debt accumulated and not being settled.
    pub available: Amount,
    /// Debt that waits for a card or a bank to settle it.
    pub pending_out: Amount,
}

impl Query for GetDebtBalance {
    type Output = DebtBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.instrument(&self.instrument);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<DebtBalance, FpsError> {
        let instrument = Instrument::seen_by(book, self.caller, &self.instrument, InstrumentKind::Credit)?;
        Ok(DebtBalance {
            available: book.total(LedgerAccount::debt(instrument.number)),
            pending_out: book.total(LedgerAccount::debt_pending(instrument.number)),
        })
    }
}

/// Asks for the debt on all instruments of which the caller is the creditor.
#[derive(Clone, Debug)]
pub struct GetOutstandingDebtBalance {
    /// Who asks.
    pub caller: AccountNumber,
}

impl Query for GetOutstandingDebtBalance {
    type Output = DebtBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let creditor = self.caller;
        for account in [
            LedgerAccount::credit_extended(creditor),
            LedgerAccount::credit_extended_pending(creditor),
            LedgerAccount::write_offs(creditor),
        ] {
            let _total = reads.total(account);
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<DebtBalance, FpsError> {
        let creditor = self.caller;
        // What was written off is no debt any more, and was given all the same.
        let given = -book.total(LedgerAccount::credit_extended(creditor));
        Ok(DebtBalance {
            available: given - book.total(LedgerAccount::write_offs(creditor)),
            pending_out: -book.total(LedgerAccount::credit_extended_pending(creditor)),
        })
    }
}

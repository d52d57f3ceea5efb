//! GetDebtBalance and GetOutstandingDebtBalance: the debt of buyers (guide: pages of the same names).

use crate::error::FpsError;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::{AccountNumber, InstrumentId};
use crate::ledger::instrument::InstrumentKind;
use crate::ledger::journal::LedgerAccount;

/// Asks for the debt on a credit instrument.
#[derive(Clone, Debug)]
pub struct GetDebtBalance {
    /// The caller: the debtor or the creditor.
    pub caller: AccountNumber,
    /// The instrument.
    pub instrument: InstrumentId,
}

/// Debt on one or more instruments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DebtBalance {
    /// Debt that is not being settled.
    pub available: Amount,
    /// Debt that a pending settlement will clear.
    pub pending_out: Amount,
}

impl Query for GetDebtBalance {
    type Output = DebtBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.instrument(&self.instrument);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<DebtBalance, FpsError> {
        let instrument =
            book.find_instrument_of_party(self.caller, &self.instrument, InstrumentKind::Credit)?;
        Ok(DebtBalance {
            available: book.total(LedgerAccount::debt(instrument.number)),
            pending_out: book.total(LedgerAccount::debt_pending(instrument.number)),
        })
    }
}

/// Asks for the debt on all instruments of which the caller is the creditor.
#[derive(Clone, Debug)]
pub struct GetOutstandingDebtBalance {
    /// The caller.
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
        // A write-off lowers the debt and not the credit extended, so that it stays visible. It is subtracted here.
        let given = -book.total(LedgerAccount::credit_extended(creditor));
        Ok(DebtBalance {
            available: given - book.total(LedgerAccount::write_offs(creditor)),
            pending_out: -book.total(LedgerAccount::credit_extended_pending(creditor)),
        })
    }
}

//! GetPrepaidBalance and GetTotalPrepaidLiability: money that was paid in advance (guide: pages of the same names).

use crate::error::FpsError;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::{AccountNumber, InstrumentId};
use crate::ledger::instrument::InstrumentKind;
use crate::ledger::journal::LedgerAccount;

/// Asks for the balance of a prepaid instrument.
#[derive(Clone, Debug)]
pub struct GetPrepaidBalance {
    /// The caller: the buyer or the issuer.
    pub caller: AccountNumber,
    /// The instrument.
    pub instrument: InstrumentId,
}

/// Money that was paid in advance on one or more instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepaidBalance {
    /// The money that can be spent.
    pub available: Amount,
    /// The money that a card or a bank has not confirmed yet.
    pub pending_in: Amount,
}

impl Query for GetPrepaidBalance {
    type Output = PrepaidBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.instrument(&self.instrument);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<PrepaidBalance, FpsError> {
        let instrument =
            book.find_instrument_of_party(self.caller, &self.instrument, InstrumentKind::Prepaid)?;
        Ok(PrepaidBalance {
            available: book.total(LedgerAccount::prepaid(instrument.number)),
            pending_in: book.total(LedgerAccount::prepaid_pending(instrument.number)),
        })
    }
}

/// Asks what the caller owes on all prepaid instruments that it issued.
#[derive(Clone, Debug)]
pub struct GetTotalPrepaidLiability {
    /// The caller.
    pub caller: AccountNumber,
}

impl Query for GetTotalPrepaidLiability {
    type Output = PrepaidBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.total(LedgerAccount::prepaid_liability(self.caller));
        reads.total(LedgerAccount::prepaid_liability_pending(self.caller));
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<PrepaidBalance, FpsError> {
        // The totals of liabilities are never above zero.
        Ok(PrepaidBalance {
            available: -book.total(LedgerAccount::prepaid_liability(self.caller)),
            pending_in: -book.total(LedgerAccount::prepaid_liability_pending(self.caller)),
        })
    }
}

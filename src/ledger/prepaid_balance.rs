//! GetPrepaidBalance and GetTotalPrepaidLiability: money paid in advance (guide: pages of the same names).

use crate::error::FpsError;

use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, InstrumentId};
use super::instrument::{Instrument, InstrumentKind};
use super::posting::LedgerAccount;
use super::read_set::ReadSet;
use super::{Query, QueryContext};

/// Asks for the balance of a prepaid instrument.
#[derive(Clone, Debug)]
pub struct GetPrepaidBalance {
    /// Who asks: buyer or issuer.
    pub caller: AccountNumber,
    /// Which instrument.
    pub instrument: InstrumentId,
}

/// Money paid in advance, and what is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrepaidBalance {
    /// What can be spent.
    pub available: Amount,
    /// What a card or a bank has not confirmed yet.
    pub pending_in: Amount,
}

impl Query for GetPrepaidBalance {
    type Output = PrepaidBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.instrument(&self.instrument);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<PrepaidBalance, FpsError> {
        let instrument = Instrument::seen_by(book, self.caller, &self.instrument, InstrumentKind::Prepaid)?;
        Ok(PrepaidBalance {
            available: book.total(LedgerAccount::prepaid(instrument.number)),
            pending_in: book.total(LedgerAccount::prepaid_pending(instrument.number)),
        })
    }
}

/// Asks what the caller owes on all prepaid instruments he issued.
#[derive(Clone, Debug)]
pub struct GetTotalPrepaidLiability {
    /// Who asks.
    pub caller: AccountNumber,
}

impl Query for GetTotalPrepaidLiability {
    type Output = PrepaidBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.total(LedgerAccount::prepaid_liability(self.caller));
        reads.total(LedgerAccount::prepaid_liability_pending(self.caller));
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<PrepaidBalance, FpsError> {
        Ok(PrepaidBalance {
            available: -book.total(LedgerAccount::prepaid_liability(self.caller)),
            pending_in: -book.total(LedgerAccount::prepaid_liability_pending(self.caller)),
        })
    }
}

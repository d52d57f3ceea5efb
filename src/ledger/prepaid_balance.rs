//! GetPrepaidBalance and GetTotalPrepaidLiability: money paid in advance (guide: pages of the same names).

use crate::error::FpsError;

use super::book::Book;
use super::instrument::{Instrument, InstrumentKind};
use super::money::Amount;
use super::names::InstrumentId;
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::{Caller, Command, Context};

/// Asks for the balance of a prepaid instrument.
#[derive(Clone, Debug)]
pub struct GetPrepaidBalance {
    /// Who asks: buyer or issuer.
    pub caller: Caller,
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

impl Command for GetPrepaidBalance {
    type Output = PrepaidBalance;
    const LOOKS: bool = true;

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.instrument(self.caller.world, &self.instrument);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<PrepaidBalance, FpsError> {
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
    pub caller: Caller,
}

impl Command for GetTotalPrepaidLiability {
    type Output = PrepaidBalance;
    const LOOKS: bool = true;

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.total(LedgerAccount::prepaid_liability(self.caller.account));
        needs.total(LedgerAccount::prepaid_liability_pending(self.caller.account));
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<PrepaidBalance, FpsError> {
        Ok(PrepaidBalance {
            available: -book.total(LedgerAccount::prepaid_liability(self.caller.account)),
            pending_in: -book.total(LedgerAccount::prepaid_liability_pending(self.caller.account)),
        })
    }
}

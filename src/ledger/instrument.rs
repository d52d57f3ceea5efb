//! Instruments: a line of credit that a merchant gives a buyer, or money paid in advance.

use crate::error::{Code, FpsError};

use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, InstrumentId, InstrumentNumber};
use super::posting::LedgerAccount;
use super::time::Timestamp;
use super::transaction::wire_names;
use super::unknown_id;

/// A stretch of time in which something may be used. Open ends are unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// First instant of use.
    pub from: Option<Timestamp>,
    /// First instant after the last use.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether `now` lies inside.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

wire_names! {
    /// What an instrument carries.
    InstrumentKind {
        /// Postpaid: debt (guide: Using Postpaid Payment Tokens).
        Credit,
        /// Prepaid: money paid in advance (guide: Using Prepaid Payment Tokens).
        Prepaid,
    }
}

/// A postpaid or prepaid instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its row.
    pub number: InstrumentNumber,
    /// Its id on the wire.
    pub id: InstrumentId,
    /// What it carries.
    pub kind: InstrumentKind,
    /// The buyer: debtor, or owner of the money paid in advance.
    pub sender: AccountNumber,
    /// The merchant: creditor or issuer; caller and recipient of everything done with it.
    pub recipient: AccountNumber,
    /// The highest debt or balance it may carry.
    pub ceiling: Amount,
    /// When it may be used.
    pub validity: Validity,
    /// Whether it is in use at all.
    pub active: bool,
}

impl InstrumentKind {
    /// The parameter that names such an instrument, as messages write it.
    const fn parameter(self) -> &'static str {
        match self {
            Self::Credit => "creditInstrumentId",
            Self::Prepaid => "prepaidInstrumentId",
        }
    }
}

impl Instrument {
    /// The instrument of this id and kind, whoever asks.
    pub(super) fn known<'b>(
        book: &'b Book,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&'b Self, FpsError> {
        book.instrument(id).filter(|found| found.kind == kind).ok_or_else(|| {
            let what = format!("{} has to be a valid instrument ID", kind.parameter());
            unknown_id(id.has_fps_form(), Code::InvalidPaymentInstrument, &what, id.as_str())
        })
    }

    /// The instrument of this id and kind, if the caller is its merchant.
    pub(super) fn find<'b>(
        book: &'b Book,
        caller: AccountNumber,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&'b Self, FpsError> {
        let instrument = Self::known(book, id, kind)?;
        instrument.check_owner(caller)?;
        Ok(instrument)
    }

    /// The same for one of its two parties.
    pub(super) fn seen_by<'b>(
        book: &'b Book,
        caller: AccountNumber,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&'b Self, FpsError> {
        let instrument = Self::known(book, id, kind)?;
        let party = [instrument.sender, instrument.recipient].contains(&caller);
        if party { Ok(instrument) } else { Err(Code::InstrumentAccessDenied.into()) }
    }

    /// The accounts of the book that say what it carries: what stands on it, and what is on its way.
    pub fn ledger_accounts(&self) -> [LedgerAccount; 2] {
        match self.kind {
            InstrumentKind::Credit => {
                [LedgerAccount::debt(self.number), LedgerAccount::debt_pending(self.number)]
            }
            InstrumentKind::Prepaid => {
                [LedgerAccount::prepaid(self.number), LedgerAccount::prepaid_pending(self.number)]
            }
        }
    }

    /// Only the merchant may use it.
    pub fn check_owner(&self, caller: AccountNumber) -> Result<(), FpsError> {
        if self.recipient == caller { Ok(()) } else { Err(Code::InstrumentAccessDenied.into()) }
    }

    /// Whether it can be used now.
    pub fn check_usable(&self, now: Timestamp) -> Result<(), FpsError> {
        if !self.active {
            return Err(Code::InactiveInstrument.into());
        }
        if self.validity.holds(now) { Ok(()) } else { Err(Code::InstrumentExpired.into()) }
    }
}

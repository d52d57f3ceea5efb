//! Credit instruments: a line of credit that a merchant gives a buyer.

use crate::error::{Code, FpsError};

use super::money::Amount;
use super::names::{AccountNumber, InstrumentId, InstrumentNumber, World};
use super::time::Timestamp;

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

/// A postpaid credit instrument (guide: Using Postpaid Payment Tokens).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditInstrument {
    /// Its row.
    pub number: InstrumentNumber,
    /// The world it lives in.
    pub world: World,
    /// Its id on the wire.
    pub id: InstrumentId,
    /// The debtor.
    pub sender: AccountNumber,
    /// The creditor: caller and recipient of everything done with it.
    pub recipient: AccountNumber,
    /// The highest debt it may carry.
    pub credit_limit: Amount,
    /// When it may be used.
    pub validity: Validity,
    /// Whether it is in use at all.
    pub active: bool,
}

impl CreditInstrument {
    /// Only the creditor may charge, settle or write off.
    pub fn owned_by(&self, caller: AccountNumber) -> Result<(), FpsError> {
        if self.recipient == caller { Ok(()) } else { Err(Code::InstrumentAccessDenied.into()) }
    }

    /// Whether it can be used now.
    pub fn usable(&self, now: Timestamp) -> Result<(), FpsError> {
        if !self.active {
            return Err(Code::InactiveInstrument.into());
        }
        if self.validity.holds(now) { Ok(()) } else { Err(Code::InstrumentExpired.into()) }
    }
}

//! Instruments: a line of credit that a merchant gives a buyer, or money that a buyer pays a merchant in advance.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentId, InstrumentNumber};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::time::Timestamp;

/// The period in which a token or instrument may be used. A bound that is `None` does not limit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// The first instant at which it may be used.
    pub from: Option<Timestamp>,
    /// The first instant at which it may no longer be used.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether `now` is within the period.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// The kind of an instrument.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum InstrumentKind {
    /// Postpaid: debt (guide: Using Postpaid Payment Tokens).
    Credit,
    /// Prepaid: money paid in advance (guide: Using Prepaid Payment Tokens).
    Prepaid,
}

/// A postpaid or prepaid instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The row number.
    pub number: InstrumentNumber,
    /// The id that clients see.
    pub id: InstrumentId,
    /// The kind.
    pub kind: InstrumentKind,
    /// The buyer: debtor, or owner of the money paid in advance.
    pub sender: AccountNumber,
    /// The merchant: creditor or issuer. Only the merchant's requests may use the instrument, and only the merchant
    /// is paid with it.
    pub recipient: AccountNumber,
    /// The highest debt or balance that the instrument may carry.
    pub ceiling: Amount,
    /// The period in which it may be used.
    pub validity: Validity,
    /// Whether the instrument is active.
    pub active: bool,
}

impl InstrumentKind {
    /// The request parameter that names an instrument of this kind, in the spelling of error messages.
    pub(super) const fn parameter(self) -> &'static str {
        match self {
            Self::Credit => "creditInstrumentId",
            Self::Prepaid => "prepaidInstrumentId",
        }
    }
}

impl Instrument {
    /// The ledger accounts of the instrument: its debt or balance, and the pending part.
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

    /// Whether the caller is the merchant of the instrument. Nobody else may use it.
    pub fn check_owner(&self, caller: AccountNumber) -> Result<(), FpsError> {
        if self.recipient == caller { Ok(()) } else { Err(Code::InstrumentAccessDenied.into()) }
    }

    /// Whether the instrument is active and within its validity.
    pub fn check_active_and_valid(&self, now: Timestamp) -> Result<(), FpsError> {
        if !self.active {
            return Err(Code::InactiveInstrument.into());
        }
        if self.validity.contains(now) { Ok(()) } else { Err(Code::InstrumentExpired.into()) }
    }
}

//! Double entry: named accounts of the book, and postings over them that sum to zero.

pub(super) mod posting_rules;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, TransactionNumber};
use crate::ledger::payment_method::PaymentMethod;

/// What an account of the book stands for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum LedgerAccountKind {
    /// A party's Amazon Payments balance.
    Balance,
    /// Money on its way to a party: card and bank payments that are still pending.
    Incoming,
    /// Money on its way from a party: card refunds that are still pending.
    Outgoing,
    /// Money that a card holds for a party.
    Reserved,
    /// What a buyer owes on a credit instrument and is not being settled.
    Debt,
    /// The part of a debt that an accepted settlement will clear.
    DebtPending,
    /// The other side of all debt to one creditor that is not being settled, written off or not (never above zero).
    CreditExtended,
    /// The other side of all debt to one creditor that is being settled (never above zero).
    CreditExtendedPending,
    /// Debt that a creditor forgave.
    WriteOffs,
    /// What a buyer has paid in advance on a prepaid instrument.
    Prepaid,
    /// What is on its way to a prepaid instrument.
    PrepaidPending,
    /// The other side of all money paid in advance to one issuer (never above zero).
    PrepaidLiability,
    /// The other side of what is on its way to the prepaid instruments of one issuer.
    PrepaidLiabilityPending,
    /// Fees earned by FPS.
    Fees,
    /// Money in flight between FPS and the card networks.
    ClearingCards,
    /// Money in flight between FPS and banks.
    ClearingBanks,
    /// The outside world behind cards.
    OutsideCards,
    /// The outside world behind bank accounts.
    OutsideBanks,
}

impl LedgerAccountKind {
    /// Whether the account may never fall below zero.
    pub const fn never_negative(self) -> bool {
        matches!(
            self,
            Self::Balance
                | Self::Incoming
                | Self::Outgoing
                | Self::Reserved
                | Self::Debt
                | Self::DebtPending
                | Self::WriteOffs
                | Self::Prepaid
                | Self::PrepaidPending
                | Self::Fees
        )
    }
}

/// The owner of the accounts that belong to the service itself: no row has this number.
const SERVICE: i64 = 0;

/// One account of the book: a kind, and the row (party, instrument, or the service itself) it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerAccount {
    /// What it stands for.
    pub kind: LedgerAccountKind,
    /// The number of the party or instrument; zero for the service itself.
    pub owner: i64,
}

impl LedgerAccount {
    /// A party's balance.
    pub const fn balance(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Balance, owner: party.0 }
    }

    /// Money on its way to a party.
    pub const fn incoming(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Incoming, owner: party.0 }
    }

    /// Money on its way from a party.
    pub const fn outgoing(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Outgoing, owner: party.0 }
    }

    /// Money that a card holds for a party.
    pub const fn reserved(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Reserved, owner: party.0 }
    }

    /// The money paid in advance on an instrument.
    pub const fn prepaid(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::Prepaid, owner: instrument.0 }
    }

    /// What is on its way to a prepaid instrument.
    pub const fn prepaid_pending(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidPending, owner: instrument.0 }
    }

    /// What an issuer owes for money paid in advance.
    pub const fn prepaid_liability(issuer: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidLiability, owner: issuer.0 }
    }

    /// What an issuer will owe for money that is on its way.
    pub const fn prepaid_liability_pending(issuer: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidLiabilityPending, owner: issuer.0 }
    }

    /// The debt on an instrument.
    pub const fn debt(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::Debt, owner: instrument.0 }
    }

    /// The debt on an instrument that is being settled.
    pub const fn debt_pending(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::DebtPending, owner: instrument.0 }
    }

    /// The credit a creditor has given.
    pub const fn credit_extended(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::CreditExtended, owner: creditor.0 }
    }

    /// The credit a creditor has given that is being settled.
    pub const fn credit_extended_pending(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::CreditExtendedPending, owner: creditor.0 }
    }

    /// What a creditor has written off.
    pub const fn write_offs(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::WriteOffs, owner: creditor.0 }
    }

    /// The accounts that belong to the service itself.
    pub const SERVICE_ACCOUNTS: [Self; 5] = [
        Self { kind: LedgerAccountKind::Fees, owner: SERVICE },
        Self { kind: LedgerAccountKind::ClearingCards, owner: SERVICE },
        Self { kind: LedgerAccountKind::ClearingBanks, owner: SERVICE },
        Self { kind: LedgerAccountKind::OutsideCards, owner: SERVICE },
        Self { kind: LedgerAccountKind::OutsideBanks, owner: SERVICE },
    ];

    /// Fees earned by FPS.
    pub const fn fees() -> Self {
        Self { kind: LedgerAccountKind::Fees, owner: SERVICE }
    }

    /// The outside world behind a method that draws on it; `None` for methods inside FPS.
    pub const fn outside(method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => LedgerAccountKind::OutsideCards,
            PaymentMethod::ACH => LedgerAccountKind::OutsideBanks,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => return None,
        };
        Some(Self { kind, owner: SERVICE })
    }

    /// Money in flight by a method that draws on the outside world; `None` for methods inside FPS.
    pub const fn clearing(method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => LedgerAccountKind::ClearingCards,
            PaymentMethod::ACH => LedgerAccountKind::ClearingBanks,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => return None,
        };
        Some(Self { kind, owner: SERVICE })
    }
}

/// One line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The transaction it belongs to.
    pub transaction: TransactionNumber,
    /// Its place among the transaction's postings, from 0.
    pub line: i64,
    /// The account it changes.
    pub account: LedgerAccount,
    /// By how much.
    pub amount: Amount,
}

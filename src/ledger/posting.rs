//! Double entry: named accounts of the book, and postings over them that sum to zero.

use super::money::Amount;
use super::names::{AccountNumber, InstrumentNumber, TransactionNumber, World};
use super::transaction::PaymentMethod;

/// What an account of the book stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A party's Amazon Payments balance.
    Balance,
    /// Money on its way to a party: card and bank payments that are still pending.
    Incoming,
    /// What a buyer owes on a credit instrument and is not being settled.
    Debt,
    /// The part of a debt that an accepted settlement will clear.
    DebtPending,
    /// The other side of all debt to one creditor (never above zero).
    CreditExtended,
    /// Debt that a creditor forgave.
    WriteOffs,
    /// Fees earned by FPS in a world.
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

impl Kind {
    /// Every kind of account.
    pub const ALL: &'static [Self] = &[
        Self::Balance,
        Self::Incoming,
        Self::Debt,
        Self::DebtPending,
        Self::CreditExtended,
        Self::WriteOffs,
        Self::Fees,
        Self::ClearingCards,
        Self::ClearingBanks,
        Self::OutsideCards,
        Self::OutsideBanks,
    ];

    /// Its name in the database and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Incoming => "incoming",
            Self::Debt => "debt",
            Self::DebtPending => "debt-pending",
            Self::CreditExtended => "credit-extended",
            Self::WriteOffs => "write-offs",
            Self::Fees => "fees",
            Self::ClearingCards => "clearing-cards",
            Self::ClearingBanks => "clearing-banks",
            Self::OutsideCards => "outside-cards",
            Self::OutsideBanks => "outside-banks",
        }
    }

    /// Whether the account may never fall below zero.
    pub const fn never_negative(self) -> bool {
        matches!(
            self,
            Self::Balance | Self::Incoming | Self::Debt | Self::DebtPending | Self::WriteOffs | Self::Fees
        )
    }
}

/// One account of the book: a kind, and the row (party, instrument or world) it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerAccount {
    /// What it stands for.
    pub kind: Kind,
    /// The number of the party, instrument or world.
    pub owner: i64,
}

impl LedgerAccount {
    /// A party's balance.
    pub const fn balance(party: AccountNumber) -> Self {
        Self { kind: Kind::Balance, owner: party.0 }
    }

    /// Money on its way to a party.
    pub const fn incoming(party: AccountNumber) -> Self {
        Self { kind: Kind::Incoming, owner: party.0 }
    }

    /// The debt on an instrument.
    pub const fn debt(instrument: InstrumentNumber) -> Self {
        Self { kind: Kind::Debt, owner: instrument.0 }
    }

    /// The debt on an instrument that is being settled.
    pub const fn debt_pending(instrument: InstrumentNumber) -> Self {
        Self { kind: Kind::DebtPending, owner: instrument.0 }
    }

    /// The credit a creditor has given.
    pub const fn credit_extended(creditor: AccountNumber) -> Self {
        Self { kind: Kind::CreditExtended, owner: creditor.0 }
    }

    /// What a creditor has written off.
    pub const fn write_offs(creditor: AccountNumber) -> Self {
        Self { kind: Kind::WriteOffs, owner: creditor.0 }
    }

    /// Fees earned in a world.
    pub const fn fees(world: World) -> Self {
        Self { kind: Kind::Fees, owner: world.0 }
    }

    /// The outside world behind a method that draws on it; `None` for methods inside FPS.
    pub const fn outside(world: World, method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => Kind::OutsideCards,
            PaymentMethod::ACH => Kind::OutsideBanks,
            PaymentMethod::ABT | PaymentMethod::Debt => return None,
        };
        Some(Self { kind, owner: world.0 })
    }

    /// Money in flight by a method that draws on the outside world; `None` for methods inside FPS.
    pub const fn clearing(world: World, method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => Kind::ClearingCards,
            PaymentMethod::ACH => Kind::ClearingBanks,
            PaymentMethod::ABT | PaymentMethod::Debt => return None,
        };
        Some(Self { kind, owner: world.0 })
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

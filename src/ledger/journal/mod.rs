//! Double-entry bookkeeping: ledger accounts, and postings on them that sum to zero.

pub(super) mod posting_rules;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, TransactionNumber};
use crate::ledger::payment_method::PaymentMethod;

/// The kind of a ledger account: what its total means.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum LedgerAccountKind {
    /// A party's Amazon Payments balance.
    Balance,
    /// What a party will receive from card and bank payments that are still pending.
    Incoming,
    /// What a party has paid for card refunds that are still pending.
    Outgoing,
    /// Money that cards hold for a party until its reservations are settled, cancelled or lapse.
    Reserved,
    /// What a buyer owes on a credit instrument, without the part that is being settled.
    Debt,
    /// The part of a debt that a pending settlement will clear. It is owed again if the settlement fails.
    DebtPending,
    /// The counterpart of all debt to one creditor that is not being settled, including debt that was written off
    /// (never above zero).
    CreditExtended,
    /// The counterpart of all debt to one creditor that is being settled (never above zero).
    CreditExtendedPending,
    /// Debt that a creditor has written off.
    WriteOffs,
    /// The balance of a prepaid instrument: what its buyer has paid in advance and not spent.
    Prepaid,
    /// What a prepaid instrument will receive from fundings that are still pending.
    PrepaidPending,
    /// The counterpart of the balances of all prepaid instruments of one issuer (never above zero).
    PrepaidLiability,
    /// The counterpart of pending fundings of all prepaid instruments of one issuer (never above zero).
    PrepaidLiabilityPending,
    /// Fees earned by FPS.
    Fees,
    /// Money in flight between FPS and the card networks.
    ClearingCards,
    /// Money in flight between FPS and banks.
    ClearingBanks,
    /// The counterpart of all money that came from cards, less what was refunded to cards.
    OutsideCards,
    /// The counterpart of all money that came from bank accounts.
    OutsideBanks,
}

impl LedgerAccountKind {
    /// Whether the total of the account must never be below zero.
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

/// The owner of the ledger accounts that belong to the service itself. No row has this number.
const SERVICE: i64 = 0;

/// A ledger account: its kind, and the row (party, instrument, or the service itself) that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerAccount {
    /// The kind.
    pub kind: LedgerAccountKind,
    /// The number of the party or instrument; zero for the service itself.
    pub owner: i64,
}

impl LedgerAccount {
    /// The Amazon Payments balance of a party.
    pub const fn balance(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Balance, owner: party.0 }
    }

    /// What a party will receive from pending payments.
    pub const fn incoming(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Incoming, owner: party.0 }
    }

    /// What a party has paid for pending card refunds.
    pub const fn outgoing(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Outgoing, owner: party.0 }
    }

    /// Money that cards hold for a party.
    pub const fn reserved(party: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::Reserved, owner: party.0 }
    }

    /// The balance of a prepaid instrument.
    pub const fn prepaid(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::Prepaid, owner: instrument.0 }
    }

    /// What a prepaid instrument will receive from pending fundings.
    pub const fn prepaid_pending(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidPending, owner: instrument.0 }
    }

    /// What an issuer owes for money paid in advance, as a negative amount.
    pub const fn prepaid_liability(issuer: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidLiability, owner: issuer.0 }
    }

    /// What an issuer will owe for pending fundings, as a negative amount.
    pub const fn prepaid_liability_pending(issuer: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::PrepaidLiabilityPending, owner: issuer.0 }
    }

    /// The debt on a credit instrument, without the part that is being settled.
    pub const fn debt(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::Debt, owner: instrument.0 }
    }

    /// The debt on a credit instrument that is being settled.
    pub const fn debt_pending(instrument: InstrumentNumber) -> Self {
        Self { kind: LedgerAccountKind::DebtPending, owner: instrument.0 }
    }

    /// The credit that a creditor has given, without the part that is being settled, as a negative amount.
    pub const fn credit_extended(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::CreditExtended, owner: creditor.0 }
    }

    /// The credit that a creditor has given and that is being settled, as a negative amount.
    pub const fn credit_extended_pending(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::CreditExtendedPending, owner: creditor.0 }
    }

    /// What a creditor has written off.
    pub const fn write_offs(creditor: AccountNumber) -> Self {
        Self { kind: LedgerAccountKind::WriteOffs, owner: creditor.0 }
    }

    /// The ledger accounts that belong to the service itself.
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

    /// The counterpart of the money that came from outside FPS by this method; `None` for methods inside FPS.
    pub const fn outside(method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => LedgerAccountKind::OutsideCards,
            PaymentMethod::ACH => LedgerAccountKind::OutsideBanks,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => return None,
        };
        Some(Self { kind, owner: SERVICE })
    }

    /// The account for money in flight between FPS and the card networks or banks of a method; `None` for methods
    /// inside FPS.
    pub const fn clearing(method: PaymentMethod) -> Option<Self> {
        let kind = match method {
            PaymentMethod::CC => LedgerAccountKind::ClearingCards,
            PaymentMethod::ACH => LedgerAccountKind::ClearingBanks,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => return None,
        };
        Some(Self { kind, owner: SERVICE })
    }
}

/// A line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The transaction it belongs to.
    pub transaction: TransactionNumber,
    /// The position among the transaction's postings, from 0.
    pub line: i64,
    /// The ledger account that it changes.
    pub account: LedgerAccount,
    /// The amount that is added to the account's total.
    pub amount: Amount,
}

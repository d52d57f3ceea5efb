//! Transactions: what happened, to whom, and how far it got.

pub(super) mod descriptions;
pub(super) mod status;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::account::Role;
use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentNumber, TokenNumber, TransactionId, TransactionNumber};
use crate::ledger::instrument::Instrument;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::time::Timestamp;
use crate::ledger::token::Token;
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::status::{History, Status, StatusChange, StatusCode};

/// What a transaction does (schema: FPSOperation, with the IPN-only deposit).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum Operation {
    /// Sender pays recipient.
    Pay,
    /// A payment goes back.
    Refund,
    /// Debt is settled with money.
    SettleDebt,
    /// Debt is forgiven.
    WriteOffDebt,
    /// Money is paid in advance onto a prepaid instrument.
    FundPrepaid,
    /// Money is held on a card, to be settled later.
    Reserve,
    /// Money comes into an account from outside: how a seeded balance is funded.
    DepositFunds,
}

/// Who pays the FPS fee (schema: ChargeFeeTo).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum ChargeFeeTo {
    /// The owner of the access key.
    Caller,
    /// The party that receives the money.
    Recipient,
}

/// What a refund does with a marketplace's fee (schema: MarketplaceRefundPolicy).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum MarketplaceRefundPolicy {
    /// The caller keeps the marketplace fee.
    MasterTxnOnly,
    /// Only the marketplace fee goes back.
    MarketplaceTxnOnly,
    /// Both go back.
    MasterAndMarketplaceTxn,
}

/// A transaction and everything a client may ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The row number.
    pub number: TransactionNumber,
    /// The id that clients see.
    pub id: TransactionId,
    /// The operation.
    pub operation: Operation,
    /// The account whose access key made the request.
    pub caller: AccountNumber,
    /// The account that pays.
    pub sender: AccountNumber,
    /// The account that receives.
    pub recipient: AccountNumber,
    /// The token that paid.
    pub sender_token: Option<TokenNumber>,
    /// The token of a marketplace's recipient.
    pub recipient_token: Option<TokenNumber>,
    /// The instrument charged, funded, settled or written off.
    pub instrument: Option<InstrumentNumber>,
    /// How the sender pays.
    pub method: PaymentMethod,
    /// The amount of the request; see [`Transaction::charged`].
    pub amount: Amount,
    /// Who pays the fee.
    pub charge_fee_to: ChargeFeeTo,
    /// What the caller said about it.
    pub descriptions: Descriptions,
    /// Refunds: the transaction that is refunded.
    pub original: Option<TransactionNumber>,
    /// Refunds: what happens to a marketplace's fee.
    pub refund_policy: Option<MarketplaceRefundPolicy>,
    /// When the request was received.
    pub received: Timestamp,
    /// The status, and every status before it.
    pub history: History,
    /// The rest of what changes after the transaction was accepted.
    pub progress: Progress,
}

/// The part of a transaction that changes after it was accepted, besides its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Reservations: how much of it was settled.
    pub settled: Option<Amount>,
    /// FPS's fee; negative when a refund gives fee back.
    pub fee: Amount,
    /// The caller's fee from a marketplace payment.
    pub marketplace_fee: Amount,
    /// What of the caller's fee went back.
    pub marketplace_fee_returned: Amount,
    /// The parties' balances after it, as far as it got.
    pub balances: Balances,
    /// Accepted refunds of it so far.
    pub refunded: Amount,
    /// Fee given back with those refunds.
    pub fee_returned: Amount,
    /// How many postings it has.
    pub lines: i64,
}

/// The balances of a transaction's parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// The sender's.
    pub sender: Amount,
    /// The caller's.
    pub caller: Amount,
    /// The recipient's.
    pub recipient: Amount,
}

impl Transaction {
    /// Paid by the token's owner, by the token's method.
    pub(in crate::ledger) fn paid_with(self, token: &Token) -> Self {
        Self {
            sender: token.account,
            sender_token: Some(token.number),
            instrument: token.instrument,
            method: token.method,
            ..self
        }
    }

    /// Between debtor and creditor.
    pub(in crate::ledger) fn on_debt_of(self, instrument: &Instrument) -> Self {
        Self { sender: instrument.sender, instrument: Some(instrument.number), ..self }
    }

    /// With a fee.
    pub(in crate::ledger) fn charging(mut self, charge_fee_to: ChargeFeeTo, fee: Amount) -> Self {
        self.charge_fee_to = charge_fee_to;
        self.progress.fee = fee;
        self
    }

    /// The card or bank whose answer it waits for. A refund of a bank payment goes to the sender's balance.
    pub(in crate::ledger) fn waits_for(&self) -> Option<PaymentMethod> {
        let inside = match self.operation {
            Operation::Refund => self.method == PaymentMethod::ACH,
            Operation::DepositFunds => true,
            _ => false,
        };
        Some(self.method).filter(|method| method.is_external() && !inside)
    }

    /// How much was charged: what was asked for, or what was settled of a reservation.
    pub fn charged(&self) -> Amount {
        self.progress.settled.unwrap_or(self.amount)
    }

    /// The last status change.
    pub fn last_change(&self) -> StatusChange {
        self.history.last().unwrap_or(StatusChange {
            at: self.received,
            status: Status::Pending,
            code: StatusCode::PendingNetworkResponse,
        })
    }

    /// The current status.
    pub fn status(&self) -> Status {
        self.last_change().status
    }

    /// The credit instrument it charged, if it is a Pay that made debt.
    pub fn debt_charged(&self) -> Option<InstrumentNumber> {
        self.instrument.filter(|_| self.operation == Operation::Pay && self.method == PaymentMethod::Debt)
    }

    /// The account in a role.
    pub fn party(&self, role: Role) -> AccountNumber {
        match role {
            Role::Sender => self.sender,
            Role::Caller => self.caller,
            Role::Recipient => self.recipient,
        }
    }

    /// The running balance of one of its parties after it.
    pub fn balance_of(&self, account: AccountNumber) -> Amount {
        let balances = &self.progress.balances;
        if account == self.recipient {
            balances.recipient
        } else if account == self.sender {
            balances.sender
        } else {
            balances.caller
        }
    }

    /// Whether the account is one of the parties.
    pub fn involves(&self, party: AccountNumber) -> bool {
        [self.caller, self.sender, self.recipient].contains(&party)
    }
}

/// The answer to every request that makes a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction made.
    pub transaction: TransactionId,
    /// Its status when the request was answered.
    pub status: Status,
}

//! Transactions: their terms, their parties and their progress.

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

/// The operation of a transaction (schema: FPSOperation, with the IPN-only deposit).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Operation {
    /// The sender pays the recipient.
    Pay,
    /// Money of a payment goes back.
    Refund,
    /// The sender pays debt on a credit instrument.
    SettleDebt,
    /// The creditor forgives debt on a credit instrument.
    WriteOffDebt,
    /// The sender pays money in advance onto a prepaid instrument.
    FundPrepaid,
    /// A card holds money for the recipient, which Settle charges later.
    Reserve,
    /// Money comes into an account from a bank. Seed files give accounts their balances in this way.
    DepositFunds,
}

/// The party that pays FPS's fee (schema: ChargeFeeTo).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum ChargeFeeTo {
    /// The caller: the owner of the access key.
    Caller,
    /// The recipient of the money.
    Recipient,
}

/// The parts of a payment that a refund returns (schema: MarketplaceRefundPolicy).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum MarketplaceRefundPolicy {
    /// The payment is refunded. The caller keeps the marketplace fee.
    MasterTxnOnly,
    /// Only the marketplace fee goes back, to the recipient.
    MarketplaceTxnOnly,
    /// The payment is refunded, and the marketplace fee goes back in proportion.
    MasterAndMarketplaceTxn,
}

/// A transaction, with everything that a client can ask about it.
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
    /// The token of the sender, if the sender paid by one.
    pub sender_token: Option<TokenNumber>,
    /// The token of the recipient in a marketplace.
    pub recipient_token: Option<TokenNumber>,
    /// The instrument that is charged, funded, settled or written off.
    pub instrument: Option<InstrumentNumber>,
    /// The payment method. A refund of a payment has the method of the payment.
    pub method: PaymentMethod,
    /// The amount of the request. What was charged is [`Transaction::charged`].
    pub amount: Amount,
    /// The party that pays FPS's fee.
    pub charge_fee_to: ChargeFeeTo,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
    /// The transaction that a refund refunds.
    pub original: Option<TransactionNumber>,
    /// The policy of a refund.
    pub refund_policy: Option<MarketplaceRefundPolicy>,
    /// When the request counts as received. Transactions of one world get instants of their own where possible.
    pub received: Timestamp,
    /// Every status so far. The last one is the current status.
    pub history: History,
    /// All else that changes after the transaction is accepted.
    pub progress: Progress,
}

/// The part of a transaction that changes after the transaction is accepted, besides the status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The settled amount of a reservation; `None` until it is settled.
    pub settled: Option<Amount>,
    /// FPS's fee. It is negative for a refund that returns a fee.
    pub fee: Amount,
    /// The marketplace fee that the caller takes. It is negative for a refund that returns some of it.
    pub marketplace_fee: Amount,
    /// How much of the marketplace fee has been returned by refunds.
    pub marketplace_fee_returned: Amount,
    /// The balances of the parties after the last change of status that could change them.
    pub balances: Balances,
    /// The sum of the accepted refunds so far, without those of the marketplace fee alone.
    pub refunded: Amount,
    /// How much of FPS's fee those refunds have returned.
    pub fee_returned: Amount,
    /// The number of postings so far.
    pub lines: i64,
}

/// The balances of a transaction's parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// The sender's balance.
    pub sender: Amount,
    /// The caller's balance.
    pub caller: Amount,
    /// The recipient's balance.
    pub recipient: Amount,
}

impl Transaction {
    /// The transaction, paid by the owner of this token, by the token's method and with its instrument.
    pub(in crate::ledger) fn paid_with(self, token: &Token) -> Self {
        Self {
            sender: token.account,
            sender_token: Some(token.number),
            instrument: token.instrument,
            method: token.method,
            ..self
        }
    }

    /// The transaction, with the debtor of this instrument as its sender.
    pub(in crate::ledger) fn on_debt_of(self, instrument: &Instrument) -> Self {
        Self { sender: instrument.sender, instrument: Some(instrument.number), ..self }
    }

    /// The transaction, with this fee of FPS.
    pub(in crate::ledger) fn charging(mut self, charge_fee_to: ChargeFeeTo, fee: Amount) -> Self {
        self.charge_fee_to = charge_fee_to;
        self.progress.fee = fee;
        self
    }

    /// The external method whose answer the transaction waits for; `None` if it finishes in the call. A refund of a
    /// bank payment goes to a balance, and a deposit is complete when it is made, so they wait for nothing.
    pub(in crate::ledger) fn waits_for(&self) -> Option<PaymentMethod> {
        let inside = match self.operation {
            Operation::Refund => self.method == PaymentMethod::ACH,
            Operation::DepositFunds => true,
            _ => false,
        };
        Some(self.method).filter(|method| method.is_external() && !inside)
    }

    /// The amount that is charged: the settled amount of a reservation, or otherwise the amount of the request.
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

    /// The credit instrument that a debt Pay charged; `None` for other transactions.
    pub fn debt_charged(&self) -> Option<InstrumentNumber> {
        self.instrument.filter(|_| self.operation == Operation::Pay && self.method == PaymentMethod::Debt)
    }

    /// The account that has this role.
    pub fn party(&self, role: Role) -> AccountNumber {
        match role {
            Role::Sender => self.sender,
            Role::Caller => self.caller,
            Role::Recipient => self.recipient,
        }
    }

    /// The balance of one of the parties after the transaction.
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

/// The answer to a request that makes, settles or cancels a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction.
    pub transaction: TransactionId,
    /// The status when the request was first answered.
    pub status: Status,
}

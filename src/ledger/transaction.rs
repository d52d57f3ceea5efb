//! Transactions: what happened, to whom, and how far it got.

use super::account::Role;
use super::amount::Amount;
use super::book::History;
use super::ids::{AccountNumber, InstrumentNumber, TokenNumber, TransactionId, TransactionNumber};
use super::time::Timestamp;

macro_rules! wire_names {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every value, in schema order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value as it stands on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// Reads a wire name; case matters.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }
    )*};
}
pub(crate) use wire_names;

wire_names! {
    /// What a transaction does (schema: FPSOperation, with the IPN-only deposit).
    Operation {
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

    /// The state of a transaction (schema: TransactionStatus).
    Status {
        /// Held on a card.
        Reserved,
        /// Done.
        Success,
        /// Ended without effect.
        Failure,
        /// On its way.
        Pending,
        /// Called off.
        Cancelled,
    }

    /// The finer state of a transaction (guide: GetTransactionStatus).
    StatusCode {
        /// The payment instrument was charged.
        Success,
        /// The payment processor has not answered yet.
        PendingNetworkResponse,
        /// The time allowed ran out.
        Expired,
        /// The processor refused for now.
        TransactionDenied,
        /// The processor refused because the sender lacks funds; on the wire `TransactionDenied` too.
        InsufficientFunds,
        /// Called off; the guide's spelling has one l here and two in the status.
        Canceled,
    }

    /// How the sender pays (schema: PaymentMethod).
    PaymentMethod {
        /// Amazon Payments balance transfer.
        ABT,
        /// Credit card.
        CC,
        /// Bank account.
        ACH,
        /// Postpaid credit instrument.
        Debt,
        /// Prepaid instrument.
        Prepaid,
    }

    /// Who pays the FPS fee (schema: ChargeFeeTo).
    ChargeFeeTo {
        /// The owner of the access key.
        Caller,
        /// The party that receives the money.
        Recipient,
    }

    /// Which text goes to the card processor (schema: SoftDescriptorType).
    SoftDescriptorType {
        /// The first characters of the sender description.
        Dynamic,
        /// The account's own descriptor.
        Static,
    }

    /// Whose customer service is named to the card processor (schema: CSOwner).
    CsOwner {
        /// The caller's.
        Caller,
        /// The recipient's.
        Recipient,
    }

    /// What a refund does with a marketplace's fee (schema: MarketplaceRefundPolicy).
    MarketplaceRefundPolicy {
        /// The caller keeps the marketplace fee.
        MasterTxnOnly,
        /// Only the marketplace fee goes back.
        MarketplaceTxnOnly,
        /// Both go back.
        MasterAndMarketplaceTxn,
    }
}

impl Status {
    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }
}

impl StatusCode {
    /// The code as it stands in answers.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::InsufficientFunds => Self::TransactionDenied.name(),
            other => other.name(),
        }
    }

    /// The sentence that goes with the code (the first two as recorded, the rest our choice).
    pub const fn message(self) -> &'static str {
        match self {
            Self::Success => "The transaction was successful and the payment instrument was charged.",
            Self::PendingNetworkResponse => {
                "The transaction is awaiting a response from the backend payment processor."
            }
            Self::Expired => "The transaction could not be completed within the time allowed.",
            Self::TransactionDenied => "The payment processor declined the transaction for now.",
            Self::InsufficientFunds => "The payment processor denied the transaction: insufficient funds.",
            Self::Canceled => "The transaction was cancelled.",
        }
    }
}

impl PaymentMethod {
    /// Whether the method finishes outside FPS, later (guide: cards and banks are asynchronous).
    pub const fn is_external(self) -> bool {
        matches!(self, Self::CC | Self::ACH)
    }
}

/// `DescriptorPolicy`: stored and otherwise without effect in a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPolicy {
    /// Which text goes to the card processor.
    pub soft_descriptor: SoftDescriptorType,
    /// Whose customer service is named.
    pub owner: CsOwner,
}

/// What the caller says about a transaction besides its amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptions {
    /// The caller's own name for the request: unique for seven days.
    pub caller_reference: String,
    /// For the caller.
    pub caller_description: Option<String>,
    /// Shown to the sender.
    pub sender_description: Option<String>,
    /// What the card processor is told.
    pub descriptor_policy: Option<DescriptorPolicy>,
    /// Where this transaction's notifications go instead of the account's address.
    pub ipn_url: Option<String>,
}

/// One entry of a transaction's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// When it was reached.
    pub at: Timestamp,
    /// The state reached.
    pub status: Status,
    /// Its finer code.
    pub code: StatusCode,
}

impl StatusChange {
    /// The sentence that goes with it: an amount that is only held was not charged (the variant's text is our choice).
    pub const fn message(&self) -> &'static str {
        match (self.status, self.code) {
            (Status::Reserved, StatusCode::Success) => {
                "The transaction was successful and the amount was reserved."
            }
            (_, code) => code.message(),
        }
    }
}

/// A transaction and everything a client may ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its row.
    pub number: TransactionNumber,
    /// Its id on the wire.
    pub id: TransactionId,
    /// What it does.
    pub operation: Operation,
    /// Whose access key made it.
    pub caller: AccountNumber,
    /// Who pays.
    pub sender: AccountNumber,
    /// Who receives.
    pub recipient: AccountNumber,
    /// The token that paid.
    pub sender_token: Option<TokenNumber>,
    /// The token of a marketplace's recipient.
    pub recipient_token: Option<TokenNumber>,
    /// The instrument charged, funded, settled or written off.
    pub instrument: Option<InstrumentNumber>,
    /// How the sender pays.
    pub method: PaymentMethod,
    /// How much was asked for; see [`Transaction::charged`].
    pub amount: Amount,
    /// Who pays the fee.
    pub charge_fee_to: ChargeFeeTo,
    /// What the caller said about it.
    pub descriptions: Descriptions,
    /// Refunds: the transaction that is refunded.
    pub original: Option<TransactionNumber>,
    /// Refunds: what happens to a marketplace's fee.
    pub refund_policy: Option<MarketplaceRefundPolicy>,
    /// When it came in.
    pub received: Timestamp,
    /// Its status, and every one before it.
    pub history: History,
    /// What else can still change.
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
    /// How much was charged: what was asked for, or what was settled of a reservation.
    pub fn charged(&self) -> Amount {
        self.progress.settled.unwrap_or(self.amount)
    }

    /// The state it is in.
    pub fn last_change(&self) -> StatusChange {
        self.history.last().unwrap_or(StatusChange {
            at: self.received,
            status: Status::Pending,
            code: StatusCode::PendingNetworkResponse,
        })
    }

    /// The status it is in.
    pub fn status(&self) -> Status {
        self.last_change().status
    }

    /// The credit instrument it charged, if it is a Pay that made debt.
    pub fn debt_charged(&self) -> Option<InstrumentNumber> {
        self.instrument.filter(|_| self.operation == Operation::Pay && self.method == PaymentMethod::Debt)
    }

    /// Who played a role in it.
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

    /// Whether the account had a part in it.
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

//! The ledger: all money logic, pure and synchronous.
//!
//! A [`Command`] says what it [needs](Needs) loaded, then decides on a [`Book`] that holds it, given the time,
//! the [`Rules`] and the [`IdAllocator`] as arguments. A [`Query`] does the same and changes nothing. No I/O, no clock, no randomness here: everything can be
//! tested without a database or a server.
//!
//! Every command checks first and changes last, so one that is refused has changed nothing.

mod account;
mod account_activity;
mod amount;
mod authorize;
mod book;
mod cbui_status;
mod debt_balance;
mod deposit;
mod digits;
mod event;
mod fees;
mod fund_prepaid;
mod id_allocator;
mod idempotency;
mod ids;
mod instrument;
mod lifecycle;
pub mod magic;
mod pay;
mod payment;
mod posting;
mod posting_rules;
mod prepaid_balance;
mod proposal;
mod read_set;
mod refund;
mod reserve;
mod secret;
mod settle_debt;
mod subscription;
mod time;
mod token;
mod tokens;
mod transaction;
mod transaction_views;
mod write_off_debt;

pub use account::{Account, AccountKind, AccountState, EmailKey, Role};
pub use account_activity::{
    AccountActivity, AccountBalance, ActivityPage, ActivityQuery, GetAccountActivity, GetAccountBalance,
};
pub use amount::{Amount, ParseAmountError};
pub use authorize::{Authorization, AuthorizationPreview, Authorize, PreviewAuthorization, Visitor};
pub use book::{Book, Changes, History, InvariantViolation, OldestDebts, Scheduled, ScheduledStep};
pub use cbui_status::CbuiStatus;
pub use debt_balance::{DebtBalance, GetDebtBalance, GetOutstandingDebtBalance};
pub use deposit::DepositFunds;
pub use digits::{decimal_number, whole_number};
pub use event::Event;
pub use fees::{FeeRule, FeeTable};
pub use fund_prepaid::FundPrepaid;
pub use id_allocator::{IdAllocator, IdCodec, mix};
pub use idempotency::{
    IdempotencyKey, IdempotencyRecord, Idempotent, IdempotentAction, IdempotentOperation, RecordedOutcome,
    RequestDigest,
};
pub use ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
pub use instrument::{Instrument, InstrumentKind, Validity};
pub use lifecycle::RunScheduled;
pub use pay::Pay;
pub use payment::{MarketplaceFee, Payment};
pub use posting::{LedgerAccount, LedgerAccountKind, Posting};
pub use prepaid_balance::{GetPrepaidBalance, GetTotalPrepaidLiability, PrepaidBalance};
pub use proposal::{ChargeRange, Credit, Payments, Proposal, ProposalError, TokenRequest};
pub use read_set::{MissingDebts, MissingRows, ReadSet};
pub use refund::Refund;
pub use reserve::{Cancel, Reserve, Settle};
pub use secret::{GetSecret, Secret, SecretName, StoreSecret};
pub use settle_debt::SettleDebt;
pub use subscription::{
    CancelSubscription, CancelSubscriptionAndRefund, GetSubscriptionDetails, GetTransactionsForSubscription,
    Subscription, SubscriptionDetails, SubscriptionStatus, SubscriptionTerms,
};
pub use time::{Period, Timestamp, Unit};
pub use token::{Purpose, RecipientTerms, Token, TokenType, Usage, UsageLimit, UsageMeasure, WindowUsage};
pub use tokens::{
    CancelToken, GetPaymentInstruction, GetRecipientVerificationStatus, GetTokenByCaller, GetTokenUsage,
    GetTokens, InstallPaymentInstruction, TokenSelector,
};
pub use transaction::{
    Balances, ChargeFeeTo, CsOwner, Descriptions, DescriptorPolicy, MarketplaceRefundPolicy, Operation,
    PaymentMethod, Progress, Receipt, SoftDescriptorType, Status, StatusChange, StatusCode, Transaction,
};
pub use transaction_views::{GetTransaction, GetTransactionStatus, TransactionDetail, TransactionState};
pub use write_off_debt::WriteOffDebt;

use std::fmt::Write;

use crate::error::{Code, FpsError};

/// Something a client asks of the book.
pub trait Command: Send + 'static {
    /// The answer.
    type Output: Send + 'static;

    /// Names the rows it needs, as far as it can tell from what is loaded already.
    fn read_set(&self, reads: &mut ReadSet<'_>);

    /// Decides. A refusal has changed nothing but, where it says so, its caller reference.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Self::Output, FpsError>;
}

/// Something a client wants to know of the book. It changes nothing.
pub trait Query: Send + 'static {
    /// The answer.
    type Output: Send + 'static;

    /// Names the rows it needs, as far as it can tell from what is loaded already.
    fn read_set(&self, reads: &mut ReadSet<'_>);

    /// Answers from the rows.
    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<Self::Output, FpsError>;
}

/// What an answer may depend on besides the book.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    /// What the world's clock shows.
    pub now: Timestamp,
    /// When the newest transaction was received; it may be a little later than the clock shows.
    pub newest: Timestamp,
    /// The rules in force.
    pub rules: &'a Rules,
}

/// What a decision may depend on besides the book.
#[derive(Debug)]
pub struct Context<'a> {
    /// The world's clock.
    pub now: Timestamp,
    /// Whether the clock stands until somebody moves it.
    pub clock_stands: bool,
    /// The rules in force.
    pub rules: &'a Rules,
    /// Where new numbers and ids come from.
    pub numbering: &'a mut IdAllocator,
}

impl Context<'_> {
    /// As much of it as an answer may depend on.
    pub fn to_query(&self) -> QueryContext<'_> {
        QueryContext { now: self.now, newest: self.numbering.newest(), rules: self.rules }
    }
}

/// The configurable part of the service's behaviour.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What operations cost.
    pub fees: FeeTable,
    /// How long a card payment stays pending, in milliseconds.
    pub cc_delay_millis: i64,
    /// How long a bank payment stays pending, in milliseconds.
    pub ach_delay_millis: i64,
    /// The largest amount of one transaction.
    pub max_amount: Amount,
    /// Whether magic values force errors.
    pub magic: bool,
}

impl Rules {
    /// How long a payment by this method stays pending; `None` when it finishes in the call.
    pub fn delay_millis(&self, method: PaymentMethod) -> Option<i64> {
        match method {
            PaymentMethod::CC => Some(self.cc_delay_millis),
            PaymentMethod::ACH => Some(self.ach_delay_millis),
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => None,
        }
    }

    /// The refusal that a token id forces in this parameter, if it is a magic one.
    fn check_magic_token(&self, parameter: &str, id: &TokenId) -> Result<(), FpsError> {
        if !self.magic {
            return Ok(());
        }
        magic::forced_by_token(parameter, id).map_or(Ok(()), Err)
    }

    /// How a card or a bank will answer.
    fn processor_outcome(&self, transaction: &Transaction) -> ScheduledStep {
        let charges = transaction.operation != Operation::Refund && self.magic;
        let forced = if charges { magic::forced_by_amount(transaction.amount) } else { None };
        forced.unwrap_or(ScheduledStep::Complete)
    }

    /// Whether an amount is one that FPS moves: at least a cent, above a cent by card or bank, not above the
    /// largest (guide: `AmountOutOfRange`).
    pub fn check_amount(&self, amount: Amount, method: PaymentMethod) -> Result<(), FpsError> {
        let above_cent = amount > Amount::CENT || (amount == Amount::CENT && !method.is_external());
        if above_cent && amount <= self.max_amount {
            return Ok(());
        }
        let least = if method.is_external() { "greater than $0.01" } else { "at least $0.01" };
        let most = self.max_amount.to_decimal().normalize();
        let mut text = format!("The amount must be {least} and at most ${most}.");
        // A number too long to hold is not known exactly, so it cannot be quoted.
        if amount < Amount::HUGE {
            let _ = write!(text, " Specified value: {}", amount.to_decimal().normalize());
        }
        Err(FpsError::new(Code::AmountOutOfRange, text))
    }
}

/// The refusal of an id that names nothing: a wrong form is told apart from an unknown id (our choice).
fn unknown_id(has_fps_form: bool, code: Code, what: &str, id: &str) -> FpsError {
    if has_fps_form {
        code.into()
    } else {
        FpsError::invalid_params(format!("{what}. Specified value: {id}"))
    }
}

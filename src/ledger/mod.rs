//! The ledger: all money logic, pure and synchronous.
//!
//! A [`Command`] names the rows that it reads ([`ReadSet`]), then decides on a [`Book`] that holds them. Time, the
//! [`Rules`] and the [`IdAllocator`] are arguments. A [`Query`] does the same and changes nothing. The module has no
//! I/O, no clock and no randomness, so that everything can be tested without a database or a server.
//!
//! Every command checks first and changes last: a command that is refused has changed nothing, except that it may
//! have used its caller reference. A batch saves the changes of many commands together, so there is no rollback for
//! one of them.
//!
//! * Values: `amount`, `time`, `ids`, `numbers`, `payment_method`.
//! * Rows: `account`, `token`, `instrument`, `transaction`, `subscription`, `idempotency`, `secret`.
//! * The double entry: `journal` (the accounts of the ledger, and the postings of each operation).
//! * `book`: the rows of a batch and what the batch changes in them; `schedule`, `event`: the later steps and the
//!   events that a change leads to.
//! * `rules`: fees, delays, limits and magic values; `lifecycle`: the first status of a transaction.
//! * `commands`, `queries`: one file for each operation of the service; `proposal`: what a merchant asks a buyer to
//!   authorize.

mod account;
mod amount;
mod book;
mod cbui_status;
mod command;
mod commands;
mod event;
mod id_allocator;
mod idempotency;
mod ids;
mod instrument;
mod journal;
mod lifecycle;
mod named;
mod numbers;
mod payment_method;
mod proposal;
mod queries;
mod rules;
mod schedule;
mod secret;
mod subscription;
mod time;
mod token;
mod transaction;

pub use account::{Account, AccountKind, AccountState, EmailKey, Role};
pub use amount::{Amount, ParseAmountError};
pub use book::activity::{ActivityPage, ActivityQuery};
pub use book::changes::Changes;
pub use book::invariant::InvariantViolation;
pub use book::missing_rows::{MissingDebts, MissingRows};
pub use book::read_set::ReadSet;
pub use book::{Book, OldestDebts};
pub use cbui_status::CbuiStatus;
pub use command::{Command, Context, Query, QueryContext};
pub use commands::authorize::{Authorization, Authorize, Visitor};
pub use commands::cancel_subscription::{CancelSubscription, CancelSubscriptionAndRefund};
pub use commands::deposit_funds::DepositFunds;
pub use commands::fund_prepaid::FundPrepaid;
pub use commands::idempotent::{Idempotent, IdempotentOperation};
pub use commands::payment::{MarketplaceFee, Pay, Payment, Reserve};
pub use commands::refund::Refund;
pub use commands::run_scheduled::RunScheduledStep;
pub use commands::settle::{Cancel, Settle};
pub use commands::settle_debt::SettleDebt;
pub use commands::store_secret::StoreSecret;
pub use commands::tokens::{CancelToken, InstallPaymentInstruction};
pub use commands::write_off_debt::WriteOffDebt;
pub use event::Event;
pub use id_allocator::{IdAllocator, IdCodec, split_mix64};
pub use idempotency::{IdempotencyKey, IdempotencyRecord, IdempotentAction, RecordedOutcome, RequestDigest};
pub use ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
pub use instrument::{Instrument, InstrumentKind, Validity};
pub use journal::{LedgerAccount, LedgerAccountKind, Posting};
pub use named::Named;
pub use numbers::{decimal_number, whole_number};
pub use payment_method::PaymentMethod;
pub use proposal::{ChargeRange, PostpaidTerms, Proposal, ProposalError, SenderTokenTerms, TokenRequest};
pub use queries::account_activity::{AccountActivity, AccountBalance, GetAccountActivity, GetAccountBalance};
pub use queries::debt_balance::{DebtBalance, GetDebtBalance, GetOutstandingDebtBalance};
pub use queries::get_secret::GetSecret;
pub use queries::prepaid_balance::{GetPrepaidBalance, GetTotalPrepaidLiability, PrepaidBalance};
pub use queries::preview_authorization::{AuthorizationPreview, PreviewAuthorization};
pub use queries::subscriptions::{
    GetSubscriptionDetails, GetTransactionsForSubscription, SubscriptionDetails,
};
pub use queries::tokens::{
    GetPaymentInstruction, GetRecipientVerificationStatus, GetTokenByCaller, GetTokenUsage, GetTokens,
    TokenSelector,
};
pub use queries::transactions::{GetTransaction, GetTransactionStatus, TransactionDetail, TransactionState};
pub use rules::Rules;
pub use rules::fees::{FeeRule, FeeTable};
pub use rules::magic;
pub use schedule::{ScheduledStep, StepKind};
pub use secret::{Secret, SecretName};
pub use subscription::{Subscription, SubscriptionStatus, SubscriptionTerms};
pub use time::{Period, Timestamp, Unit};
pub use token::{Purpose, RecipientTerms, Token, TokenType, Usage, UsageLimit, UsageMeasure, WindowUsage};
pub use transaction::descriptions::{CsOwner, Descriptions, DescriptorPolicy, SoftDescriptorType};
pub use transaction::status::{History, Status, StatusChange, StatusCode};
pub use transaction::{
    Balances, ChargeFeeTo, MarketplaceRefundPolicy, Operation, Progress, Receipt, Transaction,
};

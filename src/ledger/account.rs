//! Accounts: the parties of a payment.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::ids::AccountNumber;
use crate::ledger::payment_method::PaymentMethod;

/// An Amazon Payments account: a merchant or a buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The row number.
    pub number: AccountNumber,
    /// Contact name (personal) or business name.
    pub name: String,
    /// E-mail address as it was given, shown in transaction details. No other account has its
    /// [`EmailKey`].
    pub email: String,
    /// What kind of account it is.
    pub kind: AccountKind,
    /// The state; anything but active limits what the account may do.
    pub state: AccountState,
    /// Whether it may act between a sender and another recipient.
    pub marketplace: bool,
    /// How it can pay: by card, from a bank, from its balance.
    pub methods: Vec<PaymentMethod>,
    /// The largest amount of one transaction with this account; `None` means no limit.
    pub transaction_limit: Option<Amount>,
}

/// An e-mail address in the form in which addresses are compared: without regard to case, by the rules of Unicode.
///
/// The databases compare this text byte by byte. Their own `lower` differs from one engine and locale to the next:
/// that of SQLite changes ASCII letters only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailKey(String);

impl EmailKey {
    /// The key of an address.
    pub fn of(address: &str) -> Self {
        Self(address.to_lowercase())
    }

    /// The text that the database holds.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Personal accounts cannot take card payments.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AccountKind {
    /// A person's account.
    Personal,
    /// A business or developer account.
    Business,
}

/// The state of an account. Every state but `Active` refuses some transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AccountState {
    /// Active: the account may do everything.
    Active,
    /// The e-mail address is not verified.
    EmailUnverified,
    /// Neither a card nor a bank account is verified.
    Unverified,
    /// The bank account is not verified: nothing can be paid from it.
    BankUnverified,
    /// FPS denies the transactions of its owner.
    Denied,
    /// Suspended by FPS.
    Suspended,
    /// Closed.
    Closed,
}

/// The roles an account can play in a transaction (schema: TransactionalRole).
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
pub enum Role {
    /// Pays.
    Sender,
    /// Owns the access key that made the request.
    Caller,
    /// Receives.
    Recipient,
}

impl Account {
    /// The ways to pay real money, in the order in which they are preferred (our choice).
    pub const METHODS: [PaymentMethod; 3] = [PaymentMethod::CC, PaymentMethod::ACH, PaymentMethod::ABT];

    /// Whether the account may take part in this role (guide: API error codes). A caller needs no verified card or bank
    /// account, nor is he denied; as a recipient he is looked at as such.
    pub fn check_role(&self, role: Role) -> Result<(), FpsError> {
        let code = match (self.state, role) {
            (AccountState::Active | AccountState::BankUnverified, _)
            | (AccountState::Unverified | AccountState::Denied, Role::Caller) => return Ok(()),
            (AccountState::Unverified, Role::Sender) => Code::UnverifiedAccount_Sender,
            (AccountState::Unverified, Role::Recipient) => Code::UnverifiedAccount_Recipient,
            (AccountState::Denied, Role::Sender | Role::Recipient) => Code::TransactionDenied,
            (AccountState::EmailUnverified, Role::Sender) => Code::UnverifiedEmailAddress_Sender,
            (AccountState::EmailUnverified, Role::Caller) => Code::UnverifiedEmailAddress_Caller,
            (AccountState::EmailUnverified, Role::Recipient) => Code::UnverifiedEmailAddress_Recipient,
            (AccountState::Suspended | AccountState::Closed, Role::Sender) => {
                Code::InvalidAccountState_Sender
            }
            (AccountState::Suspended, Role::Caller) => Code::InvalidAccountState_Caller,
            (AccountState::Closed, Role::Caller) => Code::AccountClosed,
            (AccountState::Suspended | AccountState::Closed, Role::Recipient) => {
                Code::InvalidAccountState_Recipient
            }
        };
        Err(code.into())
    }

    /// Whether its owner may install and cancel tokens: no transaction, so no role that a refusal could name.
    pub(super) fn check_can_hold_tokens(&self) -> Result<(), FpsError> {
        if self.state == AccountState::Suspended {
            return Err(Code::InvalidAccountState.into());
        }
        self.check_role(Role::Caller)
    }

    /// Whether the account can pay by this method. Prepaid and postpaid instruments are no methods of an account.
    pub(super) fn check_method(&self, method: PaymentMethod) -> Result<(), FpsError> {
        let code = if !Self::METHODS.contains(&method) {
            return Ok(());
        } else if self.methods.is_empty() {
            Code::PaymentMethodNotDefined
        } else if !self.methods.contains(&method) {
            Code::InvalidPaymentMethod
        } else if method == PaymentMethod::ACH && self.state == AccountState::BankUnverified {
            Code::UnverifiedBankAccount
        } else {
            return Ok(());
        };
        Err(code.into())
    }

    /// Whether a transaction of this amount is within the account's limit.
    pub(super) fn check_transaction_limit(&self, amount: Amount) -> Result<(), FpsError> {
        if self.transaction_limit.is_some_and(|most| amount > most) {
            return Err(Code::AccountLimitsExceeded.into());
        }
        Ok(())
    }

    /// Whether the account is verified: e-mail address, bank account and card.
    pub fn is_verified(&self) -> bool {
        self.state == AccountState::Active
    }
}

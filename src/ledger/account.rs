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
    /// The e-mail address as it was given. Transaction details show it. No two accounts have the same [`EmailKey`].
    pub email: String,
    /// The kind of account.
    pub kind: AccountKind,
    /// The state. Every state but active limits what the account may do.
    pub state: AccountState,
    /// Whether the account is a marketplace: it may move money from a sender to a recipient other than itself.
    pub marketplace: bool,
    /// The methods by which the account can pay: card, bank account, balance.
    pub methods: Vec<PaymentMethod>,
    /// The largest amount of one transaction in which the account pays or receives; `None` means no limit.
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

/// The kind of an account. A personal account cannot receive card payments.
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

/// The state of an account. In every state but `Active` some transactions are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AccountState {
    /// The account may do everything.
    Active,
    /// The e-mail address is not verified.
    EmailUnverified,
    /// Neither a card nor a bank account is verified.
    Unverified,
    /// The bank account is not verified: nothing can be paid from it.
    BankUnverified,
    /// FPS denies the transactions in which the account pays or receives.
    Denied,
    /// FPS has suspended the account.
    Suspended,
    /// The account is closed.
    Closed,
}

/// The roles an account can play in a transaction (schema: TransactionalRole).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Role {
    /// The account that pays.
    Sender,
    /// The account that owns the access key of the request.
    Caller,
    /// The account that receives.
    Recipient,
}

impl Account {
    /// The methods that move real money, the preferred one first (our choice).
    pub const METHODS: [PaymentMethod; 3] = [PaymentMethod::CC, PaymentMethod::ACH, PaymentMethod::ABT];

    /// Whether the account may take part in this role (guide: API error codes).
    ///
    /// A caller needs neither a verified card nor a verified bank account, and its requests are not denied. Where the
    /// caller also receives the money, it is checked as a recipient too.
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

    /// Whether the account may install and cancel tokens. Neither is a transaction, so the refusal of a suspended
    /// account names no role.
    pub(super) fn check_can_hold_tokens(&self) -> Result<(), FpsError> {
        if self.state == AccountState::Suspended {
            return Err(Code::InvalidAccountState.into());
        }
        self.check_role(Role::Caller)
    }

    /// Whether the account can pay by this method. Prepaid and postpaid instruments are not methods of an account, so
    /// this check does not concern them.
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

    /// Whether the e-mail address, the bank account and the card are all verified, and the account is in use.
    pub fn is_verified(&self) -> bool {
        self.state == AccountState::Active
    }
}

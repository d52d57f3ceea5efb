//! The one error type of the house: every code FPS can answer, as data.
//!
//! A refusal is born in the ledger or in a front, travels as [`FpsError`], and becomes XML only at the front.
//! The table below is also the source of `docs/errors.md` and of what `/_sandbox/errors` shows.

use std::borrow::Cow;
use std::fmt;

use crate::basis::Basis;

/// What is known of one error code.
#[derive(Clone, Copy, Debug)]
pub struct CodeFacts {
    /// The code as it stands in `<Code>`.
    pub name: &'static str,
    /// HTTP status of the answer.
    pub status: u16,
    /// The guide's "retriable" flag.
    pub retriable: bool,
    /// The text used when the place that refuses has nothing better to say.
    pub message: &'static str,
    /// Where the code comes from.
    pub basis: Basis,
    /// What in a seed file brings it about, or why no request gets it; empty where requests get it without more ado.
    pub remark: &'static str,
}

macro_rules! codes {
    ($($name:ident $status:literal $retriable:ident $basis:ident $message:literal $($remark:literal)?;)*) => {
        /// Every error code of the service. Names are the wire names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "FPS's own names, such as InvalidTokenId_Sender")]
        #[expect(missing_docs, reason = "each code's meaning is its row of the table")]
        pub enum Code { $($name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The row of the table.
            pub const fn facts(self) -> CodeFacts {
                match self {
                    $(Self::$name => CodeFacts {
                        name: stringify!($name),
                        status: $status,
                        retriable: codes!(@$retriable),
                        message: $message,
                        basis: Basis::$basis,
                        remark: concat!($($remark)?),
                    },)*
                }
            }
        }
    };
    (@retry) => { true };
    (@final) => { false };
}

codes! {
    AccessFailure 400 retry Documented "The account cannot be accessed."
        "`developer = false` on the account whose access key is used: then with HTTP 403 and its recorded text.";
    AccountClosed 400 retry Documented "The account is not active."
        "`state = \"closed\"` on the account of the caller.";
    AccountLimitsExceeded 400 retry Documented "The spending or receiving limit of the account is exceeded."
        "`transaction_limit` on the account of the sender or the recipient; it binds one transaction, no totals are kept.";
    AmountOutOfRange 400 final Documented "The transaction amount is outside the allowed range.";
    AuthFailure 401 retry Documented "AWS was not able to validate the provided access credentials."
        "`signed_up = false` on the account whose access key is used.";
    ConcurrentModification 400 retry Documented "Another process changed the same data; try again."
        "Never given: commands that change the same data run one after the other.";
    DuplicateRequest 400 final Documented "A different request associated with this caller reference already exists.";
    InactiveInstrument 400 final Documented "The payment instrument is inactive."
        "`active = false` on the instrument.";
    IncompatibleTokens 400 final Documented "The tokens carry rules that cannot be met together.";
    InstrumentAccessDenied 400 final Documented "The caller is not the recipient of this prepaid or postpaid instrument.";
    InstrumentExpired 400 final Documented "The prepaid or postpaid instrument is outside its validity.";
    InsufficientBalance 400 retry Observed "The transaction exceeds the account/instrument limits.";
    InternalError 500 retry Documented "An internal error happened; nothing was changed. Try again.";
    InvalidAccountState 400 retry Documented "The account is suspended or closed."
        "`state = \"suspended\"` on the account of the caller, where no transaction gives it a role.";
    InvalidAccountState_Caller 400 retry Documented "The caller's account cannot take part in the transaction."
        "`state = \"suspended\"` on the account of the caller.";
    InvalidAccountState_Recipient 400 retry Documented "The recipient's account cannot take part in the transaction."
        "`state = \"suspended\"` or `\"closed\"` on the account of the recipient, or a magic token id.";
    InvalidAccountState_Sender 400 retry Documented "The sender's account cannot take part in the transaction."
        "`state = \"suspended\"` or `\"closed\"` on the account of the sender, or a magic token id.";
    InvalidCallerReference 400 final Documented "No token belongs to this caller reference.";
    InvalidClientTokenId 403 final Documented "The AWS Access Key Id you provided does not exist in our records.";
    InvalidDateRange 400 final Documented "The end date is before the start date, or the start date is in the future.";
    InvalidParams 400 final Observed "One or more parameters of the request are invalid.";
    InvalidPaymentInstrument 400 final Documented "The payment instrument of the transaction is invalid.";
    InvalidPaymentMethod 400 final Documented "The payment method is not a correct one."
        "`methods` on the account of the sender, without the method of the token.";
    InvalidRecipientForCCTransaction 400 final Documented "The recipient's account cannot take credit card payments."
        "`kind = \"personal\"` on the account of the recipient.";
    InvalidSenderRoleForAccountType 400 final Documented "The token cannot be used for this operation."
        "Never given: a token that is not made for an operation is refused with `IncompatibleTokens`.";
    InvalidTokenId 400 final Documented "The token was not installed by you.";
    InvalidTokenId_Recipient 400 final Documented "Recipient token is not valid.";
    InvalidTokenId_Sender 400 final Observed "Sender token is not valid.";
    InvalidTokenType 400 final Documented "The operation does not fit the type of the token.";
    InvalidTransactionId 400 final Documented "The transaction was not found, is not yours, or is of the wrong type.";
    InvalidTransactionState 400 final Documented "The transaction is not in a state that allows this.";
    NotMarketplaceApp 400 retry Documented "The caller is not a marketplace application."
        "`marketplace = false` on the account of the caller.";
    OriginalTransactionFailed 400 final Documented "The original transaction failed.";
    OriginalTransactionIncomplete 400 retry Documented "The original transaction is not complete yet.";
    PaymentInstrumentNotCC 400 final Documented "Only a credit card can be used here.";
    PaymentMethodNotDefined 400 final Documented "The token names no payment method."
        "`methods = []` on the account of the sender.";
    PrepaidFundingLimitExceeded 400 retry Documented "The funding exceeds the recharge limit of the instrument.";
    RefundAmountExceeded 400 final Documented "The refund is larger than what is left to refund.";
    SameSenderAndRecipient 400 final Documented "The sender and the recipient are the same account.";
    SameTokenIdUsedMultipleTimes 400 final Documented "One token was given in more than one role.";
    SenderNotOriginalRecipient 400 final Documented "The sender of the refund is not the original recipient."
        "Never given: no action names the sender of a refund, it is always the original recipient.";
    SettleAmountGreaterThanDebt 400 final Documented "The amount to settle or write off is greater than the debt.";
    SettleAmountGreaterThanReserveAmount 400 final Documented "The amount to settle is greater than the reserved amount.";
    SignatureDoesNotMatch 403 final Documented "The request signature we calculated does not match the signature you provided.";
    TokenAccessDenied 400 final Documented "You have no right to use this token.";
    TokenNotActive 400 final Documented "The token is not active.";
    TokenNotActive_Recipient 400 final Documented "Recipient token not active.";
    TokenNotActive_Sender 400 final Observed "Sender token not active.";
    TokenUsageError 400 final Observed "The token has violated its usage policy.";
    TransactionDenied 400 final Documented "The transaction is not allowed."
        "`state = \"denied\"` on the account of the sender or the recipient.";
    TransactionFullyRefundedAlready 400 final Documented "The transaction has been refunded in full already.";
    TransactionTypeNotRefundable 400 final Documented "This type of transaction cannot be refunded.";
    UnverifiedAccount_Recipient 400 final Documented "The recipient's account needs a verified bank account or card."
        "`state = \"unverified\"` on the account of the recipient.";
    UnverifiedAccount_Sender 400 final Documented "The sender's account needs a verified bank account or card."
        "`state = \"unverified\"` on the account of the sender.";
    UnverifiedBankAccount 400 final Documented "A verified bank account is needed."
        "`state = \"bank-unverified\"` on the account of the sender; a token that pays by ACH.";
    UnverifiedEmailAddress_Caller 400 final Documented "The caller's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the caller.";
    UnverifiedEmailAddress_Recipient 400 final Documented "The recipient's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the recipient.";
    UnverifiedEmailAddress_Sender 400 final Documented "The sender's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the sender.";
    InvalidRequest 400 final Observed "The request doesn't conform to the interface specification in the WSDL.";
    InvalidParameterValue 400 final Observed "The value of a parameter is invalid.";
    InvalidSignature 400 final Observed "The request signature we calculated does not match the signature you provided.";
    RequestExpired 400 final Observed "Request has expired.";
    MissingAuthenticationToken 403 final OurChoice "The request must contain a valid AWSAccessKeyId and Signature.";
    MissingAction 400 final OurChoice "The request must contain the parameter Action.";
    InvalidAction 400 final OurChoice "The action is not valid for this web service.";
    MethodNotAllowed 405 final OurChoice "Only GET and POST execute an action.";
    RequestTooLarge 413 final OurChoice "The request is larger than this sandbox accepts.";
    RequestTimeout 408 retry OurChoice "The request was not sent within the time allowed.";
    ServiceUnavailable 503 retry OurChoice "The sandbox is shutting down or its database is away; try again.";
}

impl Code {
    /// The code as it stands on the wire.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Reads a code back, as stored for a caller reference.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal: a code and the sentence that goes with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct FpsError {
    /// What went wrong, as FPS names it.
    pub code: Code,
    /// One sentence for the person who reads the answer.
    pub message: Cow<'static, str>,
    /// HTTP status of the answer: that of the code, unless the place that refuses has one of its own.
    pub status: u16,
}

impl FpsError {
    /// A refusal with a message of its own.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), status: code.facts().status }
    }

    /// The same with another HTTP status than the usual one of its code.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// A rule of a token is broken, or tokens cannot be used together (`IncompatibleTokens`): the recorded sentence, a
    /// line break, and the detail.
    pub fn incompatible_tokens(detail: &str) -> Self {
        let sentence = "The transaction could not be completed because the tokens have incompatible payment instructions: ";
        Self::new(Code::IncompatibleTokens, format!("{sentence}\n{detail}"))
    }

    /// A parameter of the request is missing or ill-formed (`InvalidParams`).
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidParams, message)
    }
}

impl From<Code> for FpsError {
    fn from(code: Code) -> Self {
        Self::new(code, code.facts().message)
    }
}

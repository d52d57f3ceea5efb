//! The errors of the service: every code that FPS returns, as data.
//!
//! All modules report errors to clients as an [`FpsError`]. Only the protocol layer turns it into a document with an HTTP
//! status. `docs/errors.md` and the page `/_sandbox/errors` are made of the table below.

use std::borrow::Cow;
use std::fmt;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::provenance::Provenance;

/// The row of an error code in the table.
#[derive(Clone, Copy, Debug)]
pub struct CodeDefinition {
    /// The guide's "retriable" flag.
    pub retriable: bool,
    /// The message that is used unless the error has one of its own.
    pub message: &'static str,
    /// Where the code is known from.
    pub provenance: Provenance,
    /// The setting in a seed file that causes it, or why no request gets it; empty if a request alone can cause it.
    pub remark: &'static str,
}

macro_rules! codes {
    ($($name:ident $retriable:ident $provenance:ident $message:literal $($remark:literal)?;)*) => {
        /// An error code of the service. The variants have the names that clients receive.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray,
        )]
        #[expect(non_camel_case_types, reason = "FPS's own names, such as InvalidTokenId_Sender")]
        #[expect(missing_docs, reason = "each code's meaning is its row of the table")]
        pub enum Code { $($name,)* }

        impl Code {
            /// Its row in the table.
            pub const fn definition(self) -> CodeDefinition {
                match self {
                    $(Self::$name => CodeDefinition {
                        retriable: codes!(@$retriable),
                        message: $message,
                        provenance: Provenance::$provenance,
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
    AccessFailure retry Documented "The account cannot be accessed."
        "`developer = false` on the account whose access key is used: then with HTTP 403 and its recorded text.";
    AccountClosed retry Documented "The account is not active."
        "`state = \"closed\"` on the account of the caller.";
    AccountLimitsExceeded retry Documented "The spending or receiving limit of the account is exceeded."
        "`transaction_limit` on the account of the sender or the recipient; it binds one transaction, no totals are kept.";
    AmountOutOfRange final Documented "The transaction amount is outside the allowed range.";
    AuthFailure retry Documented "AWS was not able to validate the provided access credentials."
        "`signed_up = false` on the account whose access key is used.";
    ConcurrentModification retry Documented "Another process changed the same data; try again."
        "Never given: commands that change the same data run one after the other.";
    DuplicateRequest final Documented "A different request associated with this caller reference already exists.";
    InactiveInstrument final Documented "The payment instrument is inactive."
        "`active = false` on the instrument.";
    IncompatibleTokens final Documented "The tokens carry rules that cannot be met together.";
    InstrumentAccessDenied final Documented "The caller is not the recipient of this prepaid or postpaid instrument.";
    InstrumentExpired final Documented "The prepaid or postpaid instrument is outside its validity.";
    InsufficientBalance retry Observed "The transaction exceeds the account/instrument limits.";
    InternalError retry Documented "An internal error happened; nothing was changed. Try again.";
    InvalidAccountState retry Documented "The account is suspended or closed."
        "`state = \"suspended\"` on the account of the caller, where no transaction gives it a role.";
    InvalidAccountState_Caller retry Documented "The caller's account cannot take part in the transaction."
        "`state = \"suspended\"` on the account of the caller.";
    InvalidAccountState_Recipient retry Documented "The recipient's account cannot take part in the transaction."
        "`state = \"suspended\"` or `\"closed\"` on the account of the recipient, or a magic token id.";
    InvalidAccountState_Sender retry Documented "The sender's account cannot take part in the transaction."
        "`state = \"suspended\"` or `\"closed\"` on the account of the sender, or a magic token id.";
    InvalidCallerReference final Documented "No token belongs to this caller reference.";
    InvalidClientTokenId final Documented "The AWS Access Key Id you provided does not exist in our records.";
    InvalidDateRange final Documented "The end date is before the start date, or the start date is in the future.";
    InvalidParams final Observed "One or more parameters of the request are invalid.";
    InvalidPaymentInstrument final Documented "The payment instrument of the transaction is invalid.";
    InvalidPaymentMethod final Documented "The payment method is not a correct one."
        "`methods` on the account of the sender, without the method of the token.";
    InvalidRecipientForCCTransaction final Documented "The recipient's account cannot take credit card payments."
        "`kind = \"personal\"` on the account of the recipient.";
    InvalidSenderRoleForAccountType final Documented "The token cannot be used for this operation."
        "Never given: a token that is not made for an operation is refused with `IncompatibleTokens`.";
    InvalidTokenId final Documented "The token was not installed by you.";
    InvalidTokenId_Recipient final Documented "Recipient token is not valid.";
    InvalidTokenId_Sender final Observed "Sender token is not valid.";
    InvalidTokenType final Documented "The operation does not fit the type of the token.";
    InvalidTransactionId final Documented "The transaction was not found, is not yours, or is of the wrong type.";
    InvalidTransactionState final Documented "The transaction is not in a state that allows this.";
    NotMarketplaceApp retry Documented "The caller is not a marketplace application."
        "`marketplace = false` on the account of the caller.";
    OriginalTransactionFailed final Documented "The original transaction failed.";
    OriginalTransactionIncomplete retry Documented "The original transaction is not complete yet.";
    PaymentInstrumentNotCC final Documented "Only a credit card can be used here.";
    PaymentMethodNotDefined final Documented "The token names no payment method."
        "`methods = []` on the account of the sender.";
    PrepaidFundingLimitExceeded retry Documented "The funding exceeds the recharge limit of the instrument.";
    RefundAmountExceeded final Documented "The refund is larger than what is left to refund.";
    SameSenderAndRecipient final Documented "The sender and the recipient are the same account.";
    SameTokenIdUsedMultipleTimes final Documented "One token was given in more than one role.";
    SenderNotOriginalRecipient final Documented "The sender of the refund is not the original recipient."
        "Never given: no action names the sender of a refund, it is always the original recipient.";
    SettleAmountGreaterThanDebt final Documented "The amount to settle or write off is greater than the debt.";
    SettleAmountGreaterThanReserveAmount final Documented "The amount to settle is greater than the reserved amount.";
    SignatureDoesNotMatch final Documented "The request signature we calculated does not match the signature you provided.";
    TokenAccessDenied final Documented "You have no right to use this token.";
    TokenNotActive final Documented "The token is not active.";
    TokenNotActive_Recipient final Documented "Recipient token not active.";
    TokenNotActive_Sender final Observed "Sender token not active.";
    TokenUsageError final Observed "The token has violated its usage policy.";
    TransactionDenied final Documented "The transaction is not allowed."
        "`state = \"denied\"` on the account of the sender or the recipient.";
    TransactionFullyRefundedAlready final Documented "The transaction has been refunded in full already.";
    TransactionTypeNotRefundable final Documented "This type of transaction cannot be refunded.";
    UnverifiedAccount_Recipient final Documented "The recipient's account needs a verified bank account or card."
        "`state = \"unverified\"` on the account of the recipient.";
    UnverifiedAccount_Sender final Documented "The sender's account needs a verified bank account or card."
        "`state = \"unverified\"` on the account of the sender.";
    UnverifiedBankAccount final Documented "A verified bank account is needed."
        "`state = \"bank-unverified\"` on the account of the sender; a token that pays by ACH.";
    UnverifiedEmailAddress_Caller final Documented "The caller's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the caller.";
    UnverifiedEmailAddress_Recipient final Documented "The recipient's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the recipient.";
    UnverifiedEmailAddress_Sender final Documented "The sender's e-mail address is not verified."
        "`state = \"email-unverified\"` on the account of the sender.";
    InvalidRequest final Observed "The request doesn't conform to the interface specification in the WSDL.";
    InvalidParameterValue final Observed "The value of a parameter is invalid.";
    InvalidSignature final Observed "The request signature we calculated does not match the signature you provided.";
    RequestExpired final Observed "Request has expired.";
    MissingAuthenticationToken final OurChoice "The request must contain a valid AWSAccessKeyId and Signature.";
    MissingAction final OurChoice "The request must contain the parameter Action.";
    InvalidAction final OurChoice "The action is not valid for this web service.";
    MethodNotAllowed final OurChoice "Only GET and POST execute an action.";
    RequestTooLarge final OurChoice "The request is larger than this sandbox accepts.";
    RequestTimeout retry OurChoice "The request was not sent within the time allowed.";
    ServiceUnavailable retry OurChoice "The sandbox is shutting down or its database is away; try again.";
}

impl Code {
    /// The name that clients receive.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the sandbox is at fault and not the request: the same request may succeed later.
    pub const fn is_server_error(self) -> bool {
        matches!(self, Self::InternalError | Self::ServiceUnavailable)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error that a client receives: a code and a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct FpsError {
    /// The code, by which programs recognize the error.
    pub code: Code,
    /// One sentence for people.
    pub message: Cow<'static, str>,
}

impl FpsError {
    /// An error with a message other than the usual one of its code.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// `IncompatibleTokens`: a payment breaks a rule of a token, or its tokens cannot be used together. The message is the
    /// recorded sentence, a line break, and the detail.
    pub fn incompatible_tokens(detail: &str) -> Self {
        let sentence = "The transaction could not be completed because the tokens have incompatible payment instructions: ";
        Self::new(Code::IncompatibleTokens, format!("{sentence}\n{detail}"))
    }

    /// `InvalidParams`: a parameter of the action is missing or ill-formed.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidParams, message)
    }

    /// `InvalidParameterValue`: a parameter of every request has a wrong value. The text is that of a captured message.
    pub fn invalid_value(name: &str, value: &str, rule: &str) -> Self {
        let text = format!("Value ({value}) for parameter {name} is invalid. {rule}");
        Self::new(Code::InvalidParameterValue, text)
    }
}

impl From<Code> for FpsError {
    fn from(code: Code) -> Self {
        Self::new(code, code.definition().message)
    }
}

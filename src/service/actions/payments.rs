//! The common part of Pay, Reserve, FundPrepaid and SettleDebt. Each of them charges the owner of a sender token.

use crate::error::{Code, FpsError};
use crate::ledger::{
    AccountNumber, ChargeFeeTo, Descriptions, DescriptorPolicy, MarketplaceFee, Payment, TokenId,
};
use crate::service::action::{Behaviour, documented, observed};
use crate::service::parameters::{Parameter, ParameterKind, ParameterReader};

use super::shared::{self, CALLER_DESCRIPTION, CALLER_REFERENCE, OVERRIDE_IPN_URL};

const SENDER_DESCRIPTION: Parameter =
    Parameter::optional("SenderDescription", ParameterKind::Bytes(128), "A note that the sender sees.");
const SOFT_DESCRIPTOR_TYPE: Parameter = Parameter::optional(
    "DescriptorPolicy.SoftDescriptorType",
    ParameterKind::OneOf(&["Dynamic", "Static"]),
    "Which text goes to the card processor; stored only.",
)
.or("Static");
const CS_OWNER: Parameter = Parameter::optional(
    "DescriptorPolicy.CSOwner",
    ParameterKind::OneOf(&["Caller", "Recipient"]),
    "Whose customer service is named to the card processor; stored only.",
)
.or("Recipient");
/// The default is seven days (guide: TransactionTimeoutInMins).
const TRANSACTION_TIMEOUT: Parameter = Parameter::optional(
    "TransactionTimeoutInMins",
    ParameterKind::Number(1, i32::MAX.unsigned_abs()),
    "Minutes after which a pending transaction fails; 10080 are seven days.",
)
.or("10080");

/// The parameters of Pay and Reserve.
pub(super) const PAY_AND_RESERVE_PARAMETERS: &[Parameter] = &[
    Parameter::required("SenderTokenId", ParameterKind::Characters(64), "The token that pays."),
    Parameter::optional(
        "RecipientTokenId",
        ParameterKind::Characters(64),
        "The token of a marketplace's recipient. Without one the caller is the recipient.",
    ),
    Parameter::required("TransactionAmount", ParameterKind::Amount, "How much."),
    Parameter::optional(
        "ChargeFeeTo",
        ParameterKind::OneOf(&["Caller", "Recipient"]),
        "Who pays FPS's fee. Default: as the recipient token says, else the recipient.",
    ),
    CALLER_REFERENCE,
    CALLER_DESCRIPTION,
    SENDER_DESCRIPTION,
    SOFT_DESCRIPTOR_TYPE,
    CS_OWNER,
    TRANSACTION_TIMEOUT,
    Parameter::optional(
        "MarketplaceFixedFee",
        ParameterKind::Amount,
        "The fixed fee that a marketplace takes from the recipient.",
    ),
    Parameter::optional(
        "MarketplaceVariableFee",
        ParameterKind::Percent,
        "The fee in per cent of the amount.",
    ),
    OVERRIDE_IPN_URL,
];

/// The parameters of FundPrepaid and SettleDebt after token, instrument and amount.
pub(super) const INSTRUMENT_PAYMENT_OPTIONS: &[Parameter] = &[
    CALLER_REFERENCE,
    SENDER_DESCRIPTION,
    CALLER_DESCRIPTION,
    SOFT_DESCRIPTOR_TYPE,
    CS_OWNER,
    TRANSACTION_TIMEOUT,
    OVERRIDE_IPN_URL,
];

/// Parameters of the API of 2007 that clients still send with Pay and Reserve.
pub(super) const LEGACY_PARAMETERS: &[&str] =
    &["MetaData", "RecipientDescription", "RecipientReference", "SenderReference", "TransactionDate"];

/// Parameters of the API of 2007 that clients still send with FundPrepaid and SettleDebt. ChargeFeeTo is one of them,
/// because in these actions only one party can pay the fee.
pub(super) const LEGACY_PARAMETERS_WITH_CHARGE_FEE_TO: &[&str] =
    &["ChargeFeeTo", "MetaData", "RecipientReference", "SenderReference", "TransactionDate"];

/// The errors of all four actions.
pub(super) const ERRORS: &[Code] = &[
    Code::InvalidParams,
    Code::InvalidTokenId_Sender,
    Code::SameSenderAndRecipient,
    Code::AccountClosed,
    Code::UnverifiedAccount_Sender,
    Code::UnverifiedAccount_Recipient,
    Code::TransactionDenied,
    Code::InvalidPaymentMethod,
    Code::PaymentMethodNotDefined,
    Code::AccountLimitsExceeded,
    Code::InvalidAccountState_Caller,
    Code::InvalidAccountState_Sender,
    Code::UnverifiedEmailAddress_Caller,
    Code::UnverifiedEmailAddress_Sender,
    Code::TokenNotActive_Sender,
    Code::IncompatibleTokens,
    Code::InvalidRecipientForCCTransaction,
    Code::TokenUsageError,
    Code::AmountOutOfRange,
    Code::DuplicateRequest,
];

/// The errors of actions that take a recipient token.
pub(super) const RECIPIENT_TOKEN_ERRORS: &[Code] = &[
    Code::NotMarketplaceApp,
    Code::SameTokenIdUsedMultipleTimes,
    Code::InvalidTokenId_Recipient,
    Code::InvalidAccountState_Recipient,
    Code::UnverifiedEmailAddress_Recipient,
    Code::TokenNotActive_Recipient,
];

/// The behaviours of all four actions.
pub(super) const BEHAVIOURS: &[Behaviour] = &[
    documented(
        "A payment that breaks a rule of its token (amount, validity, recipient, caller) is refused with IncompatibleTokens.",
    ),
    observed(
        "The message of IncompatibleTokens is a sentence, a line break and a detail. Of the details only those of an exact amount and of a recipient are observed, the others are our choice. The line break is written as a character reference, because Amazon's PHP library reads errors line by line.",
    ),
    shared::CALLER_REFERENCE_SCOPE,
];

/// Reads [`PAY_AND_RESERVE_PARAMETERS`].
pub(super) fn read_payment(
    parameters: &mut ParameterReader<'_>,
    caller: AccountNumber,
) -> Result<Payment, FpsError> {
    let sender_token = parameters.read("SenderTokenId")?;
    let recipient_token: Option<TokenId> = parameters.read("RecipientTokenId")?;
    let amount = parameters.read("TransactionAmount")?;
    // A recipient token may name the party that pays the fee. Only without a recipient token is there a default. A
    // request without the parameter is then the same as one that sets it to the default.
    let charge_fee_to = if recipient_token.is_none() {
        Some(parameters.read_or("ChargeFeeTo", ChargeFeeTo::Recipient)?)
    } else {
        parameters.read("ChargeFeeTo")?
    };
    let mut descriptions = read_statement_descriptions(parameters)?;
    let timeout_minutes = read_timeout(parameters)?;
    let marketplace_fee = MarketplaceFee {
        fixed: parameters.read("MarketplaceFixedFee")?,
        percent: parameters.read("MarketplaceVariableFee")?,
    };
    descriptions.ipn_url = parameters.read("OverrideIPNURL")?;
    Ok(Payment {
        caller,
        sender_token,
        recipient_token,
        amount,
        charge_fee_to,
        marketplace_fee,
        descriptions,
        timeout_minutes,
    })
}

/// Reads [`INSTRUMENT_PAYMENT_OPTIONS`]: the descriptions and the time-out in minutes.
pub(super) fn read_options(parameters: &mut ParameterReader<'_>) -> Result<(Descriptions, i64), FpsError> {
    let mut descriptions = read_statement_descriptions(parameters)?;
    let timeout_minutes = read_timeout(parameters)?;
    descriptions.ipn_url = parameters.read("OverrideIPNURL")?;
    Ok((descriptions, timeout_minutes))
}

/// Reads the reference and the texts of a payment for the parties and their card statements.
fn read_statement_descriptions(parameters: &mut ParameterReader<'_>) -> Result<Descriptions, FpsError> {
    let has_policy = parameters.is_set(SOFT_DESCRIPTOR_TYPE.name) || parameters.is_set(CS_OWNER.name);
    let mut descriptions = shared::read_descriptions(parameters)?;
    descriptions.sender_description = parameters.read("SenderDescription")?;
    // Both are read even if the request sets neither, so that it has the same digest with and without the default
    // values.
    let policy = DescriptorPolicy {
        soft_descriptor: parameters.read(SOFT_DESCRIPTOR_TYPE.name)?,
        owner: parameters.read(CS_OWNER.name)?,
    };
    descriptions.descriptor_policy = has_policy.then_some(policy);
    Ok(descriptions)
}

fn read_timeout(parameters: &mut ParameterReader<'_>) -> Result<i64, FpsError> {
    parameters.read::<u32>("TransactionTimeoutInMins").map(i64::from)
}

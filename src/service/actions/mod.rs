//! The action table: one file an action, one line here.

mod cancel;
mod cancel_subscription_and_refund;
mod cancel_token;
mod fund_prepaid;
mod get_account_activity;
mod get_account_balance;
mod get_debt_balance;
mod get_outstanding_debt_balance;
mod get_payment_instruction;
mod get_prepaid_balance;
mod get_recipient_verification_status;
mod get_subscription_details;
mod get_token_by_caller;
mod get_token_usage;
mod get_tokens;
mod get_total_prepaid_liability;
mod get_transaction;
mod get_transaction_status;
mod get_transactions_for_subscription;
mod install_payment_instruction;
mod pay;
mod refund;
mod reserve;
mod settle;
mod settle_debt;
mod token;
mod verify_signature;
mod write_off_debt;

use std::future::Future;
use std::pin::Pin;

use crate::basis::Basis;
use crate::error::{Code, FpsError};

use super::Answer;
use super::call::{Call, OpenCall};
use super::params::{Kind, Parameter};

/// Every action of the service. Adding one is one file and one line.
pub static ACTIONS: &[&Action] = &[
    &cancel::ACTION,
    &cancel_subscription_and_refund::ACTION,
    &cancel_token::ACTION,
    &fund_prepaid::ACTION,
    &get_account_activity::ACTION,
    &get_account_balance::ACTION,
    &get_debt_balance::ACTION,
    &get_outstanding_debt_balance::ACTION,
    &get_payment_instruction::ACTION,
    &get_prepaid_balance::ACTION,
    &get_recipient_verification_status::ACTION,
    &get_subscription_details::ACTION,
    &get_token_by_caller::ACTION,
    &get_token_usage::ACTION,
    &get_tokens::ACTION,
    &get_total_prepaid_liability::ACTION,
    &get_transaction::ACTION,
    &get_transaction_status::ACTION,
    &get_transactions_for_subscription::ACTION,
    &install_payment_instruction::ACTION,
    &pay::ACTION,
    &refund::ACTION,
    &reserve::ACTION,
    &settle::ACTION,
    &settle_debt::ACTION,
    &verify_signature::ACTION,
    &write_off_debt::ACTION,
];

/// Finds an action by its wire name, or by how a client misspells it; case matters.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|action| action.name == name || action.aliases.contains(&name))
}

impl Action {
    /// The action that a request names, which it may misspell.
    ///
    /// Fails with `MissingAction` or `InvalidAction`; a front tells so only after authentication.
    pub fn named(name: Option<&str>) -> Result<&'static Self, FpsError> {
        let name = name.ok_or(Code::MissingAction)?;
        let action = find(name);
        if let Some(meant) = action.filter(|action| action.name != name) {
            tracing::info!(sent = name, meant = meant.name, "took a misspelled action for what is meant");
        }
        action.ok_or_else(|| {
            let text = format!("The action {name} is not valid for this web service.");
            FpsError::new(Code::InvalidAction, text)
        })
    }

    /// Whether anybody may ask for it, signed or not.
    pub const fn is_for_anybody(&self) -> bool {
        matches!(self.run, Run::Anybody(_))
    }
}

/// The answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, FpsError>> + Send + 'a>>;

/// An action as data.
#[derive(Debug)]
pub struct Action {
    /// Its wire name.
    pub name: &'static str,
    /// How clients misspell it.
    pub aliases: &'static [&'static str],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The guide page it follows.
    pub source: &'static str,
    /// Its parameters, in schema order, without the common ones.
    pub parameters: &'static [Parameter],
    /// Names of older APIs that clients still send; ignored and logged.
    pub legacy: &'static [&'static str],
    /// The errors of its own that it can give, besides those of every request.
    pub errors: &'static [Code],
    /// What is known of its behaviour, and from where.
    pub fidelity: &'static [Behaviour],
    /// For whom it runs, and how.
    pub run: Run,
}

/// For whom an action runs, and how.
#[derive(Debug)]
pub enum Run {
    /// For the owner of the access key that signed the request.
    Signed(for<'a> fn(Call<'a>) -> Answering<'a>),
    /// For anybody. The request is not authenticated, whether it is signed or not.
    Anybody(for<'a> fn(OpenCall<'a>) -> Answering<'a>),
}

/// One line of the fidelity table.
#[derive(Debug)]
pub struct Behaviour {
    /// What it does.
    pub what: &'static str,
    /// Where that comes from.
    pub basis: Basis,
}

/// A behaviour that a guide page or the schema describes.
pub const fn documented(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::Documented }
}

/// A behaviour seen in recorded traffic or in client fixtures.
pub const fn observed(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::Observed }
}

/// A behaviour that follows from what a source says.
pub const fn inferred(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::Inferred }
}

/// A behaviour that no source speaks of.
pub const fn our_choice(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::OurChoice }
}

/// Parameters and behaviours that several actions share.
mod shared {
    use super::{Behaviour, Kind, Parameter, documented, inferred, observed};

    /// A caller reference names one request of an action.
    pub(super) const REFERENCE_OF_ACTION: Behaviour = inferred(
        "A caller reference is unique for caller and action: a Refund may carry the reference of its Pay.",
    );
    /// The rules of tokens.
    pub(super) const TOKEN_RULES: Behaviour = documented(
        "A rule of a token that is broken (its amount, its validity, its recipient, another caller's token) is IncompatibleTokens.",
    );
    /// How broken rules are told.
    pub(super) const TOKEN_RULES_TEXT: Behaviour = observed(
        "The sentence of IncompatibleTokens with a line break and a detail; the details but that of an exact amount and that of a recipient are our choice. The line break is written as a character reference, because Amazon's PHP library reads errors line by line.",
    );

    pub(super) const SENDER_TOKEN_ID: Parameter =
        Parameter::required("SenderTokenId", Kind::Characters(64), "The token that pays.");
    pub(super) const CREDIT_INSTRUMENT_ID: Parameter =
        Parameter::required("CreditInstrumentId", Kind::Bytes(128), "The credit instrument.");
    pub(super) const TRANSACTION_ID: Parameter =
        Parameter::required("TransactionId", Kind::Characters(35), "The transaction.");
    pub(super) const CALLER_REFERENCE: Parameter = Parameter::required(
        "CallerReference",
        Kind::Characters(128),
        "Your own name for the request: the same request again within seven days gets the same answer.",
    );
    pub(super) const CALLER_DESCRIPTION: Parameter =
        Parameter::optional("CallerDescription", Kind::Characters(160), "A note for yourself.");
    pub(super) const SENDER_DESCRIPTION: Parameter =
        Parameter::optional("SenderDescription", Kind::Bytes(128), "A note that the sender sees.");
    pub(super) const SOFT_DESCRIPTOR_TYPE: Parameter = Parameter::optional(
        "DescriptorPolicy.SoftDescriptorType",
        Kind::OneOf(&["Dynamic", "Static"]),
        "Which text goes to the card processor; stored only. Default Static.",
    );
    pub(super) const CS_OWNER: Parameter = Parameter::optional(
        "DescriptorPolicy.CSOwner",
        Kind::OneOf(&["Caller", "Recipient"]),
        "Whose customer service is named to the card processor; stored only. Default Recipient.",
    );
    pub(super) const TRANSACTION_TIMEOUT: Parameter = Parameter::optional(
        "TransactionTimeoutInMins",
        Kind::Minutes,
        "After so many minutes a pending transaction fails. Default 10080, seven days.",
    );
    pub(super) const OVERRIDE_IPN_URL: Parameter = Parameter::optional(
        "OverrideIPNURL",
        Kind::Bytes(1024),
        "Where notifications of this transaction go; stored only, for now.",
    );
    pub(super) const PREPAID_INSTRUMENT_ID: Parameter =
        Parameter::required("PrepaidInstrumentId", Kind::Bytes(128), "The prepaid instrument.");
    pub(super) const TOKEN_ID: Parameter = Parameter::required("TokenId", Kind::Characters(64), "The token.");
    pub(super) const SUBSCRIPTION_ID: Parameter =
        Parameter::required("SubscriptionId", Kind::Bytes(128), "The subscription.");
    pub(super) const TOKEN_TYPES: Kind = Kind::OneOf(&["SingleUse", "MultiUse", "Recurring", "Unrestricted"]);

    /// The parameters of Pay and Reserve.
    pub(super) const PAYMENT: &[Parameter] = &[
        SENDER_TOKEN_ID,
        Parameter::optional(
            "RecipientTokenId",
            Kind::Characters(64),
            "The token of a marketplace's recipient. Without one the caller is the recipient.",
        ),
        Parameter::required("TransactionAmount", Kind::Amount, "How much."),
        Parameter::optional(
            "ChargeFeeTo",
            Kind::OneOf(&["Caller", "Recipient"]),
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
            Kind::Amount,
            "What a marketplace takes from the recipient.",
        ),
        Parameter::optional(
            "MarketplaceVariableFee",
            Kind::Percent,
            "What it takes in per cent of the amount.",
        ),
        OVERRIDE_IPN_URL,
    ];
    /// Names of the 2007 API that clients still send with payments.
    pub(super) const PAYMENT_LEGACY: &[&str] =
        &["MetaData", "RecipientDescription", "RecipientReference", "SenderReference", "TransactionDate"];
    /// The same where the fee has one payer only.
    pub(super) const PAYMENT_LEGACY_WITH_FEE: &[&str] =
        &["ChargeFeeTo", "MetaData", "RecipientReference", "SenderReference", "TransactionDate"];
}

//! The action table: one file an action, one line here.

mod get_debt_balance;
mod get_transaction;
mod get_transaction_status;
mod pay;
mod refund;
mod settle_debt;
mod write_off_debt;

use std::future::Future;
use std::pin::Pin;

use crate::basis::Basis;
use crate::error::{Code, FpsError};

use super::call::Call;
use super::params::{Kind, Parameter};
use super::xml::Answer;

/// Every action of the service. Adding one is one file and one line.
pub static ACTIONS: &[&Action] = &[
    &get_debt_balance::ACTION,
    &get_transaction::ACTION,
    &get_transaction_status::ACTION,
    &pay::ACTION,
    &refund::ACTION,
    &settle_debt::ACTION,
    &write_off_debt::ACTION,
];

/// Finds an action by its wire name; case matters.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|action| action.name == name)
}

/// The answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, FpsError>> + Send + 'a>>;

/// An action as data.
pub struct Action {
    /// Its wire name.
    pub name: &'static str,
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
    /// Runs it.
    pub run: for<'a> fn(Call<'a>) -> Answering<'a>,
}

/// One line of the fidelity table.
pub struct Behaviour {
    /// What it does.
    pub what: &'static str,
    /// Where that comes from.
    pub basis: Basis,
}

const fn documented(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::Documented }
}

const fn observed(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::Observed }
}

const fn our_choice(what: &'static str) -> Behaviour {
    Behaviour { what, basis: Basis::OurChoice }
}

/// Parameters that several actions share.
mod shared {
    use super::{Kind, Parameter};

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
    /// [`TRANSACTION_TIMEOUT`]'s default: seven days.
    pub(super) const DEFAULT_TIMEOUT: i32 = 10_080;
}

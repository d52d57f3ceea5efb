//! Parameters, behaviours and reading code that several actions share.

use crate::error::FpsError;
use crate::ledger::Descriptions;
use crate::service::action::{Behaviour, inferred};
use crate::service::parameters::{Parameter, ParameterKind, ParameterReader};

pub(super) const CREDIT_INSTRUMENT_ID: Parameter =
    Parameter::required("CreditInstrumentId", ParameterKind::Bytes(128), "The credit instrument.");
pub(super) const PREPAID_INSTRUMENT_ID: Parameter =
    Parameter::required("PrepaidInstrumentId", ParameterKind::Bytes(128), "The prepaid instrument.");
pub(super) const TRANSACTION_ID: Parameter =
    Parameter::required("TransactionId", ParameterKind::Characters(35), "The transaction.");
pub(super) const TOKEN_ID: Parameter =
    Parameter::required("TokenId", ParameterKind::Characters(64), "The token.");
pub(super) const SUBSCRIPTION_ID: Parameter =
    Parameter::required("SubscriptionId", ParameterKind::Bytes(128), "The subscription.");
pub(super) const CALLER_REFERENCE: Parameter = Parameter::required(
    "CallerReference",
    ParameterKind::Characters(128),
    "Your own name for the request: the same request again within seven days gets the same answer.",
);
pub(super) const CALLER_DESCRIPTION: Parameter =
    Parameter::optional("CallerDescription", ParameterKind::Characters(160), "A note for yourself.");
pub(super) const OVERRIDE_IPN_URL: Parameter = Parameter::optional(
    "OverrideIPNURL",
    ParameterKind::Bytes(1024),
    "Where notifications of this transaction go; stored only, for now.",
);

/// The values of `TokenType`.
pub(super) const TOKEN_TYPES: ParameterKind =
    ParameterKind::OneOf(&["SingleUse", "MultiUse", "Recurring", "Unrestricted"]);

/// The scope of a caller reference.
pub(super) const CALLER_REFERENCE_SCOPE: Behaviour = inferred(
    "A caller reference is unique for caller and action: a Refund may carry the reference of its Pay.",
);

/// Reads CallerReference and CallerDescription.
pub(super) fn read_descriptions(parameters: &mut ParameterReader<'_>) -> Result<Descriptions, FpsError> {
    Ok(Descriptions {
        caller_reference: parameters.read("CallerReference")?,
        caller_description: parameters.read("CallerDescription")?,
        ..Descriptions::default()
    })
}

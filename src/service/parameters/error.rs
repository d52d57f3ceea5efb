//! The refusals of missing, unknown and ill-formed parameters, and the errors of actions that contradict their schema.

use crate::error::{Code, FpsError};

/// The request does not set a required parameter, or sets it to an empty value.
pub(in crate::service) fn missing_parameter(name: &str) -> FpsError {
    FpsError::invalid_params(format!("{} can not be empty ", lower_camel_case(name)))
}

/// The request sets a parameter more than once.
pub(super) fn repeated_parameter(name: &str) -> FpsError {
    FpsError::invalid_params(format!("{name} is given more than once"))
}

/// The action has no such parameter (captured text).
pub(super) fn unknown_parameter(version: &str, name: &str) -> FpsError {
    let text = format!(
        "The request doesn't conform to the interface specification in the WSDL. Element/Parameter \
         \"http://fps.amazonaws.com/doc/{version}/:{name}\" in request is either invalid or is found at unexpected \
         location"
    );
    FpsError::new(Code::InvalidRequest, text)
}

/// The value is longer than the parameter allows. The message does not repeat it.
pub(super) fn too_long(name: &str, rule: &str) -> FpsError {
    FpsError::invalid_params(format!("{} {rule}", lower_camel_case(name)))
}

/// The value breaks a rule of the parameter.
pub(super) fn invalid_value(name: &str, rule: &str, value: &str) -> FpsError {
    FpsError::invalid_params(format!("{} {rule}. Specified value: {value}", lower_camel_case(name)))
}

/// The handler reads a parameter that its action does not list: a defect of the sandbox.
pub(super) fn not_listed(name: &str) -> FpsError {
    tracing::error!(parameter = name, "the action reads a parameter that it does not list");
    Code::InternalError.into()
}

/// The handler needs a value for a parameter that its action lists as optional: a defect of the sandbox.
pub(super) fn not_listed_as_required(name: &str) -> FpsError {
    tracing::error!(parameter = name, "the action needs a parameter that it lists as optional");
    Code::InternalError.into()
}

/// The handler has not read a parameter that its action lists: a defect of the sandbox.
pub(super) fn not_read(name: &str) -> FpsError {
    tracing::error!(parameter = name, "the action lists a parameter that it does not read");
    Code::InternalError.into()
}

/// The name as messages write it, such as `senderTokenId`.
pub(super) fn lower_camel_case(name: &str) -> String {
    let parts = name.split('.').map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|c| c.to_ascii_lowercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    parts.collect::<Vec<_>>().join(".")
}

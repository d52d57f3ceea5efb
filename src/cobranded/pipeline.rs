//! What a pipeline is: a row of the table in `pipelines`, with the parameters that its start URL may have.

use crate::ledger::TokenRequest;
use crate::service::action::Behaviour;

use super::parameter_reader::StartUrlReader;

/// A pipeline: one kind of authorisation.
pub(super) struct Pipeline {
    /// The value of `pipelineName`.
    pub(super) name: &'static str,
    /// What it authorises, in one sentence.
    pub(super) summary: &'static str,
    /// Its parameters, in groups that pipelines share.
    pub(super) parameter_groups: &'static [&'static [PipelineParameter]],
    /// The parameter of the return URL that names the new instrument, if one is created.
    pub(super) instrument_result: Option<&'static str>,
    /// The parameters of the return URL that name the tokens.
    pub(super) token_results: &'static [&'static str],
    /// What is known of its behaviour, and from which source.
    pub(super) behaviours: &'static [Behaviour],
    /// Reads the parameters that only this pipeline has.
    pub(super) read: fn(&mut StartUrlReader<'_>) -> TokenRequest,
}

/// A parameter of a start URL.
pub(super) struct PipelineParameter {
    /// Its name; case does not matter.
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    /// What values it accepts.
    pub(super) format: &'static str,
    /// What it is for.
    pub(super) purpose: &'static str,
}

pub(super) const fn required(
    name: &'static str,
    format: &'static str,
    purpose: &'static str,
) -> PipelineParameter {
    PipelineParameter { name, is_required: true, format, purpose }
}

pub(super) const fn optional(
    name: &'static str,
    format: &'static str,
    purpose: &'static str,
) -> PipelineParameter {
    PipelineParameter { name, is_required: false, format, purpose }
}

impl Pipeline {
    /// All parameters, in the order in which an error message lists them.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static PipelineParameter> {
        self.parameter_groups.iter().copied().flatten()
    }

    pub(super) fn has_parameter(&self, name: &str) -> bool {
        self.parameters().any(|parameter| parameter.name == name)
    }

    /// Whether the return URL repeats `callerReference`.
    pub(super) fn returns_caller_reference(&self) -> bool {
        self.has_parameter("callerReference")
    }

    /// The first parameter for a caller reference.
    pub(super) fn first_reference_parameter(&self) -> &'static str {
        let mut references =
            self.parameters().filter(|parameter| parameter.name.starts_with("callerReference"));
        references.next().map_or("callerReference", |parameter| parameter.name)
    }
}

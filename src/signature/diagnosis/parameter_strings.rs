//! Candidates for the end of the string to sign: the parameters as text.

use super::UnverifiedRequest;
use super::candidates::{Candidate, CandidateList};
use super::encoding::{ENCODINGS, Encoding, NONE, STRICT};
use super::order::ParameterOrder;
use super::parameter_sets::{Pair, ParameterSet, split_raw};

/// How a signature version writes the parameters.
pub(super) struct ParameterFormat {
    /// The text between a name and its value.
    value_separator: &'static str,
    /// The text between two pairs.
    pair_separator: &'static str,
    order: ParameterOrder,
    encoding: Encoding,
}

pub(super) const VERSION_2: ParameterFormat = ParameterFormat {
    value_separator: "=",
    pair_separator: "&",
    order: ParameterOrder::Bytes,
    encoding: STRICT,
};
pub(super) const VERSION_1: ParameterFormat = ParameterFormat {
    value_separator: "",
    pair_separator: "",
    order: ParameterOrder::IgnoringCase,
    encoding: NONE,
};
/// The oldest Co-Branded form (source: clients of 2007): `path?query`.
pub(super) const PATH_AND_QUERY: ParameterFormat =
    ParameterFormat { order: ParameterOrder::IgnoringCase, ..VERSION_2 };

impl ParameterFormat {
    /// Writes parameters in this format.
    pub(super) fn write(&self, pairs: &[Pair<'_>]) -> String {
        self.write_with(pairs, self.order, self.encoding)
    }

    /// Writes parameters in another order and encoding than those of this format.
    fn write_with(&self, pairs: &[Pair<'_>], order: ParameterOrder, encoding: Encoding) -> String {
        let mut text = String::new();
        for (index, (name, value)) in order.sort(pairs).into_iter().enumerate() {
            if index > 0 {
                text.push_str(self.pair_separator);
            }
            encoding.push(name, &mut text);
            text.push_str(self.value_separator);
            encoding.push(value, &mut text);
        }
        text
    }
}

/// The parameters in this format, then as clients write them by mistake. The first of `parameter_sets` are the
/// parameters as received.
pub(super) fn parameter_strings(
    format: &ParameterFormat,
    parameter_sets: &[ParameterSet<'_>],
    request: &UnverifiedRequest<'_>,
) -> Vec<Candidate> {
    let mut strings = CandidateList::default();
    let Some((received, others)) = parameter_sets.split_first() else { return strings.into_vec() };
    let pairs = &received.pairs;
    let correct = format.write(pairs);
    strings.add(correct.clone(), Vec::new());
    for encoding in [format.encoding].into_iter().chain(ENCODINGS) {
        let encoding_mistake = encoding.mistake(format.encoding, pairs);
        // An encoding that makes no difference to these parameters explains nothing.
        if encoding != format.encoding && encoding_mistake.is_none() {
            continue;
        }
        for order in [format.order].into_iter().chain(ParameterOrder::ALL) {
            let order_mistake = order.mistake(format.order, pairs);
            let mistakes = order_mistake.into_iter().chain(encoding_mistake.clone()).collect();
            strings.add(format.write_with(pairs, order, encoding), mistakes);
        }
    }
    for other in others {
        strings.add(format.write(&other.pairs), other.mistake.iter().cloned().collect());
    }
    let raw: Vec<Pair<'_>> = split_raw(request.raw_parameters, request.content.signature_name)
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    for order in [format.order].into_iter().chain(ParameterOrder::ALL) {
        let mistake = format!(
            "the parameters were signed as they were sent, neither decoded nor encoded anew, and {}",
            order.description()
        );
        strings.add(format.write_with(&raw, order, NONE), vec![mistake]);
    }
    strings.add(correct + "\n", vec!["a line break was signed at the end".to_owned()]);
    strings.into_vec()
}

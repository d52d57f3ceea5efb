//! The order in which parameters are signed.

use crate::signature::ignoring_case;

use super::parameter_sets::Pair;

/// An order of parameters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterOrder {
    /// Sorted by the bytes of names, then of values.
    Bytes,
    /// Sorted by names, ignoring case.
    IgnoringCase,
    /// Not sorted.
    AsSent,
}

impl ParameterOrder {
    pub(super) const ALL: [Self; 3] = [Self::Bytes, Self::IgnoringCase, Self::AsSent];

    /// The order in words.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Bytes => "sorted by the bytes of their names",
            Self::IgnoringCase => "sorted ignoring case",
            Self::AsSent => "in the order they were sent",
        }
    }

    pub(super) fn sort<'a, 'b>(self, pairs: &'b [Pair<'a>]) -> Vec<&'b Pair<'a>> {
        let mut pairs: Vec<_> = pairs.iter().collect();
        match self {
            Self::Bytes => pairs.sort(),
            Self::IgnoringCase => {
                pairs.sort_by(|left, right| ignoring_case(&left.0).cmp(ignoring_case(&right.0)));
            }
            Self::AsSent => {}
        }
        pairs
    }

    /// Describes the mistake of using this order in place of `correct`; `None` if that makes no difference.
    pub(super) fn mistake(self, correct: Self, pairs: &[Pair<'_>]) -> Option<String> {
        let (before, after) = correct
            .sort(pairs)
            .into_iter()
            .zip(self.sort(pairs))
            .map(|(correct, wrong)| (&correct.0, &wrong.0))
            .find(|(correct, wrong)| correct != wrong)?;
        Some(format!(
            "the parameters were signed {}, not {} (`{before}` has to come before `{after}`)",
            self.description(),
            correct.description(),
        ))
    }
}

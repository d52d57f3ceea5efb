//! What a return URL says: the result of a visit as parameters (guide: the response of each pipeline).

use chrono::{Datelike, Months};

use crate::ledger::{Authorization, CbuiStatus, PaymentMethod, ProposalError, Timestamp};
use crate::query::Pair;

use super::pipelines::Pipeline;

/// How a visit ended.
pub(super) enum Outcome {
    /// All that was asked for is made.
    Success(Success),
    /// The visitor has called it off.
    Aborted,
    /// These parameters are not well-formed.
    IllFormed(Vec<&'static str>),
    /// This parameter names a reference that was used before.
    UsedReference(&'static str),
    /// The visitor has none of the payment methods asked for.
    NoMethod,
    /// The visitor cannot take part.
    NotPossible(&'static str),
    /// The merchant is not registered for it.
    NotRegistered,
    /// The sandbox was asked for a failure of its own.
    SystemError,
}

/// What a success comes with.
pub(super) struct Success {
    pub(super) pipeline: &'static Pipeline,
    pub(super) authorised: Authorization,
    /// Whether the card has expired.
    pub(super) expired: bool,
    /// The visitor's address, where it was asked for.
    pub(super) address: Vec<Pair>,
    /// The merchant's reference, where there is one for all.
    pub(super) caller_reference: Option<String>,
    /// When it was.
    pub(super) at: Timestamp,
}

impl From<ProposalError> for Outcome {
    fn from(flaw: ProposalError) -> Self {
        match flaw {
            ProposalError::IllFormed(name) => Self::IllFormed(vec![name]),
            ProposalError::ReferenceUsed(name) => Self::UsedReference(name),
            ProposalError::NoMethod => Self::NoMethod,
            ProposalError::NotPossible(reason) => Self::NotPossible(reason),
            ProposalError::NotRegistered => Self::NotRegistered,
        }
    }
}

/// The one message of NP that was recorded.
const RESTARTED: &str = "User Error: The pipeline was aborted and restarted";

impl Outcome {
    /// The outcome of a visit that ends in this way without anything being made; `None` when something is.
    pub(super) fn without_effect(ending: CbuiStatus, pipeline: &Pipeline) -> Option<Self> {
        Some(match ending {
            CbuiStatus::A => Self::Aborted,
            CbuiStatus::CE => Self::IllFormed(vec![pipeline.reference()]),
            CbuiStatus::PE => Self::NoMethod,
            CbuiStatus::NP => Self::NotPossible(RESTARTED),
            CbuiStatus::NM => Self::NotRegistered,
            CbuiStatus::SE => Self::SystemError,
            CbuiStatus::SA
            | CbuiStatus::SB
            | CbuiStatus::SC
            | CbuiStatus::SR
            | CbuiStatus::SU
            | CbuiStatus::ExpiredCard
            | CbuiStatus::TamperedSignature => return None,
        })
    }

    /// The status code.
    pub(super) fn status(&self) -> CbuiStatus {
        match self {
            Self::Success(success) if !success.authorised.changed => CbuiStatus::SU,
            Self::Success(success) => match success.authorised.method {
                None => CbuiStatus::SR,
                Some(PaymentMethod::ABT) => CbuiStatus::SA,
                Some(PaymentMethod::ACH) => CbuiStatus::SB,
                Some(_) => CbuiStatus::SC,
            },
            Self::Aborted => CbuiStatus::A,
            Self::IllFormed(_) | Self::UsedReference(_) => CbuiStatus::CE,
            Self::NoMethod => CbuiStatus::PE,
            Self::NotPossible(_) => CbuiStatus::NP,
            Self::NotRegistered => CbuiStatus::NM,
            Self::SystemError => CbuiStatus::SE,
        }
    }

    /// The message that goes with it. That of CE is as recorded, of version 1 with another blank; those of PE, NM and
    /// SE are our choice.
    fn message(&self, version_1: bool) -> Option<String> {
        match self {
            Self::Success(_) | Self::Aborted => None,
            Self::IllFormed(names) => Some(ill_formed(names, version_1)),
            Self::UsedReference(name) => Some(ill_formed(&[name], version_1)),
            Self::NoMethod => Some("The sender has none of the payment methods asked for".to_owned()),
            Self::NotPossible(reason) => Some((*reason).to_owned()),
            Self::NotRegistered => {
                Some("The caller is not registered for this kind of transaction".to_owned())
            }
            Self::SystemError => Some("System error, please try again".to_owned()),
        }
    }

    /// The parameters of the return URL, without the signature. With version 1, CE names the merchant's reference
    /// (recorded).
    pub(super) fn parameters(&self, version_1: bool, caller_reference: Option<&str>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        if let Self::Success(success) = self {
            let authorised = &success.authorised;
            if let (Some(name), Some(id)) = (success.pipeline.instrument, &authorised.instrument) {
                add(name, id.as_str());
            }
            for (name, id) in success.pipeline.tokens.iter().zip(&authorised.tokens) {
                add(name, id.as_str());
            }
        }
        add("status", self.status().name());
        if let Some(message) = self.message(version_1) {
            add("errorMessage", &message);
        }
        match self {
            Self::Success(success) => {
                if success.authorised.method == Some(PaymentMethod::CC) {
                    add("expiry", &expiry(success.at, success.expired));
                }
                if let Some(reference) = &success.caller_reference {
                    add("callerReference", reference);
                }
                pairs.extend(success.address.iter().cloned());
            }
            Self::IllFormed(_) | Self::UsedReference(_) if version_1 => {
                if let Some(reference) = caller_reference {
                    add("callerReference", reference);
                }
            }
            _ => {}
        }
        pairs
    }
}

fn ill_formed(names: &[&str], version_1: bool) -> String {
    let blank = if version_1 { " " } else { "" };
    format!("The following input(s) are not well formed:{blank}[{}]", names.join(", "))
}

/// The month in which the visitor's card expires: five years on, or the last month (our choice).
pub(super) fn expiry(now: Timestamp, expired: bool) -> String {
    let now = now.to_datetime();
    let month = if expired {
        now.checked_sub_months(Months::new(1))
    } else {
        now.checked_add_months(Months::new(60))
    };
    let month = month.unwrap_or(now);
    format!("{:02}/{}", month.month(), month.year())
}

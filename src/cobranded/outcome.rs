//! The outcome of a visit, and the parameters that report it in the return URL (guide: the response of each pipeline).

use chrono::{Datelike, Months};

use crate::ledger::Named as _;
use crate::ledger::{Authorization, CbuiStatus, PaymentMethod, ProposalError, Timestamp};
use crate::query::Pair;

use super::pipeline::Pipeline;

/// How a visit has ended.
pub(super) enum VisitOutcome {
    /// The visitor has authorised everything that the merchant asked for.
    Authorized(AuthorizedVisit),
    /// The visitor has cancelled.
    Cancelled,
    /// These parameters of the start URL are malformed.
    MalformedParameters(Vec<&'static str>),
    /// The caller reference in this parameter has been used before.
    ReferenceInUse(&'static str),
    /// The visitor has none of the payment methods that the merchant accepts.
    NoPaymentMethod,
    /// The visitor cannot authorise this, for the reason given.
    NotPossible(&'static str),
    /// The merchant is not registered for this kind of transaction.
    CallerNotRegistered,
    /// A system error, which occurs only when it is forced.
    SystemError,
}

/// The details of a successful visit.
pub(super) struct AuthorizedVisit {
    pub(super) pipeline: &'static Pipeline,
    pub(super) authorization: Authorization,
    /// Whether to report a card that has expired.
    pub(super) has_expired_card: bool,
    /// The address that the visitor has entered, as parameters.
    pub(super) address: Vec<Pair>,
    /// The merchant's `callerReference`, if the pipeline has one and returns it.
    pub(super) caller_reference: Option<String>,
    pub(super) authorized_at: Timestamp,
}

impl From<ProposalError> for VisitOutcome {
    fn from(error: ProposalError) -> Self {
        match error {
            ProposalError::IllFormed(name) => Self::MalformedParameters(vec![name]),
            ProposalError::ReferenceUsed(name) => Self::ReferenceInUse(name),
            ProposalError::NoMethod => Self::NoPaymentMethod,
            ProposalError::NotPossible(reason) => Self::NotPossible(reason),
            ProposalError::NotRegistered => Self::CallerNotRegistered,
        }
    }
}

/// The only message of NP that was recorded.
const RESTARTED: &str = "User Error: The pipeline was aborted and restarted";

impl VisitOutcome {
    /// The outcome with a forced status of failure. `None`: the status is one of success, which takes an authorisation.
    pub(super) fn forced_failure(status: CbuiStatus, pipeline: &Pipeline) -> Option<Self> {
        Some(match status {
            CbuiStatus::A => Self::Cancelled,
            CbuiStatus::CE => Self::MalformedParameters(vec![pipeline.first_reference_parameter()]),
            CbuiStatus::PE => Self::NoPaymentMethod,
            CbuiStatus::NP => Self::NotPossible(RESTARTED),
            CbuiStatus::NM => Self::CallerNotRegistered,
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

    /// The value of `status`.
    pub(super) fn status(&self) -> CbuiStatus {
        match self {
            Self::Authorized(visit) if !visit.authorization.changed => CbuiStatus::SU,
            Self::Authorized(visit) => match visit.authorization.method {
                None => CbuiStatus::SR,
                Some(PaymentMethod::ABT) => CbuiStatus::SA,
                Some(PaymentMethod::ACH) => CbuiStatus::SB,
                Some(_) => CbuiStatus::SC,
            },
            Self::Cancelled => CbuiStatus::A,
            Self::MalformedParameters(_) | Self::ReferenceInUse(_) => CbuiStatus::CE,
            Self::NoPaymentMethod => CbuiStatus::PE,
            Self::NotPossible(_) => CbuiStatus::NP,
            Self::CallerNotRegistered => CbuiStatus::NM,
            Self::SystemError => CbuiStatus::SE,
        }
    }

    /// The value of `errorMessage`. The message of CE is as recorded, with one more space in version 1. The messages of
    /// PE, NM and SE are our choice.
    fn error_message(&self, version_1: bool) -> Option<String> {
        match self {
            Self::Authorized(_) | Self::Cancelled => None,
            Self::MalformedParameters(names) => Some(malformed_message(names, version_1)),
            Self::ReferenceInUse(name) => Some(malformed_message(&[name], version_1)),
            Self::NoPaymentMethod => Some("The sender has none of the payment methods asked for".to_owned()),
            Self::NotPossible(reason) => Some((*reason).to_owned()),
            Self::CallerNotRegistered => {
                Some("The caller is not registered for this kind of transaction".to_owned())
            }
            Self::SystemError => Some("System error, please try again".to_owned()),
        }
    }

    /// The parameters of the return URL, without the signature. In version 1 of the signature, CE returns the
    /// merchant's `callerReference` too (recorded).
    pub(super) fn parameters(&self, version_1: bool, caller_reference: Option<&str>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        if let Self::Authorized(visit) = self {
            let authorization = &visit.authorization;
            if let (Some(name), Some(id)) = (visit.pipeline.instrument_result, &authorization.instrument) {
                add(name, id.as_str());
            }
            for (name, id) in visit.pipeline.token_results.iter().zip(&authorization.tokens) {
                add(name, id.as_str());
            }
        }
        add("status", self.status().name());
        if let Some(message) = self.error_message(version_1) {
            add("errorMessage", &message);
        }
        match self {
            Self::Authorized(visit) => {
                if visit.authorization.method == Some(PaymentMethod::CC) {
                    add("expiry", &card_expiry(visit.authorized_at, visit.has_expired_card));
                }
                if let Some(reference) = &visit.caller_reference {
                    add("callerReference", reference);
                }
                pairs.extend(visit.address.iter().cloned());
            }
            Self::MalformedParameters(_) | Self::ReferenceInUse(_) if version_1 => {
                if let Some(reference) = caller_reference {
                    add("callerReference", reference);
                }
            }
            _ => {}
        }
        pairs
    }
}

fn malformed_message(names: &[&str], version_1: bool) -> String {
    let space = if version_1 { " " } else { "" };
    format!("The following input(s) are not well formed:{space}[{}]", names.join(", "))
}

/// The month in which the visitor's card expires, as MM/YYYY: in five years, or a month ago (our choice).
pub(super) fn card_expiry(now: Timestamp, has_expired: bool) -> String {
    let now = now.to_datetime();
    let month = if has_expired {
        now.checked_sub_months(Months::new(1))
    } else {
        now.checked_add_months(Months::new(60))
    };
    let month = month.unwrap_or(now);
    format!("{:02}/{}", month.month(), month.year())
}

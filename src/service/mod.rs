//! The service layer: executes requests, independent of the protocol by which they arrive.
//!
//! A protocol layer, such as the REST API, turns bytes into a [`Request`], authenticates the caller, and writes the
//! [`ActionResult`] or the [`FpsError`] in its own format. This module does not use HTTP, XML, status codes or
//! request signatures.

pub mod action;
pub mod actions;
mod concat;
mod context;
pub mod parameters;
mod response;
pub(crate) mod timestamp;

use std::sync::Arc;

use chrono::NaiveDate;

use crate::config::VerifySignatureRefusal;
use crate::error::{Code, FpsError};
use crate::ledger::AccountNumber;
use crate::message_signing::MessageSigner;
use crate::query::Pair;
use crate::worlds::World;

use action::{Action, Handler};
use context::{ActionContext, PublicContext};
use parameters::{ParameterReader, missing_parameter};

pub use response::{ActionResult, ElementEvent, ElementWriter};

/// The first API version whose requests and responses this service implements.
const FIRST_VERSION: NaiveDate = match NaiveDate::from_ymd_opt(2008, 9, 17) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// A decoded request, independent of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The requested action; see [`actions::require`].
    pub action: &'static Action,
    /// The API version as sent; empty if the request names none.
    pub version: &'a str,
    /// The parameters in the order in which they were sent. Nested values have dotted names:
    /// `SettlementAmount.Value`, `Role.1`.
    pub parameters: &'a [Pair],
    /// Names of parameters that belong to the protocol, such as `Signature`. Actions do not see them.
    pub protocol_parameters: &'static [&'static str],
}

/// Executes requests. Holds everything that actions need besides a world.
#[derive(Debug)]
pub struct Service {
    /// Verifies the signatures of messages; used by VerifySignature.
    pub message_signer: Arc<MessageSigner>,
    /// The answer of VerifySignature to a signature that does not match.
    pub verify_signature_refusal: VerifySignatureRefusal,
}

impl Service {
    /// Executes a request. `caller` is the authenticated account. Only public actions can be requested without one.
    pub async fn execute(
        &self,
        world: &World,
        caller: Option<AccountNumber>,
        request: Request<'_>,
    ) -> Result<ActionResult, FpsError> {
        check_version(request.version)?;
        let parameters = ParameterReader::new(request)?;
        let response = match (&request.action.handler, caller) {
            (Handler::Authenticated(handle), Some(caller)) => {
                handle(ActionContext::new(caller, parameters, world)).await?
            }
            (Handler::Authenticated(_), None) => return Err(Code::MissingAuthenticationToken.into()),
            (Handler::Public(handle), _) => {
                let (message_signer, refusal) = (&*self.message_signer, self.verify_signature_refusal);
                handle(PublicContext { parameters, message_signer, refusal }).await?
            }
        };
        tracing::debug!(action = request.action.name, "answered");
        Ok(response)
    }
}

/// Checks the `Version` parameter: every date from [`FIRST_VERSION`] on is accepted.
fn check_version(version: &str) -> Result<(), FpsError> {
    if version.is_empty() {
        return Err(missing_parameter("Version"));
    }
    if timestamp::parse_date(version).is_some_and(|date| date >= FIRST_VERSION) {
        return Ok(());
    }
    let rule = "Must be 2008-09-17 or a later date, such as 2010-08-28.";
    Err(FpsError::invalid_value("Version", version, rule))
}

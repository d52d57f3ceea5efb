//! The service: what a request does, whichever front it comes by.
//!
//! A front turns bytes into a [`Request`], says who asks, and writes the [`Answer`] or the refusal as its clients read
//! them. Nothing here knows of HTTP, documents, statuses or signatures of requests.

pub mod actions;
mod answer;
mod call;
pub(crate) mod instant;
pub mod params;

use std::sync::Arc;

use chrono::NaiveDate;

use crate::config::VerifySignatureRefusal;
use crate::error::{Code, FpsError};
use crate::ledger::AccountNumber;
use crate::message_signing::MessageSigner;
use crate::query::Pair;
use crate::worlds::World;

use actions::{Action, Run};
use call::{Call, OpenCall};
use params::{Params, missing};

pub use answer::{Answer, Element, Elements};

/// The first version of the API that has the answers of this service.
const FIRST_VERSION: NaiveDate = match NaiveDate::from_ymd_opt(2008, 9, 17) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// A request as every front makes it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is to be done; see [`Action::named`].
    pub action: &'static Action,
    /// The version of the API as sent; empty where none is given.
    pub version: &'a str,
    /// The parameters in the order they came. Parts have dotted names: `SettlementAmount.Value`, `Role.1`.
    pub parameters: &'a [Pair],
    /// Names among them that belong to the front, such as that of the signature: no action reads them.
    pub common: &'static [&'static str],
}

/// Everything that actions need besides a world.
#[derive(Debug)]
pub struct Service {
    /// Checks signatures on messages.
    pub message_signer: Arc<MessageSigner>,
    /// How VerifySignature says no.
    pub verify_signature_refusal: VerifySignatureRefusal,
}

impl Service {
    /// Executes a request for its caller. Only actions that are for anybody need none.
    pub async fn execute(
        &self,
        world: &World,
        caller: Option<AccountNumber>,
        request: Request<'_>,
    ) -> Result<Answer, FpsError> {
        check_version(request.version)?;
        let params = Params::new(request)?;
        let answer = match (&request.action.run, caller) {
            (Run::Signed(run), Some(caller)) => run(Call::new(caller, params, world)).await?,
            (Run::Signed(_), None) => return Err(Code::MissingAuthenticationToken.into()),
            (Run::Anybody(run), _) => {
                let (message_signer, refusal) = (&*self.message_signer, self.verify_signature_refusal);
                run(OpenCall { params, message_signer, refusal }).await?
            }
        };
        tracing::debug!(action = request.action.name, "answered");
        Ok(answer)
    }
}

/// Any date from the first version on is served.
fn check_version(version: &str) -> Result<(), FpsError> {
    if version.is_empty() {
        return Err(missing("Version"));
    }
    if instant::date(version).is_some_and(|date| date >= FIRST_VERSION) {
        return Ok(());
    }
    let rule = "Must be 2008-09-17 or a later date, such as 2010-08-28.";
    Err(FpsError::invalid_value("Version", version, rule))
}

//! What an action is: its documentation, its parameters, its errors and its handler, as data.

use std::future::Future;
use std::pin::Pin;

use crate::error::{Code, FpsError};
use crate::provenance::Provenance;

use super::ActionResult;
use super::context::{ActionContext, PublicContext};
use super::parameters::Parameter;

/// An action of the service.
#[derive(Debug)]
pub struct Action {
    /// The value of the `Action` parameter that requests it; case matters.
    pub name: &'static str,
    /// Misspelled names that client libraries send; they are accepted too.
    pub aliases: &'static [&'static str],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// The guide pages it follows.
    pub source: &'static str,
    /// Its parameters in the order of the schema, without those of every request.
    pub parameters: &'static [Parameter],
    /// Parameters of older API versions that clients still send. They are logged and ignored.
    pub legacy: &'static [&'static str],
    /// The errors it can return, besides those of every request.
    pub errors: &'static [Code],
    /// Notable behaviours and where each is known from.
    pub behaviours: &'static [Behaviour],
    /// Who may request it, and the function that executes it.
    pub handler: Handler,
}

impl Action {
    /// Whether it can be requested without a signature.
    pub const fn is_public(&self) -> bool {
        matches!(self.handler, Handler::Public(_))
    }
}

/// The pending response of a handler.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<ActionResult, FpsError>> + Send + 'a>>;

/// Who may request an action, and the function that executes it.
#[derive(Debug)]
pub enum Handler {
    /// The request must be signed; the owner of the access key is the caller.
    Authenticated(for<'a> fn(ActionContext<'a>) -> HandlerFuture<'a>),
    /// Anybody may request it. A signature is not checked, even if there is one.
    Public(for<'a> fn(PublicContext<'a>) -> HandlerFuture<'a>),
}

/// A behaviour of an action or a page, as the documentation lists it.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// One or two sentences that describe it.
    pub description: &'static str,
    /// Where it is known from.
    pub provenance: Provenance,
}

/// A behaviour that a guide page or the schema describes.
pub const fn documented(description: &'static str) -> Behaviour {
    Behaviour { description, provenance: Provenance::Documented }
}

/// A behaviour seen in recorded traffic or in client fixtures.
pub const fn observed(description: &'static str) -> Behaviour {
    Behaviour { description, provenance: Provenance::Observed }
}

/// A behaviour that follows from what a source says.
pub const fn inferred(description: &'static str) -> Behaviour {
    Behaviour { description, provenance: Provenance::Inferred }
}

/// A behaviour for which there is no source.
pub const fn our_choice(description: &'static str) -> Behaviour {
    Behaviour { description, provenance: Provenance::OurChoice }
}

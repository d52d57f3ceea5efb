//! Actions as data: the documentation, the parameters, the errors and the handler of each.

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
    /// The value of the `Action` parameter that requests the action. Case matters.
    pub name: &'static str,
    /// Misspelled names that client libraries send. They are accepted too.
    pub aliases: &'static [&'static str],
    /// One sentence that says what the action does.
    pub summary: &'static str,
    /// The guide pages that the action follows.
    pub source: &'static str,
    /// The parameters of the action in the order of the schema, without those that every request has.
    pub parameters: &'static [Parameter],
    /// Parameters of older API versions that clients still send. They are logged and ignored.
    pub legacy: &'static [&'static str],
    /// The errors that the action can return, besides those of every request.
    pub errors: &'static [Code],
    /// Notable behaviours, each with its kind of source.
    pub behaviours: &'static [Behaviour],
    /// The handler: who may request the action, and the function that executes it.
    pub handler: Handler,
}

impl Action {
    /// Whether the action can be requested without a signature.
    pub const fn is_public(&self) -> bool {
        matches!(self.handler, Handler::Public(_))
    }
}

/// The pending response of a handler.
pub type HandlerFuture<'a> = Pin<Box<dyn Future<Output = Result<ActionResult, FpsError>> + Send + 'a>>;

/// Who may request an action, and the function that executes it.
#[derive(Debug)]
pub enum Handler {
    /// The request must be signed. The owner of the access key is the caller.
    Authenticated(for<'a> fn(ActionContext<'a>) -> HandlerFuture<'a>),
    /// Anybody may request the action. A signature is not checked, even if there is one.
    Public(for<'a> fn(PublicContext<'a>) -> HandlerFuture<'a>),
}

/// A behaviour of an action or a page, as the documentation lists it.
#[derive(Clone, Copy, Debug)]
pub struct Behaviour {
    /// The description, in one or two sentences.
    pub description: &'static str,
    /// The kind of its source.
    pub provenance: Provenance,
}

/// A behaviour that a guide page or the schema describes.
pub const fn documented(description: &'static str) -> Behaviour {
    Behaviour { description, provenance: Provenance::Documented }
}

/// A behaviour that recorded traffic or client fixtures show.
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

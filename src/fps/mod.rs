//! The web service's API over HTTP.
//!
//! `rest` decodes a request with [`crate::query`], authenticates it with [`crate::authentication`] and executes it with
//! [`crate::service`]. `xml` writes the response, `status` chooses its HTTP status.

pub mod documentation;
pub mod hosts;
mod rest;
mod status;
mod xml;

pub use rest::{COMMON_PARAMETERS, RestApi, handle_request};
pub use status::status;

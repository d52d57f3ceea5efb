//! The web service's front: what a client sends and reads.
//!
//! Bytes become a request, the service executes it, and its answer becomes a document with a status:
//! `rest` → [`crate::query`] → [`crate::authentication`] → [`crate::service`] → `xml`, `status`.

pub mod hosts;
pub mod reference;
mod rest;
mod status;
mod xml;

pub use rest::{COMMON, Rest, answer};
pub use status::status;

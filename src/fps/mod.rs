//! The FPS web service as a client sees it.
//!
//! A front turns bytes into a typed call and the answer into bytes; nothing flows backwards:
//! `rest` → `query` → `authentication` → `actions` (`params`) → ledger → `xml`.

pub mod actions;
mod authentication;
mod call;
pub mod hosts;
pub(crate) mod instant;
pub mod outbound;
pub mod params;
pub mod query;
pub mod reference;
mod rest;
mod xml;

pub use authentication::Authenticator;
pub use rest::{Rest, answer};

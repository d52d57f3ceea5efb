//! Parameters: the list of an action's parameters, and reading them as typed values.

mod digest;
mod error;
mod reader;
mod schema;
mod value;

pub use reader::ParameterReader;
pub use schema::{Parameter, ParameterKind};
pub use value::{FromParameter, ParameterValue};

pub(super) use error::missing_parameter;

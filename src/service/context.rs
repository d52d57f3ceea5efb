//! The context of a handler: the caller, the parameters, and the world in which commands run.

use crate::config::VerifySignatureRefusal;
use crate::error::FpsError;
use crate::ledger::{AccountNumber, Command, Idempotent, IdempotentOperation, Query, Receipt};
use crate::message_signing::MessageSigner;
use crate::worlds::World;

use super::parameters::ParameterReader;

/// An authenticated request whose parameter names have been checked.
pub struct ActionContext<'a> {
    /// The account that owns the access key.
    pub caller: AccountNumber,
    /// The request's parameters.
    pub parameters: ParameterReader<'a>,
    /// The world whose store runs commands and queries.
    world: &'a World,
}

/// A request for a public action. There is no caller, and no account is accessed.
pub struct PublicContext<'a> {
    /// The request's parameters.
    pub parameters: ParameterReader<'a>,
    /// Verifies the signatures of notifications and return URLs.
    pub message_signer: &'a MessageSigner,
    /// The answer of VerifySignature to a signature that does not match.
    pub refusal: VerifySignatureRefusal,
}

impl<'a> ActionContext<'a> {
    /// The context of a request by `caller` in `world`.
    pub const fn new(caller: AccountNumber, parameters: ParameterReader<'a>, world: &'a World) -> Self {
        Self { caller, parameters, world }
    }

    /// Runs a command. The handler must have read all parameters before, so that none is silently ignored.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        self.parameters.check_all_read()?;
        self.world.store().run(command).await
    }

    /// Runs an operation that has one effect for each caller reference: a repeated request gets the recorded outcome.
    /// The handler must have read all parameters before, because the digest covers those that it has read.
    pub async fn run_idempotent(&self, operation: impl IdempotentOperation) -> Result<Receipt, FpsError> {
        self.run(Idempotent { operation, digest: self.parameters.digest() }).await
    }

    /// Runs a query. The handler must have read all parameters before.
    pub async fn query<Q: Query>(&self, query: Q) -> Result<Q::Output, FpsError> {
        self.parameters.check_all_read()?;
        self.world.store().query(query).await
    }
}

//! A command on its way through a batch.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Needs};

/// A command on its way through a batch, its answer's type forgotten.
pub(super) trait Job: Send {
    /// What it is, for the log.
    fn name(&self) -> &'static str;
    /// Names the rows it needs.
    fn needs(&self, needs: &mut Needs<'_>);
    /// Decides, and keeps the answer.
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>);
    /// Gives the answer, now that the batch is saved.
    fn answer(self: Box<Self>);
    /// Tells that it failed, and how.
    fn fail(self: Box<Self>, refusal: FpsError);
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// How long ago it was asked for.
    fn age(&self) -> Duration;
}

/// What a command is about: its kind, and the accounts, tokens, instruments, transactions and subscriptions that it names.
/// Two requests that differ in nothing but amounts and references are about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject(u64);

impl Subject {
    pub(super) fn of(job: &dyn Job) -> Self {
        let nothing_known = Book::default();
        let mut needs = Needs::new(&nothing_known);
        job.needs(&mut needs);
        let named = needs.into_unknown();
        let mut hasher = DefaultHasher::new();
        job.name().hash(&mut hasher);
        (&named.token_ids, &named.instrument_ids).hash(&mut hasher);
        (&named.transaction_ids, &named.transactions, &named.subscriptions).hash(&mut hasher);
        (&named.accounts, &named.accounts_at, &named.tokens_under).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A command and whoever waits for its answer.
pub(super) struct Waiting<C: Command> {
    command: C,
    answer: oneshot::Sender<Result<C::Output, FpsError>>,
    decided: Option<Result<C::Output, FpsError>>,
    since: Instant,
}

impl<C: Command> Waiting<C> {
    pub(super) fn new(command: C, answer: oneshot::Sender<Result<C::Output, FpsError>>) -> Self {
        Self { command, answer, decided: None, since: Instant::now() }
    }
}

impl<C: Command> Job for Waiting<C> {
    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        self.command.needs(needs);
    }

    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.decided = Some(self.command.decide(book, context));
    }

    // Whoever waited may have gone; the command has run all the same.
    fn answer(self: Box<Self>) {
        let _ = self.answer.send(self.decided.unwrap_or_else(|| Err(Code::InternalError.into())));
    }

    fn fail(self: Box<Self>, refusal: FpsError) {
        let _ = self.answer.send(Err(refusal));
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// Work of the sandbox itself: nobody waits for an answer.
pub(super) struct Unattended<C>(pub(super) C);

impl<C: Command> Job for Unattended<C> {
    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        self.0.needs(needs);
    }

    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        if let Err(refusal) = self.0.decide(book, context) {
            tracing::error!(%refusal, "due work was refused");
        }
    }

    fn answer(self: Box<Self>) {}

    fn fail(self: Box<Self>, _: FpsError) {}

    fn is_abandoned(&self) -> bool {
        false
    }

    fn age(&self) -> Duration {
        Duration::ZERO
    }
}

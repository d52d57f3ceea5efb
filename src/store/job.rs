//! A command on its way through a batch.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Query, QueryContext, ReadSet};

/// What somebody waits for, on its way through a batch, its answer's type forgotten.
pub(super) trait Waiting: Send {
    /// What it is, for the log.
    fn name(&self) -> &'static str;
    /// Names the rows it needs.
    fn read_set(&self, reads: &mut ReadSet<'_>);
    /// Gives the answer, now that the batch is done.
    fn answer(self: Box<Self>);
    /// Tells that it failed, and how.
    fn fail(self: Box<Self>, refusal: FpsError);
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    /// How long ago it was asked for.
    fn age(&self) -> Duration;
}

/// A command, or a query that the writer answers among them.
pub(super) trait Job: Waiting {
    /// Decides, and keeps the answer.
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>);
}

/// A query that is answered beside the writer.
pub(super) trait LookUp: Waiting {
    /// Finds the answer, and keeps it.
    fn look_up(&mut self, book: &Book, context: &QueryContext<'_>);
}

/// What a command is about: its kind, and the accounts, tokens, instruments, transactions and subscriptions that it names.
/// Two requests that differ in nothing but amounts and references are about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject(u64);

impl Subject {
    pub(super) fn of(job: &dyn Job) -> Self {
        let nothing_known = Book::default();
        let mut reads = ReadSet::new(&nothing_known);
        job.read_set(&mut reads);
        let named = reads.into_missing();
        let mut hasher = DefaultHasher::new();
        job.name().hash(&mut hasher);
        (&named.token_ids, &named.instrument_ids).hash(&mut hasher);
        (&named.transaction_ids, &named.transactions, &named.subscriptions).hash(&mut hasher);
        (&named.accounts, &named.accounts_at, &named.tokens_under).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Whoever waits for an answer, and the answer once there is one.
struct Asker<T> {
    answer: oneshot::Sender<Result<T, FpsError>>,
    decided: Option<Result<T, FpsError>>,
    since: Instant,
}

impl<T> Asker<T> {
    fn new(answer: oneshot::Sender<Result<T, FpsError>>) -> Self {
        Self { answer, decided: None, since: Instant::now() }
    }
}

/// A command and whoever waits for its answer.
pub(super) struct WaitingCommand<C: Command> {
    command: C,
    asker: Asker<C::Output>,
}

impl<C: Command> WaitingCommand<C> {
    pub(super) fn new(command: C, answer: oneshot::Sender<Result<C::Output, FpsError>>) -> Self {
        Self { command, asker: Asker::new(answer) }
    }
}

impl<C: Command> Job for WaitingCommand<C> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.asker.decided = Some(self.command.decide(book, context));
    }
}

/// A query and whoever waits for its answer.
pub(super) struct WaitingQuery<Q: Query> {
    query: Q,
    asker: Asker<Q::Output>,
}

impl<Q: Query> WaitingQuery<Q> {
    pub(super) fn new(query: Q, answer: oneshot::Sender<Result<Q::Output, FpsError>>) -> Self {
        Self { query, asker: Asker::new(answer) }
    }
}

impl<Q: Query> Job for WaitingQuery<Q> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.look_up(book, &context.to_query());
    }
}

impl<Q: Query> LookUp for WaitingQuery<Q> {
    fn look_up(&mut self, book: &Book, context: &QueryContext<'_>) {
        self.asker.decided = Some(self.query.answer(book, context));
    }
}

macro_rules! waiting {
    ($name:ident: $kind:ident, $work:ident) => {
        impl<W: $kind> Waiting for $name<W> {
            fn name(&self) -> &'static str {
                std::any::type_name::<W>()
            }

            fn read_set(&self, reads: &mut ReadSet<'_>) {
                self.$work.read_set(reads);
            }

            // Whoever waited may have gone; the command has run all the same.
            fn answer(self: Box<Self>) {
                let decided = self.asker.decided.unwrap_or_else(|| Err(Code::InternalError.into()));
                let _ = self.asker.answer.send(decided);
            }

            fn fail(self: Box<Self>, refusal: FpsError) {
                let _ = self.asker.answer.send(Err(refusal));
            }

            fn is_abandoned(&self) -> bool {
                self.asker.answer.is_closed()
            }

            fn age(&self) -> Duration {
                self.asker.since.elapsed()
            }
        }
    };
}

waiting! { WaitingCommand: Command, command }
waiting! { WaitingQuery: Query, query }

/// Work of the sandbox itself: nobody waits for an answer.
pub(super) struct Unattended<C>(pub(super) C);

impl<C: Command> Waiting for Unattended<C> {
    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
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

impl<C: Command> Job for Unattended<C> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        if let Err(refusal) = self.0.decide(book, context) {
            tracing::error!(%refusal, "due work was refused");
        }
    }
}

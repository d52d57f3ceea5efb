//! Jobs: commands and queries that are queued for a writer or a reader, with the channel for their response.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Query, QueryContext, ReadSet};

/// A unit of work in a queue. The type of its response is erased.
///
/// A job is run first and responds later: the response is kept in the job until the batch is committed.
pub(super) trait Job: Send {
    /// The type of the command or query, for the log.
    fn name(&self) -> &'static str;
    /// Names the rows that the job needs.
    fn read_set(&self, reads: &mut ReadSet<'_>);
    /// Sends the response that running the job has produced.
    fn respond(self: Box<Self>);
    /// Sends an error instead.
    fn fail(self: Box<Self>, error: FpsError);
    /// Whether nobody waits for the response any more.
    fn is_abandoned(&self) -> bool;
    /// The time since the job was queued.
    fn age(&self) -> Duration;
}

/// A job that a writer runs: a command, or a query of a world without readers.
pub(super) trait WriterJob: Job {
    /// Decides the command on the rows in the book, and keeps the response. May run several times before it responds.
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>);
}

/// A job that a reader runs: a query.
pub(super) trait ReaderJob: Job {
    /// Answers the query from the rows in the book, and keeps the response.
    fn answer(&mut self, book: &Book, context: &QueryContext<'_>);
}

/// A hash of a job's type and of the rows that it names: accounts, tokens, instruments, transactions and subscriptions.
/// Requests that differ only in amounts and references have the same fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct JobFingerprint(u64);

impl JobFingerprint {
    pub(super) fn of(job: &dyn WriterJob) -> Self {
        let empty_book = Book::default();
        let mut reads = ReadSet::new(&empty_book);
        job.read_set(&mut reads);
        let named = reads.into_missing();
        let mut hasher = DefaultHasher::new();
        job.name().hash(&mut hasher);
        (&named.token_ids, &named.instrument_ids).hash(&mut hasher);
        (&named.transaction_ids, &named.transactions, &named.subscriptions).hash(&mut hasher);
        (&named.accounts, &named.accounts_at, &named.tokens_by_reference).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The channel for a job's response, and the response once the job has run.
struct Responder<T> {
    sender: oneshot::Sender<Result<T, FpsError>>,
    response: Option<Result<T, FpsError>>,
    queued_at: Instant,
}

impl<T> Responder<T> {
    fn new(sender: oneshot::Sender<Result<T, FpsError>>) -> Self {
        Self { sender, response: None, queued_at: Instant::now() }
    }
}

/// A command in a queue.
pub(super) struct CommandJob<C: Command> {
    command: C,
    responder: Responder<C::Output>,
}

impl<C: Command> CommandJob<C> {
    pub(super) fn new(command: C, sender: oneshot::Sender<Result<C::Output, FpsError>>) -> Self {
        Self { command, responder: Responder::new(sender) }
    }
}

impl<C: Command> WriterJob for CommandJob<C> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.responder.response = Some(self.command.decide(book, context));
    }
}

/// A query in a queue.
pub(super) struct QueryJob<Q: Query> {
    query: Q,
    responder: Responder<Q::Output>,
}

impl<Q: Query> QueryJob<Q> {
    pub(super) fn new(query: Q, sender: oneshot::Sender<Result<Q::Output, FpsError>>) -> Self {
        Self { query, responder: Responder::new(sender) }
    }
}

impl<Q: Query> WriterJob for QueryJob<Q> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.answer(book, &context.query_context());
    }
}

impl<Q: Query> ReaderJob for QueryJob<Q> {
    fn answer(&mut self, book: &Book, context: &QueryContext<'_>) {
        self.responder.response = Some(self.query.answer(book, context));
    }
}

macro_rules! impl_job {
    ($name:ident: $bound:ident, $inner:ident) => {
        impl<T: $bound> Job for $name<T> {
            fn name(&self) -> &'static str {
                std::any::type_name::<T>()
            }

            fn read_set(&self, reads: &mut ReadSet<'_>) {
                self.$inner.read_set(reads);
            }

            // The receiver may be gone; the command has been committed all the same.
            fn respond(self: Box<Self>) {
                let response = self.responder.response.unwrap_or_else(|| Err(Code::InternalError.into()));
                let _ = self.responder.sender.send(response);
            }

            fn fail(self: Box<Self>, error: FpsError) {
                let _ = self.responder.sender.send(Err(error));
            }

            fn is_abandoned(&self) -> bool {
                self.responder.sender.is_closed()
            }

            fn age(&self) -> Duration {
                self.responder.queued_at.elapsed()
            }
        }
    };
}

impl_job! { CommandJob: Command, command }
impl_job! { QueryJob: Query, query }

/// A command of the sandbox itself, which has nobody to respond to.
pub(super) struct BackgroundJob<C>(pub(super) C);

impl<C: Command> Job for BackgroundJob<C> {
    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn respond(self: Box<Self>) {}

    fn fail(self: Box<Self>, _: FpsError) {}

    fn is_abandoned(&self) -> bool {
        false
    }

    fn age(&self) -> Duration {
        Duration::ZERO
    }
}

impl<C: Command> WriterJob for BackgroundJob<C> {
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        if let Err(refusal) = self.0.decide(book, context) {
            tracing::error!(%refusal, "due work was refused");
        }
    }
}

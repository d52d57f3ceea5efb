//! A command on its way through a batch.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Needs, Query};

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

/// Whoever waits for an answer, and since when.
struct Asker<T> {
    answer: oneshot::Sender<Result<T, FpsError>>,
    since: Instant,
}

impl<T> Asker<T> {
    fn new(answer: oneshot::Sender<Result<T, FpsError>>) -> Self {
        Self { answer, since: Instant::now() }
    }

    /// Whoever waited may have gone; the command has run all the same.
    fn tell(self, answer: Result<T, FpsError>) {
        let _ = self.answer.send(answer);
    }
}

macro_rules! waiting {
    ($(#[$doc:meta])* $name:ident: $kind:ident, |$work:ident, $book:ident, $context:ident| $decide:expr) => {
        $(#[$doc])*
        pub(super) struct $name<C: $kind> {
            work: C,
            asker: Asker<C::Output>,
            decided: Option<Result<C::Output, FpsError>>,
        }

        impl<C: $kind> $name<C> {
            pub(super) fn new(work: C, answer: oneshot::Sender<Result<C::Output, FpsError>>) -> Self {
                Self { work, asker: Asker::new(answer), decided: None }
            }
        }

        impl<C: $kind> Job for $name<C> {
            fn name(&self) -> &'static str {
                std::any::type_name::<C>()
            }

            fn needs(&self, needs: &mut Needs<'_>) {
                self.work.needs(needs);
            }

            fn decide(&mut self, $book: &mut Book, $context: &mut Context<'_>) {
                let $work = &self.work;
                self.decided = Some($decide);
            }

            fn answer(self: Box<Self>) {
                self.asker.tell(self.decided.unwrap_or_else(|| Err(Code::InternalError.into())));
            }

            fn fail(self: Box<Self>, refusal: FpsError) {
                self.asker.tell(Err(refusal));
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

waiting! {
    /// A command and whoever waits for its answer.
    WaitingCommand: Command, |command, book, context| command.decide(book, context)
}

waiting! {
    /// A query and whoever waits for its answer.
    WaitingQuery: Query, |query, book, context| query.answer(book, &context.to_query())
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

//! A reader of a world: answers queries concurrently with the writer, on a read-only connection of its own.
//!
//! A batch of queries sees the world as it is when the batch begins. That includes every change whose command has got a
//! response before. A database in memory has no readers: its writer answers queries among its commands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::error::{Code, FpsError};
use crate::ledger::{IdCodec, QueryContext, Rules};

use super::batch_error::{BatchError, DecideError};
use super::deferred_jobs::DeferredJobs;
use super::job::ReaderJob;
use super::panics::catch_panic;
use super::read_connection::ReadConnection;
use super::working_set::{BatchLimits, WorkingSet};
use super::world_state::Snapshot;
use super::writer::WriterMessage;

/// A message to a reader.
pub(super) enum ReaderMessage {
    /// Answer a query.
    Run(Box<dyn ReaderJob>),
    /// Answer the queued queries, close the connection and confirm.
    Close(oneshot::Sender<()>),
}

/// How many times a batch is run when its errors are transient.
const MAX_ATTEMPTS: u32 = 3;

/// What the readers of a world have in common.
pub(super) struct SharedReaderState {
    pub(super) writer: mpsc::WeakSender<WriterMessage>,
    pub(super) rules: Arc<Rules>,
    pub(super) ids: IdCodec,
    pub(super) limits: BatchLimits,
}

/// The state of a reader.
pub(super) struct Reader {
    connection: ReadConnection,
    messages: mpsc::Receiver<ReaderMessage>,
    /// The writer of the world, which runs due work. Weak, so that a reader does not keep the writer running.
    writer: mpsc::WeakSender<WriterMessage>,
    rules: Arc<Rules>,
    max_jobs: usize,
    working_set: WorkingSet,
    deferred: DeferredJobs<dyn ReaderJob>,
    /// The version of the world at which the rows in memory are current, and the generation of connections that read it.
    version: Option<(i64, u64)>,
}

impl Reader {
    pub(super) fn new(
        connection: ReadConnection,
        messages: mpsc::Receiver<ReaderMessage>,
        context: &SharedReaderState,
    ) -> Self {
        Self {
            connection,
            messages,
            writer: context.writer.clone(),
            rules: Arc::clone(&context.rules),
            max_jobs: context.limits.max_jobs,
            working_set: WorkingSet::new(context.ids, context.limits.max_cached_transactions),
            deferred: DeferredJobs::new(),
            version: None,
        }
    }

    /// Runs until it is told to close, or all senders are gone.
    pub(super) async fn run(mut self) {
        let mut close_requests = Vec::new();
        let mut received = Vec::with_capacity(self.max_jobs);
        let mut is_open = true;
        while is_open || !self.deferred.is_empty() {
            tokio::select! {
                biased;
                count = self.messages.recv_many(&mut received, self.max_jobs), if is_open => is_open = count > 0,
                () = sleep_until(self.working_set.searches.next_step_at()), if !self.deferred.is_empty() => {}
            };
            let mut queries = self.deferred.take();
            let deferred_count = queries.len();
            for message in received.drain(..) {
                match message {
                    ReaderMessage::Run(query) => queries.push(query),
                    ReaderMessage::Close(done) => {
                        self.messages.close();
                        close_requests.push(done);
                    }
                }
            }
            if queries.len() > deferred_count {
                self.working_set.searches.note_other_work();
            }
            if !queries.is_empty() && catch_panic(self.run_queries(queries)).await.is_err() {
                // The panic has dropped the queries, so their senders get an error.
                let problem = self.roll_back(BatchError::Panicked).await;
                tracing::error!(%problem, "queries failed with a panic; the reader continues");
            }
            self.deferred.drop_unawaited_searches(&mut self.working_set.searches);
        }
        self.connection.close().await;
        for done in close_requests {
            let _ = done.send(());
        }
    }

    /// Answers queries, again after transient errors. If a batch of them fails otherwise, each query is run alone.
    async fn run_queries(&mut self, mut queries: Vec<Box<dyn ReaderJob>>) {
        for attempt in 1.. {
            let Err(problem) = self.run_or_roll_back(&mut queries).await else {
                return queries.into_iter().for_each(|query| query.respond());
            };
            if attempt < MAX_ATTEMPTS && problem.is_transient() {
                tracing::debug!(%problem, attempt, "a batch of queries is run again");
                continue;
            }
            if let Some(response) = problem.response_to_all() {
                tracing::debug!(%problem, queries = queries.len(), "the database cannot be reached");
                return fail_all(queries, &response);
            }
            // One bad query fails the batch; alone, it fails only itself.
            if queries.len() > 1 {
                for query in queries {
                    Box::pin(self.run_queries(vec![query])).await;
                }
                return;
            }
            for query in &queries {
                tracing::error!(%problem, query = query.name(), "a query failed");
            }
            return fail_all(queries, &Code::InternalError.into());
        }
    }

    async fn run_or_roll_back(&mut self, queries: &mut Vec<Box<dyn ReaderJob>>) -> Result<(), BatchError> {
        let timeout = self.connection.timeout();
        let transaction = self.run_transaction(queries);
        let result = match timeout {
            None => transaction.await,
            Some(timeout) => {
                tokio::time::timeout(timeout, transaction).await.unwrap_or(Err(BatchError::TimedOut))
            }
        };
        match result {
            Ok(()) => Ok(()),
            Err(problem) => Err(self.roll_back(problem).await),
        }
    }

    /// Answers queries in one read transaction, and keeps their responses.
    async fn run_transaction(&mut self, queries: &mut Vec<Box<dyn ReaderJob>>) -> Result<(), BatchError> {
        let mut snapshot = self.begin().await?;
        let mut now = snapshot.clock.now();
        if snapshot.next_due.is_some_and(|due| due <= now) {
            // Queries must see the effects of due work. So the writer runs it first, if it can.
            self.connection.end().await?;
            self.request_due_work().await;
            snapshot = self.begin().await?;
            now = snapshot.clock.now();
        }
        self.working_set.load(self.connection.get()?, queries).await?;
        self.deferred.defer_unfinished(&self.working_set.book, queries);
        let context = QueryContext { now, newest: snapshot.newest, rules: &self.rules };
        for (index, query) in queries.iter_mut().enumerate() {
            catch_unwind(AssertUnwindSafe(|| query.answer(&self.working_set.book, &context)))
                .map_err(|_| BatchError::JobFailed { index, error: DecideError::Panicked })?;
        }
        self.connection.end().await?;
        self.working_set.mark_saved();
        Ok(())
    }

    /// Begins a read transaction, and drops the rows in memory if the world has changed since the last one.
    async fn begin(&mut self) -> Result<Snapshot, BatchError> {
        let generation = self.connection.begin().await?;
        let snapshot = Snapshot::load(self.connection.get()?).await?;
        let version = Some((snapshot.version, generation));
        if self.version != version {
            self.working_set.clear();
            self.working_set.ids = snapshot.ids;
            self.version = version;
        }
        Ok(snapshot)
    }

    /// Asks the writer to run due work, and waits until it has. On a shared database it waits for half of the time
    /// limit only.
    async fn request_due_work(&mut self) {
        let Some(writer) = self.writer.upgrade() else { return };
        let (done, is_done) = oneshot::channel();
        let request = async {
            if writer.send(WriterMessage::RunDueWork(done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        match self.connection.timeout() {
            None => request.await,
            Some(timeout) => {
                let _in_time = tokio::time::timeout_at(Instant::now() + timeout / 2, request).await;
            }
        }
    }

    async fn roll_back(&mut self, problem: BatchError) -> BatchError {
        self.working_set.clear();
        self.version = None;
        self.connection.roll_back(problem).await
    }
}

fn fail_all(queries: Vec<Box<dyn ReaderJob>>, response: &FpsError) {
    for query in queries {
        query.fail(response.clone());
    }
}

//! A reader of a world: answers queries beside the writer, from a connection of its own that changes nothing.
//!
//! It sees the world as it is when a batch of queries begins, so every change that was answered before. A database in memory
//! has no readers: the writer answers queries among its commands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::error::Code;
use crate::ledger::{IdCodec, QueryContext, Rules};

use super::batch_error::{BatchError, Fault};
use super::engine::Connection;
use super::job::LookUp;
use super::load::{self, Snapshot};
use super::postgres::{self, Lease, Pool, Schema};
use super::sqlite;
use super::working_set::{Unfinished, WorkingSet};
use super::writer::{Message, caught};

/// What a reader is told.
pub(super) enum ReaderMessage {
    /// Answer a query.
    LookUp(Box<dyn LookUp>),
    /// Answer what is waiting, close the connection and say so.
    Close(oneshot::Sender<()>),
}

/// How often a batch is tried again that lost its connection.
const ATTEMPTS: u32 = 3;

/// Everything a reader owns.
pub(super) struct Reader {
    source: Source,
    messages: mpsc::Receiver<ReaderMessage>,
    /// Who runs what is due.
    writer: mpsc::WeakSender<Message>,
    rules: Arc<Rules>,
    batch_max: usize,
    rows: WorkingSet,
    unfinished: Unfinished<dyn LookUp>,
    /// Up to which change of the world the rows are true.
    version: Option<(i64, u64)>,
}

/// Where a reader reads.
pub(super) enum Source {
    /// A database file; it is opened for the first query.
    File {
        /// The file.
        path: PathBuf,
        /// The connection, once it is open.
        connection: Option<Connection>,
    },
    /// A schema of a shared database.
    Shared {
        /// The connections for queries.
        pool: Arc<Pool>,
        /// The world's schema.
        schema: Schema,
        /// The connection of the batch at hand.
        lease: Option<Lease>,
    },
}

/// What readers of a world share with its writer.
pub(super) struct Beside {
    pub(super) writer: mpsc::WeakSender<Message>,
    pub(super) rules: Arc<Rules>,
    pub(super) ids: IdCodec,
}

impl Reader {
    pub(super) fn new(
        source: Source,
        messages: mpsc::Receiver<ReaderMessage>,
        beside: &Beside,
        (batch_max, kept_transactions): (usize, usize),
    ) -> Self {
        Self {
            source,
            messages,
            writer: beside.writer.clone(),
            rules: Arc::clone(&beside.rules),
            batch_max,
            rows: WorkingSet::new(beside.ids, kept_transactions),
            unfinished: Unfinished::new(),
            version: None,
        }
    }

    /// Runs until it is told to close, or nobody can ask it any more.
    pub(super) async fn run(mut self) {
        let mut closing = Vec::new();
        let mut received = Vec::with_capacity(self.batch_max);
        let mut is_open = true;
        while is_open || !self.unfinished.is_empty() {
            tokio::select! {
                biased;
                count = self.messages.recv_many(&mut received, self.batch_max), if is_open => is_open = count > 0,
                () = sleep_until(self.rows.searches.next()), if !self.unfinished.is_empty() => {}
            };
            let mut queries = self.unfinished.go_on();
            let searching = queries.len();
            for message in received.drain(..) {
                match message {
                    ReaderMessage::LookUp(query) => queries.push(query),
                    ReaderMessage::Close(done) => {
                        self.messages.close();
                        closing.push(done);
                    }
                }
            }
            if queries.len() > searching {
                self.rows.searches.make_way();
            }
            if !queries.is_empty() && caught(self.answer(queries)).await.is_err() {
                // Whoever waited is told that there is no answer.
                let problem = self.give_up(BatchError::Panicked).await;
                tracing::error!(%problem, "queries are given up; the reader goes on");
            }
            self.unfinished.keep_awaited(&mut self.rows.searches);
        }
        self.source.close().await;
        for done in closing {
            let _ = done.send(());
        }
    }

    /// Answers queries; again, when the connection was lost.
    async fn answer(&mut self, mut queries: Vec<Box<dyn LookUp>>) {
        let timeout = self.source.timeout();
        for attempt in 1.. {
            let looking = self.look_up(&mut queries);
            let looked = match timeout {
                None => looking.await,
                Some(timeout) => {
                    tokio::time::timeout(timeout, looking).await.unwrap_or(Err(BatchError::TimedOut))
                }
            };
            let Err(problem) = looked else {
                return queries.into_iter().for_each(|query| query.answer());
            };
            let problem = self.give_up(problem).await;
            if attempt < ATTEMPTS && problem.passes() {
                tracing::debug!(%problem, attempt, "queries are asked again");
                continue;
            }
            if let Some(refusal) = problem.for_everybody() {
                tracing::debug!(%problem, queries = queries.len(), "the database is away");
                return queries.into_iter().for_each(|query| query.fail(refusal.clone()));
            }
            // Each is asked alone, so that one at fault fails alone.
            if queries.len() > 1 {
                for query in queries {
                    Box::pin(self.answer(vec![query])).await;
                }
                return;
            }
            return queries.into_iter().for_each(|query| {
                tracing::error!(%problem, query = query.name(), "a query failed");
                query.fail(Code::InternalError.into());
            });
        }
    }

    async fn look_up(&mut self, queries: &mut Vec<Box<dyn LookUp>>) -> Result<(), BatchError> {
        let mut snapshot = self.enter().await?;
        let mut now = snapshot.clock.now();
        if snapshot.next_due.is_some_and(|due| due <= now) {
            // Nobody sees late state: what is due by now is run first, if it can be.
            self.source.end().await?;
            self.ask_for_due_work().await;
            snapshot = self.enter().await?;
            now = snapshot.clock.now();
        }
        self.rows.load(self.source.connection()?, queries).await?;
        self.unfinished.set_aside(&self.rows.book, queries);
        let context = QueryContext { now, newest: snapshot.newest, rules: &self.rules };
        for (place, query) in queries.iter_mut().enumerate() {
            let answered = catch_unwind(AssertUnwindSafe(|| query.look_up(&self.rows.book, &context)));
            answered.map_err(|_| BatchError::Faulty { job: place, fault: Fault::Panicked })?;
        }
        self.source.end().await?;
        self.rows.saved();
        Ok(())
    }

    /// Begins to see the world as it is now, and forgets the rows that have changed since.
    async fn enter(&mut self) -> Result<Snapshot, BatchError> {
        let generation = self.source.begin().await?;
        let snapshot = load::snapshot(self.source.connection()?).await?;
        let version = Some((snapshot.version, generation));
        if self.version != version {
            self.rows.forget();
            self.rows.ids = snapshot.ids;
            self.version = version;
        }
        Ok(snapshot)
    }

    /// Asks the writer for what is due, and waits a while for it.
    async fn ask_for_due_work(&mut self) {
        let Some(writer) = self.writer.upgrade() else { return };
        let (done, is_done) = oneshot::channel();
        let asking = async {
            if writer.send(Message::RunDue(done)).await.is_ok() {
                let _ = is_done.await;
            }
        };
        match self.source.timeout() {
            None => asking.await,
            Some(timeout) => {
                let _in_time = tokio::time::timeout_at(Instant::now() + timeout / 2, asking).await;
            }
        }
    }

    async fn give_up(&mut self, problem: BatchError) -> BatchError {
        self.rows.forget();
        self.version = None;
        self.source.give_up(problem).await
    }
}

impl Source {
    /// How long anything may take, where that depends on others.
    fn timeout(&self) -> Option<std::time::Duration> {
        match self {
            Self::File { .. } => None,
            Self::Shared { pool, .. } => Some(pool.server.timeout),
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        match self {
            Self::File { connection, .. } => connection.as_mut(),
            Self::Shared { lease, .. } => lease.as_mut().map(|lease| &mut lease.connection),
        }
        .ok_or_else(BatchError::away)
    }

    /// Begins a transaction that only looks. Gives the generation of connections that sees it.
    async fn begin(&mut self) -> Result<u64, BatchError> {
        match self {
            Self::File { path, connection } => {
                if connection.is_none() {
                    *connection = Some(sqlite::open_reader(path).await?);
                }
                self.connection()?.run("BEGIN").await?;
                Ok(0)
            }
            Self::Shared { pool, schema, lease } => {
                *lease = None;
                let generation = pool.generation();
                let leased = pool.lease(schema).await.map_err(BatchError::Unreachable)?;
                postgres::begin_looking(&mut lease.insert(leased).connection).await?;
                Ok(generation)
            }
        }
    }

    async fn end(&mut self) -> Result<(), BatchError> {
        self.connection()?.run("COMMIT").await?;
        if let Self::Shared { lease, .. } = self
            && let Some(lease) = lease.take()
        {
            lease.undo_use();
        }
        Ok(())
    }

    async fn give_up(&mut self, problem: BatchError) -> BatchError {
        match self {
            Self::File { connection, .. } => {
                if let Some(connection) = connection {
                    let _ended_already = connection.run("ROLLBACK").await;
                }
                problem
            }
            Self::Shared { pool, lease, .. } => {
                let problem = problem.judged();
                // Closing the connection ends its transaction.
                if lease.take().is_some() && matches!(problem, BatchError::Lost(_) | BatchError::TimedOut) {
                    pool.lost();
                }
                problem
            }
        }
    }

    async fn close(self) {
        if let Self::File { connection: Some(connection), .. } = self {
            let _closed = connection.close_reader().await;
        }
    }
}

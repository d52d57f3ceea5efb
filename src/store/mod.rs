//! The store: the only module that speaks SQL.
//!
//! Each world has a database of its own ([`Databases`]). [`Store::run`] hands a command to the world's writer, which puts
//! whatever is waiting into one database transaction: load, decide, save. Nobody is answered before the transaction is
//! committed. [`Store::ask`] answers a query, beside the writer where that is possible.

mod activity;
mod audit;
mod batch;
mod batch_error;
mod columns;
mod databases;
mod directory;
mod due_work;
mod engine;
mod error;
mod expiry;
mod job;
mod keys;
mod load;
#[cfg(test)]
mod plans;
mod postgres;
mod reader;
mod reports;
mod reset;
mod save;
mod session;
mod sqlite;
mod statement;
mod suspects;
mod threads;
mod working_set;
mod writer;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc::error::SendError;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::clock::{Clock, ClockState};
use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Query, ReadSet};

pub use audit::{Audited, Finding, audit};
pub use databases::{
    DEFAULT_WORLD, Databases, InitialState, NewWorld, Place, StoreSettings, file_beside, worlds_beside,
};
pub use directory::DirectoryEntry;
pub use error::StoreError;
pub use keys::{AccessKey, Keys, NewAccessKey, PageSettings, Standing};

use batch_error::UNCERTAIN;
use databases::OpenedDatabase;
use job::{WaitingCommand, WaitingQuery};
use reader::ReaderMessage;
use writer::Message;

/// What is given beyond the time that a shared database may take, for the answer to come back.
const GRACE: Duration = Duration::from_millis(500);

/// A handle on the database of a world; clones share it. The database of a world that nobody uses can be put to sleep: it
/// is opened again when it is next needed.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    databases: Arc<Databases>,
    clock: Clock,
    /// The open database, if it is open.
    open: RwLock<Option<Open>>,
    /// Held by whoever opens or closes it.
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Awake,
    Asleep(Place),
    Closed,
}

/// The ways to the writer and the readers of an open database.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// To the writer.
    messages: mpsc::Sender<Message>,
    /// To those who only look things up, where there are any.
    readers: Arc<[mpsc::Sender<ReaderMessage>]>,
    next_reader: Arc<AtomicUsize>,
}

/// A world whose database has just been opened.
#[derive(Debug)]
pub struct Opened {
    /// Runs commands and answers queries.
    pub store: Store,
    /// The access keys of the world.
    pub keys: Keys,
    /// Whether the database was empty, and has been filled.
    pub is_new: bool,
    /// The seed of the world's ids.
    pub id_seed: u64,
}

impl Store {
    /// Opens the default world, and makes it when its database is empty. A clock that shows real time goes on as the
    /// world's did. Any other was asked for: an embedded database follows it, a shared one goes on as it was.
    pub async fn open_default<E>(
        databases: &Arc<Databases>,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<Opened, E>, StoreError> {
        let opened = databases.open_default(clock, new_world).await?;
        Ok(opened.map(|opened| Self::opened(databases, clock, opened)))
    }

    /// Opens another world, and makes it when its database is empty.
    pub async fn open<E>(
        databases: &Arc<Databases>,
        place: &Place,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<Opened, E>, StoreError> {
        let opened = databases.open(place, clock, new_world).await?;
        Ok(opened.map(|opened| Self::opened(databases, clock, opened)))
    }

    fn opened(databases: &Arc<Databases>, clock: &Clock, opened: OpenedDatabase) -> Opened {
        let store = Self(Arc::new(Inner {
            databases: Arc::clone(databases),
            clock: clock.clone(),
            open: RwLock::new(Some(opened.open)),
            state: Mutex::new(State::Awake),
        }));
        Opened { store, keys: opened.keys, is_new: opened.is_new, id_seed: opened.id_seed }
    }

    /// The clock of the world.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Runs a command. Once it is queued it runs and commits even if nobody waits for the answer any more.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        let (answer, answered) = oneshot::channel();
        let job = Message::Run(Box::new(WaitingCommand::new(command, answer)));
        self.answered(self.send(job), answered).await
    }

    /// Answers a query.
    pub async fn ask<Q: Query>(&self, query: Q) -> Result<Q::Output, FpsError> {
        let (answer, answered) = oneshot::channel();
        self.answered(self.send_query(WaitingQuery::new(query, answer)), answered).await
    }

    /// Makes the world's clock go otherwise, from now on and after a restart.
    pub async fn set_clock(&self, state: ClockState) -> Result<(), FpsError> {
        let (done, is_done) = oneshot::channel();
        self.answered(self.send(Message::SetClock(state, done)), is_done).await
    }

    /// Makes the world anew: in one step all its rows give way to these.
    pub async fn reset(&self, world: NewWorld) -> Result<(), FpsError> {
        let (done, is_done) = oneshot::channel();
        self.answered(self.send(Message::Reset(Box::new(world), done)), is_done).await
    }

    /// Whether the database can be reached and takes changes. A full disk shows when a change has been refused.
    pub async fn is_ready(&self) -> bool {
        if self.run(Ping).await.is_err() {
            return false;
        }
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.send(Message::TakesChanges(answer)).await.is_ok() && answered.await.unwrap_or(false)
        };
        match self.0.databases.timeout() {
            None => asked.await,
            Some(timeout) => tokio::time::timeout(timeout + GRACE, asked).await.unwrap_or(false),
        }
    }

    /// Waits for the answer to what is sent.
    async fn answered<T>(
        &self,
        sent: impl Future<Output = Result<(), FpsError>>,
        answered: oneshot::Receiver<Result<T, FpsError>>,
    ) -> Result<T, FpsError> {
        let answered = async {
            sent.await?;
            // Nobody answers a command that was taken when the writer has panicked.
            answered.await.unwrap_or_else(|_| Err(Code::InternalError.into()))
        };
        let Some(timeout) = self.0.databases.timeout() else { return answered.await };
        // The writer itself gives up in time; this is for those who waited for it behind others.
        let in_time = tokio::time::timeout(timeout + GRACE, answered).await;
        in_time.unwrap_or_else(|_| Err(FpsError::new(Code::ServiceUnavailable, UNCERTAIN)))
    }

    /// Hands something to the writer. One that has gone to sleep meanwhile is woken.
    async fn send(&self, mut message: Message) -> Result<(), FpsError> {
        loop {
            let open = self.awake().await?;
            match open.messages.send(message).await {
                Ok(()) => return Ok(()),
                Err(SendError(back)) if self.has_moved_on(&open) => message = back,
                Err(_) => return Err(Code::ServiceUnavailable.into()),
            }
        }
    }

    /// Hands a query to each reader in turn; to the writer, where there are none.
    async fn send_query<Q: Query>(&self, query: WaitingQuery<Q>) -> Result<(), FpsError> {
        let open = self.awake().await?;
        if open.readers.is_empty() {
            return self.send(Message::Run(Box::new(query))).await;
        }
        let (mut open, mut message) = (open, ReaderMessage::LookUp(Box::new(query)));
        loop {
            let Some(reader) = open.reader() else { return Err(Code::ServiceUnavailable.into()) };
            match reader.send(message).await {
                Ok(()) => return Ok(()),
                Err(SendError(back)) if self.has_moved_on(&open) => message = back,
                Err(_) => return Err(Code::ServiceUnavailable.into()),
            }
            open = self.awake().await?;
        }
    }

    /// Whether the database has been closed, or opened anew, since it was like this.
    fn has_moved_on(&self, open: &Open) -> bool {
        self.peek().is_none_or(|now| !now.messages.same_channel(&open.messages))
    }

    fn peek(&self) -> Option<Open> {
        self.0.open.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The open database; one that sleeps is opened.
    async fn awake(&self) -> Result<Open, FpsError> {
        if let Some(open) = self.peek() {
            return Ok(open);
        }
        // In a task of its own: a client that goes away must not leave a database half open.
        let store = self.clone();
        let woken = tokio::spawn(async move { store.wake().await });
        woken.await.unwrap_or_else(|_| Err(Code::InternalError.into()))
    }

    async fn wake(&self) -> Result<Open, FpsError> {
        let mut state = self.0.state.lock().await;
        let place = match &*state {
            State::Awake => return self.peek().ok_or_else(|| Code::ServiceUnavailable.into()),
            State::Closed => return Err(Code::ServiceUnavailable.into()),
            State::Asleep(place) => place,
        };
        let no_new_world = || Err(FpsError::from(Code::InternalError));
        let opened = self.0.databases.open(place, &self.0.clock, no_new_world).await;
        let opened = opened.map_err(|problem| {
            tracing::error!(%problem, "a world cannot be woken");
            FpsError::from(Code::ServiceUnavailable)
        })??;
        self.set_open(Some(opened.open.clone()));
        *state = State::Awake;
        Ok(opened.open)
    }

    fn set_open(&self, open: Option<Open>) -> Option<Open> {
        std::mem::replace(&mut *self.0.open.write().unwrap_or_else(PoisonError::into_inner), open)
    }

    /// Whether it is open.
    pub fn is_awake(&self) -> bool {
        self.peek().is_some()
    }

    /// Closes the database until it is needed again; `place` is where it will be found, unless it is in memory. Gives whether
    /// it will be found: a database in memory that cannot be kept as an image is lost.
    pub async fn sleep(&self, place: Place) -> bool {
        // In a task of its own: whoever asks may go away in between.
        let store = self.clone();
        tokio::spawn(async move { store.fall_asleep(place).await }).await.unwrap_or(false)
    }

    async fn fall_asleep(&self, place: Place) -> bool {
        let mut state = self.0.state.lock().await;
        let Some(open) = self.set_open(None) else { return !matches!(*state, State::Closed) };
        let image = open.close_for_sleep().await;
        *state = match (place, image) {
            (Place::Memory | Place::Image(_), Some(image)) => State::Asleep(Place::Image(image)),
            (Place::Memory | Place::Image(_), None) => State::Closed,
            (place, _) => State::Asleep(place),
        };
        matches!(*state, State::Asleep(_))
    }

    /// Finishes the commands that wait and closes the database for good.
    pub async fn close(&self) {
        let mut state = self.0.state.lock().await;
        *state = State::Closed;
        if let Some(open) = self.set_open(None) {
            open.close().await;
        }
    }
}

impl Open {
    fn new(messages: mpsc::Sender<Message>, readers: Vec<mpsc::Sender<ReaderMessage>>) -> Self {
        Self { messages, readers: readers.into(), next_reader: Arc::default() }
    }

    /// Each reader in turn, where there are any.
    fn reader(&self) -> Option<&mpsc::Sender<ReaderMessage>> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed).checked_rem(self.readers.len())?;
        self.readers.get(turn)
    }

    async fn close(&self) {
        self.close_readers().await;
        let (done, closed) = oneshot::channel();
        if self.messages.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// The same; gives the image of a database in memory.
    async fn close_for_sleep(&self) -> Option<Vec<u8>> {
        self.close_readers().await;
        let (image, closed) = oneshot::channel();
        self.messages.send(Message::Sleep(image)).await.ok()?;
        closed.await.ok().flatten()
    }

    /// Readers first: the last connection to a file puts its log into it, which a reader cannot.
    async fn close_readers(&self) {
        for reader in self.readers.iter() {
            let (done, closed) = oneshot::channel();
            if reader.send(ReaderMessage::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
        }
    }
}

/// Asks the writer for nothing, and so learns whether it works.
#[derive(Debug)]
struct Ping;

impl Command for Ping {
    type Output = ();

    fn read_set(&self, _: &mut ReadSet<'_>) {}

    fn decide(&self, _: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        Ok(())
    }
}

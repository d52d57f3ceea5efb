//! Creating worlds: fills an empty database with the first rows of a world, or loads what is there.

use crate::clock::{Clock, ClockState};
use crate::ledger::{Book, IdCodec};

use super::access_keys::{self, AccessKeys, NewAccessKey};
use super::engine::{BindValues, Connection};
use super::error::StoreError;
use super::world_state::{self, WorldState};
use super::{postgres, save, schedule};

/// Why a world could not be opened. `E` is the error of building a new world.
#[derive(Debug)]
pub enum OpenError<E> {
    /// The database cannot be used.
    Store(StoreError),
    /// The database is empty, and the new world could not be built.
    NewWorld(E),
}

impl<E> From<StoreError> for OpenError<E> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E> From<sqlx::Error> for OpenError<E> {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The first rows of a world.
#[derive(Debug, Default)]
pub struct InitialState {
    /// The rows, as changes to an empty book.
    pub book: Book,
    /// The access keys.
    pub keys: Vec<NewAccessKey>,
}

/// A world that is to be created.
#[derive(Debug)]
pub struct NewWorld {
    /// The first rows.
    pub initial: InitialState,
    /// Derives ids from row numbers.
    pub ids: IdCodec,
    /// The state of the world's clock.
    pub clock: ClockState,
}

/// What is loaded of a world when its database is opened.
pub(super) struct LoadedWorld {
    /// Whether the database was empty and has been filled.
    pub(super) is_new: bool,
    pub(super) keys: AccessKeys,
    pub(super) state: WorldState,
}

/// Fills the database if it is empty, loads the world's state and access keys, and sets the clock.
///
/// A clock that shows real time takes over the state that the world has stored. Any other clock state was configured: an
/// embedded database stores it, a shared one keeps its own.
pub(super) async fn fill_or_load<E>(
    connection: &mut Connection,
    clock: &Clock,
    new_world: impl FnOnce() -> Result<NewWorld, E>,
) -> Result<LoadedWorld, OpenError<E>> {
    let new_keys = fill_if_empty(connection, new_world).await?;
    let is_new = new_keys.is_some();
    let keys = if let Some(keys) = new_keys {
        keys
    } else {
        schedule::clear_failures(connection).await?;
        AccessKeys::load(connection).await?
    };
    let mut state = WorldState::load(connection).await?;
    let configured = clock.state();
    let is_embedded = matches!(connection, Connection::Sqlite(_));
    if configured != ClockState::REAL_TIME && configured != state.clock && is_embedded {
        world_state::save_clock(connection, configured).await?;
        state.clock = configured;
    } else {
        clock.set(state.clock);
    }
    Ok(LoadedWorld { is_new, keys, state })
}

/// Fills an empty database and returns its access keys; returns `None` if the database was not empty.
async fn fill_if_empty<E>(
    connection: &mut Connection,
    new_world: impl FnOnce() -> Result<NewWorld, E>,
) -> Result<Option<AccessKeys>, OpenError<E>> {
    if has_world(connection).await? {
        return Ok(None);
    }
    let was_filled_meanwhile = match connection {
        Connection::Sqlite(_) => {
            connection.execute("BEGIN IMMEDIATE").await?;
            false
        }
        // Of several sandboxes that start at the same time, the first to lock the table fills it.
        Connection::Postgres(_) => {
            postgres::begin_write(connection).await?;
            postgres::lock_for_initialization(connection).await?;
            has_world(connection).await?
        }
    };
    let mut new_keys = None;
    if !was_filled_meanwhile {
        match new_world() {
            Ok(world) => {
                save_new_world(connection, &world).await?;
                new_keys = Some(AccessKeys::of(&world.initial.keys));
            }
            Err(problem) => {
                connection.execute("ROLLBACK").await?;
                return Err(OpenError::NewWorld(problem));
            }
        }
    }
    connection.execute("COMMIT").await?;
    Ok(new_keys)
}

/// Saves a new world into empty tables.
pub(super) async fn save_new_world(connection: &mut Connection, world: &NewWorld) -> sqlx::Result<()> {
    save::save_world_row(connection, world.ids, world.clock).await?;
    save::save_changes(connection, &world.initial.book, world.ids).await?;
    access_keys::save(connection, &world.initial.keys).await
}

async fn has_world(connection: &mut Connection) -> sqlx::Result<bool> {
    let worlds: i64 = connection.fetch_scalar("SELECT count(*) FROM world", BindValues::default()).await?;
    Ok(worlds > 0)
}

//! One world.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::WorldName;
use crate::clock::Clock;
use crate::random::RequestIdGenerator;
use crate::store::{AccessKeys, OpenedStore, Store};

/// A world: a sandbox with a database, access keys, a clock and ids of its own.
#[derive(Debug)]
pub struct World {
    name: WorldName,
    store: Store,
    keys: RwLock<Arc<AccessKeys>>,
    request_ids: RequestIdGenerator,
    id_seed: u64,
    is_persistent: bool,
    /// When the world was last used, in milliseconds since the sandbox started.
    last_used: AtomicU64,
}

impl World {
    pub(super) fn new(
        name: WorldName,
        opened: OpenedStore,
        is_persistent: bool,
        has_repeatable_ids: bool,
    ) -> Self {
        Self {
            name,
            store: opened.store,
            keys: RwLock::new(Arc::new(opened.keys)),
            request_ids: RequestIdGenerator::new(has_repeatable_ids.then_some(opened.id_seed)),
            id_seed: opened.id_seed,
            is_persistent,
            last_used: AtomicU64::new(0),
        }
    }

    /// The name of the world.
    pub fn name(&self) -> &WorldName {
        &self.name
    }

    /// Runs the commands and answers the queries of the world.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock of the world.
    pub fn clock(&self) -> &Clock {
        self.store.clock()
    }

    /// The access keys of the world.
    pub fn keys(&self) -> Arc<AccessKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the access keys.
    pub(super) fn set_keys(&self, keys: AccessKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Generates the ids of the world's requests.
    pub fn request_ids(&self) -> &RequestIdGenerator {
        &self.request_ids
    }

    /// The seed of the world's ids.
    pub const fn id_seed(&self) -> u64 {
        self.id_seed
    }

    /// Whether the world stays until it is removed by hand. Any other world may be discarded while nobody uses it.
    pub(super) const fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// When the world was last used, in milliseconds since the sandbox started.
    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Records that the world is used, at this number of milliseconds since the sandbox started.
    pub(super) fn set_last_used(&self, millis: u64) {
        self.last_used.store(millis, Ordering::Relaxed);
    }

    /// Closes the database of a world that was removed from the registry. A database in memory is lost.
    pub(super) fn discard(self: Arc<Self>) {
        tracing::debug!(world = %self.name, "a world is discarded");
        tokio::spawn(async move { self.store.close().await });
    }
}

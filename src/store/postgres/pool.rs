//! A pool of PostgreSQL connections that the worlds of a sandbox share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{PostgresServer, Schema};
use crate::store::engine::Connection;

/// A bounded number of connections. A world gets the connection that it used last, unless another world has needed it.
pub(in crate::store) struct Pool {
    pub(in crate::store) server: PostgresServer,
    permits: Arc<Semaphore>,
    max_connections: usize,
    connections: Mutex<Connections>,
    /// Incremented whenever a connection is lost. A lost connection may mean that the server has failed over.
    generation: AtomicU64,
}

#[derive(Default)]
struct Connections {
    /// Connections that are not leased, the most recently used one last.
    idle: Vec<IdleConnection>,
    /// The number of open connections, leased or idle.
    open: usize,
}

struct IdleConnection {
    connection: Connection,
    schema: Schema,
    /// The generation of the pool when it was last used. A connection of an earlier generation may be dead.
    generation: u64,
}

/// A connection that a world uses for one batch. Dropping the lease closes the connection.
pub(in crate::store) struct LeasedConnection {
    pub(in crate::store) connection: Connection,
    schema: Schema,
    slot: ConnectionSlot,
}

/// The right to one of the connections of a pool.
struct ConnectionSlot {
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
    /// Whether dropping the slot means that its connection is closed.
    closes_on_drop: bool,
}

impl Pool {
    pub(in crate::store) fn new(server: PostgresServer, max_connections: usize) -> Arc<Self> {
        Arc::new(Self {
            server,
            permits: Arc::new(Semaphore::new(max_connections)),
            max_connections,
            connections: Mutex::default(),
            generation: AtomicU64::new(0),
        })
    }

    /// The number of times that a connection was lost. Cached rows are valid only while it stays the same.
    pub(in crate::store) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Starts a new generation, because a connection was lost.
    pub(in crate::store) fn note_lost_connection(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits for a free connection and returns it, set to this schema.
    pub(in crate::store) async fn lease(self: &Arc<Self>, schema: &Schema) -> sqlx::Result<LeasedConnection> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut slot = ConnectionSlot { pool: Arc::clone(self), _permit: permit, closes_on_drop: false };
        let idle = self.take_idle_or_reserve(schema);
        slot.closes_on_drop = true;
        let lease = |connection| LeasedConnection { connection, schema: schema.clone(), slot };
        if let Some(mut idle) = idle {
            if idle.schema == *schema || schema.select(&mut idle.connection).await.is_ok() {
                return Ok(lease(idle.connection));
            }
            // The connection is dead, and so may be the others.
            self.note_lost_connection();
        }
        let mut connection = self.server.connect().await?;
        schema.select(&mut connection).await?;
        Ok(lease(connection))
    }

    /// Takes an idle connection: the one last used with this schema, or else the one unused for longest. Returns `None`
    /// when a new connection is to be opened instead, which is counted as open.
    fn take_idle_or_reserve(&self, schema: &Schema) -> Option<IdleConnection> {
        let mut connections = self.connections();
        let generation = self.generation();
        let dead = connections.idle.extract_if(.., |idle| idle.generation != generation).count();
        connections.open -= dead;
        if let Some(index) = connections.idle.iter().rposition(|idle| idle.schema == *schema) {
            return Some(connections.idle.remove(index));
        }
        if connections.open < self.max_connections || connections.idle.is_empty() {
            connections.open += 1;
            return None;
        }
        Some(connections.idle.remove(0))
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the idle connections.
    pub(in crate::store) async fn close(&self) {
        let idle = std::mem::take(&mut self.connections().idle);
        self.connections().open -= idle.len();
        for idle in idle {
            let _closed = idle.connection.close().await;
        }
    }
}

impl LeasedConnection {
    /// Returns the connection to the pool, for the next batch of any world.
    pub(in crate::store) fn release(self) {
        let Self { connection, schema, mut slot } = self;
        slot.closes_on_drop = false;
        let generation = slot.pool.generation();
        slot.pool.connections().idle.push(IdleConnection { connection, schema, generation });
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        if self.closes_on_drop {
            let mut connections = self.pool.connections();
            connections.open = connections.open.saturating_sub(1);
        }
    }
}

//! Periodic maintenance of worlds: unused worlds are suspended, and later dropped.

use std::sync::Arc;
use std::time::Duration;

use super::{World, WorldError, WorldName, Worlds, discardable_world};
use crate::clock::ClockState;
use crate::store::{DatabaseLocation, DirectoryEntry, StoreError, WorldDirectory};

/// The maximum number of open worlds besides the default one. Each open world uses a thread of SQLite.
const MAX_OPEN_WORLDS: usize = 64;
/// How many worlds are suspended ahead when there are many, so that a new world need not wait for that.
const SUSPENDED_AHEAD: usize = 8;
/// How long a world may be unused before it is suspended.
const SUSPEND_AFTER: Duration = Duration::from_secs(30);
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(1);
/// How often the use of worlds is recorded in the directory. A world that this sandbox has not used for longer may have been
/// dropped by another sandbox.
const DIRECTORY_INTERVAL: Duration = Duration::from_secs(60);

impl Worlds {
    /// Maintains the worlds until the sandbox ends.
    pub async fn run_maintenance(self) {
        let mut directory_due = DIRECTORY_INTERVAL;
        let mut recorded_until = 0;
        loop {
            tokio::time::sleep(MAINTENANCE_INTERVAL).await;
            self.suspend_or_drop_unused().await;
            let Some(directory) = self.0.databases.directory() else { continue };
            if let Err(problem) = self.replenish_spares(directory).await {
                tracing::debug!(%problem, "no spare schema could be created");
            }
            if self.0.started.elapsed() >= directory_due {
                directory_due = self.0.started.elapsed() + DIRECTORY_INTERVAL;
                match self.maintain_directory(directory, recorded_until).await {
                    Ok(now) => recorded_until = now,
                    Err(problem) => {
                        tracing::debug!(%problem, "the directory of worlds could not be maintained");
                    }
                }
            }
        }
    }

    /// Suspends the worlds that are unused, and drops those that have been unused for long.
    pub async fn suspend_or_drop_unused(&self) {
        self.suspend_unused().await;
        self.drop_unused();
    }

    /// Records that a world is used now.
    pub(super) fn record_use(&self, world: &World) {
        world.set_last_used(self.uptime_millis());
    }

    /// Milliseconds since the sandbox started.
    fn uptime_millis(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn unused_for(&self, world: &World) -> Duration {
        Duration::from_millis(self.uptime_millis().saturating_sub(world.last_used()))
    }

    /// Whether another sandbox may have dropped the world from the directory.
    pub(super) fn may_have_been_dropped(&self, world: &World) -> bool {
        self.0.databases.directory().is_some() && self.unused_for(world) > DIRECTORY_INTERVAL
    }

    /// Whether the world is still in the directory, and in the same schema.
    pub(super) async fn is_in_directory(&self, world: &World) -> Result<bool, StoreError> {
        let Some(directory) = self.0.databases.directory() else { return Ok(false) };
        let found = directory.find(world.name().as_str()).await?;
        Ok(match (world.store().location(), found) {
            (DatabaseLocation::Schema(schema), Some(found)) => *schema == found.schema,
            _ => false,
        })
    }

    /// Makes sure that one more world can be opened: suspends the worlds that were unused for longest.
    pub(super) async fn make_room_to_open(&self) {
        self.suspend_longest_unused(MAX_OPEN_WORLDS - 1).await;
        let worlds = self.clone();
        tokio::spawn(async move { worlds.suspend_longest_unused(MAX_OPEN_WORLDS - SUSPENDED_AHEAD).await });
    }

    /// Suspends the worlds that were unused for longest until at most `max_open` are open.
    async fn suspend_longest_unused(&self, max_open: usize) {
        let mut open: Vec<_> =
            self.registered().into_iter().filter(|world| world.store().is_open()).collect();
        if open.len() <= max_open {
            return;
        }
        open.sort_by_key(|world| world.last_used());
        for world in open.iter().take(open.len() - max_open) {
            self.suspend(world).await;
        }
    }

    async fn suspend_unused(&self) {
        let is_unused =
            |world: &Arc<World>| world.store().is_open() && self.unused_for(world) > SUSPEND_AFTER;
        let unused: Vec<_> = self.registered().into_iter().filter(is_unused).collect();
        for world in unused {
            self.suspend(&world).await;
        }
    }

    /// Suspends a world. If it cannot be opened again it is removed, so that the next request creates it anew.
    async fn suspend(&self, world: &World) {
        if !world.store().suspend().await {
            self.registry().remove(world.name());
        }
    }

    /// Removes worlds that are not persistent and have been unused for long.
    fn drop_unused(&self) {
        let idle_timeout = self.0.settings.idle_timeout;
        let mut removed = Vec::new();
        self.registry().retain(|_, entry| match discardable_world(entry) {
            Some(world) if self.unused_for(world) > idle_timeout => {
                removed.push(Arc::clone(world));
                false
            }
            _ => true,
        });
        for world in removed {
            world.discard();
        }
    }

    /// Creates spare schemas, if requests may create worlds and any world besides the default one is in use.
    async fn replenish_spares(&self, directory: &WorldDirectory) -> Result<(), StoreError> {
        if self.registry().is_empty() || !self.0.settings.on_demand {
            return Ok(());
        }
        directory.replenish_spares().await
    }

    /// Records in the directory which worlds were used since this time, in milliseconds since the sandbox started, and drops
    /// the worlds that no sandbox uses. Returns the time up to which use is recorded.
    async fn maintain_directory(&self, directory: &WorldDirectory, since: u64) -> Result<u64, StoreError> {
        let now = self.uptime_millis();
        let used = self.registered().into_iter().filter(|world| world.last_used() >= since);
        let names: Vec<_> = used.map(|world| world.name().as_str().to_owned()).collect();
        directory.record_use(&names).await?;
        // Other sandboxes record use with a delay of up to one interval.
        let idle = self.0.settings.idle_timeout.max(DIRECTORY_INTERVAL * 2);
        for name in directory.drop_idle(idle, None).await? {
            tracing::info!(world = name, "an unused world is dropped");
            self.discard_by_name(&name);
        }
        Ok(now)
    }

    /// Finds a world in the directory, or creates it there. If the directory is full, the world that was unused for
    /// longest is dropped.
    pub(super) async fn find_or_create_in(
        &self,
        directory: &WorldDirectory,
        name: &WorldName,
        is_persistent: bool,
        clock: ClockState,
    ) -> Result<DirectoryEntry, WorldError> {
        if let Some(entry) = directory.find(name.as_str()).await? {
            return Ok(entry);
        }
        let max_worlds = self.0.settings.max_worlds;
        if directory.count().await? >= i64::try_from(max_worlds).unwrap_or(i64::MAX) {
            let dropped = directory.drop_idle(DIRECTORY_INTERVAL * 2, Some(1)).await?;
            if dropped.is_empty() {
                return Err(WorldError::TooMany(max_worlds));
            }
            for name in &dropped {
                self.discard_by_name(name);
            }
        }
        let new = self.0.template.new_world(clock)?;
        Ok(directory.create(name.as_str(), is_persistent, &new).await?)
    }

    fn discard_by_name(&self, name: &str) {
        if let Some(name) = WorldName::parse(name) {
            self.discard(&name);
        }
    }
}

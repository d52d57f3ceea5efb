//! What is done for worlds now and then: those that nobody uses sleep, and give way in the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::ClockState;
use crate::store::{DirectoryEntry, StoreError};

use super::{Home, World, WorldError, WorldName, Worlds, unused_on_demand};

/// How many worlds besides the default one are awake at a time: each that is awake has a thread.
const MAX_AWAKE: usize = 64;
/// After how long a world that nobody uses goes to sleep.
const SLEEPY_AFTER: Duration = Duration::from_secs(30);
/// How often to look after the worlds.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often other sandboxes on a shared database are told which worlds are used. A world that was not used for as long may have
/// been dropped by another.
const DIRECTORY_INTERVAL: Duration = Duration::from_secs(60);

impl Worlds {
    /// Looks after the worlds until the sandbox ends.
    pub async fn keep_up(self) {
        let mut directory_due = DIRECTORY_INTERVAL;
        let mut told_until = 0;
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.look_after().await;
            if !self.0.databases.has_directory() {
                continue;
            }
            if let Err(problem) = self.top_up_spares().await {
                tracing::debug!(%problem, "no spare schema could be made");
            }
            if self.0.started.elapsed() >= directory_due {
                directory_due = self.0.started.elapsed() + DIRECTORY_INTERVAL;
                match self.keep_up_directory(told_until).await {
                    Ok(now) => told_until = now,
                    Err(problem) => tracing::debug!(%problem, "the directory of worlds could not be kept up"),
                }
            }
        }
    }

    /// Puts worlds to sleep that nobody uses, and drops those that nobody has used for long.
    pub async fn look_after(&self) {
        self.put_idle_to_sleep().await;
        self.drop_idle();
    }

    /// Notes that a world is used now.
    pub(super) fn note_used(&self, world: &World) {
        world.used.store(self.now(), Ordering::Relaxed);
    }

    /// Milliseconds since the sandbox started.
    fn now(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn unused_for(&self, world: &World) -> Duration {
        Duration::from_millis(self.now().saturating_sub(world.used.load(Ordering::Relaxed)))
    }

    /// Whether another sandbox on a shared database may have dropped the world.
    pub(super) fn may_be_gone(&self, world: &World) -> bool {
        self.0.databases.has_directory() && self.unused_for(world) > DIRECTORY_INTERVAL
    }

    /// Whether the directory of a shared database still has the world where it was found.
    pub(super) async fn is_in_directory(&self, world: &World) -> Result<bool, StoreError> {
        let found = self.0.databases.find(world.name.as_str()).await?;
        Ok(matches!((&world.home, found), (Home::Schema(known), Some(found)) if known.schema == found.schema))
    }

    /// The worlds that are open, or asleep, besides the default one.
    pub(super) fn known(&self) -> Vec<Arc<World>> {
        self.others().values().filter_map(|slot| slot.get().cloned()).collect()
    }

    /// Puts the longest unused worlds to sleep, so that one more may be awake.
    pub(super) async fn make_room_for_one_awake(&self) {
        let mut awake: Vec<_> = self.known().into_iter().filter(|world| world.store.is_awake()).collect();
        if awake.len() < MAX_AWAKE {
            return;
        }
        awake.sort_by_key(|world| world.used.load(Ordering::Relaxed));
        for world in awake.iter().take(awake.len() + 1 - MAX_AWAKE) {
            self.put_to_sleep(world).await;
        }
    }

    async fn put_idle_to_sleep(&self) {
        let is_idle = |world: &Arc<World>| world.store.is_awake() && self.unused_for(world) > SLEEPY_AFTER;
        let idle: Vec<_> = self.known().into_iter().filter(is_idle).collect();
        for world in idle {
            self.put_to_sleep(&world).await;
        }
    }

    /// A world that cannot be woken again is forgotten, so that it is fresh when it is asked for.
    async fn put_to_sleep(&self, world: &World) {
        if !world.sleep().await {
            self.others().remove(&world.name);
        }
    }

    /// Forgets worlds that were made on demand and that nobody has used for long.
    fn drop_idle(&self) {
        let idle = self.0.settings.idle;
        let mut dropped = Vec::new();
        self.others().retain(|_, slot| match unused_on_demand(slot) {
            Some(world) if self.unused_for(world) > idle => {
                dropped.push(Arc::clone(world));
                false
            }
            _ => true,
        });
        for world in dropped {
            world.give_up();
        }
    }

    /// Keeps a few schemas ready, once worlds are made on demand at all.
    async fn top_up_spares(&self) -> Result<(), StoreError> {
        if self.others().is_empty() || !self.0.settings.on_demand {
            return Ok(());
        }
        self.0.databases.top_up_spares().await
    }

    /// Tells other sandboxes which worlds were used since this instant, and drops those that nobody uses any more.
    async fn keep_up_directory(&self, since: u64) -> Result<u64, StoreError> {
        let now = self.now();
        let used = self.known().into_iter().filter(|world| world.used.load(Ordering::Relaxed) >= since);
        let names: Vec<_> = used.map(|world| world.name.as_str().to_owned()).collect();
        self.0.databases.note_used(&names).await?;
        // What another sandbox has used may not have been noted yet.
        let idle = self.0.settings.idle.max(DIRECTORY_INTERVAL * 2);
        let idle = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        for name in self.0.databases.drop_idle(idle, None).await? {
            tracing::info!(world = name, "a world that nobody used is dropped");
            self.forget(&name);
        }
        Ok(now)
    }

    /// Finds a world in the directory of a shared database, or makes it there. The longest unused one gives way when there are
    /// too many.
    pub(super) async fn in_directory(
        &self,
        name: &WorldName,
        stays: bool,
        clock: ClockState,
    ) -> Result<DirectoryEntry, WorldError> {
        let databases = &self.0.databases;
        if let Some(entry) = databases.find(name.as_str()).await? {
            return Ok(entry);
        }
        let most = self.0.settings.most;
        if databases.count().await? >= i64::try_from(most).unwrap_or(i64::MAX) {
            let unused = i64::try_from(DIRECTORY_INTERVAL.as_millis()).unwrap_or(0) * 2;
            let given_way = databases.drop_idle(unused, Some(1)).await?;
            if given_way.is_empty() {
                return Err(WorldError::TooMany(most));
            }
            for name in &given_way {
                self.forget(name);
            }
        }
        let new = self.0.template.new_world(clock)?;
        Ok(databases.make(name.as_str(), stays, &new).await?)
    }
}

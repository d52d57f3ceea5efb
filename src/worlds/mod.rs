//! Worlds: each is a sandbox of its own, with its own database, access keys, clock and ids.
//!
//! A request belongs to the world of its access key. `KEY.test-42` is the key `KEY` in the world `test-42`; a key that names
//! no world belongs to the default world. A world is created when the first correctly signed request names it, from the same
//! template as the default world. The front ends look a request's world up once, and pass it on.

mod error;
mod maintenance;
mod name;
mod template;
mod world;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::clock::{Clock, ClockState};
use crate::error::{Code, FpsError};
use crate::ledger::{IdCodec, Timestamp};
use crate::random::RequestIdGenerator;
use crate::store::{
    AccessKey, AccessKeys, DatabaseLocation, Databases, DirectoryEntry, Store, world_file_path,
};

pub use error::WorldError;
pub use name::WorldName;
pub use template::{InitialClock, WorldTemplate};
pub use world::World;

use name::split_key_id;

/// Settings of all worlds.
#[derive(Clone, Debug)]
pub struct WorldSettings {
    /// Whether requests may create worlds.
    pub on_demand: bool,
    /// The maximum number of worlds besides the default one.
    pub max_worlds: usize,
    /// How long a world that is not persistent may be unused before it is dropped.
    pub idle_timeout: Duration,
    /// The file of the default world, if it is in one. Persistent worlds are stored beside it.
    pub default_file: Option<PathBuf>,
    /// Whether the ids of requests are derived from a seed, so that they repeat.
    pub repeatable_ids: bool,
}

/// How a world is created.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorldOptions {
    /// Whether the world is stored where the default world is, and never discarded.
    pub is_persistent: bool,
    /// The state of the world's clock, if it differs from that of the template.
    pub clock: Option<ClockState>,
}

/// The worlds of a sandbox. Clones share them.
#[derive(Clone, Debug)]
pub struct Worlds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    databases: Arc<Databases>,
    default: Arc<World>,
    template: WorldTemplate,
    template_keys: AccessKeys,
    settings: WorldSettings,
    /// The worlds that are open or suspended, the default world left out.
    registry: Mutex<HashMap<WorldName, RegistryEntry>>,
    /// Generates the ids of requests that belong to no world.
    request_ids: RequestIdGenerator,
    started: Instant,
    has_warned_of_memory: AtomicBool,
}

/// A world in the registry. The cell is empty while the world is being opened.
type RegistryEntry = Arc<OnceCell<Arc<World>>>;

/// A world that is to be opened.
#[derive(Clone, Debug)]
enum WorldSource {
    /// An existing world.
    Existing(StoredWorld),
    /// A world that is to be created.
    New(WorldOptions),
}

/// Where a world is stored.
#[derive(Clone, Debug)]
struct StoredWorld {
    location: DatabaseLocation,
    is_persistent: bool,
}

impl StoredWorld {
    const fn persistent_file(path: PathBuf) -> Self {
        Self { location: DatabaseLocation::File(path), is_persistent: true }
    }

    fn schema(entry: DirectoryEntry) -> Self {
        Self { location: DatabaseLocation::Schema(entry.schema), is_persistent: entry.is_persistent }
    }
}

/// An access key that was found, and its world. If the world does not exist yet, [`Worlds::get_or_create_for`] creates it.
#[derive(Clone, Debug)]
pub struct FoundAccessKey {
    /// The access key.
    pub key: Arc<AccessKey>,
    /// The world, or the name of a world that does not exist yet.
    world: Result<Arc<World>, WorldName>,
}

impl FoundAccessKey {
    /// The world of the key, if it exists.
    pub fn world(&self) -> Option<&Arc<World>> {
        self.world.as_ref().ok()
    }
}

impl Worlds {
    /// Opens the default world. Also returns whether its database was empty.
    pub async fn open(
        databases: Databases,
        clock: &Clock,
        template: WorldTemplate,
        settings: WorldSettings,
    ) -> Result<(Self, bool), WorldError> {
        let databases = Arc::new(databases);
        let state = clock.state();
        let opened = Store::open_default(&databases, clock, || template.new_world(state)).await?;
        let is_new = opened.is_new;
        let default = World::new(WorldName::default_world(), opened, true, settings.repeatable_ids);
        let worlds = Self(Arc::new(Inner {
            databases,
            default: Arc::new(default),
            template_keys: template.keys()?,
            request_ids: RequestIdGenerator::new(settings.repeatable_ids.then_some(template.id_seed)),
            template,
            settings,
            registry: Mutex::default(),
            started: Instant::now(),
            has_warned_of_memory: AtomicBool::new(false),
        }));
        Ok((worlds, is_new))
    }

    /// The default world.
    pub fn default_world(&self) -> &Arc<World> {
        &self.0.default
    }

    /// Generates the ids of requests that belong to no world.
    pub fn request_ids(&self) -> &RequestIdGenerator {
        &self.0.request_ids
    }

    /// Finds an access key and its world. If the default world has a key with exactly this id, it is that one; otherwise the
    /// text after the last dot is the name of the world (our choice).
    pub async fn find_access_key(&self, id: &str) -> Result<FoundAccessKey, FpsError> {
        if let Some(key) = self.0.default.keys().get(id) {
            return Ok(FoundAccessKey { key: Arc::clone(key), world: Ok(Arc::clone(&self.0.default)) });
        }
        let unknown = || FpsError::from(Code::InvalidClientTokenId);
        let (id, world) = split_key_id(id).ok_or_else(unknown)?;
        let Some(name) = WorldName::parse(world) else {
            // A client whose key merely contains a dot gets an error about the key, not about a world.
            self.0.template_keys.get(id).ok_or_else(unknown)?;
            let text = format!(
                "The access key names a world that cannot be: {world}. A world has 1 to {} small letters, digits and hyphens.",
                WorldName::MAX_LENGTH
            );
            return Err(FpsError::new(Code::InvalidClientTokenId, text));
        };
        if let Some(world) = self.find(&name).await.map_err(|problem| unavailable_error(&problem))? {
            let key = world.keys().get(id).cloned().ok_or_else(unknown)?;
            return Ok(FoundAccessKey { key, world: Ok(world) });
        }
        let key = self.0.template_keys.get(id).cloned().ok_or_else(unknown)?;
        if !self.0.settings.on_demand {
            let text =
                format!("There is no world {name}, and requests do not make worlds (--no-worlds-on-demand).");
            return Err(FpsError::new(Code::InvalidClientTokenId, text));
        }
        Ok(FoundAccessKey { key, world: Err(name) })
    }

    /// Returns the world of an authenticated key, and the key as it is in that world. Creates the world if it does
    /// not exist. Must be called only after the signature was checked, so that nobody else can create worlds.
    pub async fn get_or_create_for(
        &self,
        found: FoundAccessKey,
    ) -> Result<(Arc<World>, Arc<AccessKey>), FpsError> {
        let (world, key) = match found.world {
            Ok(world) => (world, found.key),
            Err(name) => {
                let created = self.get_or_create(&name, WorldOptions::default()).await;
                let world = created.map_err(|problem| match problem {
                    WorldError::TooMany(_) => too_many_error(&problem),
                    problem => unavailable_error(&problem),
                })?;
                let key = world.keys().get(&found.key.id).cloned();
                (world, key.ok_or(Code::InvalidClientTokenId)?)
            }
        };
        self.record_use(&world);
        if !world.store().is_open() {
            self.make_room_to_open().await;
        }
        Ok((world, key))
    }

    /// The instant that the clock of a key's world shows. For a world that does not exist yet, the instant that it
    /// would show.
    pub fn clock_time_for(&self, found: &FoundAccessKey) -> Timestamp {
        match found.world() {
            Some(world) => world.clock().now(),
            None => self.0.template.initial_clock.state().now(),
        }
    }

    /// Finds a world by its name.
    pub async fn find(&self, name: &WorldName) -> Result<Option<Arc<World>>, WorldError> {
        if name.is_default() {
            return Ok(Some(Arc::clone(&self.0.default)));
        }
        let known = self.registry().get(name).and_then(|entry| entry.get().cloned());
        if let Some(world) = known {
            if !self.may_have_been_dropped(&world) || self.is_in_directory(&world).await? {
                return Ok(Some(world));
            }
            // Another sandbox has dropped the world, and perhaps created it anew in another schema.
            self.discard(name);
        }
        let stored = match (&self.0.settings.default_file, self.0.databases.directory()) {
            (Some(default_file), _) => {
                let path = world_file_path(default_file, name.as_str());
                path.is_file().then(|| StoredWorld::persistent_file(path))
            }
            (None, Some(directory)) => directory.find(name.as_str()).await?.map(StoredWorld::schema),
            (None, None) => None,
        };
        match stored {
            Some(stored) => self.get_or_open(name, WorldSource::Existing(stored)).await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns the world with this name. Creates it if it does not exist.
    pub async fn get_or_create(
        &self,
        name: &WorldName,
        options: WorldOptions,
    ) -> Result<Arc<World>, WorldError> {
        self.get_or_open(name, WorldSource::New(options)).await
    }

    /// Returns a world from the registry. Opens it if it is not there, once for all requests that ask for it at the
    /// same time.
    async fn get_or_open(&self, name: &WorldName, source: WorldSource) -> Result<Arc<World>, WorldError> {
        if name.is_default() {
            return Ok(Arc::clone(&self.0.default));
        }
        let entry = self.get_or_register(name)?;
        // In a task of its own: a request that is cancelled must not cancel what others wait for, or leave it half done.
        let (worlds, name) = (self.clone(), name.clone());
        let opened = tokio::spawn(async move {
            let open = async || worlds.open_world(&name, source).await.map(Arc::new);
            let world = entry.get_or_try_init(open).await.cloned();
            if world.is_err() {
                worlds.unregister_failed(&name, &entry);
            }
            world
        });
        opened.await.unwrap_or(Err(WorldError::Panicked))
    }

    /// Removes the entry of a world that could not be opened, unless another task is trying to open it.
    fn unregister_failed(&self, name: &WorldName, entry: &RegistryEntry) {
        let mut registry = self.registry();
        let is_registered = registry.get(name).is_some_and(|registered| Arc::ptr_eq(registered, entry));
        // The registry and the caller hold one reference each.
        if is_registered && entry.get().is_none() && Arc::strong_count(entry) == 2 {
            registry.remove(name);
        }
    }

    /// Returns the entry of a world in the registry. Adds one if there is none; if the registry is full, the world that was
    /// unused for longest is discarded, unless it is persistent.
    fn get_or_register(&self, name: &WorldName) -> Result<RegistryEntry, WorldError> {
        // Locked until the entry is added, so that requests for the same world at the same time share one entry.
        let mut registry = self.registry();
        if let Some(entry) = registry.get(name) {
            return Ok(Arc::clone(entry));
        }
        if registry.len() >= self.0.settings.max_worlds {
            let discardable = registry.values().filter_map(|entry| discardable_world(entry));
            let longest_unused = discardable.min_by_key(|world| world.last_used());
            let name = longest_unused.map(|world| world.name().clone());
            let removed = name.and_then(|name| registry.remove(&name));
            let Some(world) = removed.and_then(|entry| entry.get().cloned()) else {
                return Err(WorldError::TooMany(self.0.settings.max_worlds));
            };
            world.discard();
        }
        let entry = RegistryEntry::default();
        registry.insert(name.clone(), Arc::clone(&entry));
        Ok(entry)
    }

    /// Removes a world from the registry and closes its database.
    fn discard(&self, name: &WorldName) {
        let removed = self.registry().remove(name);
        if let Some(world) = removed.and_then(|entry| entry.get().cloned()) {
            world.discard();
        }
    }

    async fn open_world(&self, name: &WorldName, source: WorldSource) -> Result<World, WorldError> {
        // Suspends another world if necessary, because the new one counts against the limit of open worlds.
        self.make_room_to_open().await;
        let Inner { databases, template, settings, .. } = &*self.0;
        let (clock_state, stored) = match source {
            WorldSource::Existing(stored) => (template.initial_clock.state(), stored),
            WorldSource::New(options) => {
                let clock_state = options.clock.unwrap_or_else(|| template.initial_clock.state());
                (clock_state, self.allocate(name, options, clock_state).await?)
            }
        };
        let StoredWorld { location, is_persistent } = stored;
        let clock = Clock::new(clock_state);
        let opened = Store::open(databases, location, &clock, || template.new_world(clock_state)).await?;
        tracing::debug!(world = %name, is_new = opened.is_new, "a world is opened");
        let world = World::new(name.clone(), opened, is_persistent, settings.repeatable_ids);
        self.record_use(&world);
        Ok(world)
    }

    /// Decides where a new world is stored. On PostgreSQL it is also created there.
    async fn allocate(
        &self,
        name: &WorldName,
        options: WorldOptions,
        clock: ClockState,
    ) -> Result<StoredWorld, WorldError> {
        let is_persistent = options.is_persistent;
        if let Some(directory) = self.0.databases.directory() {
            let entry = self.find_or_create_in(directory, name, is_persistent, clock).await?;
            return Ok(StoredWorld::schema(entry));
        }
        match &self.0.settings.default_file {
            Some(default_file) if is_persistent => {
                return Ok(StoredWorld::persistent_file(world_file_path(default_file, name.as_str())));
            }
            Some(_) => self.warn_of_memory(name),
            None => {}
        }
        Ok(StoredWorld { location: DatabaseLocation::Memory, is_persistent })
    }

    /// Warns once that worlds in memory are lost when the sandbox stops.
    fn warn_of_memory(&self, name: &WorldName) {
        if !self.0.has_warned_of_memory.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                world = %name,
                "worlds that requests make are in memory and do not survive a restart, only the default world does"
            );
        }
    }

    /// Resets a world to the state in which it was created. It generates the same ids again.
    pub async fn reset(&self, world: &World) -> Result<(), FpsError> {
        let template = &self.0.template;
        let ids = IdCodec::new(world.id_seed());
        let new = template.new_world_with_ids(ids, template.initial_clock.state());
        let new = new.map_err(|problem| unavailable_error(&problem))?;
        let keys = AccessKeys::of(&new.initial.keys);
        world.store().reset(new).await?;
        world.set_keys(keys);
        Ok(())
    }

    /// The names of the worlds that are open or suspended, sorted. The default world is left out.
    pub fn names(&self) -> Vec<WorldName> {
        let mut names: Vec<_> = self.registered().iter().map(|world| world.name().clone()).collect();
        names.sort();
        names
    }

    /// The number of worlds that are open. The default world is left out.
    pub fn open_count(&self) -> usize {
        self.registered().iter().filter(|world| world.store().is_open()).count()
    }

    fn registry(&self) -> MutexGuard<'_, HashMap<WorldName, RegistryEntry>> {
        self.0.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worlds in the registry.
    fn registered(&self) -> Vec<Arc<World>> {
        self.registry().values().filter_map(|entry| entry.get().cloned()).collect()
    }

    /// Waits for the queued commands of every world and closes the databases.
    pub async fn close(&self) {
        let entries = std::mem::take(&mut *self.registry());
        for world in entries.values().filter_map(|entry| entry.get()) {
            world.store().close().await;
        }
        self.0.default.store().close().await;
        self.0.databases.close().await;
    }
}

/// The world of an entry, if it is not persistent and no request holds a reference to it or to the entry.
fn discardable_world(entry: &RegistryEntry) -> Option<&Arc<World>> {
    let world = entry.get().filter(|world| !world.is_persistent())?;
    (Arc::strong_count(entry) == 1 && Arc::strong_count(world) == 1).then_some(world)
}

fn too_many_error(problem: &WorldError) -> FpsError {
    FpsError::new(
        Code::InvalidClientTokenId,
        format!("The world of the access key cannot be made: {problem}."),
    )
}

fn unavailable_error(problem: &dyn std::error::Error) -> FpsError {
    tracing::error!(%problem, "a world cannot be opened");
    FpsError::new(Code::ServiceUnavailable, "The world of the access key cannot be opened now; try again.")
}

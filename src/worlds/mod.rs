//! Worlds: each is a sandbox of its own, with its database, keys, clock and ids.
//!
//! A request belongs to the world of its access key. `KEY.test-42` is the key `KEY` in the world `test-42`; a key without a world
//! belongs to the default one. A world is made when the first request that is signed correctly asks for it, from the same
//! template as the default world. Fronts find the world once, and hand it on.

mod name;
mod template;
mod upkeep;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use crate::clock::{Clock, ClockState};
use crate::error::{Code, FpsError};
use crate::ids::RequestIds;
use crate::ledger::{IdCodec, Timestamp};
use crate::seed::SeedError;
use crate::store::{
    AccessKey, Databases, DirectoryEntry, Keys, Opened, Place, Store, StoreError, file_beside,
};

pub use name::WorldName;
pub use template::{Start, Template};

use name::key_and_world;

/// A world.
#[derive(Debug)]
pub struct World {
    name: WorldName,
    store: Store,
    keys: RwLock<Arc<Keys>>,
    request_ids: RequestIds,
    id_seed: u64,
    /// Where its database is.
    home: Home,
    /// Whether it was made because a request asked for it; such a world may give way to others.
    is_on_demand: bool,
    /// When it was last used, in milliseconds since the sandbox started.
    used: AtomicU64,
}

/// Where the database of a world is kept while nobody uses it.
#[derive(Clone, Debug)]
enum Home {
    Memory,
    File(PathBuf),
    Schema(DirectoryEntry),
}

/// A place in the registry: empty while the world is being opened.
type Slot = Arc<OnceCell<Arc<World>>>;

/// How a world comes into the registry.
#[derive(Clone, Debug)]
enum Opening {
    /// It was made before.
    Kept(Home),
    /// It is made.
    New(WorldOptions),
}

impl Opening {
    fn options(&self) -> WorldOptions {
        match self {
            Self::Kept(_) => WorldOptions::default(),
            Self::New(options) => *options,
        }
    }
}

/// The world in a place, if it was made on demand and nobody uses it or is about to.
fn unused_on_demand(slot: &Slot) -> Option<&Arc<World>> {
    let world = slot.get().filter(|world| world.is_on_demand)?;
    (Arc::strong_count(slot) == 1 && Arc::strong_count(world) == 1).then_some(world)
}

/// How worlds are made and kept.
#[derive(Clone, Debug)]
pub struct WorldSettings {
    /// Whether requests may make worlds.
    pub on_demand: bool,
    /// Most worlds besides the default one.
    pub most: usize,
    /// After how long a world that was made on demand is dropped when nobody uses it.
    pub idle: Duration,
    /// The file of the default world, beside which worlds that are asked to stay are kept.
    pub file: Option<PathBuf>,
    /// Whether ids repeat; only then do those of requests.
    pub ids_repeat: bool,
}

/// How a world is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorldOptions {
    /// Whether it stays: it never gives way to others, and is kept where the default world is.
    pub stays: bool,
    /// How its clock goes, if not as the template says.
    pub clock: Option<ClockState>,
}

/// All worlds of a sandbox; clones are the same.
#[derive(Clone, Debug)]
pub struct Worlds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    databases: Arc<Databases>,
    default: Arc<World>,
    template: Template,
    template_keys: Keys,
    settings: WorldSettings,
    others: Mutex<HashMap<WorldName, Slot>>,
    /// For requests that belong to no world.
    request_ids: RequestIds,
    started: Instant,
    has_warned: AtomicBool,
}

/// An access key that was found, and its world. The world is made, if need be, by [`Worlds::enter`].
#[derive(Clone, Debug)]
pub struct FoundKey {
    /// The key.
    pub key: Arc<AccessKey>,
    world: Result<Arc<World>, WorldName>,
}

impl FoundKey {
    /// Its world, if that has been made.
    pub fn world(&self) -> Option<&Arc<World>> {
        self.world.as_ref().ok()
    }
}

/// Why a world could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Its database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seed does not make sense.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The task that opened it panicked.
    #[error("opening it failed")]
    Panicked,
    /// There are as many as there may be.
    #[error("there are {0} worlds already, and none of them can give way (--max-worlds)")]
    TooMany(usize),
}

impl World {
    fn new(name: WorldName, opened: Opened, home: Home, is_on_demand: bool, ids_repeat: bool) -> Self {
        Self {
            name,
            store: opened.store,
            keys: RwLock::new(Arc::new(opened.keys)),
            request_ids: RequestIds::new(ids_repeat.then_some(opened.id_seed)),
            id_seed: opened.id_seed,
            home,
            is_on_demand,
            used: AtomicU64::new(0),
        }
    }

    /// Its name.
    pub fn name(&self) -> &WorldName {
        &self.name
    }

    /// Runs its commands and answers its queries.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        self.store.clock()
    }

    /// Its access keys.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the ids of its requests come from.
    pub fn request_ids(&self) -> &RequestIds {
        &self.request_ids
    }

    /// The seed of its ids.
    pub const fn id_seed(&self) -> u64 {
        self.id_seed
    }

    /// Closes the database of a world that nobody uses any more. One in memory is gone with that.
    fn give_up(self: Arc<Self>) {
        tracing::debug!(world = %self.name, "a world is given up");
        tokio::spawn(async move { self.store.close().await });
    }

    /// Closes its database until it is used again. Gives whether that will be possible.
    async fn sleep(&self) -> bool {
        self.store.sleep(self.home.place()).await
    }
}

impl Home {
    fn place(&self) -> Place {
        match self {
            Self::Memory => Place::Memory,
            Self::File(path) => Place::File(path.clone()),
            Self::Schema(entry) => Place::Schema(entry.schema.clone()),
        }
    }
}

impl Worlds {
    /// Opens the default world. Gives whether its database was empty, besides.
    pub async fn open(
        databases: Databases,
        clock: &Clock,
        template: Template,
        settings: WorldSettings,
    ) -> Result<(Self, bool), WorldError> {
        let databases = Arc::new(databases);
        let state = clock.state();
        let opened = Store::open_default(&databases, clock, || template.new_world(state)).await??;
        let is_new = opened.is_new;
        let home = settings.file.clone().map_or(Home::Memory, Home::File);
        let default = World::new(WorldName::default_world(), opened, home, false, settings.ids_repeat);
        let worlds = Self(Arc::new(Inner {
            databases,
            default: Arc::new(default),
            template_keys: template.keys()?,
            request_ids: RequestIds::new(settings.ids_repeat.then_some(template.id_seed)),
            template,
            settings,
            others: Mutex::default(),
            started: Instant::now(),
            has_warned: AtomicBool::new(false),
        }));
        Ok((worlds, is_new))
    }

    /// The world that requests without another one belong to.
    pub fn default_world(&self) -> &Arc<World> {
        &self.0.default
    }

    /// Where the ids of requests come from that belong to no world.
    pub fn request_ids(&self) -> &RequestIds {
        &self.0.request_ids
    }

    /// The access key of this id, and its world. An exact key of the default world wins; otherwise the text after the last dot
    /// is the world (our choice). A refusal says what is wrong with the world.
    pub async fn key(&self, id: &str) -> Result<FoundKey, FpsError> {
        if let Some(key) = self.0.default.keys().get(id) {
            return Ok(FoundKey { key: Arc::clone(key), world: Ok(Arc::clone(&self.0.default)) });
        }
        let unknown = || FpsError::from(Code::InvalidClientTokenId);
        let (id, world) = key_and_world(id).ok_or_else(unknown)?;
        let Some(name) = WorldName::parse(world) else {
            // Whoever has a dot in a key and no world in mind is told about the key.
            self.0.template_keys.get(id).ok_or_else(unknown)?;
            let text = format!(
                "The access key names a world that cannot be: {world}. A world has 1 to {} small letters, digits and hyphens.",
                WorldName::LONGEST
            );
            return Err(FpsError::new(Code::InvalidClientTokenId, text));
        };
        if let Some(world) = self.find(&name).await.map_err(|problem| unavailable(&problem))? {
            let key = world.keys().get(id).cloned().ok_or_else(unknown)?;
            return Ok(FoundKey { key, world: Ok(world) });
        }
        let key = self.0.template_keys.get(id).cloned().ok_or_else(unknown)?;
        if !self.0.settings.on_demand {
            let text =
                format!("There is no world {name}, and requests do not make worlds (--no-worlds-on-demand).");
            return Err(FpsError::new(Code::InvalidClientTokenId, text));
        }
        Ok(FoundKey { key, world: Err(name) })
    }

    /// The world of a key whose owner is known to ask; it is made if there is none. Its key besides, as it is in that world.
    pub async fn enter(&self, found: FoundKey) -> Result<(Arc<World>, Arc<AccessKey>), FpsError> {
        let (world, key) = match found.world {
            Ok(world) => (world, found.key),
            Err(name) => {
                let world =
                    self.make(&name, &WorldOptions::default()).await.map_err(|problem| match problem {
                        WorldError::TooMany(_) => refused(&problem),
                        problem => unavailable(&problem),
                    })?;
                let key = world.keys().get(&found.key.id).cloned();
                (world, key.ok_or(Code::InvalidClientTokenId)?)
            }
        };
        self.note_used(&world);
        if !world.store.is_awake() {
            self.make_room_for_one_awake().await;
        }
        Ok((world, key))
    }

    /// What the clock of a key's world shows; for a world that is not made yet, what it would show.
    pub fn now_in(&self, found: &FoundKey) -> Timestamp {
        found.world().map_or_else(|| self.0.template.start.state().now(), |world| world.clock().now())
    }

    /// The world of this name, if it has been made.
    pub async fn find(&self, name: &WorldName) -> Result<Option<Arc<World>>, WorldError> {
        if name.is_default() {
            return Ok(Some(Arc::clone(&self.0.default)));
        }
        let known = self.others().get(name).and_then(|slot| slot.get().cloned());
        if let Some(world) = known {
            if !self.may_be_gone(&world) || self.is_in_directory(&world).await? {
                return Ok(Some(world));
            }
            // Another sandbox has dropped it; it is fresh again, or has been made anew.
            self.forget(name.as_str());
        }
        let home = match &self.0.settings.file {
            Some(file) => {
                Some(file_beside(file, name.as_str())).filter(|path| path.is_file()).map(Home::File)
            }
            None => self.0.databases.find(name.as_str()).await?.map(Home::Schema),
        };
        match home {
            Some(home) => self.get_or_open(name, Opening::Kept(home)).await.map(Some),
            None => Ok(None),
        }
    }

    /// The world of this name; it is made if there is none.
    pub async fn make(&self, name: &WorldName, options: &WorldOptions) -> Result<Arc<World>, WorldError> {
        self.get_or_open(name, Opening::New(*options)).await
    }

    /// Opens or makes a world once, however many ask for it.
    async fn get_or_open(&self, name: &WorldName, opening: Opening) -> Result<Arc<World>, WorldError> {
        if name.is_default() {
            return Ok(Arc::clone(&self.0.default));
        }
        let slot = self.slot(name)?;
        // In a task of its own: a client that goes away must not stop what others wait for, nor leave it half done.
        let (worlds, name) = (self.clone(), name.clone());
        let opened = tokio::spawn(async move {
            let open = async || worlds.open_world(&name, opening).await.map(Arc::new);
            let world = slot.get_or_try_init(open).await.cloned();
            if world.is_err() {
                worlds.remove_if_unused(&name, &slot);
            }
            world
        });
        opened.await.unwrap_or(Err(WorldError::Panicked))
    }

    /// Takes a world that could not be opened out of the registry, unless somebody else is trying.
    fn remove_if_unused(&self, name: &WorldName, slot: &Slot) {
        let mut others = self.others();
        let is_own = others.get(name).is_some_and(|known| Arc::ptr_eq(known, slot));
        if is_own && slot.get().is_none() && Arc::strong_count(slot) == 2 {
            others.remove(name);
        }
    }

    /// The place of a world in the registry. The longest unused one that was made on demand gives way when there are too many.
    fn slot(&self, name: &WorldName) -> Result<Slot, WorldError> {
        let mut others = self.others();
        if let Some(slot) = others.get(name) {
            return Ok(Arc::clone(slot));
        }
        if others.len() >= self.0.settings.most {
            let unused = others.values().filter_map(|slot| unused_on_demand(slot));
            let longest_unused = unused.min_by_key(|world| world.used.load(Ordering::Relaxed));
            let name = longest_unused.map(|world| world.name.clone());
            let given_way = name.and_then(|name| others.remove(&name));
            let Some(world) = given_way.and_then(|slot| slot.get().cloned()) else {
                return Err(WorldError::TooMany(self.0.settings.most));
            };
            world.give_up();
        }
        let slot = Slot::default();
        others.insert(name.clone(), Arc::clone(&slot));
        Ok(slot)
    }

    /// Forgets a world that has been dropped from the directory.
    fn forget(&self, name: &str) {
        let forgotten = WorldName::parse(name).and_then(|name| self.others().remove(&name));
        if let Some(world) = forgotten.and_then(|slot| slot.get().cloned()) {
            world.give_up();
        }
    }

    async fn open_world(&self, name: &WorldName, opening: Opening) -> Result<World, WorldError> {
        self.make_room_for_one_awake().await;
        let Inner { databases, template, settings, .. } = &*self.0;
        let options = opening.options();
        let state = options.clock.unwrap_or_else(|| template.start.state());
        let home = match opening {
            Opening::Kept(home) => home,
            Opening::New(_) => self.new_home(name, options, state).await?,
        };
        let clock = Clock::new(state);
        let opened = Store::open(databases, &home.place(), &clock, || template.new_world(state)).await??;
        tracing::debug!(world = %name, is_new = opened.is_new, "a world is opened");
        let stays = match &home {
            Home::Memory => options.stays,
            Home::File(_) => true,
            Home::Schema(entry) => entry.keeps,
        };
        let world = World::new(name.clone(), opened, home, !stays, settings.ids_repeat);
        self.note_used(&world);
        Ok(world)
    }

    /// Where a new world is to be.
    async fn new_home(
        &self,
        name: &WorldName,
        options: WorldOptions,
        clock: ClockState,
    ) -> Result<Home, WorldError> {
        match &self.0.settings.file {
            _ if self.0.databases.has_directory() => {
                self.in_directory(name, options.stays, clock).await.map(Home::Schema)
            }
            Some(file) if options.stays => Ok(Home::File(file_beside(file, name.as_str()))),
            Some(_) => {
                self.warn_that_it_does_not_survive(name);
                Ok(Home::Memory)
            }
            None => Ok(Home::Memory),
        }
    }

    fn warn_that_it_does_not_survive(&self, name: &WorldName) {
        if !self.0.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                world = %name,
                "worlds that requests make are in memory and do not survive a restart, only the default world does"
            );
        }
    }

    /// Makes a world anew, as it was when it was made: it gives out the same ids again.
    pub async fn reset(&self, world: &World) -> Result<(), FpsError> {
        let template = &self.0.template;
        let new = template.new_world_with(IdCodec::new(world.id_seed), template.start.state());
        let new = new.map_err(|problem| unavailable(&problem))?;
        let keys = Arc::new(Keys::of(&new.initial.keys));
        world.store.reset(new).await?;
        *world.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The worlds that are open or asleep here, besides the default one.
    pub fn names(&self) -> Vec<WorldName> {
        let mut names: Vec<_> = self.known().iter().map(|world| world.name.clone()).collect();
        names.sort();
        names
    }

    /// How many worlds are awake, besides the default one.
    pub fn awake(&self) -> usize {
        self.known().iter().filter(|world| world.store.is_awake()).count()
    }

    fn others(&self) -> MutexGuard<'_, HashMap<WorldName, Slot>> {
        self.0.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finishes what is in hand in every world and closes the databases.
    pub async fn close(&self) {
        let others = std::mem::take(&mut *self.others());
        for world in others.values().filter_map(|slot| slot.get()) {
            world.store.close().await;
        }
        self.0.default.store.close().await;
        self.0.databases.close().await;
    }
}

fn refused(problem: &WorldError) -> FpsError {
    FpsError::new(
        Code::InvalidClientTokenId,
        format!("The world of the access key cannot be made: {problem}."),
    )
}

fn unavailable(problem: &dyn std::error::Error) -> FpsError {
    tracing::error!(%problem, "a world cannot be opened");
    FpsError::new(Code::ServiceUnavailable, "The world of the access key cannot be opened now; try again.")
}

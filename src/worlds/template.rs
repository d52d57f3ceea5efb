//! The template of new worlds: the rows of the seed, a seed for ids, and the initial state of the clock.

use crate::clock::{Clock, ClockState};
use crate::ledger::{IdAllocator, IdCodec, Rules, Timestamp};
use crate::seed::{Seed, SeedError};
use crate::store::{AccessKeys, NewWorld};

/// The template of new worlds.
#[derive(Debug)]
pub struct WorldTemplate {
    /// The first rows.
    pub seed: Seed,
    /// The rules under which seeded payments are made.
    pub rules: Rules,
    /// The seed of ids.
    pub id_seed: u64,
    /// The initial state of the clock.
    pub initial_clock: InitialClock,
}

/// The clock of a world when the world is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialClock {
    /// The clock shows real time.
    RealTime,
    /// The clock shows this instant when the world is created, and runs from there.
    RunningFrom(Timestamp),
    /// The clock is frozen at this instant.
    Frozen(Timestamp),
}

impl InitialClock {
    /// The initial state of a clock that has just been started.
    pub fn of(clock: &Clock) -> Self {
        match clock.state() {
            ClockState::REAL_TIME => Self::RealTime,
            ClockState::Running { .. } => Self::RunningFrom(clock.now()),
            ClockState::Frozen(instant) => Self::Frozen(instant),
        }
    }

    /// The state of a clock that is started now.
    pub fn state(self) -> ClockState {
        match self {
            Self::RealTime => ClockState::REAL_TIME,
            Self::RunningFrom(instant) => ClockState::running_from(instant),
            Self::Frozen(instant) => ClockState::Frozen(instant),
        }
    }
}

impl WorldTemplate {
    /// A new world with a clock in this state.
    pub fn new_world(&self, clock: ClockState) -> Result<NewWorld, SeedError> {
        self.new_world_with_ids(IdCodec::new(self.id_seed), clock)
    }

    /// The same with another id codec.
    pub fn new_world_with_ids(&self, ids: IdCodec, clock: ClockState) -> Result<NewWorld, SeedError> {
        let mut id_allocator = IdAllocator::new(ids, 1, Timestamp::MIN);
        let initial = self.seed.build(clock.now(), &self.rules, &mut id_allocator)?;
        Ok(NewWorld { initial, ids, clock })
    }

    /// The access keys of every new world.
    pub fn keys(&self) -> Result<AccessKeys, SeedError> {
        Ok(AccessKeys::of(&self.new_world(self.initial_clock.state())?.initial.keys))
    }
}

//! What a world begins with: the rows of the seed, a seed for its ids, and how its clock starts.

use crate::clock::{Clock, ClockState};
use crate::ledger::{IdAllocator, IdCodec, Rules, Timestamp};
use crate::seed::{Seed, SeedError};
use crate::store::{Keys, NewWorld};

/// Makes new worlds.
#[derive(Debug)]
pub struct Template {
    /// Its rows.
    pub seed: Seed,
    /// The rules under which seeded payments are made.
    pub rules: Rules,
    /// The seed of ids.
    pub id_seed: u64,
    /// How clocks start.
    pub start: Start,
}

/// How the clock of a new world starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It shows real time.
    RealTime,
    /// It shows this instant when the world is made, and runs from there.
    RunningFrom(Timestamp),
    /// It stands at this instant.
    Standing(Timestamp),
}

impl Start {
    /// As this clock has just started.
    pub fn as_of(clock: &Clock) -> Self {
        match clock.state() {
            ClockState::REAL_TIME => Self::RealTime,
            ClockState::Running { .. } => Self::RunningFrom(clock.now()),
            ClockState::Standing(instant) => Self::Standing(instant),
        }
    }

    /// How a clock goes that starts now.
    pub fn state(self) -> ClockState {
        match self {
            Self::RealTime => ClockState::REAL_TIME,
            Self::RunningFrom(instant) => ClockState::running_from(instant),
            Self::Standing(instant) => ClockState::Standing(instant),
        }
    }
}

impl Template {
    /// A new world whose clock goes like this.
    pub fn new_world(&self, clock: ClockState) -> Result<NewWorld, SeedError> {
        self.new_world_with(IdCodec::new(self.id_seed), clock)
    }

    /// The same with other ids.
    pub fn new_world_with(&self, ids: IdCodec, clock: ClockState) -> Result<NewWorld, SeedError> {
        let mut numbering = IdAllocator::new(ids, 1, Timestamp::MIN);
        let initial = self.seed.begin(clock.now(), &self.rules, &mut numbering)?;
        Ok(NewWorld { initial, ids, clock })
    }

    /// The access keys that each new world has.
    pub fn keys(&self) -> Result<Keys, SeedError> {
        Ok(Keys::of(&self.new_world(self.start.state())?.initial.keys))
    }
}

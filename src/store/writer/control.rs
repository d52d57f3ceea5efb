//! Messages to the writer other than jobs: setting the clock, and checking that the database accepts writes. A reset has a
//! file of its own, [`super::reset`].

use tokio::sync::oneshot;

use crate::clock::ClockState;
use crate::error::{Code, FpsError};

use super::{ResultSender, Writer};
use crate::store::batch_error::BatchError;
use crate::store::engine::BindValues;
use crate::store::new_world::NewWorld;
use crate::store::world_state;

/// How many bytes are written to find out whether the disk has space again.
const PROBE_BYTES: usize = 64 * 1024;
const INSERT_PROBE: &str = "INSERT INTO secrets (name, value) VALUES ('room', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const DELETE_PROBE: &str = "DELETE FROM secrets WHERE name = 'room'";

/// The messages other than jobs that were received with one batch.
#[derive(Default)]
pub(super) struct ControlMessages {
    pub(super) run_due_work: Vec<oneshot::Sender<()>>,
    pub(super) set_clock: Vec<(ClockState, ResultSender)>,
    pub(super) reset: Vec<(Box<NewWorld>, ResultSender)>,
    pub(super) check_writable: Vec<oneshot::Sender<bool>>,
}

impl Writer {
    /// Handles the messages that were received with a batch, after the batch has run.
    pub(super) async fn handle_control_messages(&mut self, messages: ControlMessages) {
        for (state, result) in messages.set_clock {
            let _ = result.send(self.set_clock(state).await);
        }
        for (world, result) in messages.reset {
            let _ = result.send(self.reset(&world).await);
        }
        // Due work has been run with the batch.
        for done in messages.run_due_work {
            let _ = done.send(());
        }
        for response in messages.check_writable {
            let _ = response.send(self.accepts_writes().await);
        }
    }

    /// Stores the state of the clock, then sets the clock.
    async fn set_clock(&mut self, state: ClockState) -> Result<(), FpsError> {
        let timeout = self.session.timeout();
        let saved = tokio::time::timeout(timeout, self.save_clock(state)).await;
        if let Err(problem) = saved.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::error!(%problem, "the clock could not be set");
            let problem = self.roll_back(problem).await;
            return Err(problem.response_to_all().unwrap_or_else(|| Code::InternalError.into()));
        }
        self.clock.set(state);
        Ok(())
    }

    async fn save_clock(&mut self, state: ClockState) -> Result<(), BatchError> {
        self.begin_batch(self.clock.now()).await?;
        world_state::save_clock(self.session.begin_write().await?, state).await?;
        self.commit(true).await
    }

    /// Whether the database accepts writes. It is probed only after a write has failed, so that the check costs nothing
    /// otherwise.
    async fn accepts_writes(&mut self) -> bool {
        if self.has_write_failed {
            let timeout = self.session.timeout();
            let probed = tokio::time::timeout(timeout, self.probe_disk_space()).await;
            if let Err(problem) = probed.unwrap_or(Err(BatchError::TimedOut)) {
                self.roll_back(problem).await;
            }
        }
        !self.has_write_failed
    }

    /// Writes as much as a batch may need, and deletes it again. On a disk that is almost full a smaller write would
    /// succeed.
    async fn probe_disk_space(&mut self) -> Result<(), BatchError> {
        self.begin_batch(self.clock.now()).await?;
        let probe = BindValues::default().bind("0".repeat(PROBE_BYTES));
        self.session.begin_write().await?.execute_with(INSERT_PROBE, probe).await?;
        self.commit(true).await?;
        self.begin_batch(self.clock.now()).await?;
        self.session.begin_write().await?.execute(DELETE_PROBE).await?;
        self.commit(true).await
    }
}

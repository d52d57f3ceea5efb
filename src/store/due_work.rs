//! Due work: what becomes due at an instant of the world's clock, and what happens when it fails.
//!
//! Due work runs before the commands of a batch, in the same transaction. When that fails, each piece is tried alone. One that
//! fails for a cause of its own is set aside: it stays in the table with its problem, the audit shows it, and it is tried
//! again when the sandbox is started again. For any other cause, such as a full disk, all of it rests for a moment of real
//! time. In neither case do commands or other due work wait for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{RunScheduled, Scheduled, Timestamp};

use super::batch_error::BatchError;
use super::engine::{Connection, Values};
use super::job::{Job, Unattended};
use super::load;
use super::writer::Writer;

/// How much due work is decided at a time.
const AT_A_TIME: i64 = 256;
/// How long due work rests after a failure that has no cause in it.
const REST: Duration = Duration::from_secs(1);

const SET_ASIDE: &str = "UPDATE due SET problem = $1 WHERE transaction_number = $2";
const TAKE_UP_AGAIN: &str = "UPDATE due SET problem = NULL WHERE problem IS NOT NULL";

/// Takes up again what was set aside: a newer program may be able to do it.
pub(super) async fn take_up_again(connection: &mut Connection) -> sqlx::Result<()> {
    connection.all(TAKE_UP_AGAIN, Values::default()).await.map(drop)
}

impl Writer {
    /// Runs some of what is due, in the transaction that is open or begins with it.
    pub(super) async fn run_due_work(&mut self, now: Timestamp) -> Result<bool, BatchError> {
        let due = load::due(self.session.connection()?, now, AT_A_TIME).await?;
        let changed = self.carry_out(due, now).await?;
        self.next_due = load::next_due(self.session.connection()?).await?;
        self.due_rests_until = None;
        Ok(changed)
    }

    async fn carry_out(&mut self, due: Vec<Scheduled>, now: Timestamp) -> Result<bool, BatchError> {
        for forced in due.iter().filter(|due| due.step.is_forced()) {
            tracing::info!(transaction = forced.transaction.0, step = ?forced.step, "a magic amount forces a failure");
        }
        let mut jobs: Vec<Box<dyn Job>> =
            due.into_iter().map(|due| Box::new(Unattended(RunScheduled(due))) as Box<dyn Job>).collect();
        self.load_decide_save(&mut jobs, now).await
    }

    /// Runs what is due, each piece in a transaction of its own.
    pub(super) async fn run_due_work_one_by_one(&mut self, now: Timestamp) {
        let mut tried = 0;
        let problem = loop {
            let timeout = self.session.timeout();
            let first = tokio::time::timeout(timeout, self.run_first_due_work(now)).await;
            match first.unwrap_or(Err(BatchError::TimedOut)) {
                Ok(Progress::AllDone) => return,
                Ok(Progress::One) => {}
                Err(problem) => break problem,
            }
            tried += 1;
            // There may always be more, and commands wait.
            if tried == AT_A_TIME {
                return;
            }
        };
        let problem = self.give_up(problem).await;
        tracing::error!(%problem, "due work could not be saved; it is tried again shortly");
        self.let_due_work_rest();
    }

    /// Due work is not tried again for a moment of real time.
    pub(super) fn let_due_work_rest(&mut self) {
        self.due_rests_until = Some(Instant::now() + REST);
    }

    /// Runs the first piece of what is due; sets it aside if it fails for a cause of its own.
    async fn run_first_due_work(&mut self, now: Timestamp) -> Result<Progress, BatchError> {
        let now = self.enter(now).await?;
        let first = load::due(self.session.connection()?, now, 1).await?;
        let Some(due) = first.first().copied() else {
            self.next_due = load::next_due(self.session.connection()?).await?;
            self.end(false).await?;
            return Ok(Progress::AllDone);
        };
        let carried_out = self.carry_out(first, now).await;
        let problem = match carried_out {
            Ok(changed) => match self.end(changed).await {
                Ok(()) => return Ok(Progress::One),
                Err(problem) => problem,
            },
            Err(problem) => problem,
        };
        if !problem.lies_in_the_work() {
            return Err(problem);
        }
        tracing::error!(%problem, transaction = due.transaction.0, "due work is set aside");
        let text = problem.to_string();
        self.give_up(problem).await;
        self.set_aside(due, text).await?;
        Ok(Progress::One)
    }

    async fn set_aside(&mut self, due: Scheduled, problem: String) -> Result<(), BatchError> {
        self.enter(self.clock.now()).await?;
        let connection = self.session.begin().await?;
        connection.all(SET_ASIDE, Values::default().bind(problem).bind(due.transaction.0)).await?;
        self.end(true).await
    }
}

/// How far one step got.
enum Progress {
    /// A piece of work is done or set aside.
    One,
    /// Nothing is due any more.
    AllDone,
}

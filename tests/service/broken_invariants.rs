//! Faults of the sandbox itself: a command that breaks an invariant or panics gets an internal error and has no effect, and
//! all other commands work as before.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use fps_sandbox::error::{Code, FpsError};
use fps_sandbox::ledger::{
    AccountNumber, Amount, Book, Command, Context, InstrumentNumber, LedgerAccount, ReadSet, TransactionId,
    TransactionNumber,
};
use tokio::sync::oneshot;

use crate::interleaving::BlockWriter;
use crate::support::{Server, demo, pay};

/// The fault of a command.
#[derive(Clone, Debug)]
enum Fault {
    /// Its postings do not sum to zero.
    UnbalancedPostings(TransactionId),
    /// It clears debt of an instrument that does not exist.
    ClearUnknownDebt,
    /// It changes a transaction that does not exist.
    ChangeUnknownTransaction,
    /// It panics in `decide`.
    PanicInDecide,
    /// It panics in `read_set`.
    PanicInReadSet,
}

/// A command with a fault. It changes a row first, which must not be saved.
struct FaultyCommand(Fault);

impl Command for FaultyCommand {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        match &self.0 {
            Fault::UnbalancedPostings(id) => {
                reads.transaction(id);
            }
            Fault::PanicInReadSet => panic!("outside of a decision"),
            _ => {}
        }
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        book.set_open_debt(InstrumentNumber(77), TransactionNumber(77), Amount::CENT);
        match &self.0 {
            Fault::UnbalancedPostings(id) => {
                let number = book.transaction(id).expect("it is loaded").number;
                book.post(number, &[(LedgerAccount::balance(AccountNumber(2)), Amount::CENT)]);
            }
            Fault::ClearUnknownDebt => book.clear_debt(InstrumentNumber(999_999), Amount::CENT),
            Fault::ChangeUnknownTransaction => {
                book.progress(TransactionNumber(999_999), |progress| progress.lines = 9);
            }
            Fault::PanicInDecide => panic!("in a decision"),
            Fault::PanicInReadSet => unreachable!("it has panicked before"),
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_answered_keeps_nothing_and_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), include_str!("../../fixtures/demo.toml")).await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CREDIT, "1", "before")).await.text("TransactionId");
    for (round, fault) in [
        Fault::UnbalancedPostings(paid.as_str().into()),
        Fault::ClearUnknownDebt,
        Fault::ChangeUnknownTransaction,
        Fault::PanicInDecide,
        Fault::PanicInReadSet,
    ]
    .into_iter()
    .enumerate()
    {
        for repetition in 0..3 {
            let refusal = server.store.run(FaultyCommand(fault.clone())).await.expect_err("a fault");
            assert_eq!(refusal.code, Code::InternalError, "{fault:?}");
            merchant.ok("Pay", &pay(demo::CREDIT, "1", &format!("{round} {repetition}"))).await;
        }
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "116.000000");
    server.stop_and_audit().await;
}

/// Due work still runs when the batch that ran it first is rolled back because of a faulty command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_work_runs_although_a_command_of_its_batch_is_at_fault() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "card")).await.text("TransactionId");
    let ((begun, is_blocked), (release, released)) = (oneshot::channel(), mpsc::channel());
    let blocked = server.store.run(BlockWriter(Mutex::new(Some((begun, released)))));
    let batch = async {
        is_blocked.await.expect("the writer is blocked");
        let (fault, ()) = tokio::join!(server.store.run(FaultyCommand(Fault::PanicInDecide)), async {
            // The settlement of the card becomes due in the batch of the faulty command. The blocked writer cannot run
            // `set_clock`, so the test sets the clock itself.
            server.clock.set(server.clock.state().advanced(Duration::from_secs(1)));
            release.send(()).expect("the writer waits");
        });
        assert_eq!(fault.expect_err("a fault").code, Code::InternalError);
    };
    let (_, ()) = tokio::join!(blocked, batch);
    server.advance(Duration::ZERO).await;
    assert_eq!(merchant.status(&paid).await.0, "Success");
    server.stop().await;
}

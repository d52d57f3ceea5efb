//! Faults of the sandbox itself: a command that breaks an invariant or panics is answered as an internal error, nothing of it
//! is kept, and everybody else is served as before.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use fps_sandbox::error::{Code, FpsError};
use fps_sandbox::ledger::{
    AccountNumber, Amount, Book, Command, Context, InstrumentNumber, LedgerAccount, ReadSet, TransactionId,
    TransactionNumber,
};
use tokio::sync::oneshot;

use crate::interleaving::Hold;
use crate::support::{Server, demo, pay};

/// What a faulty command does.
#[derive(Clone, Debug)]
enum Fault {
    /// Its postings do not sum to zero.
    Unbalanced(TransactionId),
    /// It clears debt that nobody owes.
    ClearsTooMuch,
    /// It changes a transaction that is not there.
    ChangesNothing,
    /// It panics while it decides.
    PanicsInDecision,
    /// It panics while it names what it needs.
    PanicsOutside,
}

/// Breaks something, after a change of its own that must not be kept.
struct Faulty(Fault);

impl Command for Faulty {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        match &self.0 {
            Fault::Unbalanced(id) => {
                reads.transaction(id);
            }
            Fault::PanicsOutside => panic!("outside of a decision"),
            _ => {}
        }
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        book.set_open_debt(InstrumentNumber(77), TransactionNumber(77), Amount::CENT);
        match &self.0 {
            Fault::Unbalanced(id) => {
                let number = book.transaction(id).expect("it is loaded").number;
                book.post(number, &[(LedgerAccount::balance(AccountNumber(2)), Amount::CENT)]);
            }
            Fault::ClearsTooMuch => book.clear_debt(InstrumentNumber(999_999), Amount::CENT),
            Fault::ChangesNothing => book.progress(TransactionNumber(999_999), |progress| progress.lines = 9),
            Fault::PanicsInDecision => panic!("in a decision"),
            Fault::PanicsOutside => unreachable!("it has panicked before"),
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
        Fault::Unbalanced(paid.as_str().into()),
        Fault::ClearsTooMuch,
        Fault::ChangesNothing,
        Fault::PanicsInDecision,
        Fault::PanicsOutside,
    ]
    .into_iter()
    .enumerate()
    {
        for repetition in 0..3 {
            let refusal = server.store.run(Faulty(fault.clone())).await.expect_err("a fault");
            assert_eq!(refusal.code, Code::InternalError, "{fault:?}");
            merchant.ok("Pay", &pay(demo::CREDIT, "1", &format!("{round} {repetition}"))).await;
        }
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "116.000000");
    server.stop_and_audit().await;
}

/// What was due is not forgotten when the batch that ran it first is undone for the fault of a command in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_work_runs_although_a_command_of_its_batch_is_at_fault() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "card")).await.text("TransactionId");
    let ((begun, is_held), (release, released)) = (oneshot::channel(), mpsc::channel());
    let held = server.store.run(Hold(Mutex::new(Some((begun, released)))));
    let batch = async {
        is_held.await.expect("the writer is held");
        let (fault, ()) = tokio::join!(server.store.run(Faulty(Fault::PanicsInDecision)), async {
            // The card is due with the batch that the fault is in. The writer cannot be told now.
            server.clock.set(server.clock.state().advanced(Duration::from_secs(1)));
            release.send(()).expect("the writer waits");
        });
        assert_eq!(fault.expect_err("a fault").code, Code::InternalError);
    };
    let (_, ()) = tokio::join!(held, batch);
    server.advance(Duration::ZERO).await;
    assert_eq!(merchant.status(&paid).await.0, "Success");
    server.stop().await;
}

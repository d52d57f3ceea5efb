//! How money first comes into a sandbox: a deposit from a bank (IPN operation `DEPOSIT_FUNDS`), made by seed files.

use crate::error::FpsError;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::ids::{AccountNumber, TransactionNumber};
use crate::ledger::lifecycle;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::{Operation, Transaction};

/// A deposit into an account, finished at once.
#[derive(Clone, Debug)]
pub struct DepositFunds {
    /// Whose balance rises.
    pub account: AccountNumber,
    /// By how much.
    pub amount: Amount,
    /// What is said about it.
    pub descriptions: Descriptions,
}

impl Command for DepositFunds {
    type Output = TransactionNumber;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.account);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let draft = Transaction {
            method: PaymentMethod::ACH,
            ..context.draft_transaction(
                self.account,
                Operation::DepositFunds,
                self.amount,
                &self.descriptions,
            )
        };
        Ok(lifecycle::finish_at_once(book, draft))
    }
}

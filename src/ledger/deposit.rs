//! How money first comes into a sandbox: a deposit from a bank (IPN operation `DEPOSIT_FUNDS`), made by seed files.

use crate::error::FpsError;

use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, TransactionNumber};
use super::lifecycle;
use super::read_set::ReadSet;
use super::transaction::{Descriptions, Operation, PaymentMethod, Transaction};
use super::{Command, Context};

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
            ..Transaction::draft(
                context,
                self.account,
                Operation::DepositFunds,
                self.amount,
                &self.descriptions,
            )
        };
        Ok(lifecycle::finish_at_once(book, draft))
    }
}

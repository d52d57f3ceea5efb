//! How money first comes into a sandbox: a deposit from a bank (IPN operation `DEPOSIT_FUNDS`), made by seed files.

use crate::error::FpsError;

use super::book::Book;
use super::completion;
use super::money::Amount;
use super::names::{AccountNumber, TransactionNumber};
use super::needs::Needs;
use super::transaction::{Operation, PaymentMethod, Remarks, Transaction};
use super::{Command, Context};

/// A deposit into an account, finished at once.
#[derive(Clone, Debug)]
pub struct DepositFunds {
    /// Whose balance rises.
    pub account: AccountNumber,
    /// By how much.
    pub amount: Amount,
    /// What is said about it.
    pub remarks: Remarks,
}

impl Command for DepositFunds {
    type Output = TransactionNumber;

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.account);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let draft = Transaction {
            method: PaymentMethod::ACH,
            ..Transaction::draft(context, self.account, Operation::DepositFunds, self.amount, &self.remarks)
        };
        Ok(completion::finish_at_once(book, draft))
    }
}

//! DepositFunds: a deposit from a bank, by which seed files give accounts a balance (IPN operation `DEPOSIT_FUNDS`).

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

/// A deposit into an account. It succeeds at once.
#[derive(Clone, Debug)]
pub struct DepositFunds {
    /// The account that gets the money.
    pub account: AccountNumber,
    /// The amount.
    pub amount: Amount,
    /// The reference and descriptions.
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

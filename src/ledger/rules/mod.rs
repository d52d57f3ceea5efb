//! The configurable part of the service: fees, delays, limits, magic values.

pub(super) mod fees;
pub mod magic;

use std::fmt::Write;

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::ids::TokenId;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::rules::fees::FeeTable;
use crate::ledger::schedule::StepKind;
use crate::ledger::transaction::{Operation, Transaction};

/// The configurable part of the service's behaviour.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The fee table.
    pub fees: FeeTable,
    /// How long a card payment stays pending, in milliseconds.
    pub cc_delay_millis: i64,
    /// How long a bank payment stays pending, in milliseconds.
    pub ach_delay_millis: i64,
    /// The largest amount of one transaction.
    pub max_amount: Amount,
    /// Whether magic values force errors.
    pub magic: bool,
}

impl Rules {
    /// How long a payment by this method stays pending, in milliseconds; `None` if it finishes in the call.
    pub fn delay_millis(&self, method: PaymentMethod) -> Option<i64> {
        match method {
            PaymentMethod::CC => Some(self.cc_delay_millis),
            PaymentMethod::ACH => Some(self.ach_delay_millis),
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => None,
        }
    }

    /// Whether the token id forces no error in this parameter. Only magic token ids do, and only if magic values are
    /// on.
    pub(in crate::ledger) fn check_magic_token(&self, parameter: &str, id: &TokenId) -> Result<(), FpsError> {
        if !self.magic {
            return Ok(());
        }
        magic::forced_by_token(parameter, id).map_or(Ok(()), Err)
    }

    /// The answer of a card or a bank to this transaction, as the step to schedule. A magic amount can force it.
    pub(in crate::ledger) fn processor_outcome(&self, transaction: &Transaction) -> StepKind {
        let charges = transaction.operation != Operation::Refund && self.magic;
        let forced = if charges { magic::forced_by_amount(transaction.amount) } else { None };
        forced.unwrap_or(StepKind::Complete)
    }

    /// Whether the amount is in the range that FPS accepts: at least one cent, above one cent by card or bank, and at
    /// most the maximum (guide: `AmountOutOfRange`).
    pub fn check_amount(&self, amount: Amount, method: PaymentMethod) -> Result<(), FpsError> {
        let above_cent = amount > Amount::CENT || (amount == Amount::CENT && !method.is_external());
        if above_cent && amount <= self.max_amount {
            return Ok(());
        }
        let least = if method.is_external() { "greater than $0.01" } else { "at least $0.01" };
        let most = self.max_amount.to_decimal().normalize();
        let mut text = format!("The amount must be {least} and at most ${most}.");
        // A number too large to hold is not known exactly, so the message cannot quote it.
        if amount < Amount::HUGE {
            let _ = write!(text, " Specified value: {}", amount.to_decimal().normalize());
        }
        Err(FpsError::new(Code::AmountOutOfRange, text))
    }
}

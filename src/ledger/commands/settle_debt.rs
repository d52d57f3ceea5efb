//! SettleDebt: a buyer pays debt on a credit instrument (guide: SettleDebt).

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::Context;
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::commands::instrument_payment::InstrumentPayment;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::{AccountNumber, InstrumentId, TokenId, TransactionNumber};
use crate::ledger::instrument::InstrumentKind;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::lifecycle;
use crate::ledger::lifecycle::PendingTimeout;
use crate::ledger::token::{Purpose, Token};
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::{ChargeFeeTo, Operation};

/// A SettleDebt request.
#[derive(Clone, Debug)]
pub struct SettleDebt {
    /// The caller: the creditor.
    pub caller: AccountNumber,
    /// The settlement token.
    pub sender_token: TokenId,
    /// The instrument whose debt is settled.
    pub instrument: InstrumentId,
    /// The amount; `None` means all debt that is not being settled yet (our choice).
    pub amount: Option<Amount>,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
    /// The number of minutes after which a pending settlement fails.
    pub timeout_minutes: i64,
}

impl IdempotentOperation for SettleDebt {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(self.caller, IdempotentAction::SettleDebt, &self.descriptions.caller_reference)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.sender_token);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let (token, amount) = self.validate(book, context)?;
        let fee = context.rules.fees.fee(Operation::SettleDebt, token.method, amount);
        let draft = context
            .draft_transaction(self.caller, Operation::SettleDebt, amount, &self.descriptions)
            .paid_with(token)
            .charging(ChargeFeeTo::Recipient, fee);
        lifecycle::check_balances(book, &draft)?;
        // A settlement that finishes in the call clears debt now. The open debts are loaded only after all checks,
        // because an instrument may have very many. For a pending settlement `RunScheduledStep` loads them when the card
        // or bank has answered.
        if let (None, Some(instrument)) = (draft.waits_for(), draft.instrument) {
            book.require_debts_to_clear(instrument, draft.amount)?;
        }
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.timeout_minutes)))
    }
}

impl SettleDebt {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn validate<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<(&'b Token, Amount), FpsError> {
        let payment = InstrumentPayment {
            caller: self.caller,
            sender_token: &self.sender_token,
            purpose: Purpose::Settlement,
            instrument: &self.instrument,
            kind: InstrumentKind::Credit,
        };
        let (token, instrument) = payment.find(book, context)?;
        let owed = book.total(LedgerAccount::debt(instrument.number));
        let amount = self.amount.unwrap_or(owed);
        token.check_usage_limits(amount, context.now)?;
        book.check_transaction_limits(token, self.caller, amount)?;
        // Without an amount and without debt the amount would be zero, and be refused as out of range instead.
        if amount > owed || owed.is_zero() {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.check_amount(amount, token.method)?;
        Ok((token, amount))
    }
}

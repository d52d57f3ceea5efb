//! SettleDebt: money for debt (guide: SettleDebt).

use crate::error::{Code, FpsError};

use super::Context;
use super::amount::Amount;
use super::book::Book;
use super::idempotency::{IdempotencyKey, IdempotentAction, IdempotentOperation};
use super::ids::{AccountNumber, InstrumentId, TokenId, TransactionNumber};
use super::instrument::{Instrument, InstrumentKind};
use super::lifecycle::{self, PendingTimeout};
use super::posting::LedgerAccount;
use super::read_set::ReadSet;
use super::token::{Purpose, Token};
use super::transaction::{ChargeFeeTo, Descriptions, Operation, Transaction};

/// A SettleDebt as asked for.
#[derive(Clone, Debug)]
pub struct SettleDebt {
    /// Who asks: the creditor.
    pub caller: AccountNumber,
    /// The settlement token.
    pub sender_token: TokenId,
    /// Whose debt.
    pub instrument: InstrumentId,
    /// How much of it; none = all that is owed (our choice).
    pub amount: Option<Amount>,
    /// What the caller says about it.
    pub descriptions: Descriptions,
    /// Minutes after which a pending settlement fails.
    pub timeout_minutes: i64,
}

impl IdempotentOperation for SettleDebt {
    fn key(&self) -> IdempotencyKey {
        self.descriptions.idempotency_key(self.caller, IdempotentAction::SettleDebt)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.sender_token);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let (token, amount) = self.validate(book, context)?;
        let fee = context.rules.fees.fee(Operation::SettleDebt, token.method, amount);
        let draft =
            Transaction::draft(context, self.caller, Operation::SettleDebt, amount, &self.descriptions)
                .paid_with(token)
                .charging(ChargeFeeTo::Recipient, fee);
        lifecycle::check_funds(book, &draft)?;
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
        context.rules.check_magic_token("SenderTokenId", &self.sender_token)?;
        let token = Token::find(book, self.caller, &self.sender_token)?;
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Credit)?;
        Token::check_parties(book, token, self.caller, self.caller)?;
        token.check_not_cancelled()?;
        instrument.check_usable(context.now)?;
        token.check_in_force(context.now)?;
        token.check_purpose(Purpose::Settlement, instrument)?;
        token.check_recipient_method(book, self.caller)?;
        let owed = book.total(LedgerAccount::debt(instrument.number));
        let amount = self.amount.unwrap_or(owed);
        token.check_usage_limits(amount, context.now)?;
        token.check_transaction_limits(book, self.caller, amount)?;
        if amount > owed || owed.is_zero() {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.check_amount(amount, token.method)?;
        Ok((token, amount))
    }
}

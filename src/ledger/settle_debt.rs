//! SettleDebt: money for debt (guide: SettleDebt).

use crate::error::{Code, FpsError};

use super::Context;
use super::book::Book;
use super::completion::{self, Timing};
use super::idempotency::{ReferenceKey, Referenced, ReferencedAction};
use super::instrument::{Instrument, InstrumentKind};
use super::money::Amount;
use super::names::{AccountNumber, InstrumentId, TokenId, TransactionNumber};
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::token::{Purpose, Token};
use super::transaction::{ChargeFeeTo, Operation, Remarks, Transaction};

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
    pub remarks: Remarks,
    /// Minutes after which a pending settlement fails.
    pub timeout_minutes: i64,
}

impl Referenced for SettleDebt {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller, ReferencedAction::SettleDebt)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller);
        needs.token(&self.sender_token);
        needs.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let (token, amount) = self.checked(book, context)?;
        let fee = context.rules.fees.fee(Operation::SettleDebt, token.method, amount);
        let draft = Transaction::draft(context, self.caller, Operation::SettleDebt, amount, &self.remarks)
            .paid_with(token)
            .charging(ChargeFeeTo::Recipient, fee);
        completion::covered(book, &draft)?;
        if let (None, Some(instrument)) = (draft.waits_for(), draft.instrument) {
            book.has_debts_to_clear(instrument, draft.amount)?;
        }
        book.use_token_for(&draft);
        Ok(completion::start(book, context, draft, Timing::WithinMinutes(self.timeout_minutes)))
    }
}

impl SettleDebt {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn checked<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<(&'b Token, Amount), FpsError> {
        context.rules.magic_token("SenderTokenId", &self.sender_token)?;
        let token = Token::find(book, self.caller, &self.sender_token)?;
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Credit)?;
        Token::parties_take_part(book, token, self.caller, self.caller)?;
        token.not_cancelled()?;
        instrument.usable(context.now)?;
        token.in_force(context.now)?;
        token.serves(Purpose::Settlement, instrument)?;
        token.method_serves(book, self.caller)?;
        let owed = book.total(LedgerAccount::debt(instrument.number));
        let amount = self.amount.unwrap_or(owed);
        token.within_limits(amount, context.now)?;
        token.parties_bear(book, self.caller, amount)?;
        if amount > owed || owed.is_zero() {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.amount_in_range(amount, token.method)?;
        Ok((token, amount))
    }
}

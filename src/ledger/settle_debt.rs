//! SettleDebt: money for debt (guide: SettleDebt).

use crate::error::{Code, FpsError};

use super::book::Book;
use super::completion::{self, Timing};
use super::idempotency::{ReferenceKey, Referenced};
use super::instrument::CreditInstrument;
use super::money::Amount;
use super::names::{InstrumentId, TokenId, TransactionNumber};
use super::needs::Needs;
use super::pay::takes_method;
use super::posting::LedgerAccount;
use super::token::{Purpose, Token};
use super::transaction::{Operation, Remarks, Transaction};
use super::{Caller, Context};

/// A SettleDebt as asked for.
#[derive(Clone, Debug)]
pub struct SettleDebt {
    /// Who asks: the creditor.
    pub caller: Caller,
    /// The settlement token.
    pub sender_token: TokenId,
    /// Whose debt.
    pub instrument: InstrumentId,
    /// How much of it; none = all that is owed (decisions 3).
    pub amount: Option<Amount>,
    /// What the caller says about it.
    pub remarks: Remarks,
    /// Minutes after which a pending settlement fails.
    pub timeout_minutes: i64,
}

impl Referenced for SettleDebt {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller.account);
        let token = needs.token(self.caller.world, &self.sender_token);
        let instrument = needs.instrument(self.caller.world, &self.instrument);
        let at_once = token.is_some_and(|token| !token.method.is_external());
        if let Some(instrument) = instrument.filter(|_| at_once) {
            needs.open_debts_on(instrument.number);
        }
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let (token, amount) = self.checked(book, context)?;
        let draft = Transaction::draft(context, self.caller, Operation::SettleDebt, amount, &self.remarks)
            .paid_with(token)
            .charging_recipient(context.rules.fees.fee(Operation::SettleDebt, token.method, amount));
        let token = token.number;
        book.use_token(token, |token| token.use_up(amount, context.now));
        Ok(completion::charge(book, context, draft, Timing::within_minutes(self.timeout_minutes)))
    }
}

impl SettleDebt {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn checked<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<(&'b Token, Amount), FpsError> {
        let token = Token::find(book, self.caller, &self.sender_token)?;
        let instrument = CreditInstrument::find(book, self.caller, &self.instrument)?;
        Token::parties_take_part(book, token, self.caller)?;
        token.ready(context.now)?;
        instrument.usable(context.now)?;
        fits(token, instrument)?;
        takes_method(book, self.caller, token.method)?;
        let owed = book.total(LedgerAccount::debt(instrument.number));
        let amount = self.amount.unwrap_or(owed);
        token.within_limits(amount, context.now)?;
        if amount > owed || owed.is_zero() {
            return Err(Code::SettleAmountGreaterThanDebt.into());
        }
        context.rules.amount_in_range(amount, token.method)?;
        completion::funds_suffice(book, token, amount)?;
        Ok((token, amount))
    }
}

/// Only the instrument's own settlement token will do.
fn fits(token: &Token, instrument: &CreditInstrument) -> Result<(), FpsError> {
    let problem = if token.purpose != Purpose::Settlement {
        "SettleDebt needs the settlement token, not the token that makes debt or an ordinary one."
    } else if token.credit_instrument != Some(instrument.number) {
        "The settlement token belongs to another credit instrument."
    } else {
        return Ok(());
    };
    Err(FpsError::new(Code::IncompatibleTokens, problem))
}

//! FundPrepaid: money paid in advance (guide: FundPrepaid; Using Prepaid Payment Tokens).

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

/// A FundPrepaid as asked for.
#[derive(Clone, Debug)]
pub struct FundPrepaid {
    /// Who asks: the issuer.
    pub caller: AccountNumber,
    /// The funding token.
    pub sender_token: TokenId,
    /// Which instrument.
    pub instrument: InstrumentId,
    /// How much.
    pub amount: Amount,
    /// What the caller says about it.
    pub remarks: Remarks,
    /// Minutes after which a pending funding fails.
    pub timeout_minutes: i64,
}

impl Referenced for FundPrepaid {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller, ReferencedAction::FundPrepaid)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller);
        needs.token(&self.sender_token);
        needs.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let token = self.checked(book, context)?;
        let fee = context.rules.fees.fee(Operation::FundPrepaid, token.method, self.amount);
        let draft =
            Transaction::draft(context, self.caller, Operation::FundPrepaid, self.amount, &self.remarks)
                .paid_with(token)
                .charging(ChargeFeeTo::Recipient, fee);
        completion::covered(book, &draft)?;
        book.use_token_for(&draft);
        Ok(completion::start(book, context, draft, Timing::WithinMinutes(self.timeout_minutes)))
    }
}

impl FundPrepaid {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn checked<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<&'b Token, FpsError> {
        context.rules.magic_token("SenderTokenId", &self.sender_token)?;
        let token = Token::find(book, self.caller, &self.sender_token)?;
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Prepaid)?;
        Token::parties_take_part(book, token, self.caller, self.caller)?;
        token.not_cancelled()?;
        instrument.usable(context.now)?;
        token.in_force(context.now)?;
        token.serves(Purpose::Funding, instrument)?;
        token.method_serves(book, self.caller)?;
        token.within_limits(self.amount, context.now)?;
        token.parties_bear(book, self.caller, self.amount)?;
        context.rules.amount_in_range(self.amount, token.method)?;
        let total = |account| book.total(account);
        let filled = total(LedgerAccount::prepaid(instrument.number))
            + total(LedgerAccount::prepaid_pending(instrument.number));
        if filled + self.amount > instrument.ceiling {
            return Err(Code::PrepaidFundingLimitExceeded.into());
        }
        Ok(token)
    }
}

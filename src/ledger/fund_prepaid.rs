//! FundPrepaid: money paid in advance (guide: FundPrepaid; Using Prepaid Payment Tokens).

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
    pub descriptions: Descriptions,
    /// Minutes after which a pending funding fails.
    pub timeout_minutes: i64,
}

impl IdempotentOperation for FundPrepaid {
    fn key(&self) -> IdempotencyKey {
        self.descriptions.idempotency_key(self.caller, IdempotentAction::FundPrepaid)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.sender_token);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let token = self.validate(book, context)?;
        let fee = context.rules.fees.fee(Operation::FundPrepaid, token.method, self.amount);
        let draft =
            Transaction::draft(context, self.caller, Operation::FundPrepaid, self.amount, &self.descriptions)
                .paid_with(token)
                .charging(ChargeFeeTo::Recipient, fee);
        lifecycle::check_funds(book, &draft)?;
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.timeout_minutes)))
    }
}

impl FundPrepaid {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn validate<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<&'b Token, FpsError> {
        context.rules.check_magic_token("SenderTokenId", &self.sender_token)?;
        let token = Token::find(book, self.caller, &self.sender_token)?;
        let instrument = Instrument::find(book, self.caller, &self.instrument, InstrumentKind::Prepaid)?;
        Token::check_parties(book, token, self.caller, self.caller)?;
        token.check_not_cancelled()?;
        instrument.check_usable(context.now)?;
        token.check_in_force(context.now)?;
        token.check_purpose(Purpose::Funding, instrument)?;
        token.check_recipient_method(book, self.caller)?;
        token.check_usage_limits(self.amount, context.now)?;
        token.check_transaction_limits(book, self.caller, self.amount)?;
        context.rules.check_amount(self.amount, token.method)?;
        let total = |account| book.total(account);
        let filled = total(LedgerAccount::prepaid(instrument.number))
            + total(LedgerAccount::prepaid_pending(instrument.number));
        if filled + self.amount > instrument.ceiling {
            return Err(Code::PrepaidFundingLimitExceeded.into());
        }
        Ok(token)
    }
}

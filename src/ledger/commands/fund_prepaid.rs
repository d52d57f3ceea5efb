//! FundPrepaid: a buyer pays money in advance onto a prepaid instrument (guide: FundPrepaid; Using Prepaid Payment
//! Tokens).

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

/// A FundPrepaid request.
#[derive(Clone, Debug)]
pub struct FundPrepaid {
    /// The caller: the issuer.
    pub caller: AccountNumber,
    /// The funding token.
    pub sender_token: TokenId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The amount.
    pub amount: Amount,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
    /// The number of minutes after which a pending funding fails.
    pub timeout_minutes: i64,
}

impl IdempotentOperation for FundPrepaid {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(self.caller, IdempotentAction::FundPrepaid, &self.descriptions.caller_reference)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.sender_token);
        reads.instrument(&self.instrument);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let token = self.validate(book, context)?;
        let fee = context.rules.fees.fee(Operation::FundPrepaid, token.method, self.amount);
        let draft = context
            .draft_transaction(self.caller, Operation::FundPrepaid, self.amount, &self.descriptions)
            .paid_with(token)
            .charging(ChargeFeeTo::Recipient, fee);
        lifecycle::check_balances(book, &draft)?;
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.timeout_minutes)))
    }
}

impl FundPrepaid {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn validate<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<&'b Token, FpsError> {
        let payment = InstrumentPayment {
            caller: self.caller,
            sender_token: &self.sender_token,
            purpose: Purpose::Funding,
            instrument: &self.instrument,
            kind: InstrumentKind::Prepaid,
        };
        let (token, instrument) = payment.find(book, context)?;
        token.check_usage_limits(self.amount, context.now)?;
        book.check_transaction_limits(token, self.caller, self.amount)?;
        context.rules.check_amount(self.amount, token.method)?;
        // Pending fundings count: all of them may succeed. The limit binds FundPrepaid only, so a refund of a prepaid
        // Pay may exceed it.
        let total = |account| book.total(account);
        let filled = total(LedgerAccount::prepaid(instrument.number))
            + total(LedgerAccount::prepaid_pending(instrument.number));
        if filled + self.amount > instrument.ceiling {
            return Err(Code::PrepaidFundingLimitExceeded.into());
        }
        Ok(token)
    }
}

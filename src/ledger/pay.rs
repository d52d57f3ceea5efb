//! Pay: money, or debt, from sender to recipient (guide: Pay; Using Postpaid Payment Tokens).

use crate::error::{Code, FpsError};

use super::account::{AccountKind, Role};
use super::book::Book;
use super::completion::{self, Timing};
use super::idempotency::{ReferenceKey, Referenced};
use super::instrument::CreditInstrument;
use super::money::Amount;
use super::names::{TokenId, TransactionNumber};
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::token::{Purpose, Token};
use super::transaction::{ChargeFeeTo, Operation, PaymentMethod, Remarks, Transaction};
use super::{Caller, Context, unknown_id};

/// A Pay as asked for. The caller is the recipient.
#[derive(Clone, Debug)]
pub struct Pay {
    /// Who asks and receives.
    pub caller: Caller,
    /// The sender's token.
    pub sender_token: TokenId,
    /// How much.
    pub amount: Amount,
    /// Who pays the fee: one and the same while the caller is the recipient.
    pub charge_fee_to: ChargeFeeTo,
    /// What the caller says about it.
    pub remarks: Remarks,
    /// Minutes after which a pending payment fails.
    pub timeout_minutes: i64,
    /// Whether it asks for what only a marketplace may: a recipient token, or a fee of its own.
    pub marketplace: bool,
}

impl Referenced for Pay {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller.account);
        needs.token(self.caller.world, &self.sender_token);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let token = self.checked_token(book, context)?;
        let (method, instrument) = (token.method, token.credit_instrument);
        let draft = Transaction::draft(context, self.caller, Operation::Pay, self.amount, &self.remarks)
            .paid_with(token)
            .charging(self.charge_fee_to, context.rules.fees.fee(Operation::Pay, method, self.amount));
        let token = token.number;
        book.use_token(token, |token| token.use_up(self.amount, context.now));
        let number = match instrument.filter(|_| method == PaymentMethod::Debt) {
            Some(instrument) => {
                let number = completion::finish_at_once(book, draft);
                let creditor = LedgerAccount::credit_extended(self.caller.account);
                book.post(
                    number,
                    &[(LedgerAccount::debt(instrument), self.amount), (creditor, -self.amount)],
                );
                book.set_open_debt(instrument, number, self.amount);
                number
            }
            None => completion::charge(book, context, draft, Timing::within_minutes(self.timeout_minutes)),
        };
        Ok(number)
    }
}

impl Pay {
    /// The checks in the order of the service: existence, right of access, state, compatibility, limits, amounts.
    fn checked_token<'b>(&self, book: &'b Book, context: &Context<'_>) -> Result<&'b Token, FpsError> {
        if self.marketplace {
            return Err(Code::NotMarketplaceApp.into());
        }
        let token = Token::find(book, self.caller, &self.sender_token)?;
        Token::parties_take_part(book, token, self.caller)?;
        token.ready(context.now)?;
        let instrument = token.credit_instrument.and_then(|number| book.instrument_row(number));
        if token.purpose == Purpose::Settlement {
            let text = "A settlement token cannot be used in Pay; use the credit sender token.";
            return Err(FpsError::new(Code::IncompatibleTokens, text));
        }
        if let Some(instrument) = instrument {
            instrument.owned_by(self.caller.account)?;
            instrument.usable(context.now)?;
        }
        takes_method(book, self.caller, token.method)?;
        token.within_limits(self.amount, context.now)?;
        context.rules.amount_in_range(self.amount, token.method)?;
        token.allows_charge(self.amount)?;
        match instrument {
            Some(instrument) => within_credit(book, instrument, self.amount)?,
            None => completion::funds_suffice(book, token, self.amount)?,
        }
        Ok(token)
    }
}

/// New debt may reach the limit, not pass it (decisions 1; the text is as recorded).
fn within_credit(book: &Book, instrument: &CreditInstrument, amount: Amount) -> Result<(), FpsError> {
    let owed = book.total(LedgerAccount::debt(instrument.number))
        + book.total(LedgerAccount::debt_pending(instrument.number));
    if owed + amount <= instrument.credit_limit { Ok(()) } else { Err(Code::InsufficientBalance.into()) }
}

/// A personal account cannot take cards.
pub(super) fn takes_method(book: &Book, recipient: Caller, method: PaymentMethod) -> Result<(), FpsError> {
    let personal =
        book.account(recipient.account).is_some_and(|account| account.kind == AccountKind::Personal);
    if personal && method == PaymentMethod::CC {
        return Err(Code::InvalidRecipientForCCTransaction.into());
    }
    Ok(())
}

impl Token {
    /// The token of this id that the caller may use as a sender token.
    pub(super) fn find<'b>(book: &'b Book, caller: Caller, id: &TokenId) -> Result<&'b Self, FpsError> {
        let token = book.token(caller.world, id).ok_or_else(|| {
            let what = "\"senderTokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId_Sender, what, id.as_str())
        })?;
        if token.caller == caller.account { Ok(token) } else { Err(Code::InvalidTokenId_Sender.into()) }
    }

    /// Whether sender, caller and recipient may deal with each other.
    pub(super) fn parties_take_part(book: &Book, token: &Self, caller: Caller) -> Result<(), FpsError> {
        if token.account == caller.account {
            return Err(Code::SameSenderAndRecipient.into());
        }
        let part = |number, role| book.account(number).ok_or(Code::AccessFailure)?.take_part(role);
        part(caller.account, Role::Caller)?;
        part(token.account, Role::Sender)
    }
}

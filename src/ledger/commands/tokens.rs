//! CancelToken and InstallPaymentInstruction (guide: pages of the same names).

use crate::error::{Code, FpsError};
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::ids::{AccountNumber, TokenId, TokenNumber};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::token::{Purpose, Token, TokenType, Usage};

/// Cancels a token. It cannot be used again.
#[derive(Clone, Debug)]
pub struct CancelToken {
    /// The caller that installed the token.
    pub caller: AccountNumber,
    /// The token.
    pub token: TokenId,
}

impl Command for CancelToken {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.token);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<(), FpsError> {
        let token = book.find_token(&self.token)?;
        if token.caller != self.caller {
            return Err(Code::TokenAccessDenied.into());
        }
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_can_hold_tokens()?;
        if !token.active {
            return Err(Code::TokenNotActive.into());
        }
        let number = token.number;
        book.cancel_token(number, context.now);
        Ok(())
    }
}

/// Installs a token on the caller's own account. The text of the instruction is kept and not interpreted (our
/// choice).
#[derive(Clone, Debug)]
pub struct InstallPaymentInstruction {
    /// The caller, whose account gets the token.
    pub caller: AccountNumber,
    /// The text.
    pub instruction: String,
    /// A name for people to read.
    pub friendly_name: Option<String>,
    /// The caller reference. References of tokens are separate from references of transactions.
    pub caller_reference: String,
    /// How often the token may be used.
    pub token_type: TokenType,
    /// The purpose.
    pub payment_reason: Option<String>,
}

impl Command for InstallPaymentInstruction {
    type Output = TokenId;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.tokens_by_reference(self.caller, &self.caller_reference);
    }

    /// The same request again gets the same token. A different request under the same reference is refused.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TokenId, FpsError> {
        if let Some(made) = book.tokens_by_reference(self.caller, &self.caller_reference).next() {
            return if self.made(made) { Ok(made.id.clone()) } else { Err(Code::DuplicateRequest.into()) };
        }
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_can_hold_tokens()?;
        let number = TokenNumber(context.ids.next_number());
        let id = context.ids.codec().token(number);
        book.add_token(Token {
            number,
            id: id.clone(),
            account: self.caller,
            caller: self.caller,
            purpose: Purpose::Installed,
            token_type: self.token_type,
            active: true,
            method: PaymentMethod::ABT,
            instrument: None,
            caller_reference: self.caller_reference.clone(),
            friendly_name: self.friendly_name.clone().unwrap_or_default(),
            payment_reason: self.payment_reason.clone(),
            instruction: Some(self.instruction.clone()),
            terms: None,
            recipients: Vec::new(),
            installed: context.now,
            validity: self.token_type.validity(context.now),
            min_charge: None,
            max_charge: None,
            global_limit: None,
            limits: Vec::new(),
            usage: Usage::default(),
        });
        Ok(id)
    }
}

impl InstallPaymentInstruction {
    /// Whether this request made the token.
    fn made(&self, token: &Token) -> bool {
        token.instruction.as_ref() == Some(&self.instruction)
            && token.friendly_name == self.friendly_name.clone().unwrap_or_default()
            && token.token_type == self.token_type
            && token.payment_reason == self.payment_reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{
        Account, AccountKind, AccountState, Amount, Event, FeeTable, IdAllocator, IdCodec, Rules, Timestamp,
    };

    #[test]
    fn a_cancelled_token_is_told_of_once() {
        let rules = Rules {
            fees: FeeTable::new(&FeeTable::default_rules()).unwrap(),
            cc_delay_millis: 0,
            ach_delay_millis: 0,
            max_amount: Amount::CENT,
            magic: false,
        };
        let (mut ids, now) =
            (IdAllocator::new(IdCodec::new(1), 5, Timestamp::MIN), Timestamp::from_millis(1_338_508_800_000));
        let mut context = Context { now, is_clock_frozen: true, rules: &rules, ids: &mut ids };
        let mut book = Book::default();
        let caller = AccountNumber(1);
        book.put_account(Account {
            number: caller,
            name: "Shop".to_owned(),
            email: "shop@example.com".to_owned(),
            kind: AccountKind::Business,
            state: AccountState::Active,
            marketplace: false,
            methods: Account::METHODS.into(),
            transaction_limit: None,
        });
        let install = InstallPaymentInstruction {
            caller,
            instruction: "MyRole == 'Caller' orSay 'Role does not match';".to_owned(),
            friendly_name: None,
            caller_reference: "token".to_owned(),
            token_type: TokenType::Unrestricted,
            payment_reason: None,
        };
        let token = install.decide(&mut book, &mut context).unwrap();
        assert!(book.changes().events.is_empty(), "{:?}", book.changes().events);
        let cancel = CancelToken { caller, token };
        cancel.decide(&mut book, &mut context).unwrap();
        assert_eq!(book.changes().events, [Event::TokenCancelled { token: TokenNumber(5), at: now }]);
        assert_eq!(cancel.decide(&mut book, &mut context), Err(Code::TokenNotActive.into()));
        assert_eq!(book.changes().events.len(), 1);
    }
}

//! The token actions: look-up, usage, installing and cancelling (guide: pages of the same names).

use crate::error::{Code, FpsError};

use super::account::{Account, AccountState};
use super::book::Book;
use super::ids::{AccountNumber, TokenId, TokenNumber};
use super::read_set::ReadSet;
use super::token::{Purpose, Token, TokenType, Usage, UsageLimit, WindowUsage};
use super::transaction::PaymentMethod;
use super::{Command, Context, Query, QueryContext, Rules, unknown_id};

/// By what a token is looked up.
#[derive(Clone, Debug)]
pub enum TokenSelector {
    /// Its id.
    Id(TokenId),
    /// The reference under which it was made.
    Reference(String),
}

/// Asks for a token by id or by the reference it was made under.
#[derive(Clone, Debug)]
pub struct GetTokenByCaller {
    /// Who asks: the caller it was made for, or its owner.
    pub caller: AccountNumber,
    /// Which token.
    pub name: TokenSelector,
}

impl Query for GetTokenByCaller {
    type Output = Token;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        match &self.name {
            TokenSelector::Id(id) => {
                reads.token(id);
            }
            TokenSelector::Reference(reference) => reads.tokens_under(self.caller, reference),
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Token, FpsError> {
        match &self.name {
            TokenSelector::Id(id) => Token::seen_by(book, self.caller, id).cloned(),
            TokenSelector::Reference(reference) => {
                let found = book.tokens_under(self.caller, reference).next();
                found.cloned().ok_or_else(|| Code::InvalidCallerReference.into())
            }
        }
    }
}

/// Asks for the tokens on the caller's own account.
#[derive(Clone, Debug)]
pub struct GetTokens {
    /// Who asks.
    pub caller: AccountNumber,
    /// Active ones, or the others.
    pub active: bool,
    /// Only of this type.
    pub token_type: Option<TokenType>,
    /// Only made under this reference.
    pub caller_reference: Option<String>,
    /// Only of this name.
    pub friendly_name: Option<String>,
}

impl Query for GetTokens {
    type Output = Vec<Token>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.tokens_of(self.caller);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Vec<Token>, FpsError> {
        let wanted = |token: &&Token| {
            token.active == self.active
                && self.token_type.is_none_or(|wanted| token.token_type == wanted)
                && self.caller_reference.as_ref().is_none_or(|wanted| token.caller_reference == *wanted)
                && self.friendly_name.as_ref().is_none_or(|wanted| token.friendly_name == *wanted)
        };
        Ok(book.tokens_of(self.caller).filter(wanted).cloned().collect())
    }
}

/// Asks how much of a token's limits is used.
#[derive(Clone, Debug)]
pub struct GetTokenUsage {
    /// Who asks.
    pub caller: AccountNumber,
    /// Which token.
    pub token: TokenId,
}

impl Query for GetTokenUsage {
    type Output = Vec<(UsageLimit, WindowUsage)>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.token(&self.token);
    }

    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let token = Token::seen_by(book, self.caller, &self.token)?;
        if token.token_type == TokenType::SingleUse {
            return Err(Code::InvalidTokenType.into());
        }
        Ok(token.limits.iter().copied().zip(token.windows(context.now)).collect())
    }
}

/// Takes a token out of use, for good.
#[derive(Clone, Debug)]
pub struct CancelToken {
    /// Who asks: the caller it was made for.
    pub caller: AccountNumber,
    /// Which token.
    pub token: TokenId,
}

impl Command for CancelToken {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.token(&self.token);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<(), FpsError> {
        let token = Token::known(book, &self.token)?;
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

/// Installs a token on the caller's own account. Its text is kept and not interpreted (our choice).
#[derive(Clone, Debug)]
pub struct InstallPaymentInstruction {
    /// Who asks, and whose account it is.
    pub caller: AccountNumber,
    /// The text.
    pub instruction: String,
    /// A name for people.
    pub friendly_name: Option<String>,
    /// The reference: a space of its own, besides that of transactions.
    pub caller_reference: String,
    /// How often the token may be used.
    pub token_type: TokenType,
    /// What it is for.
    pub payment_reason: Option<String>,
}

impl Command for InstallPaymentInstruction {
    type Output = TokenId;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.tokens_under(self.caller, &self.caller_reference);
    }

    /// The same request again gets the same token, another one under its reference is refused.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TokenId, FpsError> {
        if let Some(made) = book.tokens_under(self.caller, &self.caller_reference).next() {
            return if self.made(made) { Ok(made.id.clone()) } else { Err(Code::DuplicateRequest.into()) };
        }
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_can_hold_tokens()?;
        let number = TokenNumber(context.numbering.number());
        let id = context.numbering.ids.token(number);
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
    fn made(&self, token: &Token) -> bool {
        token.instruction.as_ref() == Some(&self.instruction)
            && token.friendly_name == self.friendly_name.clone().unwrap_or_default()
            && token.token_type == self.token_type
            && token.payment_reason == self.payment_reason
    }
}

/// Asks for a token with its text.
#[derive(Clone, Debug)]
pub struct GetPaymentInstruction {
    /// Who asks.
    pub caller: AccountNumber,
    /// Which token.
    pub token: TokenId,
}

impl Query for GetPaymentInstruction {
    type Output = Token;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.token(&self.token);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Token, FpsError> {
        Token::seen_by(book, self.caller, &self.token).cloned()
    }
}

/// Asks whether the owner of a recipient token is verified.
#[derive(Clone, Debug)]
pub struct GetRecipientVerificationStatus {
    /// Who asks.
    pub caller: AccountNumber,
    /// The recipient token.
    pub token: TokenId,
}

impl Query for GetRecipientVerificationStatus {
    type Output = bool;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.token(&self.token);
    }

    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<bool, FpsError> {
        let token = Token::recipient(book, self.caller, &self.token, context.rules)?;
        Ok(book.account(token.account).is_some_and(Account::is_verified))
    }
}

impl Account {
    /// Whether everything about the account is confirmed.
    fn is_verified(&self) -> bool {
        self.state == AccountState::Active
    }
}

impl Token {
    /// The token of this id, whoever asks.
    fn known<'b>(book: &'b Book, id: &TokenId) -> Result<&'b Self, FpsError> {
        book.token(id).ok_or_else(|| {
            let what = "\"tokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId, what, id.as_str())
        })
    }

    /// The token of this id, for the caller it was made for or its owner.
    fn seen_by<'b>(book: &'b Book, caller: AccountNumber, id: &TokenId) -> Result<&'b Self, FpsError> {
        let token = Self::known(book, id)?;
        let party = [token.caller, token.account].contains(&caller);
        if party { Ok(token) } else { Err(Code::TokenAccessDenied.into()) }
    }

    /// The recipient token of this id that the caller may use.
    pub(super) fn recipient<'b>(
        book: &'b Book,
        caller: AccountNumber,
        id: &TokenId,
        rules: &Rules,
    ) -> Result<&'b Self, FpsError> {
        rules.check_magic_token("RecipientTokenId", id)?;
        let token = book.token(id).ok_or_else(|| {
            let what = "\"recipientTokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId_Recipient, what, id.as_str())
        })?;
        if !token.purpose.receives() {
            return Err(Code::InvalidTokenId_Recipient.into());
        }
        token.check_installer(caller)?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AccountKind, Amount, Event, FeeTable, IdAllocator, IdCodec, Timestamp};

    #[test]
    fn a_cancelled_token_is_told_of_once() {
        let rules = Rules {
            fees: FeeTable::new(&FeeTable::default_rules()).unwrap(),
            cc_delay_millis: 0,
            ach_delay_millis: 0,
            max_amount: Amount::CENT,
            magic: false,
        };
        let (mut numbering, now) =
            (IdAllocator::new(IdCodec::new(1), 5, Timestamp::MIN), Timestamp::from_millis(1_338_508_800_000));
        let mut context = Context { now, clock_stands: true, rules: &rules, numbering: &mut numbering };
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

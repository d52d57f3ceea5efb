//! The queries for tokens (guide: GetTokenByCaller, GetTokens, GetTokenUsage, GetPaymentInstruction,
//! GetRecipientVerificationStatus).

use crate::error::{Code, FpsError};
use crate::ledger::account::Account;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::{AccountNumber, TokenId};
use crate::ledger::token::{Token, TokenType, UsageLimit, WindowUsage};

/// Identifies the token to look up.
#[derive(Clone, Debug)]
pub enum TokenSelector {
    /// The token with this id.
    Id(TokenId),
    /// The token that the caller made under this reference.
    Reference(String),
}

/// Asks for a token by its id or by the caller reference under which it was made.
#[derive(Clone, Debug)]
pub struct GetTokenByCaller {
    /// The caller: the account that installed the token, or the owner of the token.
    pub caller: AccountNumber,
    /// The token.
    pub name: TokenSelector,
}

impl Query for GetTokenByCaller {
    type Output = Token;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        match &self.name {
            TokenSelector::Id(id) => {
                reads.token(id);
            }
            TokenSelector::Reference(reference) => reads.tokens_by_reference(self.caller, reference),
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Token, FpsError> {
        match &self.name {
            TokenSelector::Id(id) => book.find_token_of_party(self.caller, id).cloned(),
            TokenSelector::Reference(reference) => {
                // A recipient token and its refund token may have the same reference. The oldest, the recipient
                // token, is meant.
                let found = book.tokens_by_reference(self.caller, reference).next();
                found.cloned().ok_or_else(|| Code::InvalidCallerReference.into())
            }
        }
    }
}

/// Asks for the tokens on the caller's own account.
#[derive(Clone, Debug)]
pub struct GetTokens {
    /// The caller.
    pub caller: AccountNumber,
    /// Whether active tokens are wanted; otherwise cancelled ones are.
    pub active: bool,
    /// Only tokens of this type, if given.
    pub token_type: Option<TokenType>,
    /// Only tokens with this caller reference, if given.
    pub caller_reference: Option<String>,
    /// Only tokens with this friendly name, if given.
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

/// Asks for the usage of each usage limit of a token.
#[derive(Clone, Debug)]
pub struct GetTokenUsage {
    /// The caller.
    pub caller: AccountNumber,
    /// The token.
    pub token: TokenId,
}

impl Query for GetTokenUsage {
    type Output = Vec<(UsageLimit, WindowUsage)>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.token(&self.token);
    }

    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let token = book.find_token_of_party(self.caller, &self.token)?;
        if token.token_type == TokenType::SingleUse {
            return Err(Code::InvalidTokenType.into());
        }
        Ok(token.limits.iter().copied().zip(token.windows(context.now)).collect())
    }
}

/// Asks for a token with the text of its payment instruction.
#[derive(Clone, Debug)]
pub struct GetPaymentInstruction {
    /// The caller.
    pub caller: AccountNumber,
    /// The token.
    pub token: TokenId,
}

impl Query for GetPaymentInstruction {
    type Output = Token;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.token(&self.token);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Token, FpsError> {
        book.find_token_of_party(self.caller, &self.token).cloned()
    }
}

/// Asks whether the account of a recipient token's owner is verified.
#[derive(Clone, Debug)]
pub struct GetRecipientVerificationStatus {
    /// The caller.
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
        let token = book.find_recipient_token(self.caller, &self.token, context.rules)?;
        Ok(book.account(token.account).is_some_and(Account::is_verified))
    }
}

//! The rules of a proposal: which merchants may make it, and which visitors may agree to it (guide: the pages of the
//! seven pipelines).

use crate::ledger::account::{Account, AccountKind, AccountState};
use crate::ledger::book::Book;
use crate::ledger::ids::{AccountNumber, TokenId};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::proposal::{Proposal, ProposalError, SenderTokenTerms, TokenRequest};
use crate::ledger::token::{Purpose, Token, TokenType};

impl Proposal {
    /// The token to edit: an active token that pays real money and that this caller installed.
    pub(in crate::ledger) fn token_to_edit<'b>(&self, book: &'b Book) -> Option<&'b Token> {
        let TokenRequest::Edit { token } = &self.request else { return None };
        let pays = |token: &&Token| {
            let real = [Purpose::Payment, Purpose::Settlement, Purpose::Funding];
            token.caller == self.caller && token.active && real.contains(&token.purpose)
        };
        book.token(token).filter(pays)
    }

    /// Whether the merchant may make this proposal, and the tokens that it names exist.
    pub(in crate::ledger) fn check_allowed(&self, book: &Book) -> Result<(), ProposalError> {
        let merchant = book.account(self.caller);
        let registered = merchant.is_some_and(|account| account.state == AccountState::Active);
        let between = self.is_receiving() || !self.recipients().is_empty();
        if !registered || (between && !merchant.is_some_and(|account| account.marketplace)) {
            return Err(ProposalError::NotRegistered);
        }
        if matches!(self.request, TokenRequest::Edit { .. }) && self.token_to_edit(book).is_none() {
            return Err(ProposalError::IllFormed("tokenId"));
        }
        let receives = |id: &TokenId| {
            let token = book.token(id);
            token.is_some_and(|token| token.caller == self.caller && token.purpose.can_receive())
        };
        let several = matches!(
            &self.request,
            TokenRequest::Payments(SenderTokenTerms { token_type: TokenType::MultiUse, .. })
        );
        let parameter = if several { "recipientTokenList" } else { "recipientToken" };
        if !self.recipients().iter().all(receives) {
            return Err(ProposalError::IllFormed(parameter));
        }
        // Two tokens that a visit makes under one reference could not be told apart.
        match &self.references()[..] {
            [(_, first), (second, again)] if first == again => Err(ProposalError::IllFormed(second)),
            _ => Ok(()),
        }
    }

    /// Whether the caller has no tokens under the references of the proposal yet.
    pub(in crate::ledger) fn check_references_unused(&self, book: &Book) -> Result<(), ProposalError> {
        let used = |reference| book.tokens_by_reference(self.caller, reference).next().is_some();
        let first = self.references().into_iter().find(|(_, reference)| used(reference));
        first.map_or(Ok(()), |(parameter, _)| Err(ProposalError::ReferenceUsed(parameter)))
    }

    /// Some existing accounts that the visitor may sign in with: personal accounts first, or business accounts if the
    /// visitor is to receive. An edit is open only to the owner of the token.
    pub(in crate::ledger) fn possible_visitor_accounts<'b>(
        &self,
        book: &'b Book,
    ) -> impl Iterator<Item = &'b Account> + Clone {
        let (caller, owner) = (self.caller, self.token_to_edit(book).map(|token| token.account));
        let kinds = if self.is_receiving() {
            [AccountKind::Business, AccountKind::Personal]
        } else {
            [AccountKind::Personal, AccountKind::Business]
        };
        kinds
            .into_iter()
            .flat_map(move |kind| book.first_accounts(kind).unwrap_or_default())
            .filter_map(|number| book.account(*number))
            .filter(move |account| account.number != caller)
            .filter(move |account| owner.is_none_or(|owner| owner == account.number))
    }

    /// The new account for a visitor who has none. It gets its row number when it is added to the book.
    pub(in crate::ledger) fn new_account(&self, email: &str) -> Account {
        let name = email.split('@').next().unwrap_or_default();
        Account {
            number: AccountNumber(0),
            name: name.to_owned(),
            email: email.to_owned(),
            kind: if self.is_receiving() { AccountKind::Business } else { AccountKind::Personal },
            state: AccountState::Active,
            marketplace: false,
            methods: Account::METHODS.into(),
            transaction_limit: None,
        }
    }

    /// The payment methods that merchant and visitor have in common, if the visitor can take part.
    pub(in crate::ledger) fn methods_for(
        &self,
        book: &Book,
        visitor: &Account,
    ) -> Result<Vec<PaymentMethod>, ProposalError> {
        let no = |reason| Err(ProposalError::NotPossible(reason));
        let receives = |id: &TokenId| book.token(id).is_some_and(|token| token.account == visitor.number);
        if visitor.number == self.caller || self.recipients().iter().any(receives) {
            return no("The sender and the recipient are the same");
        }
        match visitor.state {
            // An account in one of these states may authorize tokens. Whether it may pay is checked by each payment.
            AccountState::Active
            | AccountState::Unverified
            | AccountState::BankUnverified
            | AccountState::Denied => {}
            AccountState::EmailUnverified => return no("The e-mail address of the account is not verified"),
            AccountState::Suspended | AccountState::Closed => return no("The account is not in use"),
        }
        if self.token_to_edit(book).is_some_and(|token| token.account != visitor.number) {
            return no("The token belongs to another account");
        }
        if self.is_receiving() {
            let cards = self.methods.contains(&PaymentMethod::CC);
            if cards && visitor.kind == AccountKind::Personal {
                return no("A personal account cannot take credit cards");
            }
            // A recipient needs no method of its own.
            return Ok(self.methods.clone());
        }
        let both: Vec<_> =
            self.methods.iter().copied().filter(|method| visitor.methods.contains(method)).collect();
        if both.is_empty() { Err(ProposalError::NoMethod) } else { Ok(both) }
    }
}

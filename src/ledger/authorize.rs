//! What is authorised on the Co-Branded pages: tokens, and instruments with their tokens (guide: the pages of the
//! seven pipelines).
//!
//! A merchant makes a [`Proposal`]. Whoever visits the pages for it can have it [considered](Consider), and
//! [authorises](Authorize) it: then everything it asks for is made at once.

use crate::error::FpsError;

use super::account::Account;
use super::book::Book;
use super::ids::{AccountNumber, InstrumentId, TokenId};
use super::proposal::{Proposal, ProposalError};
use super::read_set::ReadSet;
use super::transaction::PaymentMethod;
use super::{Command, Context, Query, QueryContext};

/// Who visits the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// The account with this e-mail address; it is made when there is none.
    At(String),
    /// The first account that can: the owner of the token to be edited, or one of the first of its kind.
    First,
}

/// Asks what a visitor would see: whether a proposal can be authorised, and by whom.
#[derive(Clone, Debug)]
pub struct PreviewAuthorization {
    /// What is proposed.
    pub proposal: Proposal,
    /// The visitor's e-mail address, once it is known.
    pub email: Option<String>,
}

/// What a visitor sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationPreview {
    /// The merchant's name.
    pub merchant: String,
    /// Accounts that could be the visitor's.
    pub visitors: Vec<Account>,
    /// The visitor's name, if the account exists.
    pub visitor: Option<String>,
    /// The methods to choose from.
    pub methods: Vec<PaymentMethod>,
    /// How the token to be edited pays now.
    pub current: Option<PaymentMethod>,
}

impl Query for PreviewAuthorization {
    type Output = Result<AuthorizationPreview, ProposalError>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.proposal.read_set(reads);
        if let Some(email) = &self.email {
            reads.account_at(email);
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        Ok(self.preview(book))
    }
}

impl PreviewAuthorization {
    fn preview(&self, book: &Book) -> Result<AuthorizationPreview, ProposalError> {
        let proposal = &self.proposal;
        proposal.check_allowed(book)?;
        // Who has signed in may have agreed already, and gone back: agreeing again finds what was made.
        if self.email.is_none() {
            proposal.check_references_unused(book)?;
        }
        let caller = proposal.caller;
        let merchant = book.account(caller).map(|account| account.name.clone()).unwrap_or_default();
        let known = self.email.as_ref().and_then(|email| book.account_at(email));
        let methods = match (&self.email, known) {
            (Some(email), None) => proposal.methods_for(book, &proposal.new_account(email))?,
            (_, Some(account)) => proposal.methods_for(book, account)?,
            (None, None) => proposal.methods.clone(),
        };
        Ok(AuthorizationPreview {
            merchant,
            visitors: proposal.candidates(book).cloned().collect(),
            visitor: known.map(|account| account.name.clone()),
            methods,
            current: proposal.token_to_edit(book).map(|token| token.method),
        })
    }
}

/// Makes what a proposal asks for.
///
/// The same again, by the same visitor, gives what was made the first time: a form that is sent twice has one effect.
#[derive(Clone, Debug)]
pub struct Authorize {
    /// What is proposed.
    pub proposal: Proposal,
    /// Who agrees.
    pub visitor: Visitor,
    /// How the visitor pays; without a choice, by the first method that both have.
    pub method: Option<PaymentMethod>,
    /// How the token to be edited paid when the visitor was asked; now, without it.
    pub paid_by: Option<PaymentMethod>,
}

/// What was authorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// How the visitor pays; a recipient does not.
    pub method: Option<PaymentMethod>,
    /// The instrument made.
    pub instrument: Option<InstrumentId>,
    /// The tokens made, in the order in which a return URL names them, or the one that was edited.
    pub tokens: Vec<TokenId>,
    /// Whether anything is different now; only an edit may change nothing.
    pub changed: bool,
}

impl Command for Authorize {
    type Output = Result<Authorization, ProposalError>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.proposal.read_set(reads);
        if let Visitor::At(email) = &self.visitor {
            reads.account_at(email);
        }
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Self::Output, FpsError> {
        Ok(self.authorize(book, context))
    }
}

impl Authorize {
    fn authorize(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Authorization, ProposalError> {
        let proposal = &self.proposal;
        proposal.check_allowed(book)?;
        let (mut account, is_new) = self.account(book)?;
        let methods = proposal.methods_for(book, &account)?;
        let method = match self.method {
            Some(chosen) if !proposal.is_receiving() => Some(
                methods.iter().copied().find(|method| *method == chosen).ok_or(ProposalError::NoMethod)?,
            ),
            _ => methods.first().copied(),
        };
        if let Some(token) = proposal.token_to_edit(book) {
            let (number, id, method) = (token.number, token.id.clone(), method.unwrap_or(token.method));
            let changed = self.paid_by.unwrap_or(token.method) != method;
            if token.method != method {
                book.change_method(number, method);
            }
            return Ok(Authorization { method: Some(method), instrument: None, tokens: vec![id], changed });
        }
        let drafts = proposal.drafts(account.number, method.unwrap_or(PaymentMethod::ABT), context);
        let (instrument, tokens) = if let Some(made) = proposal.find_existing(book, &drafts)? {
            made
        } else {
            if is_new {
                account.number = AccountNumber(context.numbering.number());
                book.add_account(account.clone());
            }
            proposal.create(book, context, account.number, drafts)
        };
        Ok(Authorization {
            method: method.filter(|_| !proposal.is_receiving()),
            instrument,
            tokens,
            changed: true,
        })
    }

    /// The visitor's account, and whether it has yet to be made.
    fn account(&self, book: &Book) -> Result<(Account, bool), ProposalError> {
        let proposal = &self.proposal;
        match &self.visitor {
            Visitor::At(email) => Ok(match book.account_at(email) {
                Some(account) => (account.clone(), false),
                None => (proposal.new_account(email), true),
            }),
            Visitor::First => {
                let owner = proposal.token_to_edit(book).and_then(|token| book.account(token.account));
                let methods = |account: &Account| proposal.methods_for(book, account);
                let has_method = |account: &&Account| {
                    methods(account).is_ok_and(|both| self.method.is_none_or(|method| both.contains(&method)))
                };
                let mut candidates = proposal.candidates(book);
                let first = owner
                    .or_else(|| candidates.clone().find(has_method))
                    .or_else(|| candidates.clone().find(|account| methods(account).is_ok()))
                    .or_else(|| candidates.next());
                let first = first.ok_or(ProposalError::NotPossible("There is no buyer in this sandbox"))?;
                Ok((first.clone(), false))
            }
        }
    }
}

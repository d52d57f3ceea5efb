//! Authorization on the Co-Branded pages: a visitor agrees to tokens, or to an instrument with its tokens (guide: the
//! pages of the seven pipelines).
//!
//! A merchant makes a [`Proposal`]. `PreviewAuthorization` shows it to the visitor. [`Authorize`] then makes
//! everything that it asks for at once.

use crate::error::FpsError;
use crate::ledger::account::Account;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::ids::{AccountNumber, InstrumentId, TokenId};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::proposal::{Proposal, ProposalError};

/// Makes what a proposal asks for.
///
/// When the same visitor authorizes the same again, the result is what was made the first time. So a form that is
/// sent twice has one effect.
#[derive(Clone, Debug)]
pub struct Authorize {
    /// The proposal.
    pub proposal: Proposal,
    /// The visitor.
    pub visitor: Visitor,
    /// The payment method that the visitor chose; `None` means the first that merchant and visitor have in common.
    pub method: Option<PaymentMethod>,
    /// The payment method of the edited token when the visitor saw the page; `None` means its current method.
    pub previous_method: Option<PaymentMethod>,
}

/// The result of an authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The payment method; `None` for a recipient, who does not pay.
    pub method: Option<PaymentMethod>,
    /// The instrument that was made, if any.
    pub instrument: Option<InstrumentId>,
    /// The tokens that were made, in the order in which a return URL names them, or the token that was edited.
    pub tokens: Vec<TokenId>,
    /// Whether anything changed for the visitor. Only an edit may change nothing.
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
            // Compared with the method that the visitor saw: a form that is sent twice then reports the change both
            // times.
            let changed = self.previous_method.unwrap_or(token.method) != method;
            if token.method != method {
                book.change_method(number, method);
            }
            return Ok(Authorization { method: Some(method), instrument: None, tokens: vec![id], changed });
        }
        let drafts = proposal.drafts(account.number, method.unwrap_or(PaymentMethod::ABT), context);
        let (instrument, tokens) = if let Some(made) = proposal.find_existing(book, &drafts)? {
            made
        } else {
            // Everything has been checked, so an account is made only for a visitor who gets something.
            if is_new {
                account.number = AccountNumber(context.ids.next_number());
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

    /// The visitor's account, and whether it is new and still has to be added to the book.
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
                let mut possible_visitor_accounts = proposal.possible_visitor_accounts(book);
                // Without a suitable account the next best one is taken, so that the refusal says what is wrong with
                // it.
                let first = owner
                    .or_else(|| possible_visitor_accounts.clone().find(has_method))
                    .or_else(|| possible_visitor_accounts.clone().find(|account| methods(account).is_ok()))
                    .or_else(|| possible_visitor_accounts.next());
                let first = first.ok_or(ProposalError::NotPossible("There is no buyer in this sandbox"))?;
                Ok((first.clone(), false))
            }
        }
    }
}

/// The visitor of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// The account with this e-mail address. If there is none, it is made.
    At(String),
    /// The owner of the token to be edited, or otherwise the first of some existing accounts that can take part.
    First,
}

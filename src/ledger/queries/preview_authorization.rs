//! The contents of the Co-Branded pages before the visitor agrees.

use crate::error::FpsError;
use crate::ledger::account::Account;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::proposal::{Proposal, ProposalError};

/// Asks whether a proposal can be authorized, and by which accounts and methods.
#[derive(Clone, Debug)]
pub struct PreviewAuthorization {
    /// The proposal.
    pub proposal: Proposal,
    /// The visitor's e-mail address; `None` before the visitor has signed in.
    pub email: Option<String>,
}

/// The contents of the pages for a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationPreview {
    /// The merchant's name.
    pub merchant: String,
    /// Existing accounts that the visitor may sign in with.
    pub visitors: Vec<Account>,
    /// The visitor's name, if the account exists.
    pub visitor: Option<String>,
    /// The payment methods that the visitor can choose from.
    pub methods: Vec<PaymentMethod>,
    /// The current payment method of the token to be edited.
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
        // A visitor who has signed in may have agreed already and gone back in the browser. Agreeing again then finds
        // what was made, so used references are no error here.
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
            visitors: proposal.possible_visitor_accounts(book).cloned().collect(),
            visitor: known.map(|account| account.name.clone()),
            methods,
            current: proposal.token_to_edit(book).map(|token| token.method),
        })
    }
}

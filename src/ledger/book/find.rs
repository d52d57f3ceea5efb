//! Finding the rows that a request names, for callers that may use or see them.
//!
//! The order of refusals is the service's: first whether the row exists, then whether the caller has a right of
//! access.

use crate::error::{Code, FpsError};
use crate::ledger::account::Role;
use crate::ledger::book::Book;
use crate::ledger::ids::{AccountNumber, InstrumentId, SubscriptionId, TokenId, TransactionId};
use crate::ledger::instrument::{Instrument, InstrumentKind};
use crate::ledger::rules::Rules;
use crate::ledger::subscription::{Subscription, SubscriptionStatus};
use crate::ledger::token::Token;
use crate::ledger::transaction::Transaction;

/// Tokens.
impl Book {
    /// The token with this id, for any caller.
    pub(in crate::ledger) fn find_token(&self, id: &TokenId) -> Result<&Token, FpsError> {
        self.token(id).ok_or_else(|| {
            let what = "\"tokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId, what, id.as_str())
        })
    }

    /// The token with this id, if the caller installed it or owns it.
    pub(in crate::ledger) fn find_token_of_party(
        &self,
        caller: AccountNumber,
        id: &TokenId,
    ) -> Result<&Token, FpsError> {
        let token = self.find_token(id)?;
        let party = [token.caller, token.account].contains(&caller);
        if party { Ok(token) } else { Err(Code::TokenAccessDenied.into()) }
    }

    /// The token with this id, if the caller may use it as a sender token.
    pub(in crate::ledger) fn find_sender_token(
        &self,
        caller: AccountNumber,
        id: &TokenId,
    ) -> Result<&Token, FpsError> {
        let token = self.token(id).ok_or_else(|| {
            let what = "\"senderTokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId_Sender, what, id.as_str())
        })?;
        token.check_installer(caller)?;
        Ok(token)
    }

    /// The token with this id, if the caller may use it as a recipient token.
    pub(in crate::ledger) fn find_recipient_token(
        &self,
        caller: AccountNumber,
        id: &TokenId,
        rules: &Rules,
    ) -> Result<&Token, FpsError> {
        // Magic ids need no row, so they are checked before existence.
        rules.check_magic_token("RecipientTokenId", id)?;
        let token = self.token(id).ok_or_else(|| {
            let what = "\"recipientTokenId\" has to be a valid token ID";
            unknown_id(id.has_fps_form(), Code::InvalidTokenId_Recipient, what, id.as_str())
        })?;
        if !token.purpose.can_receive() {
            return Err(Code::InvalidTokenId_Recipient.into());
        }
        token.check_installer(caller)?;
        Ok(token)
    }
}

/// Instruments.
impl Book {
    /// The instrument with this id and of this kind, for any caller. An instrument of the other kind counts as
    /// unknown.
    pub(in crate::ledger) fn find_instrument(
        &self,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&Instrument, FpsError> {
        self.instrument(id).filter(|found| found.kind == kind).ok_or_else(|| {
            let what = format!("{} has to be a valid instrument ID", kind.parameter());
            unknown_id(id.has_fps_form(), Code::InvalidPaymentInstrument, &what, id.as_str())
        })
    }

    /// The instrument with this id and of this kind, if the caller is its merchant.
    pub(in crate::ledger) fn find_instrument_of_merchant(
        &self,
        caller: AccountNumber,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&Instrument, FpsError> {
        let instrument = self.find_instrument(id, kind)?;
        instrument.check_owner(caller)?;
        Ok(instrument)
    }

    /// The instrument with this id and of this kind, if the caller is one of its two parties.
    pub(in crate::ledger) fn find_instrument_of_party(
        &self,
        caller: AccountNumber,
        id: &InstrumentId,
        kind: InstrumentKind,
    ) -> Result<&Instrument, FpsError> {
        let instrument = self.find_instrument(id, kind)?;
        let party = [instrument.sender, instrument.recipient].contains(&caller);
        if party { Ok(instrument) } else { Err(Code::InstrumentAccessDenied.into()) }
    }
}

/// Transactions.
impl Book {
    /// The transaction with this id, if the caller is one of its parties. For others it does not exist.
    pub(in crate::ledger) fn find_transaction_of_party(
        &self,
        caller: AccountNumber,
        id: &TransactionId,
    ) -> Result<&Transaction, FpsError> {
        let found = self.transaction(id).ok_or_else(|| {
            let what = "transactionId has to be a valid transaction ID";
            unknown_id(id.has_fps_form(), Code::InvalidTransactionId, what, id.as_str())
        })?;
        if found.involves(caller) { Ok(found) } else { Err(Code::InvalidTransactionId.into()) }
    }

    /// The transaction with this id, if the caller made it and the state of the caller's account allows requests.
    pub(in crate::ledger) fn find_own_transaction(
        &self,
        caller: AccountNumber,
        id: &TransactionId,
    ) -> Result<&Transaction, FpsError> {
        let found = self.find_transaction_of_party(caller, id)?;
        if found.caller != caller {
            return Err(Code::InvalidTransactionId.into());
        }
        self.account(caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        Ok(found)
    }
}

/// Subscriptions.
impl Book {
    /// The subscription with this id, if the caller is one of its parties. For others it does not exist.
    pub(in crate::ledger) fn find_subscription_of_party(
        &self,
        caller: AccountNumber,
        id: &SubscriptionId,
    ) -> Result<&Subscription, FpsError> {
        let found = self.subscription(id);
        let found = found.filter(|found| [found.sender, found.recipient].contains(&caller));
        found.ok_or_else(|| {
            let text = format!("subscriptionId has to be a valid subscription ID. Specified value: {id}");
            FpsError::invalid_params(text)
        })
    }

    /// The active subscription with this id, if the caller is its recipient and the state of the caller's account
    /// allows requests.
    pub(in crate::ledger) fn find_active_subscription_of_recipient(
        &self,
        caller: AccountNumber,
        id: &SubscriptionId,
    ) -> Result<&Subscription, FpsError> {
        let found = self.find_subscription_of_party(caller, id)?;
        if found.recipient != caller {
            return Err(Code::AccessFailure.into());
        }
        self.account(caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        if found.status == SubscriptionStatus::Active {
            return Ok(found);
        }
        Err(FpsError::new(Code::InvalidTransactionState, "The subscription is not active any more."))
    }
}

/// The refusal of an id that no row has. An ill-formed id gets another code than a well-formed unknown one (our
/// choice).
fn unknown_id(has_fps_form: bool, code: Code, what: &str, id: &str) -> FpsError {
    if has_fps_form {
        code.into()
    } else {
        FpsError::invalid_params(format!("{what}. Specified value: {id}"))
    }
}

//! Checks of a payment that look at several rows: its parties, its method, and the capacity of an instrument.

use crate::error::{Code, FpsError};
use crate::ledger::account::{AccountKind, Role};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::ids::AccountNumber;
use crate::ledger::instrument::{Instrument, InstrumentKind};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::token::Token;

impl Book {
    /// Whether the token's owner may pay the recipient, and the caller may request it. The state of each party's
    /// account is checked in its role.
    pub(in crate::ledger) fn check_parties(
        &self,
        token: &Token,
        caller: AccountNumber,
        recipient: AccountNumber,
    ) -> Result<(), FpsError> {
        if token.account == recipient {
            return Err(Code::SameSenderAndRecipient.into());
        }
        let check = |number, role| self.account(number).ok_or(Code::AccessFailure)?.check_role(role);
        check(caller, Role::Caller)?;
        check(token.account, Role::Sender)?;
        check(recipient, Role::Recipient)
    }

    /// Whether the token's owner can pay by the token's method, and the recipient can be paid by it. A personal
    /// account cannot receive card payments.
    pub(in crate::ledger) fn check_method(
        &self,
        token: &Token,
        recipient: AccountNumber,
    ) -> Result<(), FpsError> {
        self.account(token.account).ok_or(Code::AccessFailure)?.check_method(token.method)?;
        let personal = self.account(recipient).is_some_and(|account| account.kind == AccountKind::Personal);
        if personal && token.method == PaymentMethod::CC {
            return Err(Code::InvalidRecipientForCCTransaction.into());
        }
        Ok(())
    }

    /// Whether a transaction of this amount is within the limits of its sender's and its recipient's account.
    pub(in crate::ledger) fn check_transaction_limits(
        &self,
        token: &Token,
        recipient: AccountNumber,
        amount: Amount,
    ) -> Result<(), FpsError> {
        [token.account, recipient].into_iter().try_for_each(|party| {
            self.account(party).ok_or(Code::AccessFailure)?.check_transaction_limit(amount)
        })
    }

    /// Whether a payment of this amount keeps the debt on a credit instrument within its limit (our choice), or is
    /// within the balance of a prepaid instrument.
    pub(in crate::ledger) fn check_instrument_capacity(
        &self,
        instrument: &Instrument,
        amount: Amount,
    ) -> Result<(), FpsError> {
        let number = instrument.number;
        let is_within = match instrument.kind {
            InstrumentKind::Credit => {
                // Debt that is being settled still counts: if the settlement fails, all of it is owed again.
                let owed =
                    self.total(LedgerAccount::debt(number)) + self.total(LedgerAccount::debt_pending(number));
                owed + amount <= instrument.ceiling
            }
            // Money that a card or a bank has not confirmed yet cannot be spent.
            InstrumentKind::Prepaid => amount <= self.total(LedgerAccount::prepaid(number)),
        };
        if is_within { Ok(()) } else { Err(Code::InsufficientBalance.into()) }
    }
}

//! The checks that SettleDebt and FundPrepaid share: in both a buyer pays real money to the merchant of an
//! instrument.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::command::Context;
use crate::ledger::ids::{AccountNumber, InstrumentId, TokenId};
use crate::ledger::instrument::{Instrument, InstrumentKind};
use crate::ledger::token::{Purpose, Token};

/// A request of an instrument's merchant for a payment of real money.
pub(super) struct InstrumentPayment<'a> {
    pub(super) caller: AccountNumber,
    pub(super) sender_token: &'a TokenId,
    /// The purpose that the token must have.
    pub(super) purpose: Purpose,
    pub(super) instrument: &'a InstrumentId,
    /// The kind that the instrument must have.
    pub(super) kind: InstrumentKind,
}

impl InstrumentPayment<'_> {
    /// The token and the instrument, if the token can pay for the instrument. The order of refusals is the service's:
    /// existence, right of access, state, compatibility.
    pub(super) fn find<'b>(
        &self,
        book: &'b Book,
        context: &Context<'_>,
    ) -> Result<(&'b Token, &'b Instrument), FpsError> {
        context.rules.check_magic_token("SenderTokenId", self.sender_token)?;
        let token = book.find_sender_token(self.caller, self.sender_token)?;
        let instrument = book.find_instrument_of_merchant(self.caller, self.instrument, self.kind)?;
        book.check_parties(token, self.caller, self.caller)?;
        token.check_sender_token_active()?;
        instrument.check_active_and_valid(context.now)?;
        token.check_within_validity(context.now)?;
        token.check_purpose(self.purpose, instrument)?;
        book.check_method(token, self.caller)?;
        Ok((token, instrument))
    }
}

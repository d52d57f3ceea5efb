//! Queries for instruments, accounts, tokens and transactions.

use crate::history::{Action, ActionResult, Detail, Selector};
use crate::world::{INSTRUMENTS, InstrumentType, Party};

use super::instruments::instrument;
use super::{InstrumentBalance, Model, ModelResult};

impl Model {
    pub(super) fn query(&self, party: Party, action: &Action) -> ModelResult<ActionResult> {
        match *action {
            Action::DebtBalance { instrument } => {
                self.instrument_balance(party, InstrumentType::Debt, instrument)
            }
            Action::PrepaidBalance { instrument } => {
                self.instrument_balance(party, InstrumentType::Prepaid, instrument)
            }
            Action::OutstandingDebt => Ok(self.total_balance(party, InstrumentType::Debt)),
            Action::PrepaidLiability => Ok(self.total_balance(party, InstrumentType::Prepaid)),
            Action::AccountBalance => Ok(ActionResult::Balance {
                total: self.balances[&party],
                incoming: self.incoming.get(&party).copied().unwrap_or_default(),
                outgoing: self.outgoing.get(&party).copied().unwrap_or_default(),
            }),
            Action::TokenUsage { token } => self.token_usage(party, token),
            Action::State { of } => self.state(party, of),
            Action::Detail { of } => self.detail(party, of),
            _ => unreachable!("{action:?} is no look-up"),
        }
    }

    /// The balances of an instrument, for its two parties.
    fn instrument_balance(
        &self,
        party: Party,
        instrument_type: InstrumentType,
        selector: Selector,
    ) -> ModelResult<ActionResult> {
        let (index, found) = instrument(instrument_type, selector)?;
        if party != found.sender && party != found.recipient {
            return Err("InstrumentAccessDenied");
        }
        let InstrumentBalance { available, pending } = self.instruments[index];
        Ok(ActionResult::InstrumentBalance { available, pending })
    }

    /// The total balances of all instruments of a merchant.
    fn total_balance(&self, party: Party, instrument_type: InstrumentType) -> ActionResult {
        let all = INSTRUMENTS.iter().zip(&self.instruments);
        let own = || all.clone().filter(|(one, _)| one.recipient == party && one.kind == instrument_type);
        ActionResult::InstrumentBalance {
            available: own().map(|(_, instruments)| instruments.available).sum(),
            pending: own().map(|(_, instruments)| instruments.pending).sum(),
        }
    }

    fn state(&self, party: Party, of: Selector) -> ModelResult<ActionResult> {
        let found = &self.transactions[self.find_visible(party, of)?];
        Ok(ActionResult::State { status: found.status, code: found.code, reference: found.reference.clone() })
    }

    fn detail(&self, party: Party, of: Selector) -> ModelResult<ActionResult> {
        let index = self.find_visible(party, of)?;
        let found = &self.transactions[index];
        let refunds = self.transactions.iter().enumerate();
        Ok(ActionResult::Detail(Detail {
            caller: found.caller,
            sender: found.sender,
            recipient: found.recipient,
            amount: found.amount,
            settled: found.settled,
            fee: found.fee,
            marketplace_fee: found.marketplace_fee,
            method: found.method,
            status: found.status,
            token: found.token,
            recipient_token: found.recipient_token,
            instrument: found.instrument.map(|instrument| INSTRUMENTS[instrument].id),
            received: found.received,
            completed: found.completed,
            original: found.original,
            refunds: refunds
                .filter(|(_, refund)| refund.original == Some(index))
                .map(|(index, _)| index)
                .collect(),
        }))
    }
}

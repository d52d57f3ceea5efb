//! What may be asked about instruments, accounts, tokens and transactions.

use crate::history::{Answer, Ask, Detail, Which};
use crate::world::{Carries, INSTRUMENTS, Who};

use super::instruments::instrument;
use super::{Carried, Decided, Model};

impl Model {
    pub(super) fn look_up(&self, who: Who, ask: &Ask) -> Decided<Answer> {
        match *ask {
            Ask::DebtBalance { instrument } => self.carried_on(who, Carries::Debt, instrument),
            Ask::PrepaidBalance { instrument } => self.carried_on(who, Carries::Prepaid, instrument),
            Ask::OutstandingDebt => Ok(self.carried_for(who, Carries::Debt)),
            Ask::PrepaidLiability => Ok(self.carried_for(who, Carries::Prepaid)),
            Ask::AccountBalance => Ok(Answer::Balance {
                total: self.balances[&who],
                incoming: self.incoming.get(&who).copied().unwrap_or_default(),
                outgoing: self.outgoing.get(&who).copied().unwrap_or_default(),
            }),
            Ask::TokenUsage { token } => self.token_usage(who, token),
            Ask::State { of } => self.state(who, of),
            Ask::Detail { of } => self.detail(who, of),
            _ => unreachable!("{ask:?} is no look-up"),
        }
    }

    /// What one instrument carries, for its two parties.
    fn carried_on(&self, who: Who, carries: Carries, which: Which) -> Decided<Answer> {
        let (place, found) = instrument(carries, which)?;
        if who != found.sender && who != found.recipient {
            return Err("InstrumentAccessDenied");
        }
        let Carried { available, pending } = self.carried[place];
        Ok(Answer::Carried { available, pending })
    }

    /// What all instruments of a merchant carry.
    fn carried_for(&self, who: Who, carries: Carries) -> Answer {
        let all = INSTRUMENTS.iter().zip(&self.carried);
        let own = || all.clone().filter(|(one, _)| one.recipient == who && one.carries == carries);
        Answer::Carried {
            available: own().map(|(_, carried)| carried.available).sum(),
            pending: own().map(|(_, carried)| carried.pending).sum(),
        }
    }

    fn state(&self, who: Who, of: Which) -> Decided<Answer> {
        let found = &self.transactions[self.seen_by(who, of)?];
        Ok(Answer::State { status: found.status, code: found.code, reference: found.reference.clone() })
    }

    fn detail(&self, who: Who, of: Which) -> Decided<Answer> {
        let place = self.seen_by(who, of)?;
        let found = &self.transactions[place];
        let refunds = self.transactions.iter().enumerate();
        Ok(Answer::Detail(Detail {
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
                .filter(|(_, refund)| refund.original == Some(place))
                .map(|(place, _)| place)
                .collect(),
        }))
    }
}

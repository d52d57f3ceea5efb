//! SettleDebt, WriteOffDebt and FundPrepaid.

use fps_sandbox::ledger::PaymentMethod;

use crate::history::Which;
use crate::world::{Carries, INSTRUMENTS, Instrument, Use, Who};

use super::money::{fee, in_range};
use super::{
    CENT, Carried, Decided, Kind, Model, Transaction, check_recipient_method, check_role, known, takes_part,
    within_account_limits,
};

/// The instrument of this kind. One of another kind is as unknown as an id that has not the form of ids.
pub(super) fn instrument(carries: Carries, which: Which) -> Decided<(usize, &'static Instrument)> {
    let (place, found) = known(INSTRUMENTS, which, "InvalidPaymentInstrument")?;
    if found.carries == carries { Ok((place, found)) } else { Err("InvalidParams") }
}

/// The same for its merchant.
fn own_instrument(who: Who, carries: Carries, which: Which) -> Decided<(usize, &'static Instrument)> {
    let (place, found) = instrument(carries, which)?;
    if found.recipient == who { Ok((place, found)) } else { Err("InstrumentAccessDenied") }
}

impl Model {
    pub(super) fn settle_debt(
        &mut self,
        who: Who,
        reference: &str,
        (token, on): (Which, Which),
        amount: Option<i64>,
        timeout_minutes: i64,
    ) -> Decided<Transaction> {
        let place = self.sender_token(who, token)?;
        let (on, instrument) = own_instrument(who, Carries::Debt, on)?;
        let method = self.serves(who, place, instrument, |purpose| match purpose {
            Use::Settles(settles, method) if settles == on => Some(method),
            _ => None,
        })?;
        let owed = self.carried[on].available;
        let amount = amount.unwrap_or(owed);
        self.check_usage_limits(place, amount)?;
        within_account_limits(instrument.sender, who, amount)?;
        if amount > owed || owed == 0 {
            return Err("SettleAmountGreaterThanDebt");
        }
        in_range(amount, method)?;
        let mut made = self.on_instrument(Kind::SettleDebt, (who, reference), place, on, (method, amount));
        self.covers(&made.moves_when_accepted())?;
        self.use_token(place, amount);
        self.carried[on].available -= amount;
        self.carried[on].pending += amount;
        self.start(&mut made, timeout_minutes);
        Ok(made)
    }

    pub(super) fn fund_prepaid(
        &mut self,
        who: Who,
        reference: &str,
        (token, on): (Which, Which),
        amount: i64,
        timeout_minutes: i64,
    ) -> Decided<Transaction> {
        let place = self.sender_token(who, token)?;
        let (on, instrument) = own_instrument(who, Carries::Prepaid, on)?;
        let method = self.serves(who, place, instrument, |purpose| match purpose {
            Use::Funds(funds, method) if funds == on => Some(method),
            _ => None,
        })?;
        self.check_usage_limits(place, amount)?;
        within_account_limits(instrument.sender, who, amount)?;
        in_range(amount, method)?;
        // The limit binds what is there, on its way and newly paid in together.
        let Carried { available, pending } = self.carried[on];
        if available + pending + amount > instrument.most_cents * CENT {
            return Err("PrepaidFundingLimitExceeded");
        }
        let mut made = self.on_instrument(Kind::FundPrepaid, (who, reference), place, on, (method, amount));
        self.covers(&made.moves_when_accepted())?;
        self.use_token(place, amount);
        self.carried[on].pending += amount;
        self.start(&mut made, timeout_minutes);
        Ok(made)
    }

    pub(super) fn write_off(
        &mut self,
        who: Who,
        reference: &str,
        on: Which,
        amount: i64,
    ) -> Decided<Transaction> {
        let (on, instrument) = own_instrument(who, Carries::Debt, on)?;
        takes_part(who)?;
        if amount > self.carried[on].available {
            return Err("SettleAmountGreaterThanDebt");
        }
        in_range(amount, PaymentMethod::Debt)?;
        self.carried[on].available -= amount;
        self.clear_oldest(on, amount);
        *self.written_off.entry(who).or_default() += amount;
        Ok(Transaction {
            sender: instrument.sender,
            instrument: Some(on),
            completed: Some(self.now),
            ..self.draft(Kind::WriteOff, who, reference, amount)
        })
    }

    /// Whether a token pays real money onto this instrument now, and how.
    fn serves(
        &self,
        who: Who,
        place: usize,
        instrument: &Instrument,
        method: impl Fn(Use) -> Option<PaymentMethod>,
    ) -> Decided<PaymentMethod> {
        let token = &self.tokens[place];
        check_role(who, token.rules.owner, who)?;
        token.is_not_cancelled()?;
        self.is_alive(instrument)?;
        self.is_in_force(token)?;
        let method = method(token.rules.purpose).ok_or("IncompatibleTokens")?;
        check_recipient_method(token.rules.owner, who, method)?;
        Ok(method)
    }

    fn on_instrument(
        &self,
        kind: Kind,
        (who, reference): (Who, &str),
        token: usize,
        on: usize,
        (method, amount): (PaymentMethod, i64),
    ) -> Transaction {
        Transaction {
            sender: self.tokens[token].rules.owner,
            token: Some(token),
            instrument: Some(on),
            method,
            fee: fee(kind, method, amount),
            ..self.draft(kind, who, reference, amount)
        }
    }
}

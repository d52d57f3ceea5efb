//! SettleDebt, WriteOffDebt and FundPrepaid.

use fps_sandbox::ledger::PaymentMethod;

use crate::history::Selector;
use crate::world::{INSTRUMENTS, Instrument, InstrumentType, Party, TokenPurpose};

use super::money::{check_amount_range, fee};
use super::{
    CENT, InstrumentBalance, Model, ModelResult, Transaction, TransactionType, check_account_limits,
    check_caller_state, check_recipient_method, check_role, select,
};

/// Finds an instrument of this type. An instrument of the other type gets the same error as a malformed id.
pub(super) fn instrument(
    instrument_type: InstrumentType,
    selector: Selector,
) -> ModelResult<(usize, &'static Instrument)> {
    let (index, found) = select(INSTRUMENTS, selector, "InvalidPaymentInstrument")?;
    if found.kind == instrument_type { Ok((index, found)) } else { Err("InvalidParams") }
}

/// Finds an instrument of this merchant.
fn own_instrument(
    party: Party,
    instrument_type: InstrumentType,
    selector: Selector,
) -> ModelResult<(usize, &'static Instrument)> {
    let (index, found) = instrument(instrument_type, selector)?;
    if found.recipient == party { Ok((index, found)) } else { Err("InstrumentAccessDenied") }
}

impl Model {
    pub(super) fn settle_debt(
        &mut self,
        party: Party,
        reference: &str,
        (token, on): (Selector, Selector),
        amount: Option<i64>,
        timeout_minutes: i64,
    ) -> ModelResult<Transaction> {
        let index = self.sender_token(party, token)?;
        let (on, instrument) = own_instrument(party, InstrumentType::Debt, on)?;
        let method = self.check_instrument_token(party, index, instrument, |purpose| match purpose {
            TokenPurpose::Settlement(settles, method) if settles == on => Some(method),
            _ => None,
        })?;
        let owed = self.instruments[on].available;
        let amount = amount.unwrap_or(owed);
        self.check_usage_limits(index, amount)?;
        check_account_limits(instrument.sender, party, amount)?;
        if amount > owed || owed == 0 {
            return Err("SettleAmountGreaterThanDebt");
        }
        check_amount_range(amount, method)?;
        let mut transaction =
            self.on_instrument(TransactionType::SettleDebt, (party, reference), index, on, (method, amount));
        self.check_balances(&transaction.moves_when_accepted())?;
        self.change_token_usage(index, amount);
        self.instruments[on].available -= amount;
        self.instruments[on].pending += amount;
        self.start(&mut transaction, timeout_minutes);
        Ok(transaction)
    }

    pub(super) fn fund_prepaid(
        &mut self,
        party: Party,
        reference: &str,
        (token, on): (Selector, Selector),
        amount: i64,
        timeout_minutes: i64,
    ) -> ModelResult<Transaction> {
        let index = self.sender_token(party, token)?;
        let (on, instrument) = own_instrument(party, InstrumentType::Prepaid, on)?;
        let method = self.check_instrument_token(party, index, instrument, |purpose| match purpose {
            TokenPurpose::Funding(funds, method) if funds == on => Some(method),
            _ => None,
        })?;
        self.check_usage_limits(index, amount)?;
        check_account_limits(instrument.sender, party, amount)?;
        check_amount_range(amount, method)?;
        // The limit applies to the sum of available, pending and new money.
        let InstrumentBalance { available, pending } = self.instruments[on];
        if available + pending + amount > instrument.max_cents * CENT {
            return Err("PrepaidFundingLimitExceeded");
        }
        let mut transaction =
            self.on_instrument(TransactionType::FundPrepaid, (party, reference), index, on, (method, amount));
        self.check_balances(&transaction.moves_when_accepted())?;
        self.change_token_usage(index, amount);
        self.instruments[on].pending += amount;
        self.start(&mut transaction, timeout_minutes);
        Ok(transaction)
    }

    pub(super) fn write_off(
        &mut self,
        party: Party,
        reference: &str,
        on: Selector,
        amount: i64,
    ) -> ModelResult<Transaction> {
        let (on, instrument) = own_instrument(party, InstrumentType::Debt, on)?;
        check_caller_state(party)?;
        if amount > self.instruments[on].available {
            return Err("SettleAmountGreaterThanDebt");
        }
        check_amount_range(amount, PaymentMethod::Debt)?;
        self.instruments[on].available -= amount;
        self.clear_oldest(on, amount);
        *self.written_off.entry(party).or_default() += amount;
        Ok(Transaction {
            sender: instrument.sender,
            instrument: Some(on),
            completed: Some(self.now),
            ..self.draft(TransactionType::WriteOff, party, reference, amount)
        })
    }

    /// Checks that a token can pay real money to this instrument, and returns its payment method.
    fn check_instrument_token(
        &self,
        party: Party,
        index: usize,
        instrument: &Instrument,
        method: impl Fn(TokenPurpose) -> Option<PaymentMethod>,
    ) -> ModelResult<PaymentMethod> {
        let token = &self.tokens[index];
        check_role(party, token.rules.owner, party)?;
        token.check_sender_token_active()?;
        self.check_instrument_expiry(instrument)?;
        self.check_token_expiry(token)?;
        let method = method(token.rules.purpose).ok_or("IncompatibleTokens")?;
        check_recipient_method(token.rules.owner, party, method)?;
        Ok(method)
    }

    fn on_instrument(
        &self,
        transaction_type: TransactionType,
        (party, reference): (Party, &str),
        token: usize,
        on: usize,
        (method, amount): (PaymentMethod, i64),
    ) -> Transaction {
        Transaction {
            sender: self.tokens[token].rules.owner,
            token: Some(token),
            instrument: Some(on),
            method,
            fee: fee(transaction_type, method, amount),
            ..self.draft(transaction_type, party, reference, amount)
        }
    }
}

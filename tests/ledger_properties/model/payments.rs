//! Pay and Reserve, Settle and Cancel.

use fps_sandbox::ledger::{ChargeFeeTo, PaymentMethod, Status, StatusCode};

use crate::history::{ActionResult, MarketplaceFee, Payment, Selector};
use crate::world::{CC_DELAY, INSTRUMENTS, Party, Terms, TokenPurpose};

use super::money::{ScheduledEnd, check_amount_range, fee};
use super::{
    CENT, InstrumentBalance, Model, ModelResult, Transaction, TransactionType, check_account_limits,
    check_recipient_method, check_role, round, select,
};

impl MarketplaceFee {
    const fn is_given(self) -> bool {
        self.fixed_cents.is_some() || self.percent_hundredths.is_some()
    }

    /// The fee on an amount: the fixed part and the percentage, rounded to the cent.
    fn of(self, amount: i64) -> i64 {
        let (fixed, percent) = (self.fixed_cents.unwrap_or(0), self.percent_hundredths.unwrap_or(0));
        CENT * round(amount / CENT * percent + fixed * 10_000, 10_000)
    }
}

/// The recipient of a payment, its token and the terms of that token.
#[derive(Clone, Copy)]
struct Recipient {
    party: Party,
    token: Option<usize>,
    terms: Option<Terms>,
}

impl Model {
    pub(super) fn pay_or_reserve(
        &mut self,
        transaction_type: TransactionType,
        party: Party,
        reference: &str,
        sent: &Payment,
    ) -> ModelResult<Transaction> {
        let amount = sent.cents * CENT;
        // Only a marketplace may name a recipient token, and a marketplace fee needs one.
        let between = sent.recipient.is_some() || sent.marketplace_fee.is_given();
        if between && !(party.is_marketplace() && sent.recipient.is_some()) {
            return Err("NotMarketplaceApp");
        }
        if sent.recipient == Some(sent.token) {
            return Err("SameTokenIdUsedMultipleTimes");
        }
        let index = self.sender_token(party, sent.token)?;
        let find_recipient = self.find_recipient(party, sent.recipient)?;
        let token = self.tokens[index].clone();
        check_role(party, token.rules.owner, find_recipient.party)?;
        token.check_sender_token_active()?;
        let (method, instrument) = match token.rules.purpose {
            TokenPurpose::Payment(method) => (method, None),
            TokenPurpose::Installed => (PaymentMethod::ABT, None),
            TokenPurpose::Credit(on) => (PaymentMethod::Debt, Some(on)),
            TokenPurpose::Prepaid(on) => (PaymentMethod::Prepaid, Some(on)),
            TokenPurpose::Settlement(..)
            | TokenPurpose::Funding(..)
            | TokenPurpose::Recipient(_)
            | TokenPurpose::Refund => {
                return Err("IncompatibleTokens");
            }
        };
        if instrument.is_some() && find_recipient.token.is_some() {
            return Err("IncompatibleTokens");
        }
        self.check_token_compatibility(&token, find_recipient, sent)?;
        if let Some(on) = instrument {
            self.check_instrument_expiry(&INSTRUMENTS[on])?;
        }
        self.check_token_expiry(&token)?;
        if transaction_type == TransactionType::Reserve && method != PaymentMethod::CC {
            return Err("PaymentInstrumentNotCC");
        }
        check_recipient_method(token.rules.owner, find_recipient.party, method)?;
        self.check_usage_limits(index, amount)?;
        check_account_limits(token.rules.owner, find_recipient.party, amount)?;
        check_amount_range(amount, method)?;
        let (min, max) = token.rules.charge_cents;
        if amount < min * CENT || amount / CENT > max {
            return Err("IncompatibleTokens");
        }
        let by_token = find_recipient.terms.map(Terms::fee_payer);
        let mut transaction = Transaction {
            sender: token.rules.owner,
            recipient: find_recipient.party,
            token: Some(index),
            recipient_token: find_recipient.token,
            instrument,
            method,
            fee: fee(transaction_type, method, amount),
            fee_to: sent.fee_to.or(by_token).unwrap_or(ChargeFeeTo::Recipient),
            marketplace_fee: sent.marketplace_fee.of(amount),
            ..self.draft(transaction_type, party, reference, amount)
        };
        // The share of the recipient must be positive.
        let recipient_pays = if transaction.fee_to == ChargeFeeTo::Recipient { transaction.fee } else { 0 };
        if find_recipient.token.is_some() && amount <= transaction.marketplace_fee + recipient_pays {
            return Err("InvalidParams");
        }
        match instrument {
            Some(on) => self.check_instrument_balance(on, amount)?,
            // A reservation moves no money before it is settled.
            None if transaction_type == TransactionType::Reserve => {}
            None => self.check_balances(&transaction.moves_when_accepted())?,
        }
        self.change_token_usage(index, amount);
        match instrument {
            Some(on) if method == PaymentMethod::Debt => {
                self.instruments[on].available += amount;
                (transaction.open, transaction.completed) = (amount, Some(self.now));
            }
            Some(on) => {
                self.instruments[on].available -= amount;
                transaction.completed = Some(self.now);
            }
            None => self.start(&mut transaction, sent.timeout_minutes),
        }
        Ok(transaction)
    }

    fn find_recipient(&self, party: Party, recipient: Option<Selector>) -> ModelResult<Recipient> {
        let Some(selector) = recipient else { return Ok(Recipient { party, token: None, terms: None }) };
        let (index, token) = select(&self.tokens, selector, "InvalidTokenId_Recipient")?;
        let terms = match token.rules.purpose {
            TokenPurpose::Recipient(terms) => Some(terms),
            TokenPurpose::Installed => None,
            _ => return Err("InvalidTokenId_Recipient"),
        };
        if token.rules.caller != party {
            return Err("IncompatibleTokens");
        }
        if token.rules.cancelled {
            return Err("TokenNotActive_Recipient");
        }
        self.check_token_expiry(token)?;
        Ok(Recipient { party: token.rules.owner, token: Some(index), terms })
    }

    /// Checks that the rules of both tokens permit the payment.
    fn check_token_compatibility(
        &self,
        token: &super::Token,
        find_recipient: Recipient,
        sent: &Payment,
    ) -> ModelResult<()> {
        let named = find_recipient.token.map(|index| self.tokens[index].rules.id);
        let may_receive =
            token.rules.recipients.is_empty() || named.is_some_and(|id| token.rules.recipients.contains(&id));
        let by_token = find_recipient.terms.map(Terms::fee_payer);
        let agree_on_fee = by_token.is_none() || sent.fee_to.is_none() || sent.fee_to == by_token;
        let max = find_recipient.terms.and_then(|terms| terms.max).map(|(fixed, percent)| MarketplaceFee {
            fixed_cents: Some(fixed),
            percent_hundredths: Some(percent),
        });
        let amount = sent.cents * CENT;
        let own_fee_allowed = !sent.marketplace_fee.is_given()
            || max.is_some_and(|max| sent.marketplace_fee.of(amount) <= max.of(amount));
        if may_receive && agree_on_fee && own_fee_allowed { Ok(()) } else { Err("IncompatibleTokens") }
    }

    /// Checks that an instrument permits a payment of this amount.
    fn check_instrument_balance(&self, on: usize, amount: i64) -> ModelResult<()> {
        let InstrumentBalance { available, pending } = self.instruments[on];
        let enough = match INSTRUMENTS[on].kind {
            crate::world::InstrumentType::Debt => {
                available + pending + amount <= INSTRUMENTS[on].max_cents * CENT
            }
            crate::world::InstrumentType::Prepaid => amount <= available,
        };
        if enough { Ok(()) } else { Err("InsufficientBalance") }
    }

    /// Settles a reservation once, in full or in part. The rest is released.
    pub(super) fn settle(
        &mut self,
        party: Party,
        selector: Selector,
        amount: Option<i64>,
    ) -> ModelResult<ActionResult> {
        let index = self.find_own(party, selector)?;
        let mut transaction = self.transactions[index].clone();
        if transaction.kind != TransactionType::Reserve {
            return Err("InvalidTransactionId");
        }
        match transaction.status {
            Status::Reserved => {}
            Status::Pending if transaction.settled.is_none() => return Err("OriginalTransactionIncomplete"),
            Status::Failure => return Err("OriginalTransactionFailed"),
            _ => return Err("InvalidTransactionState"),
        }
        let amount = amount.unwrap_or(transaction.amount);
        if amount > transaction.amount {
            return Err("SettleAmountGreaterThanReserveAmount");
        }
        check_amount_range(amount, transaction.method)?;
        transaction.fee = fee(TransactionType::Reserve, transaction.method, amount);
        // The marketplace fee is reduced in proportion to the amount.
        transaction.marketplace_fee =
            CENT * round(transaction.marketplace_fee * amount, transaction.amount * CENT);
        transaction.settled = Some(amount);
        self.check_balances(&transaction.moves_when_accepted())?;
        *self.reserved.entry(transaction.recipient).or_default() -= transaction.amount;
        transaction.scheduled_end = Some((self.now + CC_DELAY, ScheduledEnd::Accepted));
        self.wait_for_answer(&mut transaction);
        self.transactions[index] = transaction;
        Ok(ActionResult::Receipt { transaction: index, status: Status::Pending })
    }

    /// Cancels a reserved or pending transaction, but no refund and no reservation with a pending settlement.
    pub(super) fn cancel(&mut self, party: Party, selector: Selector) -> ModelResult<ActionResult> {
        let index = self.find_own(party, selector)?;
        let transaction = &self.transactions[index];
        let waits = matches!(transaction.status, Status::Reserved | Status::Pending);
        if !waits || transaction.kind == TransactionType::Refund || transaction.settled.is_some() {
            return Err("InvalidTransactionState");
        }
        self.undo(index, self.now, Status::Cancelled, StatusCode::Canceled);
        Ok(ActionResult::Receipt { transaction: index, status: Status::Cancelled })
    }
}

impl Terms {
    const fn fee_payer(self) -> ChargeFeeTo {
        if self.recipient_pays { ChargeFeeTo::Recipient } else { ChargeFeeTo::Caller }
    }
}

//! Pay and Reserve, Settle and Cancel.

use fps_sandbox::ledger::{ChargeFeeTo, PaymentMethod, Status, StatusCode};

use crate::history::{Answer, OwnFee, Payment, Which};
use crate::world::{CC_DELAY, INSTRUMENTS, Terms, Use, Who};

use super::money::{Ends, fee, in_range};
use super::{
    CENT, Carried, Decided, Kind, Model, Transaction, check_recipient_method, check_role, known, round,
    within_account_limits,
};

impl OwnFee {
    const fn is_given(self) -> bool {
        self.fixed_cents.is_some() || self.percent_hundredths.is_some()
    }

    /// Dollars and a percentage of the amount, rounded to the cent.
    fn of(self, amount: i64) -> i64 {
        let (fixed, percent) = (self.fixed_cents.unwrap_or(0), self.percent_hundredths.unwrap_or(0));
        CENT * round(amount / CENT * percent + fixed * 10_000, 10_000)
    }
}

/// Who receives a payment, by which token, and on what terms.
#[derive(Clone, Copy)]
struct Receiving {
    who: Who,
    token: Option<usize>,
    terms: Option<Terms>,
}

impl Model {
    pub(super) fn pay_or_reserve(
        &mut self,
        kind: Kind,
        who: Who,
        reference: &str,
        asked: &Payment,
    ) -> Decided<Transaction> {
        let amount = asked.cents * CENT;
        // Only a marketplace may name a recipient, and a fee of its own is taken from one.
        let between = asked.recipient.is_some() || asked.marketplace_fee.is_given();
        if between && !(who.is_marketplace() && asked.recipient.is_some()) {
            return Err("NotMarketplaceApp");
        }
        if asked.recipient == Some(asked.token) {
            return Err("SameTokenIdUsedMultipleTimes");
        }
        let place = self.sender_token(who, asked.token)?;
        let receiving = self.receiving(who, asked.recipient)?;
        let token = self.tokens[place].clone();
        check_role(who, token.rules.owner, receiving.who)?;
        token.is_not_cancelled()?;
        let (method, instrument) = match token.rules.purpose {
            Use::Pays(method) => (method, None),
            Use::Installed => (PaymentMethod::ABT, None),
            Use::Charges(on) => (PaymentMethod::Debt, Some(on)),
            Use::Spends(on) => (PaymentMethod::Prepaid, Some(on)),
            Use::Settles(..) | Use::Funds(..) | Use::Receives(_) | Use::Refunds => {
                return Err("IncompatibleTokens");
            }
        };
        if instrument.is_some() && receiving.token.is_some() {
            return Err("IncompatibleTokens");
        }
        self.compatible(&token, receiving, asked)?;
        if let Some(on) = instrument {
            self.is_alive(&INSTRUMENTS[on])?;
        }
        self.is_in_force(&token)?;
        if kind == Kind::Reserve && method != PaymentMethod::CC {
            return Err("PaymentInstrumentNotCC");
        }
        check_recipient_method(token.rules.owner, receiving.who, method)?;
        self.check_usage_limits(place, amount)?;
        within_account_limits(token.rules.owner, receiving.who, amount)?;
        in_range(amount, method)?;
        let (least, most) = token.rules.charge_cents;
        if amount < least * CENT || amount / CENT > most {
            return Err("IncompatibleTokens");
        }
        let by_token = receiving.terms.map(Terms::fee_payer);
        let mut made = Transaction {
            sender: token.rules.owner,
            recipient: receiving.who,
            token: Some(place),
            recipient_token: receiving.token,
            instrument,
            method,
            fee: fee(kind, method, amount),
            fee_to: asked.fee_to.or(by_token).unwrap_or(ChargeFeeTo::Recipient),
            marketplace_fee: asked.marketplace_fee.of(amount),
            ..self.draft(kind, who, reference, amount)
        };
        // The recipient has to get something.
        let recipient_pays = if made.fee_to == ChargeFeeTo::Recipient { made.fee } else { 0 };
        if receiving.token.is_some() && amount <= made.marketplace_fee + recipient_pays {
            return Err("InvalidParams");
        }
        match instrument {
            Some(on) => self.bears(on, amount)?,
            // Nobody pays anything before a reservation is settled.
            None if kind == Kind::Reserve => {}
            None => self.covers(&made.moves_when_accepted())?,
        }
        self.use_token(place, amount);
        match instrument {
            Some(on) if method == PaymentMethod::Debt => {
                self.carried[on].available += amount;
                (made.open, made.completed) = (amount, Some(self.now));
            }
            Some(on) => {
                self.carried[on].available -= amount;
                made.completed = Some(self.now);
            }
            None => self.start(&mut made, asked.timeout_minutes),
        }
        Ok(made)
    }

    fn receiving(&self, who: Who, recipient: Option<Which>) -> Decided<Receiving> {
        let Some(which) = recipient else { return Ok(Receiving { who, token: None, terms: None }) };
        let (place, token) = known(&self.tokens, which, "InvalidTokenId_Recipient")?;
        let terms = match token.rules.purpose {
            Use::Receives(terms) => Some(terms),
            Use::Installed => None,
            _ => return Err("InvalidTokenId_Recipient"),
        };
        if token.rules.caller != who {
            return Err("IncompatibleTokens");
        }
        if token.rules.cancelled {
            return Err("TokenNotActive_Recipient");
        }
        self.is_in_force(token)?;
        Ok(Receiving { who: token.rules.owner, token: Some(place), terms })
    }

    /// Whether the rules of both tokens can be met together.
    fn compatible(&self, token: &super::Token, receiving: Receiving, asked: &Payment) -> Decided<()> {
        let named = receiving.token.map(|place| self.tokens[place].rules.id);
        let may_receive =
            token.rules.recipients.is_empty() || named.is_some_and(|id| token.rules.recipients.contains(&id));
        let by_token = receiving.terms.map(Terms::fee_payer);
        let agree_on_fee = by_token.is_none() || asked.fee_to.is_none() || asked.fee_to == by_token;
        let most = receiving
            .terms
            .and_then(|terms| terms.most)
            .map(|(fixed, percent)| OwnFee { fixed_cents: Some(fixed), percent_hundredths: Some(percent) });
        let amount = asked.cents * CENT;
        let own_fee_allowed = !asked.marketplace_fee.is_given()
            || most.is_some_and(|most| asked.marketplace_fee.of(amount) <= most.of(amount));
        if may_receive && agree_on_fee && own_fee_allowed { Ok(()) } else { Err("IncompatibleTokens") }
    }

    /// Whether an instrument lets so much be paid with it.
    fn bears(&self, on: usize, amount: i64) -> Decided<()> {
        let Carried { available, pending } = self.carried[on];
        let enough = match INSTRUMENTS[on].carries {
            crate::world::Carries::Debt => available + pending + amount <= INSTRUMENTS[on].most_cents * CENT,
            crate::world::Carries::Prepaid => amount <= available,
        };
        if enough { Ok(()) } else { Err("InsufficientBalance") }
    }

    /// Charges what a reservation holds, once, in full or in part. The rest is released.
    pub(super) fn settle(&mut self, who: Who, which: Which, amount: Option<i64>) -> Decided<Answer> {
        let place = self.own(who, which)?;
        let mut made = self.transactions[place].clone();
        if made.kind != Kind::Reserve {
            return Err("InvalidTransactionId");
        }
        match made.status {
            Status::Reserved => {}
            Status::Pending if made.settled.is_none() => return Err("OriginalTransactionIncomplete"),
            Status::Failure => return Err("OriginalTransactionFailed"),
            _ => return Err("InvalidTransactionState"),
        }
        let amount = amount.unwrap_or(made.amount);
        if amount > made.amount {
            return Err("SettleAmountGreaterThanReserveAmount");
        }
        in_range(amount, made.method)?;
        made.fee = fee(Kind::Reserve, made.method, amount);
        // Of the caller's own fee the same part as of the amount.
        made.marketplace_fee = CENT * round(made.marketplace_fee * amount, made.amount * CENT);
        made.settled = Some(amount);
        self.covers(&made.moves_when_accepted())?;
        *self.reserved.entry(made.recipient).or_default() -= made.amount;
        made.ends = Some((self.now + CC_DELAY, Ends::Well));
        self.wait_for_answer(&mut made);
        self.transactions[place] = made;
        Ok(Answer::Receipt { transaction: place, status: Status::Pending })
    }

    /// Calls off what is reserved or pending, but no refund, and no reservation that is being settled.
    pub(super) fn cancel(&mut self, who: Who, which: Which) -> Decided<Answer> {
        let place = self.own(who, which)?;
        let made = &self.transactions[place];
        let waits = matches!(made.status, Status::Reserved | Status::Pending);
        if !waits || made.kind == Kind::Refund || made.settled.is_some() {
            return Err("InvalidTransactionState");
        }
        self.undo(place, self.now, Status::Cancelled, StatusCode::Canceled);
        Ok(Answer::Receipt { transaction: place, status: Status::Cancelled })
    }
}

impl Terms {
    const fn fee_payer(self) -> ChargeFeeTo {
        if self.recipient_pays { ChargeFeeTo::Recipient } else { ChargeFeeTo::Caller }
    }
}

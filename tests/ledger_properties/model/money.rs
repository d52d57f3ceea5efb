//! How money moves: fees, who gets what, and what happens when.

use std::collections::HashMap;

use fps_sandbox::ledger::{ChargeFeeTo, PaymentMethod, Status, StatusCode};

use crate::world::{ACH_DELAY, CC_DELAY, DAY, LARGEST, MINUTE, Who};

use super::{CENT, Decided, Kind, Model, Transaction, is_external, round};

/// How a transaction goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ends {
    /// The card or bank agrees.
    Well,
    /// Its time is over.
    Late,
    /// A reservation was not settled in time.
    Lapsed,
}

/// The fee, by the price list.
pub(super) fn fee(kind: Kind, method: PaymentMethod, amount: i64) -> i64 {
    let cents = amount / CENT;
    let fee = match method {
        PaymentMethod::Debt | PaymentMethod::Prepaid => 0,
        PaymentMethod::ABT if cents < 5 => (amount / 5).max(25),
        PaymentMethod::ABT => CENT * round(cents * 15 + 1_000, 1_000),
        PaymentMethod::ACH => CENT * round(cents * 2 + 500, 100),
        PaymentMethod::CC if cents < 1_000 => CENT * round(cents * 5 + 500, 100),
        PaymentMethod::CC if matches!(kind, Kind::SettleDebt | Kind::FundPrepaid) => {
            CENT * round(cents * 275 + 25_000, 10_000)
        }
        PaymentMethod::CC => CENT * round(cents * 29 + 30_000, 1_000),
    };
    fee.min(amount)
}

/// What is due back of a fee when so much of a payment is refunded in all.
pub(super) fn due_back(fee: i64, refunded: i64, paid: i64) -> i64 {
    if refunded == paid { fee } else { (CENT * round(fee * refunded, paid * CENT)).min(fee) }
}

pub(super) fn in_range(amount: i64, method: PaymentMethod) -> Decided<()> {
    let least = if is_external(method) { 2 * CENT } else { CENT };
    if (least..=LARGEST * CENT).contains(&amount) { Ok(()) } else { Err("AmountOutOfRange") }
}

/// What moves on balances; a party may stand there twice.
pub(super) type Moves = Vec<(Who, i64)>;

impl Transaction {
    /// What recipient and caller get of a payment: the amount less fees, and the caller's own fee. FPS's fee comes out of
    /// the share of whoever pays it.
    pub(super) fn shares(&self) -> Moves {
        let (from_recipient, from_caller) = match self.fee_to {
            ChargeFeeTo::Recipient => (self.fee, 0),
            ChargeFeeTo::Caller => (0, self.fee),
        };
        if self.recipient == self.caller {
            return vec![(self.recipient, self.charged() - self.fee)];
        }
        vec![
            (self.recipient, self.charged() - self.marketplace_fee - from_recipient),
            (self.caller, self.marketplace_fee - from_caller),
        ]
    }

    /// What a payment moves on balances as soon as it is accepted. By card or bank whoever loses by it, because his fee is
    /// more than his share, pays at once.
    pub(super) fn moves_when_accepted(&self) -> Moves {
        let shares = self.shares();
        if is_external(self.method) {
            shares.into_iter().filter(|(_, share)| *share < 0).collect()
        } else {
            std::iter::once((self.sender, -self.amount)).chain(shares).collect()
        }
    }

    /// What is on its way by card or bank until it answers.
    fn moves_later(&self) -> Moves {
        self.shares().into_iter().filter(|(_, share)| *share >= 0).collect()
    }

    /// Whether nothing but a hold on a card was asked for so far.
    fn only_reserves(&self) -> bool {
        self.kind == Kind::Reserve && self.settled.is_none()
    }
}

impl Model {
    /// Whether all balances cover this.
    pub(super) fn covers(&self, moves: &Moves) -> Decided<()> {
        let mut by_party: HashMap<Who, i64> = HashMap::new();
        for (who, amount) in moves {
            *by_party.entry(*who).or_default() += amount;
        }
        let short = |(who, moved): (&Who, &i64)| *moved < 0 && self.balances[who] + moved < 0;
        if by_party.iter().any(short) { Err("InsufficientBalance") } else { Ok(()) }
    }

    pub(super) fn move_balances(&mut self, moves: &Moves) {
        for (who, amount) in moves {
            *self.balances.entry(*who).or_default() += amount;
        }
    }

    /// A payment of real money is accepted: it is done at once inside FPS, later by card and bank.
    pub(super) fn start(&mut self, made: &mut Transaction, timeout_minutes: i64) {
        let takes = match made.method {
            PaymentMethod::CC => CC_DELAY,
            PaymentMethod::ACH => ACH_DELAY,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => {
                let moves = made.moves_when_accepted();
                self.move_balances(&moves);
                made.completed = Some(self.now);
                return self.take_effect(made);
            }
        };
        let timeout = timeout_minutes * MINUTE;
        let how = if takes <= timeout { Ends::Well } else { Ends::Late };
        made.ends = Some((self.now + takes.min(timeout), how));
        self.wait_for_answer(made);
    }

    /// A payment waits for a card or a bank.
    pub(super) fn wait_for_answer(&mut self, made: &mut Transaction) {
        (made.status, made.code) = (Status::Pending, StatusCode::PendingNetworkResponse);
        if !made.only_reserves() {
            self.hold(made, 1);
        }
    }

    /// What is on its way, or with -1 what is no more.
    fn hold(&mut self, made: &Transaction, times: i64) {
        let signed = |moves: Moves| moves.into_iter().map(|(who, amount)| (who, amount * times)).collect();
        self.move_balances(&signed(made.moves_when_accepted()));
        for (who, amount) in made.moves_later() {
            *self.incoming.entry(who).or_default() += amount * times;
        }
    }

    /// A payment of real money is done: FPS has its fee, and what it paid for changes.
    fn take_effect(&mut self, made: &Transaction) {
        self.fees += made.fee;
        match (made.kind, made.instrument) {
            (Kind::SettleDebt, Some(on)) => {
                self.carried[on].pending -= made.amount;
                self.clear_oldest(on, made.amount);
            }
            (Kind::FundPrepaid, Some(on)) => {
                self.carried[on].pending -= made.amount;
                self.carried[on].available += made.amount;
            }
            _ => {}
        }
    }

    /// Settlements and write-offs clear the oldest debt first.
    pub(super) fn clear_oldest(&mut self, on: usize, mut amount: i64) {
        let pays = self.transactions.iter_mut();
        for pay in pays.filter(|made| made.kind == Kind::Pay && made.instrument == Some(on)) {
            let cleared = pay.open.min(amount);
            pay.open -= cleared;
            amount -= cleared;
        }
        assert_eq!(amount, 0, "more was cleared than was open");
    }

    /// What waits or is reserved ends without effect: it is as if it had never been, also for the limits of its token.
    pub(super) fn undo(&mut self, place: usize, at: i64, status: Status, code: StatusCode) {
        let mut made = self.transactions[place].clone();
        if made.status == Status::Reserved {
            *self.reserved.entry(made.recipient).or_default() -= made.amount;
        } else if !made.only_reserves() {
            self.hold(&made, -1);
        }
        match (made.kind, made.instrument) {
            (Kind::SettleDebt, Some(on)) => {
                self.carried[on].pending -= made.amount;
                self.carried[on].available += made.amount;
            }
            (Kind::FundPrepaid, Some(on)) => self.carried[on].pending -= made.amount,
            _ => {}
        }
        self.uses.retain(|used| used.by != place);
        (made.ends, made.completed, made.status, made.code) = (None, Some(at), status, code);
        self.transactions[place] = made;
    }

    /// Time passes, and what ends meanwhile ends, the earliest first.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now += millis;
        let next = |model: &Self| {
            let ending = model.transactions.iter().enumerate();
            let ending = ending.filter_map(|(place, made)| made.ends.map(|(at, how)| (at, place, how)));
            ending.min().filter(|(at, ..)| *at <= model.now)
        };
        while let Some((at, place, how)) = next(self) {
            match how {
                Ends::Well => self.end_well(place, at),
                Ends::Late => self.undo(place, at, Status::Failure, StatusCode::Expired),
                Ends::Lapsed => self.undo(place, at, Status::Cancelled, StatusCode::Expired),
            }
        }
    }

    /// The card or bank agrees.
    fn end_well(&mut self, place: usize, at: i64) {
        let mut made = self.transactions[place].clone();
        if made.only_reserves() {
            *self.reserved.entry(made.recipient).or_default() += made.amount;
            // A reservation lapses after seven days.
            (made.ends, made.status) = (Some((at + 7 * DAY, Ends::Lapsed)), Status::Reserved);
        } else {
            if made.kind == Kind::Refund {
                *self.outgoing.entry(made.sender).or_default() -= made.amount;
            } else {
                for (who, amount) in made.moves_later() {
                    *self.incoming.entry(who).or_default() -= amount;
                    *self.balances.entry(who).or_default() += amount;
                }
                self.take_effect(&made);
            }
            (made.ends, made.completed, made.status) = (None, Some(at), Status::Success);
        }
        made.code = StatusCode::Success;
        self.transactions[place] = made;
    }
}

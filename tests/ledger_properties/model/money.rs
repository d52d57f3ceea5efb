//! Money: fees, shares, balance changes, and the completion of transactions.

use std::collections::HashMap;

use fps_sandbox::ledger::{ChargeFeeTo, PaymentMethod, Status, StatusCode};

use crate::world::{ACH_DELAY, CC_DELAY, DAY, LARGEST, MINUTE, Party};

use super::{CENT, Model, ModelResult, Transaction, TransactionType, is_external, round};

/// How a transaction continues without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScheduledEnd {
    /// The card or bank accepts.
    Accepted,
    /// The transaction times out.
    TimedOut,
    /// A reservation was not settled in time.
    Lapsed,
}

/// The fee according to the price list.
pub(super) fn fee(transaction_type: TransactionType, method: PaymentMethod, amount: i64) -> i64 {
    let cents = amount / CENT;
    let fee = match method {
        PaymentMethod::Debt | PaymentMethod::Prepaid => 0,
        PaymentMethod::ABT if cents < 5 => (amount / 5).max(25),
        PaymentMethod::ABT => CENT * round(cents * 15 + 1_000, 1_000),
        PaymentMethod::ACH => CENT * round(cents * 2 + 500, 100),
        PaymentMethod::CC if cents < 1_000 => CENT * round(cents * 5 + 500, 100),
        PaymentMethod::CC
            if matches!(transaction_type, TransactionType::SettleDebt | TransactionType::FundPrepaid) =>
        {
            CENT * round(cents * 275 + 25_000, 10_000)
        }
        PaymentMethod::CC => CENT * round(cents * 29 + 30_000, 1_000),
    };
    fee.min(amount)
}

/// The total fee to return after `refunded` of the payment has been refunded.
pub(super) fn due_back(fee: i64, refunded: i64, paid: i64) -> i64 {
    if refunded == paid { fee } else { (CENT * round(fee * refunded, paid * CENT)).min(fee) }
}

pub(super) fn check_amount_range(amount: i64, method: PaymentMethod) -> ModelResult<()> {
    let min = if is_external(method) { 2 * CENT } else { CENT };
    if (min..=LARGEST * CENT).contains(&amount) { Ok(()) } else { Err("AmountOutOfRange") }
}

/// Changes of balances. A party may occur twice.
pub(super) type BalanceChanges = Vec<(Party, i64)>;

impl Transaction {
    /// The shares of recipient and caller: the amount less fees, and the marketplace fee. The fee of FPS reduces the share of
    /// the party that pays it.
    pub(super) fn shares(&self) -> BalanceChanges {
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

    /// The balance changes when a payment is accepted. With a card or bank, only parties with a negative share, because the
    /// fee exceeds it, pay at once.
    pub(super) fn moves_when_accepted(&self) -> BalanceChanges {
        let shares = self.shares();
        if is_external(self.method) {
            shares.into_iter().filter(|(_, share)| *share < 0).collect()
        } else {
            std::iter::once((self.sender, -self.amount)).chain(shares).collect()
        }
    }

    /// The balance changes that are pending until the card or bank accepts.
    fn moves_later(&self) -> BalanceChanges {
        self.shares().into_iter().filter(|(_, share)| *share >= 0).collect()
    }

    /// Whether this is a reservation that is not settled yet.
    fn only_reserves(&self) -> bool {
        self.kind == TransactionType::Reserve && self.settled.is_none()
    }
}

impl Model {
    /// Checks that all balances suffice.
    pub(super) fn check_balances(&self, moves: &BalanceChanges) -> ModelResult<()> {
        let mut by_party: HashMap<Party, i64> = HashMap::new();
        for (party, amount) in moves {
            *by_party.entry(*party).or_default() += amount;
        }
        let short = |(party, moved): (&Party, &i64)| *moved < 0 && self.balances[party] + moved < 0;
        if by_party.iter().any(short) { Err("InsufficientBalance") } else { Ok(()) }
    }

    pub(super) fn move_balances(&mut self, moves: &BalanceChanges) {
        for (party, amount) in moves {
            *self.balances.entry(*party).or_default() += amount;
        }
    }

    /// Starts a payment of real money: from a balance it completes at once, by card and bank later.
    pub(super) fn start(&mut self, transaction: &mut Transaction, timeout_minutes: i64) {
        let takes = match transaction.method {
            PaymentMethod::CC => CC_DELAY,
            PaymentMethod::ACH => ACH_DELAY,
            PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => {
                let moves = transaction.moves_when_accepted();
                self.move_balances(&moves);
                transaction.completed = Some(self.now);
                return self.take_effect(transaction);
            }
        };
        let timeout = timeout_minutes * MINUTE;
        let how = if takes <= timeout { ScheduledEnd::Accepted } else { ScheduledEnd::TimedOut };
        transaction.scheduled_end = Some((self.now + takes.min(timeout), how));
        self.wait_for_answer(transaction);
    }

    /// Makes a payment pending until the card or bank answers.
    pub(super) fn wait_for_answer(&mut self, transaction: &mut Transaction) {
        (transaction.status, transaction.code) = (Status::Pending, StatusCode::PendingNetworkResponse);
        if !transaction.only_reserves() {
            self.hold(transaction, 1);
        }
    }

    /// Adds the pending amounts of a payment, or removes them with -1.
    fn hold(&mut self, transaction: &Transaction, times: i64) {
        let signed = |moves: BalanceChanges| {
            moves.into_iter().map(|(party, amount)| (party, amount * times)).collect()
        };
        self.move_balances(&signed(transaction.moves_when_accepted()));
        for (party, amount) in transaction.moves_later() {
            *self.incoming.entry(party).or_default() += amount * times;
        }
    }

    /// Completes a payment of real money: FPS gets its fee, and the instrument changes.
    fn take_effect(&mut self, transaction: &Transaction) {
        self.fees += transaction.fee;
        match (transaction.kind, transaction.instrument) {
            (TransactionType::SettleDebt, Some(on)) => {
                self.instruments[on].pending -= transaction.amount;
                self.clear_oldest(on, transaction.amount);
            }
            (TransactionType::FundPrepaid, Some(on)) => {
                self.instruments[on].pending -= transaction.amount;
                self.instruments[on].available += transaction.amount;
            }
            _ => {}
        }
    }

    /// Clears debt, the oldest first.
    pub(super) fn clear_oldest(&mut self, on: usize, mut amount: i64) {
        let pays = self.transactions.iter_mut();
        for pay in pays.filter(|transaction| {
            transaction.kind == TransactionType::Pay && transaction.instrument == Some(on)
        }) {
            let cleared = pay.open.min(amount);
            pay.open -= cleared;
            amount -= cleared;
        }
        assert_eq!(amount, 0, "more was cleared than was open");
    }

    /// Ends a pending or reserved transaction without effect, also on the limits of its token.
    pub(super) fn undo(&mut self, index: usize, at: i64, status: Status, code: StatusCode) {
        let mut transaction = self.transactions[index].clone();
        if transaction.status == Status::Reserved {
            *self.reserved.entry(transaction.recipient).or_default() -= transaction.amount;
        } else if !transaction.only_reserves() {
            self.hold(&transaction, -1);
        }
        match (transaction.kind, transaction.instrument) {
            (TransactionType::SettleDebt, Some(on)) => {
                self.instruments[on].pending -= transaction.amount;
                self.instruments[on].available += transaction.amount;
            }
            (TransactionType::FundPrepaid, Some(on)) => self.instruments[on].pending -= transaction.amount,
            _ => {}
        }
        self.uses.retain(|used| used.by != index);
        (transaction.scheduled_end, transaction.completed, transaction.status, transaction.code) =
            (None, Some(at), status, code);
        self.transactions[index] = transaction;
    }

    /// Moves the clock and continues transactions that are due, the earliest first.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now += millis;
        let next = |model: &Self| {
            let ending = model.transactions.iter().enumerate();
            let ending = ending.filter_map(|(index, transaction)| {
                transaction.scheduled_end.map(|(at, how)| (at, index, how))
            });
            ending.min().filter(|(at, ..)| *at <= model.now)
        };
        while let Some((at, index, how)) = next(self) {
            match how {
                ScheduledEnd::Accepted => self.complete(index, at),
                ScheduledEnd::TimedOut => self.undo(index, at, Status::Failure, StatusCode::Expired),
                ScheduledEnd::Lapsed => self.undo(index, at, Status::Cancelled, StatusCode::Expired),
            }
        }
    }

    /// Completes a transaction that the card or bank accepts.
    fn complete(&mut self, index: usize, at: i64) {
        let mut transaction = self.transactions[index].clone();
        if transaction.only_reserves() {
            *self.reserved.entry(transaction.recipient).or_default() += transaction.amount;
            // An accepted reservation lapses after seven days.
            (transaction.scheduled_end, transaction.status) =
                (Some((at + 7 * DAY, ScheduledEnd::Lapsed)), Status::Reserved);
        } else {
            if transaction.kind == TransactionType::Refund {
                *self.outgoing.entry(transaction.sender).or_default() -= transaction.amount;
            } else {
                for (party, amount) in transaction.moves_later() {
                    *self.incoming.entry(party).or_default() -= amount;
                    *self.balances.entry(party).or_default() += amount;
                }
                self.take_effect(&transaction);
            }
            (transaction.scheduled_end, transaction.completed, transaction.status) =
                (None, Some(at), Status::Success);
        }
        transaction.code = StatusCode::Success;
        self.transactions[index] = transaction;
    }
}

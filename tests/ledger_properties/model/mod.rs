//! The model: the rules of the service in the simplest executable form, written from its description and not from the
//! ledger. Money is in hundredths of a cent, because one fee is a quarter of a cent.

mod instruments;
mod money;
mod payments;
mod queries;
mod refunds;
mod tokens;

use std::collections::HashMap;

use fps_sandbox::ledger::{ChargeFeeTo, MarketplaceRefundPolicy, PaymentMethod, Status, StatusCode};

use crate::history::{Action, ActionResult, Request, Selector};
use crate::world::{DAY, INSTRUMENTS, Instrument, InstrumentType, Party, START, SUBSCRIPTIONS, TOKENS};
use money::ScheduledEnd;
pub(crate) use tokens::Token;

const CENT: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionType {
    Deposit,
    Pay,
    Reserve,
    Refund,
    SettleDebt,
    WriteOff,
    FundPrepaid,
}

#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) kind: TransactionType,
    caller: Party,
    sender: Party,
    recipient: Party,
    token: Option<usize>,
    recipient_token: Option<usize>,
    instrument: Option<usize>,
    method: PaymentMethod,
    amount: i64,
    /// The settled amount of a reservation.
    settled: Option<i64>,
    /// The fee of FPS, and the party that pays it.
    fee: i64,
    fee_to: ChargeFeeTo,
    /// The fee of the marketplace.
    marketplace_fee: i64,
    reference: String,
    original: Option<usize>,
    pub(crate) status: Status,
    pub(crate) code: StatusCode,
    received: i64,
    completed: Option<i64>,
    /// When and how the transaction continues without a request.
    scheduled_end: Option<(i64, ScheduledEnd)>,
    refunded: i64,
    fee_returned: i64,
    marketplace_fee_returned: i64,
    /// The open debt of a Pay on credit.
    open: i64,
}

impl Transaction {
    /// The amount, or the settled amount of a reservation.
    fn charged(&self) -> i64 {
        self.settled.unwrap_or(self.amount)
    }
}

/// The balances of an instrument: debt or prepaid money.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstrumentBalance {
    pub(crate) available: i64,
    /// Debt with a pending settlement, or money with pending funding.
    pub(crate) pending: i64,
}

#[derive(Clone, Debug)]
struct Subscription {
    is_active: bool,
    payments: Vec<usize>,
}

#[derive(Clone, Debug)]
struct StoredResult {
    action: Action,
    answer: ActionResult,
    at: i64,
}

/// An amount for each party.
pub(crate) type Money = HashMap<Party, i64>;

pub(crate) struct Model {
    now: i64,
    pub(crate) balances: Money,
    /// Pending payments to a party by card or bank.
    pub(crate) incoming: Money,
    /// Pending refunds from a party to a card.
    pub(crate) outgoing: Money,
    /// Reservations on cards for a party.
    pub(crate) reserved: Money,
    pub(crate) instruments: Vec<InstrumentBalance>,
    pub(crate) fees: i64,
    pub(crate) written_off: Money,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) tokens: Vec<Token>,
    uses: Vec<tokens::TokenUse>,
    subscriptions: Vec<Subscription>,
    stored_results: HashMap<(Party, &'static str, String), StoredResult>,
}

type ModelResult<T> = Result<T, &'static str>;

/// `numerator / denominator`, rounded half up.
fn round(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

fn is_external(method: PaymentMethod) -> bool {
    matches!(method, PaymentMethod::CC | PaymentMethod::ACH)
}

fn select<'a, T>(list: &'a [T], selector: Selector, unknown: &'static str) -> ModelResult<(usize, &'a T)> {
    match selector {
        Selector::Index(index) => Ok((index, &list[index])),
        Selector::Unknown => Err(unknown),
        Selector::Suitable(_) | Selector::Malformed => Err("InvalidParams"),
    }
}

impl Model {
    /// All parties with their opening balances.
    pub(crate) fn new() -> Self {
        let mut model = Self {
            now: START,
            balances: Money::new(),
            incoming: Money::new(),
            outgoing: Money::new(),
            reserved: Money::new(),
            instruments: vec![InstrumentBalance::default(); INSTRUMENTS.len()],
            fees: 0,
            written_off: Money::new(),
            transactions: Vec::new(),
            tokens: TOKENS.iter().cloned().map(Token::from).collect(),
            uses: Vec::new(),
            subscriptions: Vec::new(),
            stored_results: HashMap::new(),
        };
        for party in Party::ALL {
            let amount = party.opening_cents() * CENT;
            let reference = format!("opening balance of {party:?}");
            let opening = Transaction {
                completed: Some(START),
                method: PaymentMethod::ACH,
                ..model.draft(TransactionType::Deposit, party, &reference, amount)
            };
            model.transactions.push(opening);
            model.balances.insert(party, amount);
        }
        model
    }

    /// Creates the subscriptions with these payments, which are in the order of the subscriptions.
    pub(crate) fn add_subscriptions(&mut self, payments: &[usize]) {
        let mut payments = payments.iter().copied();
        for known in SUBSCRIPTIONS {
            let payments = payments.by_ref().take(known.payments.len()).collect();
            self.subscriptions.push(Subscription { is_active: true, payments });
        }
    }

    /// Replaces all `Suitable` selectors by indices.
    pub(crate) fn resolve_selectors(&self, mut action: Action) -> Action {
        if let Some(selector) = action.transaction().copied() {
            let index = match selector {
                Selector::Index(back) => Selector::Index(self.nth_newest(back, |_| true)),
                Selector::Suitable(back) => Selector::Index(self.suitable_transaction(&action, back)),
                Selector::Unknown | Selector::Malformed => selector,
            };
            action.transaction().into_iter().for_each(|selector| *selector = index);
        }
        let tokens = self.tokens.len();
        for selector in action.tokens() {
            if let Selector::Suitable(back) = *selector {
                *selector = Selector::Index(tokens - 1 - back % tokens);
            }
        }
        action
    }

    /// A transaction for which the action may succeed, or one of the right type.
    fn suitable_transaction(&self, action: &Action, back: usize) -> usize {
        match action {
            Action::Settle { .. }
                if self.transactions.iter().any(|transaction| transaction.status == Status::Reserved) =>
            {
                self.nth_newest(back, |transaction| transaction.status == Status::Reserved)
            }
            Action::Settle { .. } => {
                self.nth_newest(back, |transaction| transaction.kind == TransactionType::Reserve)
            }
            Action::Cancel { .. } => self.nth_newest(back, |transaction| {
                matches!(transaction.status, Status::Pending | Status::Reserved)
            }),
            Action::Refund { policy, .. }
                if *policy != MarketplaceRefundPolicy::MasterTxnOnly
                    && self.transactions.iter().any(|transaction| transaction.marketplace_fee > 0) =>
            {
                self.nth_newest(back, |transaction| {
                    transaction.marketplace_fee > 0 && transaction.status == Status::Success
                })
            }
            Action::Refund { .. } => self.nth_newest(back, |transaction| {
                matches!(transaction.kind, TransactionType::Pay | TransactionType::Reserve)
                    && transaction.status == Status::Success
            }),
            _ => self.nth_newest(back, |_| true),
        }
    }

    /// Counts back from the newest suitable transaction. When none is suitable, all count.
    fn nth_newest(&self, back: usize, suits: impl Fn(&Transaction) -> bool) -> usize {
        let all = 0..self.transactions.len();
        let suiting: Vec<_> = all.clone().filter(|index| suits(&self.transactions[*index])).collect();
        let places = if suiting.is_empty() { all.collect() } else { suiting };
        places[places.len() - 1 - back % places.len()]
    }

    /// The party that may perform the action.
    pub(crate) fn authorized_party(&self, action: &Action) -> Party {
        let mut action = action.clone();
        if let Some(Selector::Index(index)) = action.transaction() {
            return self.transactions[*index].caller;
        }
        if let Some(Selector::Index(index)) = action.tokens().first() {
            return self.tokens[*index].rules.caller;
        }
        match action {
            Action::WriteOff { instrument: Selector::Index(index), .. }
            | Action::DebtBalance { instrument: Selector::Index(index) }
            | Action::PrepaidBalance { instrument: Selector::Index(index) } => INSTRUMENTS[index].recipient,
            Action::CancelSubscription { subscription: Selector::Index(index), .. } => {
                SUBSCRIPTIONS[index].recipient
            }
            Action::Install { .. } => Party::Market,
            _ => Party::Shop,
        }
    }

    /// Features of the state that histories must reach besides results.
    pub(crate) fn reached_features(&self) -> Vec<&'static str> {
        let lapsed = |transaction: &Transaction| {
            (transaction.status, transaction.code) == (Status::Cancelled, StatusCode::Expired)
        };
        let overfull = |(one, instruments): (&Instrument, &InstrumentBalance)| {
            one.kind == InstrumentType::Prepaid
                && instruments.available + instruments.pending > one.max_cents * CENT
        };
        let own_fee_in_parts = |index: usize| {
            let marketplace_fee_back = |transaction: &&Transaction| {
                transaction.original == Some(index) && transaction.marketplace_fee < 0
            };
            self.transactions.iter().filter(marketplace_fee_back).count() > 1
        };
        let mut reached_features = Vec::new();
        reached_features.extend(
            (0..self.transactions.len()).any(own_fee_in_parts).then_some("MarketplaceFeeReturnedInParts"),
        );
        reached_features.extend(self.transactions.iter().any(lapsed).then_some("Lapsed"));
        reached_features
            .extend(INSTRUMENTS.iter().zip(&self.instruments).any(overfull).then_some("AboveRechargeLimit"));
        reached_features
    }

    /// A successful transaction without fees, with the caller as sender and recipient.
    fn draft(
        &self,
        transaction_type: TransactionType,
        party: Party,
        reference: &str,
        amount: i64,
    ) -> Transaction {
        Transaction {
            kind: transaction_type,
            caller: party,
            sender: party,
            recipient: party,
            token: None,
            recipient_token: None,
            instrument: None,
            method: PaymentMethod::Debt,
            amount,
            settled: None,
            fee: 0,
            fee_to: ChargeFeeTo::Recipient,
            marketplace_fee: 0,
            reference: reference.to_owned(),
            original: None,
            status: Status::Success,
            code: StatusCode::Success,
            received: self.now,
            completed: None,
            scheduled_end: None,
            refunded: 0,
            fee_returned: 0,
            marketplace_fee_returned: 0,
            open: 0,
        }
    }

    /// Executes a request.
    pub(crate) fn execute(&mut self, request: &Request) -> ActionResult {
        let Request { party, reference, action } = request;
        self.execute_without_reference(*party, reference, action)
            .unwrap_or_else(|| self.execute_idempotent(*party, reference, action))
    }

    /// A repetition within seven days gets the same result, and a different request under the same reference an error.
    fn execute_idempotent(&mut self, party: Party, reference: &str, action: &Action) -> ActionResult {
        let key = (party, action.name(), reference.to_owned());
        if let Some(used) = self.stored_results.get(&key).filter(|used| self.now - used.at < 7 * DAY) {
            let same = used.action == *action;
            return if same { used.answer.clone() } else { ActionResult::Refused("DuplicateRequest") };
        }
        let answer = match self.decide(party, reference, action) {
            Ok(transaction) => {
                let status = transaction.status;
                self.transactions.push(transaction);
                ActionResult::Receipt { transaction: self.transactions.len() - 1, status }
            }
            Err(code) => ActionResult::Refused(code),
        };
        if answer != ActionResult::Refused("InvalidParams") {
            let stored_results =
                StoredResult { action: action.clone(), answer: answer.clone(), at: self.now };
            self.stored_results.insert(key, stored_results);
        }
        answer
    }

    /// Executes an action that creates a transaction under a caller reference.
    fn decide(&mut self, party: Party, reference: &str, action: &Action) -> ModelResult<Transaction> {
        let units = |cents: Option<i64>| cents.map(|cents| cents * CENT);
        match *action {
            Action::Pay(ref payment) => self.pay_or_reserve(TransactionType::Pay, party, reference, payment),
            Action::Reserve(ref payment) => {
                self.pay_or_reserve(TransactionType::Reserve, party, reference, payment)
            }
            Action::Refund { of, cents, policy } => self.refund(party, reference, of, units(cents), policy),
            Action::FundPrepaid { token, instrument, cents, timeout_minutes } => {
                self.fund_prepaid(party, reference, (token, instrument), cents * CENT, timeout_minutes)
            }
            Action::SettleDebt { token, instrument, cents, timeout_minutes } => {
                self.settle_debt(party, reference, (token, instrument), units(cents), timeout_minutes)
            }
            Action::WriteOff { instrument, cents } => {
                self.write_off(party, reference, instrument, cents * CENT)
            }
            Action::CancelSubscription { subscription, refund_cents: Some(cents) } => {
                self.cancel_subscription_and_refund(party, reference, subscription, cents * CENT)
            }
            _ => unreachable!("{action:?} makes no transaction"),
        }
    }

    /// Executes an action without a caller reference; returns `None` for other actions.
    fn execute_without_reference(
        &mut self,
        party: Party,
        reference: &str,
        action: &Action,
    ) -> Option<ActionResult> {
        let answer = match *action {
            Action::Settle { reservation, cents } => {
                self.settle(party, reservation, cents.map(|cents| cents * CENT))
            }
            Action::Cancel { transaction } => self.cancel(party, transaction),
            Action::CancelSubscription { subscription, refund_cents: None } => {
                self.cancel_subscription(party, subscription).map(|_| ActionResult::Done)
            }
            Action::CancelToken { token } => self.cancel_token(party, token),
            Action::Install { text, single_use } => self.install(party, reference, text, single_use),
            Action::Edit { token, visitor, offered, chosen } => {
                self.edit(party, token, visitor, offered, chosen)
            }
            Action::DebtBalance { .. }
            | Action::PrepaidBalance { .. }
            | Action::OutstandingDebt
            | Action::PrepaidLiability
            | Action::AccountBalance
            | Action::TokenUsage { .. }
            | Action::State { .. }
            | Action::Detail { .. } => self.query(party, action),
            Action::Pay(_)
            | Action::Reserve(_)
            | Action::Refund { .. }
            | Action::FundPrepaid { .. }
            | Action::SettleDebt { .. }
            | Action::WriteOff { .. }
            | Action::CancelSubscription { refund_cents: Some(_), .. } => return None,
        };
        Some(answer.unwrap_or_else(ActionResult::Refused))
    }

    /// Finds a transaction for one of its parties. For others it does not exist.
    fn find_visible(&self, party: Party, of: Selector) -> ModelResult<usize> {
        let (index, found) = select(&self.transactions, of, "InvalidTransactionId")?;
        if [found.caller, found.sender, found.recipient].contains(&party) {
            Ok(index)
        } else {
            Err("InvalidTransactionId")
        }
    }

    /// Finds a transaction for its caller, who may change it.
    fn find_own(&self, party: Party, of: Selector) -> ModelResult<usize> {
        let index = self.find_visible(party, of)?;
        if self.transactions[index].caller != party {
            return Err("InvalidTransactionId");
        }
        check_caller_state(party)?;
        Ok(index)
    }

    fn check_instrument_expiry(&self, instrument: &Instrument) -> ModelResult<()> {
        let ended = instrument.expires_day.is_some_and(|day| self.now >= START + day * DAY);
        if ended { Err("InstrumentExpired") } else { Ok(()) }
    }
}

fn check_caller_state(caller: Party) -> ModelResult<()> {
    if caller.is_suspended() { Err("InvalidAccountState_Caller") } else { Ok(()) }
}

/// Checks the states of the accounts, and that sender and recipient are different.
fn check_role(caller: Party, sender: Party, recipient: Party) -> ModelResult<()> {
    if sender == recipient {
        return Err("SameSenderAndRecipient");
    }
    check_caller_state(caller)?;
    if sender.is_suspended() {
        return Err("InvalidAccountState_Sender");
    }
    if recipient.is_suspended() { Err("InvalidAccountState_Recipient") } else { Ok(()) }
}

/// Checks that the sender has the payment method and the recipient accepts it.
fn check_recipient_method(sender: Party, recipient: Party, method: PaymentMethod) -> ModelResult<()> {
    let of_an_account = is_external(method) || method == PaymentMethod::ABT;
    if of_an_account && !sender.methods().contains(&method) {
        return Err("InvalidPaymentMethod");
    }
    let card_to_person = recipient.is_personal() && method == PaymentMethod::CC;
    if card_to_person { Err("InvalidRecipientForCCTransaction") } else { Ok(()) }
}

/// Checks the transaction limits of both accounts.
fn check_account_limits(sender: Party, recipient: Party, amount: i64) -> ModelResult<()> {
    let exceeds = |party: &Party| party.limit_cents().is_some_and(|max| amount > max * CENT);
    if [sender, recipient].iter().any(exceeds) { Err("AccountLimitsExceeded") } else { Ok(()) }
}

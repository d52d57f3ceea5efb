//! The model: the rules of the service in the plainest words that can be run, written from its description and
//! not from the ledger. Money is in hundredths of a cent, because one fee is a quarter of a cent.

mod instruments;
mod look_ups;
mod money;
mod payments;
mod refunds;
mod tokens;

use std::collections::HashMap;

use fps_sandbox::ledger::{ChargeFeeTo, MarketplaceRefundPolicy, PaymentMethod, Status, StatusCode};

use crate::history::{Answer, Ask, Request, Which};
use crate::world::{Carries, DAY, INSTRUMENTS, Instrument, START, SUBSCRIPTIONS, TOKENS, Who};
use money::Ends;
pub(crate) use tokens::Token;

const CENT: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
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
    pub(crate) kind: Kind,
    caller: Who,
    sender: Who,
    recipient: Who,
    token: Option<usize>,
    recipient_token: Option<usize>,
    instrument: Option<usize>,
    method: PaymentMethod,
    amount: i64,
    /// Of a reservation: how much of it was settled.
    settled: Option<i64>,
    /// FPS's fee, and who pays it.
    fee: i64,
    fee_to: ChargeFeeTo,
    /// The caller's fee from a marketplace payment.
    marketplace_fee: i64,
    reference: String,
    original: Option<usize>,
    pub(crate) status: Status,
    pub(crate) code: StatusCode,
    received: i64,
    completed: Option<i64>,
    /// When it goes on by itself, and how.
    ends: Option<(i64, Ends)>,
    refunded: i64,
    fee_returned: i64,
    own_fee_returned: i64,
    /// Of a debt Pay: what is owed of it.
    open: i64,
}

impl Transaction {
    /// What was asked for, or what was settled of a reservation.
    fn charged(&self) -> i64 {
        self.settled.unwrap_or(self.amount)
    }
}

/// What an instrument carries: debt, or money paid in advance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    pub(crate) available: i64,
    /// Debt that is being settled; money that is on its way.
    pub(crate) pending: i64,
}

#[derive(Clone, Debug)]
struct Subscription {
    is_active: bool,
    payments: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Remembered {
    ask: Ask,
    answer: Answer,
    at: i64,
}

/// Money of each party.
pub(crate) type Money = HashMap<Who, i64>;

pub(crate) struct Model {
    now: i64,
    pub(crate) balances: Money,
    /// On its way to a party by card or bank.
    pub(crate) incoming: Money,
    /// On its way from a party to a card.
    pub(crate) outgoing: Money,
    /// Held by cards for a party.
    pub(crate) reserved: Money,
    pub(crate) carried: Vec<Carried>,
    pub(crate) fees: i64,
    pub(crate) written_off: Money,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) tokens: Vec<Token>,
    uses: Vec<tokens::TokenUse>,
    subscriptions: Vec<Subscription>,
    remembered: HashMap<(Who, &'static str, String), Remembered>,
}

type Decided<T> = Result<T, &'static str>;

/// `numerator / denominator`, rounded half up.
fn round(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

fn is_external(method: PaymentMethod) -> bool {
    matches!(method, PaymentMethod::CC | PaymentMethod::ACH)
}

fn known<'a, T>(list: &'a [T], which: Which, unknown: &'static str) -> Decided<(usize, &'a T)> {
    match which {
        Which::Known(place) => Ok((place, &list[place])),
        Which::Unknown => Err(unknown),
        Which::Likely(_) | Which::Malformed => Err("InvalidParams"),
    }
}

impl Model {
    /// Everybody with his opening balance.
    pub(crate) fn new() -> Self {
        let mut model = Self {
            now: START,
            balances: Money::new(),
            incoming: Money::new(),
            outgoing: Money::new(),
            reserved: Money::new(),
            carried: vec![Carried::default(); INSTRUMENTS.len()],
            fees: 0,
            written_off: Money::new(),
            transactions: Vec::new(),
            tokens: TOKENS.iter().cloned().map(Token::from).collect(),
            uses: Vec::new(),
            subscriptions: Vec::new(),
            remembered: HashMap::new(),
        };
        for who in Who::ALL {
            let amount = who.opening_cents() * CENT;
            let reference = format!("opening balance of {who:?}");
            let opening = Transaction {
                completed: Some(START),
                method: PaymentMethod::ACH,
                ..model.draft(Kind::Deposit, who, &reference, amount)
            };
            model.transactions.push(opening);
            model.balances.insert(who, amount);
        }
        model
    }

    /// Begins the subscriptions with their payments, which were made one after the other.
    pub(crate) fn add_subscriptions(&mut self, payments: &[usize]) {
        let mut payments = payments.iter().copied();
        for known in SUBSCRIPTIONS {
            let payments = payments.by_ref().take(known.payments.len()).collect();
            self.subscriptions.push(Subscription { is_active: true, payments });
        }
    }

    /// The same request with everything that it names by its place.
    pub(crate) fn named(&self, mut ask: Ask) -> Ask {
        if let Some(which) = ask.transaction().copied() {
            let place = match which {
                Which::Known(back) => Which::Known(self.counted_back(back, |_| true)),
                Which::Likely(back) => Which::Known(self.likely(&ask, back)),
                Which::Unknown | Which::Malformed => which,
            };
            ask.transaction().into_iter().for_each(|which| *which = place);
        }
        let tokens = self.tokens.len();
        for which in ask.tokens() {
            if let Which::Likely(back) = *which {
                *which = Which::Known(tokens - 1 - back % tokens);
            }
        }
        ask
    }

    /// A transaction for which what is asked may succeed, or else one of the right kind.
    fn likely(&self, ask: &Ask, back: usize) -> usize {
        match ask {
            Ask::Settle { .. } if self.transactions.iter().any(|made| made.status == Status::Reserved) => {
                self.counted_back(back, |made| made.status == Status::Reserved)
            }
            Ask::Settle { .. } => self.counted_back(back, |made| made.kind == Kind::Reserve),
            Ask::Cancel { .. } => {
                self.counted_back(back, |made| matches!(made.status, Status::Pending | Status::Reserved))
            }
            Ask::Refund { policy, .. }
                if *policy != MarketplaceRefundPolicy::MasterTxnOnly
                    && self.transactions.iter().any(|made| made.marketplace_fee > 0) =>
            {
                self.counted_back(back, |made| made.marketplace_fee > 0 && made.status == Status::Success)
            }
            Ask::Refund { .. } => self.counted_back(back, |made| {
                matches!(made.kind, Kind::Pay | Kind::Reserve) && made.status == Status::Success
            }),
            _ => self.counted_back(back, |_| true),
        }
    }

    /// A transaction counted back from the newest that suits; any, when none does.
    fn counted_back(&self, back: usize, suits: impl Fn(&Transaction) -> bool) -> usize {
        let all = 0..self.transactions.len();
        let suiting: Vec<_> = all.clone().filter(|place| suits(&self.transactions[*place])).collect();
        let places = if suiting.is_empty() { all.collect() } else { suiting };
        places[places.len() - 1 - back % places.len()]
    }

    /// Whoever is entitled to what is asked.
    pub(crate) fn entitled(&self, ask: &Ask) -> Who {
        let mut ask = ask.clone();
        if let Some(Which::Known(place)) = ask.transaction() {
            return self.transactions[*place].caller;
        }
        if let Some(Which::Known(place)) = ask.tokens().first() {
            return self.tokens[*place].rules.caller;
        }
        match ask {
            Ask::WriteOff { instrument: Which::Known(place), .. }
            | Ask::DebtBalance { instrument: Which::Known(place) }
            | Ask::PrepaidBalance { instrument: Which::Known(place) } => INSTRUMENTS[place].recipient,
            Ask::CancelSubscription { subscription: Which::Known(place), .. } => {
                SUBSCRIPTIONS[place].recipient
            }
            Ask::Install { .. } => Who::Market,
            _ => Who::Shop,
        }
    }

    /// What histories should come upon besides answers.
    pub(crate) fn marks(&self) -> Vec<&'static str> {
        let lapsed =
            |made: &Transaction| (made.status, made.code) == (Status::Cancelled, StatusCode::Expired);
        let overfull = |(one, carried): (&Instrument, &Carried)| {
            one.carries == Carries::Prepaid && carried.available + carried.pending > one.most_cents * CENT
        };
        let own_fee_in_parts = |place: usize| {
            let marketplace_fee_back =
                |made: &&Transaction| made.original == Some(place) && made.marketplace_fee < 0;
            self.transactions.iter().filter(marketplace_fee_back).count() > 1
        };
        let mut marks = Vec::new();
        marks.extend((0..self.transactions.len()).any(own_fee_in_parts).then_some("OwnFeeReturnedInParts"));
        marks.extend(self.transactions.iter().any(lapsed).then_some("Lapsed"));
        marks.extend(INSTRUMENTS.iter().zip(&self.carried).any(overfull).then_some("AboveRechargeLimit"));
        marks
    }

    /// A transaction of somebody with himself, done and free.
    fn draft(&self, kind: Kind, who: Who, reference: &str, amount: i64) -> Transaction {
        Transaction {
            kind,
            caller: who,
            sender: who,
            recipient: who,
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
            ends: None,
            refunded: 0,
            fee_returned: 0,
            own_fee_returned: 0,
            open: 0,
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        let Request { who, reference, ask } = request;
        self.done_without_reference(*who, reference, ask)
            .unwrap_or_else(|| self.answer_once(*who, reference, ask))
    }

    /// The same request again within seven days has the same answer; another one under its reference is refused.
    fn answer_once(&mut self, who: Who, reference: &str, ask: &Ask) -> Answer {
        let key = (who, ask.action(), reference.to_owned());
        if let Some(used) = self.remembered.get(&key).filter(|used| self.now - used.at < 7 * DAY) {
            let same = used.ask == *ask;
            return if same { used.answer.clone() } else { Answer::Refused("DuplicateRequest") };
        }
        let answer = match self.decide(who, reference, ask) {
            Ok(made) => {
                let status = made.status;
                self.transactions.push(made);
                Answer::Receipt { transaction: self.transactions.len() - 1, status }
            }
            Err(code) => Answer::Refused(code),
        };
        if answer != Answer::Refused("InvalidParams") {
            let remembered = Remembered { ask: ask.clone(), answer: answer.clone(), at: self.now };
            self.remembered.insert(key, remembered);
        }
        answer
    }

    /// What makes a transaction, under a caller reference.
    fn decide(&mut self, who: Who, reference: &str, ask: &Ask) -> Decided<Transaction> {
        let units = |cents: Option<i64>| cents.map(|cents| cents * CENT);
        match *ask {
            Ask::Pay(ref payment) => self.pay_or_reserve(Kind::Pay, who, reference, payment),
            Ask::Reserve(ref payment) => self.pay_or_reserve(Kind::Reserve, who, reference, payment),
            Ask::Refund { of, cents, policy } => self.refund(who, reference, of, units(cents), policy),
            Ask::FundPrepaid { token, instrument, cents, timeout_minutes } => {
                self.fund_prepaid(who, reference, (token, instrument), cents * CENT, timeout_minutes)
            }
            Ask::SettleDebt { token, instrument, cents, timeout_minutes } => {
                self.settle_debt(who, reference, (token, instrument), units(cents), timeout_minutes)
            }
            Ask::WriteOff { instrument, cents } => self.write_off(who, reference, instrument, cents * CENT),
            Ask::CancelSubscription { subscription, refund_cents: Some(cents) } => {
                self.cancel_subscription_and_refund(who, reference, subscription, cents * CENT)
            }
            _ => unreachable!("{ask:?} makes no transaction"),
        }
    }

    /// What makes no transaction; none for anything else.
    fn done_without_reference(&mut self, who: Who, reference: &str, ask: &Ask) -> Option<Answer> {
        let answer = match *ask {
            Ask::Settle { reservation, cents } => {
                self.settle(who, reservation, cents.map(|cents| cents * CENT))
            }
            Ask::Cancel { transaction } => self.cancel(who, transaction),
            Ask::CancelSubscription { subscription, refund_cents: None } => {
                self.cancel_subscription(who, subscription).map(|_| Answer::Done)
            }
            Ask::CancelToken { token } => self.cancel_token(who, token),
            Ask::Install { text, single_use } => self.install(who, reference, text, single_use),
            Ask::Edit { token, visitor, offered, chosen } => self.edit(who, token, visitor, offered, chosen),
            Ask::DebtBalance { .. }
            | Ask::PrepaidBalance { .. }
            | Ask::OutstandingDebt
            | Ask::PrepaidLiability
            | Ask::AccountBalance
            | Ask::TokenUsage { .. }
            | Ask::State { .. }
            | Ask::Detail { .. } => self.look_up(who, ask),
            Ask::Pay(_)
            | Ask::Reserve(_)
            | Ask::Refund { .. }
            | Ask::FundPrepaid { .. }
            | Ask::SettleDebt { .. }
            | Ask::WriteOff { .. }
            | Ask::CancelSubscription { refund_cents: Some(_), .. } => return None,
        };
        Some(answer.unwrap_or_else(Answer::Refused))
    }

    /// The parties of a transaction may see it; to others it does not exist.
    fn seen_by(&self, who: Who, of: Which) -> Decided<usize> {
        let (place, found) = known(&self.transactions, of, "InvalidTransactionId")?;
        if [found.caller, found.sender, found.recipient].contains(&who) {
            Ok(place)
        } else {
            Err("InvalidTransactionId")
        }
    }

    /// Only its caller may change a transaction.
    fn own(&self, who: Who, of: Which) -> Decided<usize> {
        let place = self.seen_by(who, of)?;
        if self.transactions[place].caller != who {
            return Err("InvalidTransactionId");
        }
        takes_part(who)?;
        Ok(place)
    }

    fn is_alive(&self, instrument: &Instrument) -> Decided<()> {
        let ended = instrument.expires_day.is_some_and(|day| self.now >= START + day * DAY);
        if ended { Err("InstrumentExpired") } else { Ok(()) }
    }
}

fn takes_part(caller: Who) -> Decided<()> {
    if caller.is_suspended() { Err("InvalidAccountState_Caller") } else { Ok(()) }
}

/// Whether these may deal with each other.
fn check_role(caller: Who, sender: Who, recipient: Who) -> Decided<()> {
    if sender == recipient {
        return Err("SameSenderAndRecipient");
    }
    takes_part(caller)?;
    if sender.is_suspended() {
        return Err("InvalidAccountState_Sender");
    }
    if recipient.is_suspended() { Err("InvalidAccountState_Recipient") } else { Ok(()) }
}

/// Whether the sender can pay so, and the recipient take it.
fn check_recipient_method(sender: Who, recipient: Who, method: PaymentMethod) -> Decided<()> {
    let of_an_account = is_external(method) || method == PaymentMethod::ABT;
    if of_an_account && !sender.methods().contains(&method) {
        return Err("InvalidPaymentMethod");
    }
    let card_to_person = recipient.is_personal() && method == PaymentMethod::CC;
    if card_to_person { Err("InvalidRecipientForCCTransaction") } else { Ok(()) }
}

/// Whether the limits of both accounts allow a transaction of this amount.
fn within_account_limits(sender: Who, recipient: Who, amount: i64) -> Decided<()> {
    let exceeds = |who: &Who| who.limit_cents().is_some_and(|most| amount > most * CENT);
    if [sender, recipient].iter().any(exceeds) { Err("AccountLimitsExceeded") } else { Ok(()) }
}

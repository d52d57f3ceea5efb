//! The model: the rules of the service in the plainest words that can be run, written from its description and
//! not from the ledger. Money is in hundredths of a cent, because one fee is a quarter of a cent.

use std::collections::HashMap;

use fps_sandbox::ledger::{PaymentMethod, Status, StatusCode};

use crate::history::{
    ACH_DELAY, Answer, Ask, CC_DELAY, DAY, Daily, Detail, INSTRUMENTS, Instrument, LARGEST, MALFORMED,
    MINUTE, Request, START, TOKENS, Token, UNKNOWN, Use, Which, Who,
};

const CENT: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deposit,
    Pay,
    Refund,
    Settle,
    WriteOff,
}

#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) kind: Kind,
    pub(crate) caller: Who,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    pub(crate) token: Option<usize>,
    pub(crate) instrument: Option<usize>,
    pub(crate) method: PaymentMethod,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) reference: String,
    pub(crate) original: Option<usize>,
    pub(crate) status: Status,
    pub(crate) received: i64,
    pub(crate) completed: Option<i64>,
    /// When it ends, and whether well.
    ends: Option<(i64, bool)>,
    refunded: i64,
    fee_returned: i64,
    /// Of a debt Pay: what is owed of it.
    pub(crate) open: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Debt {
    pub(crate) available: i64,
    pub(crate) pending: i64,
}

#[derive(Clone, Debug)]
struct Remembered {
    ask: Ask,
    answer: Answer,
    at: i64,
}

#[derive(Clone, Copy, Debug)]
struct TokenUse {
    token: usize,
    at: i64,
    amount: i64,
    by: usize,
}

pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) balances: HashMap<Who, i64>,
    pub(crate) debts: Vec<Debt>,
    pub(crate) fees: i64,
    pub(crate) written_off: HashMap<Who, i64>,
    pub(crate) transactions: Vec<Transaction>,
    uses: Vec<TokenUse>,
    remembered: HashMap<(Who, &'static str, String), Remembered>,
}

type Decided<T> = Result<T, &'static str>;

fn external(method: PaymentMethod) -> bool {
    matches!(method, PaymentMethod::CC | PaymentMethod::ACH)
}

/// `numerator / denominator`, rounded half up.
fn round(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

/// The fee, by the price list.
pub(crate) fn fee(kind: Kind, method: PaymentMethod, amount: i64) -> i64 {
    let cents = amount / CENT;
    let fee = match method {
        PaymentMethod::Debt | PaymentMethod::Prepaid => 0,
        PaymentMethod::ABT if cents < 5 => (amount / 5).max(25),
        PaymentMethod::ABT => CENT * round(cents * 15 + 1_000, 1_000),
        PaymentMethod::ACH => CENT * round(cents * 2 + 500, 100),
        PaymentMethod::CC if cents < 1_000 => CENT * round(cents * 5 + 500, 100),
        PaymentMethod::CC if kind == Kind::Settle => CENT * round(cents * 275 + 25_000, 10_000),
        PaymentMethod::CC => CENT * round(cents * 29 + 30_000, 1_000),
    };
    fee.min(amount)
}

fn in_range(amount: i64, method: PaymentMethod) -> Decided<()> {
    let least = if external(method) { 2 * CENT } else { CENT };
    if (least..=LARGEST * CENT).contains(&amount) { Ok(()) } else { Err("AmountOutOfRange") }
}

fn known<'a, T>(list: &'a [T], which: Which, unknown: &'static str) -> Decided<(usize, &'a T)> {
    match which {
        Which::Known(place) => Ok((place, &list[place])),
        Which::Unknown => Err(unknown),
        Which::Malformed => Err("InvalidParams"),
    }
}

/// The wire id of what is named.
pub(crate) fn token_id(which: Which) -> &'static str {
    match which {
        Which::Known(place) => TOKENS[place].id,
        Which::Unknown => UNKNOWN,
        Which::Malformed => MALFORMED,
    }
}

/// The wire id of what is named.
pub(crate) fn instrument_id(which: Which) -> &'static str {
    match which {
        Which::Known(place) => INSTRUMENTS[place].id,
        Which::Unknown => UNKNOWN,
        Which::Malformed => MALFORMED,
    }
}

impl Model {
    pub(crate) fn new() -> Self {
        let mut model = Self {
            now: START,
            balances: HashMap::new(),
            debts: vec![Debt::default(); INSTRUMENTS.len()],
            fees: 0,
            written_off: HashMap::new(),
            transactions: Vec::new(),
            uses: Vec::new(),
            remembered: HashMap::new(),
        };
        for who in Who::ALL {
            let amount = who.opening_cents() * CENT;
            let reference = format!("opening balance of {who:?}");
            let opening =
                Transaction { completed: Some(START), ..model.draft(Kind::Deposit, who, &reference, amount) };
            model.transactions.push(Transaction { method: PaymentMethod::ACH, ..opening });
            model.balances.insert(who, amount);
        }
        model
    }

    /// Whoever is entitled to what is asked.
    pub(crate) fn entitled(&self, ask: &Ask) -> Who {
        match *ask {
            Ask::Pay { token: Which::Known(place), .. } | Ask::Settle { token: Which::Known(place), .. } => {
                TOKENS[place].caller
            }
            Ask::WriteOff { instrument: Which::Known(place), .. }
            | Ask::DebtBalance { instrument: Which::Known(place) } => INSTRUMENTS[place].recipient,
            Ask::Refund { of: Which::Known(place), .. }
            | Ask::State { of: Which::Known(place) }
            | Ask::Detail { of: Which::Known(place) } => self.transactions[place].caller,
            _ => Who::Shop,
        }
    }

    fn draft(&self, kind: Kind, who: Who, reference: &str, amount: i64) -> Transaction {
        Transaction {
            kind,
            caller: who,
            sender: who,
            recipient: who,
            token: None,
            instrument: None,
            method: PaymentMethod::Debt,
            amount,
            fee: 0,
            reference: reference.to_owned(),
            original: None,
            status: Status::Success,
            received: self.now,
            completed: None,
            ends: None,
            refunded: 0,
            fee_returned: 0,
            open: 0,
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Request) -> Answer {
        let Request { who, reference, ask } = request;
        let decided = match *ask {
            Ask::DebtBalance { instrument } => {
                return self.debt_balance(*who, instrument).unwrap_or_else(Answer::Refused);
            }
            Ask::State { of } => return self.state(*who, of).unwrap_or_else(Answer::Refused),
            Ask::Detail { of } => return self.detail(*who, of).unwrap_or_else(Answer::Refused),
            _ => {
                let key = (*who, ask.action(), reference.clone());
                if let Some(used) = self.remembered.get(&key).filter(|used| self.now - used.at < 7 * DAY) {
                    let same = used.ask == *ask;
                    return if same { used.answer.clone() } else { Answer::Refused("DuplicateRequest") };
                }
                self.decide(*who, reference, ask)
            }
        };
        let answer = match decided {
            Ok(made) => {
                let status = made.status;
                self.transactions.push(made);
                Answer::Receipt { transaction: self.transactions.len() - 1, status }
            }
            Err(code) => Answer::Refused(code),
        };
        if answer != Answer::Refused("InvalidParams") {
            let remembered = Remembered { ask: ask.clone(), answer: answer.clone(), at: self.now };
            self.remembered.insert((*who, ask.action(), reference.clone()), remembered);
        }
        answer
    }

    fn decide(&mut self, who: Who, reference: &str, ask: &Ask) -> Decided<Transaction> {
        match *ask {
            Ask::Pay { token, cents, timeout_minutes } => {
                self.pay(who, reference, token, cents * CENT, timeout_minutes)
            }
            Ask::Refund { of, cents } => self.refund(who, reference, of, cents.map(|cents| cents * CENT)),
            Ask::Settle { token, instrument, cents, timeout_minutes } => self.settle(
                who,
                reference,
                token,
                instrument,
                cents.map(|cents| cents * CENT),
                timeout_minutes,
            ),
            Ask::WriteOff { instrument, cents } => self.write_off(who, reference, instrument, cents * CENT),
            Ask::DebtBalance { .. } | Ask::State { .. } | Ask::Detail { .. } => {
                unreachable!("look-ups decide nothing")
            }
        }
    }

    fn pay(
        &mut self,
        who: Who,
        reference: &str,
        token: Which,
        amount: i64,
        timeout: i64,
    ) -> Decided<Transaction> {
        let (place, token) = usable_by(who, token)?;
        parties(who, token)?;
        is_not_cancelled(token)?;
        let (method, instrument) = match token.purpose {
            Use::Settles(..) => return Err("IncompatibleTokens"),
            Use::Charges(instrument) => (PaymentMethod::Debt, Some(instrument)),
            Use::Pays(method) => (method, None),
        };
        if let Some(instrument) = instrument {
            self.instrument_is_alive(&INSTRUMENTS[instrument])?;
        }
        self.is_in_force(token)?;
        takes(who, method)?;
        self.within_limits(place, amount)?;
        in_range(amount, method)?;
        let (least, most) = token.charge_cents;
        if amount < least * CENT || amount / CENT > most {
            return Err("IncompatibleTokens");
        }
        let enough = match instrument {
            Some(place) => {
                let Debt { available, pending } = self.debts[place];
                available + pending + amount <= INSTRUMENTS[place].limit_cents * CENT
            }
            None => external(method) || self.balances[&token.sender] >= amount,
        };
        if !enough {
            return Err("InsufficientBalance");
        }
        let mut made = Transaction {
            sender: token.sender,
            token: Some(place),
            instrument,
            method,
            fee: fee(Kind::Pay, method, amount),
            ..self.draft(Kind::Pay, who, reference, amount)
        };
        self.use_token(place, amount);
        if let Some(place) = instrument {
            self.debts[place].available += amount;
            made.open = amount;
            made.completed = Some(self.now);
        } else {
            self.start(&mut made, Some(timeout));
        }
        Ok(made)
    }

    fn settle(
        &mut self,
        who: Who,
        reference: &str,
        token: Which,
        instrument: Which,
        amount: Option<i64>,
        timeout: i64,
    ) -> Decided<Transaction> {
        let (place, token) = usable_by(who, token)?;
        let (on, instrument) = owned_by(who, instrument)?;
        parties(who, token)?;
        is_not_cancelled(token)?;
        self.instrument_is_alive(instrument)?;
        self.is_in_force(token)?;
        let Use::Settles(settles, method) = token.purpose else { return Err("IncompatibleTokens") };
        if settles != on {
            return Err("IncompatibleTokens");
        }
        takes(who, method)?;
        let owed = self.debts[on].available;
        let amount = amount.unwrap_or(owed);
        self.within_limits(place, amount)?;
        if amount > owed || owed == 0 {
            return Err("SettleAmountGreaterThanDebt");
        }
        in_range(amount, method)?;
        if method == PaymentMethod::ABT && self.balances[&token.sender] < amount {
            return Err("InsufficientBalance");
        }
        let mut made = Transaction {
            sender: token.sender,
            token: Some(place),
            instrument: Some(on),
            method,
            fee: fee(Kind::Settle, method, amount),
            ..self.draft(Kind::Settle, who, reference, amount)
        };
        self.use_token(place, amount);
        self.debts[on].available -= amount;
        self.debts[on].pending += amount;
        self.start(&mut made, Some(timeout));
        Ok(made)
    }

    fn write_off(
        &mut self,
        who: Who,
        reference: &str,
        instrument: Which,
        amount: i64,
    ) -> Decided<Transaction> {
        let (on, instrument) = owned_by(who, instrument)?;
        takes_part(who)?;
        if amount > self.debts[on].available {
            return Err("SettleAmountGreaterThanDebt");
        }
        in_range(amount, PaymentMethod::Debt)?;
        self.debts[on].available -= amount;
        self.clear_oldest(on, amount);
        *self.written_off.entry(who).or_default() += amount;
        Ok(Transaction {
            sender: instrument.sender,
            instrument: Some(on),
            completed: Some(self.now),
            ..self.draft(Kind::WriteOff, who, reference, amount)
        })
    }

    fn refund(&mut self, who: Who, reference: &str, of: Which, amount: Option<i64>) -> Decided<Transaction> {
        let place = self.seen_by(who, of)?;
        let original = &self.transactions[place];
        if original.caller != who {
            return Err("InvalidTransactionId");
        }
        takes_part(who)?;
        if original.kind != Kind::Pay {
            return Err("TransactionTypeNotRefundable");
        }
        match original.status {
            Status::Success => {}
            Status::Pending => return Err("OriginalTransactionIncomplete"),
            _ => return Err("OriginalTransactionFailed"),
        }
        if original.refunded == original.amount {
            return Err("TransactionFullyRefundedAlready");
        }
        // Of a debt Pay what is open and not being settled; of any other what is left.
        let left = match original.instrument {
            Some(on) => original.open.min(self.debts[on].available),
            None => original.amount - original.refunded,
        };
        if left == 0 {
            return Err("TransactionTypeNotRefundable");
        }
        let amount = amount.unwrap_or(left);
        if amount > left {
            return Err("RefundAmountExceeded");
        }
        in_range(amount, PaymentMethod::ABT)?;
        let refunded = original.refunded + amount;
        let due_back = if refunded == original.amount {
            original.fee
        } else {
            (CENT * round(original.fee * refunded, original.amount * CENT)).min(original.fee)
        };
        let fee_back = due_back - original.fee_returned;
        let mut made = Transaction {
            sender: original.recipient,
            recipient: original.sender,
            instrument: original.instrument,
            method: original.method,
            fee: -fee_back,
            original: Some(place),
            ..self.draft(Kind::Refund, who, reference, amount)
        };
        if let Some(on) = made.instrument {
            self.debts[on].available -= amount;
            self.transactions[place].open -= amount;
            made.completed = Some(self.now);
        } else {
            if self.balances[&who] < amount - fee_back {
                return Err("InsufficientBalance");
            }
            self.start(&mut made, None);
        }
        let original = &mut self.transactions[place];
        original.refunded = refunded;
        original.fee_returned = due_back;
        Ok(made)
    }

    /// Money moves: at once inside FPS, later by card and bank. A refund of a bank payment goes to the balance.
    fn start(&mut self, made: &mut Transaction, timeout_minutes: Option<i64>) {
        let takes = match made.method {
            PaymentMethod::CC => Some(CC_DELAY),
            PaymentMethod::ACH if made.kind != Kind::Refund => Some(ACH_DELAY),
            _ => None,
        };
        if made.kind == Kind::Refund {
            self.pay_out(made.sender, made.amount + made.fee);
            self.fees += made.fee;
        }
        let Some(takes) = takes else {
            made.completed = Some(self.now);
            self.complete(made);
            return;
        };
        let timeout = timeout_minutes.map_or(i64::MAX, |minutes| minutes * MINUTE);
        made.status = Status::Pending;
        made.ends = Some((self.now + takes.min(timeout), takes <= timeout));
    }

    fn complete(&mut self, made: &Transaction) {
        if made.kind == Kind::Refund {
            if made.method != PaymentMethod::CC {
                *self.balances.entry(made.recipient).or_default() += made.amount;
            }
            return;
        }
        if made.method == PaymentMethod::ABT {
            self.pay_out(made.sender, made.amount);
        }
        *self.balances.entry(made.recipient).or_default() += made.amount - made.fee;
        self.fees += made.fee;
        if let Some(on) = made.instrument {
            self.debts[on].pending -= made.amount;
            self.clear_oldest(on, made.amount);
        }
    }

    fn pay_out(&mut self, who: Who, amount: i64) {
        *self.balances.entry(who).or_default() -= amount;
    }

    /// Settlements and write-offs clear the oldest debt first.
    fn clear_oldest(&mut self, on: usize, mut amount: i64) {
        for pay in
            self.transactions.iter_mut().filter(|made| made.kind == Kind::Pay && made.instrument == Some(on))
        {
            let cleared = pay.open.min(amount);
            pay.open -= cleared;
            amount -= cleared;
        }
        assert_eq!(amount, 0, "more was cleared than was open");
    }

    /// Time passes, and what ends meanwhile ends, the earliest first.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now += millis;
        let mut ending: Vec<_> = (0..self.transactions.len())
            .filter_map(|place| self.transactions[place].ends.map(|(at, well)| (at, place, well)))
            .filter(|(at, ..)| *at <= self.now)
            .collect();
        ending.sort_unstable();
        for (at, place, well) in ending {
            let mut made = self.transactions[place].clone();
            made.ends = None;
            made.completed = Some(at);
            made.status = if well { Status::Success } else { Status::Failure };
            if well {
                self.complete(&made);
            } else {
                if let (Kind::Settle, Some(on)) = (made.kind, made.instrument) {
                    self.debts[on].pending -= made.amount;
                    self.debts[on].available += made.amount;
                }
                self.uses.retain(|used| used.by != place);
            }
            self.transactions[place] = made;
        }
    }

    fn use_token(&mut self, token: usize, amount: i64) {
        self.uses.push(TokenUse { token, at: self.now, amount, by: self.transactions.len() });
    }

    fn within_limits(&self, place: usize, amount: i64) -> Decided<()> {
        let token = &TOKENS[place];
        let uses = || self.uses.iter().filter(|used| used.token == place);
        let day = |at: i64| (at - START) / DAY;
        let today = || uses().filter(|used| day(used.at) == day(self.now));
        let sum = |uses: &mut dyn Iterator<Item = &TokenUse>| uses.map(|used| used.amount).sum::<i64>();
        let spent = token.single_use && uses().count() > 0;
        let over_all = token.global_cents.is_some_and(|most| sum(&mut uses()) + amount > most * CENT);
        let over_day = match token.daily {
            Some(Daily::Cents(most)) => sum(&mut today()) + amount > most * CENT,
            Some(Daily::Times(most)) => today().count() as i64 + 1 > most,
            None => false,
        };
        if spent || over_all || over_day { Err("TokenUsageError") } else { Ok(()) }
    }

    fn is_in_force(&self, token: &Token) -> Decided<()> {
        if self.is_before(token.expires_day) { Ok(()) } else { Err("IncompatibleTokens") }
    }

    fn instrument_is_alive(&self, instrument: &Instrument) -> Decided<()> {
        if self.is_before(instrument.expires_day) { Ok(()) } else { Err("InstrumentExpired") }
    }

    fn is_before(&self, day: Option<i64>) -> bool {
        day.is_none_or(|day| self.now < START + day * DAY)
    }

    fn debt_balance(&self, who: Who, instrument: Which) -> Decided<Answer> {
        let (place, instrument) = known(INSTRUMENTS, instrument, "InvalidPaymentInstrument")?;
        if who != instrument.sender && who != instrument.recipient {
            return Err("InstrumentAccessDenied");
        }
        let Debt { available, pending } = self.debts[place];
        Ok(Answer::Debt { available, pending })
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

    fn state(&self, who: Who, of: Which) -> Decided<Answer> {
        let found = &self.transactions[self.seen_by(who, of)?];
        let code = match found.status {
            Status::Pending => StatusCode::PendingNetworkResponse,
            Status::Failure => StatusCode::Expired,
            _ => StatusCode::Success,
        };
        Ok(Answer::State { status: found.status, code, reference: found.reference.clone() })
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
            fee: found.fee,
            method: found.method,
            status: found.status,
            token: found.token.map(|token| TOKENS[token].id),
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

fn usable_by(who: Who, token: Which) -> Decided<(usize, &'static Token)> {
    let (place, token) = known(TOKENS, token, "InvalidTokenId_Sender")?;
    if token.caller == who { Ok((place, token)) } else { Err("IncompatibleTokens") }
}

fn is_not_cancelled(token: &Token) -> Decided<()> {
    if token.cancelled { Err("TokenNotActive_Sender") } else { Ok(()) }
}

fn owned_by(who: Who, instrument: Which) -> Decided<(usize, &'static Instrument)> {
    let (place, instrument) = known(INSTRUMENTS, instrument, "InvalidPaymentInstrument")?;
    if instrument.recipient == who { Ok((place, instrument)) } else { Err("InstrumentAccessDenied") }
}

fn takes_part(caller: Who) -> Decided<()> {
    if caller.is_suspended() { Err("InvalidAccountState_Caller") } else { Ok(()) }
}

fn parties(caller: Who, token: &Token) -> Decided<()> {
    if token.sender == caller {
        return Err("SameSenderAndRecipient");
    }
    takes_part(caller)?;
    if token.sender.is_suspended() { Err("InvalidAccountState_Sender") } else { Ok(()) }
}

fn takes(recipient: Who, method: PaymentMethod) -> Decided<()> {
    let card_to_person = recipient.is_personal() && method == PaymentMethod::CC;
    if card_to_person { Err("InvalidRecipientForCCTransaction") } else { Ok(()) }
}

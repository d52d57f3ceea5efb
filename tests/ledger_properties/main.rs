//! The ledger against a small model of its rules: random histories of several callers, every answer compared, every
//! invariant looked at after every batch. No database and no server: the book is fed by a store made of maps, which
//! hands it what it asks for and not a row more.
//!
//! `PROPTEST_CASES` raises the number of histories.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "the numbers here are small"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

mod history;
mod model;
mod shelf;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use fps_sandbox::error::FpsError;
use fps_sandbox::ledger::{
    Account, AccountKind, AccountNumber, AccountState, Amount, Book, CarryOut, Command, Context,
    DepositFunds, FeeTable, GetDebtBalance, GetTransaction, GetTransactionStatus, Ids, Instrument,
    InstrumentKind, InstrumentNumber, MarketplaceRefundPolicy, Measure, Needs, Numbering, Once, OwnFee, Pay,
    Payment, PaymentMethod, Period, Purpose, Query, Receipt, Refund, Remarks, RequestDigest, Rules,
    SettleDebt, Timestamp, TokenNumber, TokenType, TransactionId, Unit, Usage, UsageLimit, Validity,
    WriteOffDebt,
};
use fps_sandbox::ledger::{Kind as Account_, LedgerAccount};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use history::{
    Answer, Ask, DAY, Daily, Detail, History, INSTRUMENTS, Request, START, Step, TOKENS, Use, Which, Who,
};
use model::Model;
use shelf::Shelf;

fn cents(cents: i64) -> Amount {
    Amount::from_micros(cents * 10_000)
}

/// In the model's unit, hundredths of a cent.
fn units(amount: Amount) -> i64 {
    assert_eq!(amount.micros() % 100, 0, "{amount} is finer than a hundredth of a cent");
    amount.micros() / 100
}

fn account(who: Who) -> AccountNumber {
    AccountNumber(10 + who as i64)
}

fn who(account: AccountNumber) -> Who {
    Who::ALL[usize::try_from(account.0 - 10).expect("a party")]
}

fn rules() -> Rules {
    Rules {
        fees: FeeTable::new(&FeeTable::default_rules()).expect("the default fees"),
        cc_delay_millis: history::CC_DELAY,
        ach_delay_millis: history::ACH_DELAY,
        max_amount: cents(history::LARGEST),
        magic: false,
    }
}

fn until(day: Option<i64>) -> Validity {
    Validity { from: None, until: day.map(|day| Timestamp::from_millis(START + day * DAY)) }
}

/// A command ready to be decided, whichever it is.
enum Prepared {
    Pay(Once<Pay>),
    Refund(Once<Refund>),
    Settle(Once<SettleDebt>),
    WriteOff(Once<WriteOffDebt>),
    DebtBalance(GetDebtBalance),
    State(GetTransactionStatus),
    Detail(GetTransaction),
}

/// The ledger and all that is around it.
struct Sandbox {
    rules: Rules,
    numbering: Numbering,
    shelf: Shelf,
    book: Book,
    keep_book: bool,
    now: Timestamp,
    /// The ids of all transactions, in the order of the model's.
    ids: Vec<TransactionId>,
}

impl Sandbox {
    fn new(keep_book: bool) -> Self {
        let mut sandbox = Self {
            rules: rules(),
            numbering: Numbering::new(Ids::new(1), 1_000, Timestamp::MIN),
            shelf: Shelf::default(),
            book: Book::default(),
            keep_book,
            now: Timestamp::from_millis(START),
            ids: Vec::new(),
        };
        sandbox.fill();
        sandbox
    }

    fn fill(&mut self) {
        for who in Who::ALL {
            self.book.add_account(Account {
                number: account(who),
                name: format!("{who:?}"),
                email: format!("{who:?}@example.com"),
                kind: if who.is_personal() { AccountKind::Personal } else { AccountKind::Business },
                state: if who.is_suspended() { AccountState::Suspended } else { AccountState::Active },
                marketplace: false,
                methods: Account::METHODS.into(),
                transaction_limit: None,
            });
        }
        for (place, instrument) in (0..).zip(INSTRUMENTS) {
            self.book.add_instrument(Instrument {
                number: InstrumentNumber(100 + place),
                id: instrument.id.into(),
                kind: InstrumentKind::Credit,
                sender: account(instrument.sender),
                recipient: account(instrument.recipient),
                ceiling: cents(instrument.limit_cents),
                validity: until(instrument.expires_day),
                active: true,
            });
        }
        for (place, token) in (0..).zip(TOKENS) {
            self.book.add_token(ledger_token(TokenNumber(200 + place), token));
        }
        let mut context =
            Context { now: self.now, clock_stands: true, rules: &self.rules, numbering: &mut self.numbering };
        for who in Who::ALL {
            let caller = account(who);
            let remarks = named(&format!("opening balance of {who:?}"));
            let deposit = DepositFunds { account: caller, amount: cents(who.opening_cents()), remarks };
            let number = deposit.decide(&mut self.book, &mut context).expect("a deposit");
            self.ids.push(self.book.transaction_row(number).expect("just made").id.clone());
        }
        self.save();
    }

    /// Loads what all commands need, decides one after the other, saves.
    fn run(&mut self, requests: &[Request]) -> Vec<Answer> {
        let commands: Vec<Prepared> = requests.iter().map(|request| self.prepare(request)).collect();
        self.shelf.load(&mut self.book, |needs| commands.iter().for_each(|command| command.needs(needs)));
        let answers = commands.iter().map(|command| self.decide(command)).collect();
        self.save();
        answers
    }

    /// Decides one command, which is asked again what it needs: the ones before it have changed the book.
    fn decide(&mut self, command: &Prepared) -> Answer {
        self.shelf.load(&mut self.book, |needs| command.needs(needs));
        let before = self.book.changes().clone();
        let mut decided;
        loop {
            let mut context = Context {
                now: self.now,
                clock_stands: true,
                rules: &self.rules,
                numbering: &mut self.numbering,
            };
            decided = command.decide(&mut self.book, &mut context, &mut self.ids);
            let Some(missing) = self.book.take_missing() else { break };
            self.shelf.put(&missing, &mut self.book);
        }
        match decided {
            Ok(answer) => answer,
            Err(refusal) => {
                let mut after = self.book.changes().clone();
                after.references.clone_from(&before.references);
                assert_eq!(after, before, "a refused command changes nothing but its reference");
                Answer::Refused(refusal.code.name())
            }
        }
    }

    /// Time passes; what is due is carried out.
    fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
        let due = self.shelf.due_by(self.now);
        self.shelf.load(&mut self.book, |needs| due.iter().for_each(|due| CarryOut(*due).needs(needs)));
        for due in due {
            self.shelf.load(&mut self.book, |needs| CarryOut(due).needs(needs));
            let mut context = Context {
                now: self.now,
                clock_stands: true,
                rules: &self.rules,
                numbering: &mut self.numbering,
            };
            CarryOut(due).decide(&mut self.book, &mut context).expect("due work is never refused");
        }
        self.save();
    }

    fn save(&mut self) {
        assert_eq!(self.book.broken(), None);
        self.shelf.save(&self.book);
        if self.keep_book {
            self.book.saved(8);
        } else {
            self.book = Book::default();
        }
    }

    fn transaction_id(&self, which: Which) -> TransactionId {
        match which {
            Which::Known(place) => self.ids[place].clone(),
            Which::Unknown => "99ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ".into(),
            Which::Malformed => history::MALFORMED.into(),
        }
    }

    fn prepare(&self, request: &Request) -> Prepared {
        let Request { who, reference, ask } = request;
        let caller = account(*who);
        let remarks = named(reference);
        let digest = digest(ask);
        match *ask {
            Ask::Pay { token, cents: amount, timeout_minutes } => {
                let sender_token = model::token_id(token).into();
                let operation = Pay(Payment {
                    caller,
                    sender_token,
                    recipient_token: None,
                    amount: cents(amount),
                    charge_fee_to: None,
                    own_fee: OwnFee::default(),
                    remarks,
                    timeout_minutes,
                });
                Prepared::Pay(Once { operation, digest })
            }
            Ask::Refund { of, cents: amount } => {
                let policy = MarketplaceRefundPolicy::MasterTxnOnly;
                let (original, amount) = (self.transaction_id(of), amount.map(cents));
                let operation = Refund { caller, original, amount, policy, remarks };
                Prepared::Refund(Once { operation, digest })
            }
            Ask::Settle { token, instrument, cents: amount, timeout_minutes } => {
                let (sender_token, instrument) =
                    (model::token_id(token).into(), model::instrument_id(instrument).into());
                let amount = amount.map(cents);
                let operation =
                    SettleDebt { caller, sender_token, instrument, amount, remarks, timeout_minutes };
                Prepared::Settle(Once { operation, digest })
            }
            Ask::WriteOff { instrument, cents: amount } => {
                let instrument = model::instrument_id(instrument).into();
                let operation = WriteOffDebt { caller, instrument, amount: cents(amount), remarks };
                Prepared::WriteOff(Once { operation, digest })
            }
            Ask::DebtBalance { instrument } => Prepared::DebtBalance(GetDebtBalance {
                caller,
                instrument: model::instrument_id(instrument).into(),
            }),
            Ask::State { of } => {
                Prepared::State(GetTransactionStatus { caller, transaction: self.transaction_id(of) })
            }
            Ask::Detail { of } => {
                Prepared::Detail(GetTransaction { caller, transaction: self.transaction_id(of) })
            }
        }
    }
}

fn named(reference: &str) -> Remarks {
    Remarks { caller_reference: reference.to_owned(), ..Remarks::default() }
}

fn digest(ask: &Ask) -> RequestDigest {
    let mut hasher = DefaultHasher::new();
    format!("{ask:?}").hash(&mut hasher);
    u128::from(hasher.finish()).to_be_bytes()
}

fn ledger_token(number: TokenNumber, token: &history::Token) -> fps_sandbox::ledger::Token {
    let (purpose, method, instrument) = match token.purpose {
        Use::Pays(method) => (Purpose::Payment, method, None),
        Use::Charges(place) => (Purpose::Credit, PaymentMethod::Debt, Some(place)),
        Use::Settles(place, method) => (Purpose::Settlement, method, Some(place)),
    };
    let daily = token.daily.map(|daily| {
        let (measure, allowed) = match daily {
            Daily::Cents(most) => (Measure::Amount, cents(most).micros()),
            Daily::Times(most) => (Measure::Count, most),
        };
        UsageLimit { measure, allowed, period: Some(Period { count: 1, unit: Unit::Day }) }
    });
    let (least, most) = token.charge_cents;
    fps_sandbox::ledger::Token {
        number,
        id: token.id.into(),
        account: account(token.sender),
        caller: account(token.caller),
        purpose,
        token_type: if token.single_use { TokenType::SingleUse } else { TokenType::MultiUse },
        active: !token.cancelled,
        method,
        instrument: instrument.map(|place| InstrumentNumber(100 + place as i64)),
        caller_reference: token.id.to_owned(),
        friendly_name: token.id.to_owned(),
        payment_reason: None,
        instruction: None,
        terms: None,
        recipients: Vec::new(),
        installed: Timestamp::from_millis(START),
        validity: until(token.expires_day),
        min_charge: (least > 0).then(|| cents(least)),
        max_charge: (most < i64::MAX).then(|| cents(most)),
        global_limit: token.global_cents.map(cents),
        limits: daily.into_iter().collect(),
        usage: Usage::default(),
    }
}

impl Prepared {
    fn needs(&self, needs: &mut Needs<'_>) {
        match self {
            Self::Pay(command) => command.needs(needs),
            Self::Refund(command) => command.needs(needs),
            Self::Settle(command) => command.needs(needs),
            Self::WriteOff(command) => command.needs(needs),
            Self::DebtBalance(command) => command.needs(needs),
            Self::State(command) => command.needs(needs),
            Self::Detail(command) => command.needs(needs),
        }
    }

    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut Vec<TransactionId>,
    ) -> Result<Answer, FpsError> {
        let mut receipt = |Receipt { transaction, status }| {
            let known = ids.iter().position(|id| *id == transaction);
            let transaction = known.unwrap_or_else(|| {
                ids.push(transaction);
                ids.len() - 1
            });
            Answer::Receipt { transaction, status }
        };
        match self {
            Self::Pay(command) => command.decide(book, context).map(&mut receipt),
            Self::Refund(command) => command.decide(book, context).map(&mut receipt),
            Self::Settle(command) => command.decide(book, context).map(&mut receipt),
            Self::WriteOff(command) => command.decide(book, context).map(&mut receipt),
            Self::DebtBalance(query) => query.answer(book, &context.to_query()).map(|debt| Answer::Debt {
                available: units(debt.available),
                pending: units(debt.pending_out),
            }),
            Self::State(query) => query.answer(book, &context.to_query()).map(|state| Answer::State {
                status: state.stage.status,
                code: state.stage.code,
                reference: state.caller_reference,
            }),
            Self::Detail(query) => {
                query.answer(book, &context.to_query()).map(|detail| detail_of(&detail, ids))
            }
        }
    }
}

fn detail_of(detail: &fps_sandbox::ledger::TransactionDetail, ids: &[TransactionId]) -> Answer {
    let made = &detail.transaction;
    let place = |id: &TransactionId| ids.iter().position(|known| known == id).expect("a known transaction");
    for (party, told) in
        [(made.caller, &detail.caller), (made.sender, &detail.sender), (made.recipient, &detail.recipient)]
    {
        assert_eq!(told.name, format!("{:?}", who(party)), "the name of a party of {made:?}");
    }
    let token = detail.sender_token.as_ref();
    let instrument = detail.instrument.as_ref().map(|(_, id)| id);
    Answer::Detail(Detail {
        caller: who(made.caller),
        sender: who(made.sender),
        recipient: who(made.recipient),
        amount: units(made.amount),
        fee: units(made.progress.fee),
        method: made.method,
        status: made.status(),
        token: token.and_then(|id| TOKENS.iter().find(|known| known.id == id.as_str())).map(|known| known.id),
        instrument: instrument
            .and_then(|id| INSTRUMENTS.iter().find(|known| known.id == id.as_str()))
            .map(|known| known.id),
        received: made.received.millis(),
        completed: made.history.completed().map(Timestamp::millis),
        original: detail.original.as_ref().map(place),
        refunds: detail.refunds.iter().map(place).collect(),
    })
}

/// The answer with the instants of the expected one where they lie less than a second before: each transaction takes a
/// millisecond of its own, of which the model knows nothing.
fn near(answer: &Answer, expected: &Answer) -> Answer {
    let (Answer::Detail(detail), Answer::Detail(expected)) = (answer, expected) else {
        return answer.clone();
    };
    let near = |told: i64, expected: i64| {
        if (0..1_000).contains(&(told - expected)) { expected } else { told }
    };
    Answer::Detail(Detail {
        received: near(detail.received, expected.received),
        completed: detail
            .completed
            .map(|told| expected.completed.map_or(told, |expected| near(told, expected))),
        ..detail.clone()
    })
}

/// Runs a history through ledger and model; `note` sees every answer.
fn compare(history: &History, mut note: impl FnMut(&Request, &Answer)) -> Result<(), TestCaseError> {
    let (mut sandbox, mut model) = (Sandbox::new(history.keep_book), Model::new());
    let mut asked: Vec<Request> = Vec::new();
    let mut steps = history.steps.iter().enumerate().peekable();
    while steps.peek().is_some() {
        let mut batch: Vec<Request> = Vec::new();
        while batch.len() < history.batch {
            let request = match steps.next_if(|(_, step)| !matches!(step, Step::Wait(_))) {
                Some((place, Step::Call { who, reference, ask })) => {
                    let ask = ask.clone().among(model.transactions.len());
                    let own = reference.map(|number| format!("shared {number}"));
                    Request {
                        who: who.unwrap_or_else(|| model.entitled(&ask)),
                        reference: own.unwrap_or_else(|| format!("step {place}")),
                        ask,
                    }
                }
                Some((_, Step::Again(back))) if !asked.is_empty() => {
                    asked[asked.len() - 1 - back % asked.len()].clone()
                }
                Some(_) => continue,
                None => break,
            };
            asked.push(request.clone());
            batch.push(request);
        }
        let answers = sandbox.run(&batch);
        for (request, answer) in batch.iter().zip(&answers) {
            let expected = model.answer(request);
            prop_assert_eq!(
                &near(answer, &expected),
                &expected,
                "the ledger (left) and the model on {:?}",
                request
            );
            note(request, answer);
        }
        agree(&sandbox, &model)?;
        if let Some((_, Step::Wait(millis))) = steps.next_if(|(_, step)| matches!(step, Step::Wait(_))) {
            sandbox.wait(*millis);
            model.wait(*millis);
            agree(&sandbox, &model)?;
        }
    }
    Ok(())
}

/// The rows on the shelf are sound, and say what the model says.
fn agree(sandbox: &Sandbox, model: &Model) -> Result<(), TestCaseError> {
    let shelf = &sandbox.shelf;
    prop_assert_eq!(shelf.broken(), Vec::<String>::new());
    let total = |kind, owner| units(shelf.total(LedgerAccount { kind, owner }));
    for who in Who::ALL {
        let owner = account(who).0;
        prop_assert_eq!(total(Account_::Balance, owner), model.balances[&who], "the balance of {:?}", who);
        let written_off = model.written_off.get(&who).copied().unwrap_or_default();
        prop_assert_eq!(total(Account_::WriteOffs, owner), written_off, "written off by {:?}", who);
    }
    prop_assert_eq!(total(Account_::Fees, 0), model.fees, "fees");
    for (instrument, debt) in shelf.instruments().zip(&model.debts) {
        let owed =
            (total(Account_::Debt, instrument.number.0), total(Account_::DebtPending, instrument.number.0));
        prop_assert_eq!(owed, (debt.available, debt.pending), "the debt on {}", &instrument.id);
    }
    for (made, expected) in shelf.transactions.values().zip(&model.transactions) {
        prop_assert_eq!(made.status(), expected.status, "the status of {:?}", made);
    }
    prop_assert_eq!(shelf.transactions.len(), model.transactions.len(), "transactions made");
    Ok(())
}

fn config() -> Config {
    // A failing history is printed in full and shortest; nothing is written beside the sources.
    Config { failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_ledger_answers_as_the_rules_say_and_stays_sound(history in history::histories()) {
        compare(&history, |_, _| ())?;
    }
}

/// Guards the property above against growing blind: its histories must come upon every answer that matters.
#[test]
fn random_histories_come_upon_every_kind_of_answer() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let tree = history::histories().new_tree(&mut runner).expect("a history");
        let history = proptest::strategy::ValueTree::current(&tree);
        compare(&history, |request, answer| {
            let asked = format!("{:?}", request.ask);
            let action = asked.split(' ').next().unwrap_or_default();
            let outcome = match answer {
                Answer::Receipt { status, .. } | Answer::State { status, .. } => format!("{status:?}"),
                Answer::Refused(code) => (*code).to_owned(),
                Answer::Debt { .. } | Answer::Detail(_) => "answered".to_owned(),
            };
            *seen.entry(format!("{action} {outcome}")).or_default() += 1;
        })
        .expect("ledger and model agree");
    }
    for expected in EXPECTED.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (action, outcomes) = expected.split_once(": ").expect("an action and its outcomes");
        for outcome in outcomes.split(' ') {
            assert!(
                seen.contains_key(&format!("{action} {outcome}")),
                "{action} {outcome} never happened: {seen:#?}"
            );
        }
    }
}

const EXPECTED: &str = "
    Pay: Success Pending InvalidParams InvalidTokenId_Sender SameSenderAndRecipient InvalidAccountState_Sender
    Pay: TokenNotActive_Sender InstrumentExpired IncompatibleTokens InvalidRecipientForCCTransaction TokenUsageError
    Pay: AmountOutOfRange InsufficientBalance DuplicateRequest
    Refund: Success Pending InvalidParams InvalidTransactionId TransactionTypeNotRefundable
    Refund: OriginalTransactionIncomplete OriginalTransactionFailed TransactionFullyRefundedAlready
    Refund: RefundAmountExceeded AmountOutOfRange InsufficientBalance DuplicateRequest
    Settle: Success Pending InvalidParams InvalidTokenId_Sender InvalidPaymentInstrument InstrumentAccessDenied
    Settle: InstrumentExpired IncompatibleTokens TokenUsageError SettleAmountGreaterThanDebt AmountOutOfRange
    Settle: InsufficientBalance DuplicateRequest
    WriteOff: Success InvalidParams InvalidPaymentInstrument InstrumentAccessDenied SettleAmountGreaterThanDebt
    WriteOff: AmountOutOfRange DuplicateRequest
    DebtBalance: answered InvalidParams InvalidPaymentInstrument InstrumentAccessDenied
    State: Success Pending Failure InvalidParams InvalidTransactionId
    Detail: answered InvalidParams InvalidTransactionId
";

//! The ledger and all that is around it: a clock, an in-memory store, and a book that is fed by it.

use std::hash::{DefaultHasher, Hash, Hasher};

use fps_sandbox::error::FpsError;
use fps_sandbox::ledger::{
    Account, AccountKind, AccountNumber, AccountState, Amount, Authorize, Book, Cancel, CancelSubscription,
    CancelSubscriptionAndRefund, CancelToken, Command, Context, DepositFunds, Descriptions, FeeTable,
    FundPrepaid, GetAccountBalance, GetDebtBalance, GetOutstandingDebtBalance, GetPrepaidBalance,
    GetTokenUsage, GetTotalPrepaidLiability, GetTransaction, GetTransactionStatus, IdAllocator, IdCodec,
    Idempotent, InstallPaymentInstruction, Instrument, InstrumentId, InstrumentKind, InstrumentNumber,
    MarketplaceFee, Pay, Payment, PaymentMethod, Period, Proposal, ProposalError, Purpose, Query, ReadSet,
    Receipt, RecipientTerms, Refund, RequestDigest, Reserve, Rules, RunScheduled, Settle, SettleDebt,
    Subscription, SubscriptionId, SubscriptionStatus, SubscriptionTerms, Timestamp, Token, TokenId,
    TokenNumber, TokenRequest, TokenType, TransactionDetail, TransactionId, Unit, Usage, UsageLimit,
    UsageMeasure, Validity, Visitor, WindowUsage, WriteOffDebt,
};
use rust_decimal::Decimal;

use crate::history::{self, Answer, Ask, Detail, MALFORMED, Request, UNKNOWN, Which};
use crate::in_memory_store::InMemoryStore;
use crate::world::{
    self, Carries, Daily, INSTALLED, INSTRUMENTS, LARGEST, START, SUBSCRIPTIONS, TOKENS, Use, Who,
};

fn cents(cents: i64) -> Amount {
    Amount::from_micros(cents * 10_000)
}

/// In the model's unit, hundredths of a cent.
pub(crate) fn units(amount: Amount) -> i64 {
    assert_eq!(amount.micros() % 100, 0, "{amount} is finer than a hundredth of a cent");
    amount.micros() / 100
}

pub(crate) fn account(who: Who) -> AccountNumber {
    AccountNumber(10 + who as i64)
}

fn who(account: AccountNumber) -> Who {
    Who::ALL[usize::try_from(account.0 - 10).expect("a party")]
}

fn rules() -> Rules {
    Rules {
        fees: FeeTable::new(&FeeTable::default_rules()).expect("the default fees"),
        cc_delay_millis: world::CC_DELAY,
        ach_delay_millis: world::ACH_DELAY,
        max_amount: cents(LARGEST),
        magic: false,
    }
}

fn until(millis: Option<i64>) -> Validity {
    Validity { from: None, until: millis.map(Timestamp::from_millis) }
}

/// Something that can be asked, whichever it is: a command or a query whose answer is put into the words of histories.
trait Prepared {
    fn read_set(&self, reads: &mut ReadSet<'_>);
    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut MadeIds,
    ) -> Result<Answer, FpsError>;
}

/// A command, and what its answer is in the words of histories.
struct Change<C: Command>(C, fn(C::Output, &mut MadeIds) -> Answer);

/// The same for a query.
struct LookUp<Q: Query>(Q, fn(Q::Output, &mut MadeIds) -> Answer);

impl<C: Command> Prepared for Change<C> {
    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut MadeIds,
    ) -> Result<Answer, FpsError> {
        self.0.decide(book, context).map(|output| (self.1)(output, ids))
    }
}

impl<Q: Query> Prepared for LookUp<Q> {
    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut MadeIds,
    ) -> Result<Answer, FpsError> {
        self.0.answer(book, &context.to_query()).map(|output| (self.1)(output, ids))
    }
}

/// The ids of all that was made, in the order of the model's.
#[derive(Debug, Default)]
struct MadeIds {
    transactions: Vec<TransactionId>,
    tokens: Vec<TokenId>,
}

impl MadeIds {
    fn place_of_transaction(&mut self, id: TransactionId) -> usize {
        place_of(&mut self.transactions, id)
    }

    fn place_of_token(&mut self, id: TokenId) -> usize {
        place_of(&mut self.tokens, id)
    }

    fn transaction(&self, which: Which) -> TransactionId {
        match which {
            Which::Known(place) => self.transactions[place].clone(),
            Which::Unknown => "99ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ".into(),
            Which::Likely(_) | Which::Malformed => MALFORMED.into(),
        }
    }

    fn token(&self, which: Which) -> TokenId {
        match which {
            Which::Known(place) => self.tokens[place].clone(),
            Which::Unknown => UNKNOWN.into(),
            Which::Likely(_) | Which::Malformed => MALFORMED.into(),
        }
    }
}

/// The place of an id in a list, to which it is added if it is new.
fn place_of<I: PartialEq>(ids: &mut Vec<I>, id: I) -> usize {
    ids.iter().position(|known| *known == id).unwrap_or_else(|| {
        ids.push(id);
        ids.len() - 1
    })
}

/// The id of what is named by its place in this list.
fn named_in(ids: &[&'static str], which: Which) -> &'static str {
    match which {
        Which::Known(place) => ids[place],
        Which::Unknown => UNKNOWN,
        Which::Likely(_) | Which::Malformed => MALFORMED,
    }
}

fn instrument_id(which: Which) -> InstrumentId {
    let ids: Vec<_> = INSTRUMENTS.iter().map(|instrument| instrument.id).collect();
    named_in(&ids, which).into()
}

fn subscription_id(which: Which) -> SubscriptionId {
    let ids: Vec<_> = SUBSCRIPTIONS.iter().map(|subscription| subscription.id).collect();
    named_in(&ids, which).into()
}

/// The ledger and all that is around it.
pub(crate) struct Sandbox {
    rules: Rules,
    numbering: IdAllocator,
    pub(crate) store: InMemoryStore,
    book: Book,
    keep_book: bool,
    now: Timestamp,
    made: MadeIds,
}

impl Sandbox {
    pub(crate) fn new(keep_book: bool) -> Self {
        let mut sandbox = Self {
            rules: rules(),
            numbering: IdAllocator::new(IdCodec::new(1), 1_000, Timestamp::MIN),
            store: InMemoryStore::default(),
            book: Book::default(),
            keep_book,
            now: Timestamp::from_millis(START),
            made: MadeIds::default(),
        };
        sandbox.fill();
        sandbox
    }

    fn fill(&mut self) {
        for who in Who::ALL {
            self.book.add_account(Account {
                number: account(who),
                name: format!("{who:?}"),
                email: email(who),
                kind: if who.is_personal() { AccountKind::Personal } else { AccountKind::Business },
                state: if who.is_suspended() { AccountState::Suspended } else { AccountState::Active },
                marketplace: who.is_marketplace(),
                methods: who.methods().into(),
                transaction_limit: who.limit_cents().map(cents),
            });
        }
        for (place, instrument) in (0..).zip(INSTRUMENTS) {
            self.book.add_instrument(Instrument {
                number: InstrumentNumber(100 + place),
                id: instrument.id.into(),
                kind: match instrument.carries {
                    Carries::Debt => InstrumentKind::Credit,
                    Carries::Prepaid => InstrumentKind::Prepaid,
                },
                sender: account(instrument.sender),
                recipient: account(instrument.recipient),
                ceiling: cents(instrument.most_cents),
                validity: until(instrument.expires_day.map(|day| START + day * world::DAY)),
                active: true,
            });
        }
        for (place, token) in (0..).zip(TOKENS) {
            self.book.add_token(ledger_token(TokenNumber(200 + place), token));
            self.made.tokens.push(token.id.into());
        }
        let mut context =
            Context { now: self.now, clock_stands: true, rules: &self.rules, ids: &mut self.numbering };
        for who in Who::ALL {
            let caller = account(who);
            let descriptions = named(&format!("opening balance of {who:?}"));
            let deposit = DepositFunds { account: caller, amount: cents(who.opening_cents()), descriptions };
            let number = deposit.decide(&mut self.book, &mut context).expect("a deposit");
            self.made.transactions.push(self.book.transaction_row(number).expect("just made").id.clone());
        }
        self.save();
    }

    /// Loads what all commands need, decides one after the other, saves.
    pub(crate) fn run(&mut self, requests: &[Request]) -> Vec<Answer> {
        let commands: Vec<Box<dyn Prepared>> = requests.iter().map(|request| self.prepare(request)).collect();
        self.store.load(&mut self.book, |reads| commands.iter().for_each(|command| command.read_set(reads)));
        let answers = commands.iter().map(|command| self.decide(command.as_ref())).collect();
        self.save();
        answers
    }

    /// Decides one command, which is asked again what it needs: the ones before it have changed the book.
    fn decide(&mut self, command: &dyn Prepared) -> Answer {
        self.store.load(&mut self.book, |reads| command.read_set(reads));
        let before = self.book.changes().clone();
        let mut decided;
        loop {
            let mut context =
                Context { now: self.now, clock_stands: true, rules: &self.rules, ids: &mut self.numbering };
            decided = command.decide(&mut self.book, &mut context, &mut self.made);
            let Some(missing) = self.book.take_missing() else { break };
            self.store.put(&missing, &mut self.book);
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

    /// Time passes; what is due is carried out, round by round: a reservation is made, and may have lapsed since.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
        loop {
            let due = self.store.due_by(self.now);
            if due.is_empty() {
                return;
            }
            self.store
                .load(&mut self.book, |reads| due.iter().for_each(|due| RunScheduled(*due).read_set(reads)));
            for due in due {
                self.store.load(&mut self.book, |reads| RunScheduled(due).read_set(reads));
                let mut context = Context {
                    now: self.now,
                    clock_stands: true,
                    rules: &self.rules,
                    ids: &mut self.numbering,
                };
                RunScheduled(due).decide(&mut self.book, &mut context).expect("due work is never refused");
            }
            self.save();
        }
    }

    /// Begins the subscriptions with their payments, which were made one after the other.
    pub(crate) fn add_subscriptions(&mut self, payments: &[usize]) {
        let mut payments = payments.iter();
        for known in SUBSCRIPTIONS {
            let numbers = payments.by_ref().take(known.payments.len()).map(|place| {
                let id = &self.made.transactions[*place];
                let made = self.store.transactions.values().find(|made| made.id == *id);
                made.expect("a payment").number
            });
            self.book.add_subscription(Subscription {
                id: known.id.into(),
                sender: account(known.sender),
                recipient: account(known.recipient),
                status: SubscriptionStatus::Active,
                terms: monthly(),
                transactions: numbers.collect(),
            });
        }
        self.save();
    }

    fn save(&mut self) {
        assert_eq!(self.book.violation(), None);
        self.store.save(&self.book);
        if self.keep_book {
            self.book.saved(8);
        } else {
            self.book = Book::default();
        }
    }

    fn prepare(&self, request: &Request) -> Box<dyn Prepared> {
        let Request { who, reference, ask } = request;
        let (caller, descriptions, digest) = (account(*who), named(reference), digest(ask));
        let token = |which| self.made.token(which);
        match *ask {
            Ask::Pay(ref payment) => {
                let operation = Pay(self.payment(caller, payment, descriptions));
                change(Idempotent { operation, digest }, receipt)
            }
            Ask::Reserve(ref payment) => {
                let operation = Reserve(self.payment(caller, payment, descriptions));
                change(Idempotent { operation, digest }, receipt)
            }
            Ask::Settle { reservation, cents: amount } => {
                let reservation = self.made.transaction(reservation);
                change(Settle { caller, reservation, amount: amount.map(cents) }, receipt)
            }
            Ask::Cancel { transaction } => {
                change(Cancel { caller, transaction: self.made.transaction(transaction) }, receipt)
            }
            Ask::Refund { of, cents: amount, policy } => {
                let (original, amount) = (self.made.transaction(of), amount.map(cents));
                change(
                    Idempotent {
                        operation: Refund { caller, original, amount, policy, descriptions },
                        digest,
                    },
                    receipt,
                )
            }
            Ask::FundPrepaid { token: which, instrument, cents: amount, timeout_minutes } => {
                let (sender_token, instrument) = (token(which), instrument_id(instrument));
                let amount = cents(amount);
                let operation =
                    FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
                change(Idempotent { operation, digest }, receipt)
            }
            Ask::SettleDebt { token: which, instrument, cents: amount, timeout_minutes } => {
                let (sender_token, instrument) = (token(which), instrument_id(instrument));
                let amount = amount.map(cents);
                let operation =
                    SettleDebt { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
                change(Idempotent { operation, digest }, receipt)
            }
            Ask::WriteOff { instrument, cents: amount } => {
                let (instrument, amount) = (instrument_id(instrument), cents(amount));
                change(
                    Idempotent {
                        operation: WriteOffDebt { caller, instrument, amount, descriptions },
                        digest,
                    },
                    receipt,
                )
            }
            Ask::CancelSubscription { subscription, refund_cents: None } => {
                let subscription = subscription_id(subscription);
                change(CancelSubscription { caller, subscription }, |(), _| Answer::Done)
            }
            Ask::CancelSubscription { subscription, refund_cents: Some(amount) } => {
                let (subscription, amount) = (subscription_id(subscription), cents(amount));
                let operation = CancelSubscriptionAndRefund { caller, subscription, amount, descriptions };
                change(Idempotent { operation, digest }, receipt)
            }
            Ask::CancelToken { .. } | Ask::Install { .. } | Ask::Edit { .. } => {
                self.prepare_for_tokens(caller, reference, ask)
            }
            ref look_up => self.prepare_look_up(caller, look_up),
        }
    }

    fn prepare_for_tokens(&self, caller: AccountNumber, reference: &str, ask: &Ask) -> Box<dyn Prepared> {
        match *ask {
            Ask::CancelToken { token: which } => {
                change(CancelToken { caller, token: self.made.token(which) }, |(), _| Answer::Done)
            }
            Ask::Install { text, single_use } => {
                let installed = InstallPaymentInstruction {
                    caller,
                    instruction: format!("text {text}"),
                    friendly_name: None,
                    caller_reference: reference.to_owned(),
                    token_type: if single_use { TokenType::SingleUse } else { TokenType::MultiUse },
                    payment_reason: None,
                };
                change(installed, |id, made| Answer::Token(made.place_of_token(id)))
            }
            Ask::Edit { token: which, visitor, offered, chosen } => {
                let proposal = Proposal {
                    caller,
                    methods: offered.into(),
                    reason: None,
                    validity: Validity::default(),
                    request: TokenRequest::Edit { token: self.made.token(which) },
                };
                let visitor = visitor.map_or(Visitor::First, |who| Visitor::At(email(who)));
                change(Authorize { proposal, visitor, method: chosen, previous_method: None }, |output, _| {
                    output.map_or_else(
                        |flaw| Answer::Refused(status_of(&flaw)),
                        |edited| Answer::Edited {
                            method: edited.method.expect("a method"),
                            changed: edited.changed,
                        },
                    )
                })
            }
            _ => unreachable!("{ask:?} changes no token"),
        }
    }

    fn prepare_look_up(&self, caller: AccountNumber, ask: &Ask) -> Box<dyn Prepared> {
        match *ask {
            Ask::DebtBalance { instrument } => {
                let instrument = instrument_id(instrument);
                look_up(GetDebtBalance { caller, instrument }, |debt, _| {
                    carried(debt.available, debt.pending_out)
                })
            }
            Ask::OutstandingDebt => look_up(GetOutstandingDebtBalance { caller }, |debt, _| {
                carried(debt.available, debt.pending_out)
            }),
            Ask::PrepaidBalance { instrument } => {
                let instrument = instrument_id(instrument);
                look_up(GetPrepaidBalance { caller, instrument }, |paid, _| {
                    carried(paid.available, paid.pending_in)
                })
            }
            Ask::PrepaidLiability => look_up(GetTotalPrepaidLiability { caller }, |paid, _| {
                carried(paid.available, paid.pending_in)
            }),
            Ask::AccountBalance => look_up(GetAccountBalance { caller }, |balance, _| Answer::Balance {
                total: units(balance.total),
                incoming: units(balance.pending_in),
                outgoing: units(balance.pending_out),
            }),
            Ask::TokenUsage { token } => {
                look_up(GetTokenUsage { caller, token: self.made.token(token) }, |usage, _| {
                    Answer::Usage(usage.into_iter().map(used).collect())
                })
            }
            Ask::State { of } => {
                let transaction = self.made.transaction(of);
                look_up(GetTransactionStatus { caller, transaction }, |state, _| Answer::State {
                    status: state.last_change.status,
                    code: state.last_change.code,
                    reference: state.caller_reference,
                })
            }
            Ask::Detail { of } => {
                let transaction = self.made.transaction(of);
                look_up(GetTransaction { caller, transaction }, |detail, made| detail_of(&detail, made))
            }
            _ => unreachable!("{ask:?} is no look-up"),
        }
    }

    fn payment(
        &self,
        caller: AccountNumber,
        asked: &history::Payment,
        descriptions: Descriptions,
    ) -> Payment {
        let history::OwnFee { fixed_cents, percent_hundredths } = asked.marketplace_fee;
        Payment {
            caller,
            sender_token: self.made.token(asked.token),
            recipient_token: asked.recipient.map(|which| self.made.token(which)),
            amount: cents(asked.cents),
            charge_fee_to: asked.fee_to,
            marketplace_fee: MarketplaceFee {
                fixed: fixed_cents.map(cents),
                percent: percent_hundredths.map(percent),
            },
            descriptions,
            timeout_minutes: asked.timeout_minutes,
        }
    }
}

fn change<C: Command>(command: C, answer: fn(C::Output, &mut MadeIds) -> Answer) -> Box<dyn Prepared> {
    Box::new(Change(command, answer))
}

fn look_up<Q: Query>(query: Q, answer: fn(Q::Output, &mut MadeIds) -> Answer) -> Box<dyn Prepared> {
    Box::new(LookUp(query, answer))
}

fn receipt(receipt: Receipt, made: &mut MadeIds) -> Answer {
    Answer::Receipt { transaction: made.place_of_transaction(receipt.transaction), status: receipt.status }
}

fn carried(available: Amount, pending: Amount) -> Answer {
    Answer::Carried { available: units(available), pending: units(pending) }
}

fn used((limit, used): (UsageLimit, WindowUsage)) -> i64 {
    match limit.measure {
        UsageMeasure::Amount => units(Amount::from_micros(used.used)),
        UsageMeasure::Count => used.used,
    }
}

/// The status of a return URL.
const fn status_of(flaw: &ProposalError) -> &'static str {
    match flaw {
        ProposalError::IllFormed(_) | ProposalError::ReferenceUsed(_) => "CE",
        ProposalError::NoMethod => "PE",
        ProposalError::NotPossible(_) => "NP",
        ProposalError::NotRegistered => "NM",
    }
}

fn email(who: Who) -> String {
    format!("{who:?}@example.com")
}

fn percent(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2)
}

/// Terms that nobody asks for.
fn monthly() -> SubscriptionTerms {
    SubscriptionTerms {
        description: String::new(),
        amount: cents(1),
        promotional_amount: None,
        promotional_transactions: 0,
        start: START,
        end: None,
        length: None,
        frequency: Period { count: 1, unit: Unit::Month },
        next: None,
    }
}

fn named(reference: &str) -> Descriptions {
    Descriptions { caller_reference: reference.to_owned(), ..Descriptions::default() }
}

fn digest(ask: &Ask) -> RequestDigest {
    let mut hasher = DefaultHasher::new();
    format!("{ask:?}").hash(&mut hasher);
    u128::from(hasher.finish()).to_be_bytes()
}

fn ledger_token(number: TokenNumber, token: &world::Token) -> Token {
    let (purpose, method, instrument) = match token.purpose {
        Use::Pays(method) => (Purpose::Payment, method, None),
        Use::Charges(place) => (Purpose::Credit, PaymentMethod::Debt, Some(place)),
        Use::Settles(place, method) => (Purpose::Settlement, method, Some(place)),
        Use::Spends(place) => (Purpose::Prepaid, PaymentMethod::Prepaid, Some(place)),
        Use::Funds(place, method) => (Purpose::Funding, method, Some(place)),
        Use::Receives(_) => (Purpose::Recipient, PaymentMethod::ABT, None),
        Use::Refunds => (Purpose::Refund, PaymentMethod::ABT, None),
        Use::Installed => (Purpose::Installed, PaymentMethod::ABT, None),
    };
    let terms = match token.purpose {
        Use::Receives(world::Terms { recipient_pays, most }) => Some(RecipientTerms {
            recipient_pays_fee: recipient_pays,
            max_fixed_fee: most.map(|(fixed, _)| cents(fixed)),
            max_variable_fee: most.map(|(_, hundredths)| percent(hundredths)),
        }),
        _ => None,
    };
    let daily = token.daily.map(|daily| {
        let (measure, allowed) = match daily {
            Daily::Cents(most) => (UsageMeasure::Amount, cents(most).micros()),
            Daily::Times(most) => (UsageMeasure::Count, most),
        };
        UsageLimit { measure, allowed, period: Some(Period { count: 1, unit: Unit::Day }) }
    });
    let (least, most) = token.charge_cents;
    Token {
        number,
        id: token.id.into(),
        account: account(token.owner),
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
        terms,
        recipients: token.recipients.iter().map(|id| TokenId::from(*id)).collect(),
        installed: Timestamp::from_millis(INSTALLED),
        validity: until(token.expires),
        min_charge: (least > 0).then(|| cents(least)),
        max_charge: (most < i64::MAX).then(|| cents(most)),
        global_limit: token.global_cents.map(cents),
        limits: daily.into_iter().collect(),
        usage: Usage::default(),
    }
}

fn detail_of(detail: &TransactionDetail, ids: &mut MadeIds) -> Answer {
    let made = &detail.transaction;
    for (party, told) in
        [(made.caller, &detail.caller), (made.sender, &detail.sender), (made.recipient, &detail.recipient)]
    {
        assert_eq!(told.name, format!("{:?}", who(party)), "the name of a party of {made:?}");
    }
    let instrument = detail.instrument.as_ref().map(|(_, id)| id);
    Answer::Detail(Detail {
        caller: who(made.caller),
        sender: who(made.sender),
        recipient: who(made.recipient),
        amount: units(made.amount),
        settled: made.progress.settled.map(units),
        fee: units(made.progress.fee),
        marketplace_fee: units(made.progress.marketplace_fee),
        method: made.method,
        status: made.status(),
        token: detail.sender_token.as_ref().map(|id| ids.place_of_token(id.clone())),
        recipient_token: detail.recipient_token.as_ref().map(|id| ids.place_of_token(id.clone())),
        instrument: instrument
            .and_then(|id| INSTRUMENTS.iter().find(|known| known.id == id.as_str()))
            .map(|known| known.id),
        received: made.received.millis(),
        completed: made.history.completed().map(Timestamp::millis),
        original: detail.original.as_ref().map(|id| ids.place_of_transaction(id.clone())),
        refunds: detail.refunds.iter().map(|id| ids.place_of_transaction(id.clone())).collect(),
    })
}

//! The ledger with a clock and an in-memory store, which executes the actions of histories.

use std::hash::{DefaultHasher, Hash, Hasher};

use fps_sandbox::error::FpsError;
use fps_sandbox::ledger::{
    Account, AccountKind, AccountNumber, AccountState, Amount, Authorize, Book, Cancel, CancelSubscription,
    CancelSubscriptionAndRefund, CancelToken, Command, Context, DepositFunds, Descriptions, FundPrepaid,
    GetAccountBalance, GetDebtBalance, GetOutstandingDebtBalance, GetPrepaidBalance, GetTokenUsage,
    GetTotalPrepaidLiability, GetTransaction, GetTransactionStatus, IdAllocator, IdCodec, Idempotent,
    InstallPaymentInstruction, Instrument, InstrumentId, InstrumentKind, InstrumentNumber, MarketplaceFee,
    Pay, Payment, Proposal, ProposalError, Query, ReadSet, Receipt, Refund, RequestDigest, Reserve, Rules,
    RunScheduledStep, Settle, SettleDebt, Subscription, SubscriptionId, SubscriptionStatus, Timestamp,
    TokenId, TokenNumber, TokenRequest, TokenType, TransactionDetail, TransactionId, UsageLimit,
    UsageMeasure, Validity, Visitor, WindowUsage, WriteOffDebt,
};

use crate::history::{self, Action, ActionResult, Detail, MALFORMED, Request, Selector, UNKNOWN};
use crate::in_memory_store::InMemoryStore;
use crate::ledger_rows::{
    account, cents, descriptions_with, email, ledger_token, monthly, party_of, percent, rules, units, until,
};
use crate::world::{self, INSTRUMENTS, InstrumentType, Party, START, SUBSCRIPTIONS, TOKENS};

/// A command or a query, together with the conversion of its output into an [`ActionResult`].
trait PreparedCall {
    fn read_set(&self, reads: &mut ReadSet<'_>);
    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut CreatedIds,
    ) -> Result<ActionResult, FpsError>;
}

/// A command and the conversion of its output.
struct PreparedCommand<C: Command>(C, fn(C::Output, &mut CreatedIds) -> ActionResult);

/// A query and the conversion of its output.
struct PreparedQuery<Q: Query>(Q, fn(Q::Output, &mut CreatedIds) -> ActionResult);

impl<C: Command> PreparedCall for PreparedCommand<C> {
    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut CreatedIds,
    ) -> Result<ActionResult, FpsError> {
        self.0.decide(book, context).map(|output| (self.1)(output, ids))
    }
}

impl<Q: Query> PreparedCall for PreparedQuery<Q> {
    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(
        &self,
        book: &mut Book,
        context: &mut Context<'_>,
        ids: &mut CreatedIds,
    ) -> Result<ActionResult, FpsError> {
        self.0.answer(book, &context.query_context()).map(|output| (self.1)(output, ids))
    }
}

/// The ids of all transactions and tokens, in the order of the model.
#[derive(Debug, Default)]
struct CreatedIds {
    transactions: Vec<TransactionId>,
    tokens: Vec<TokenId>,
}

impl CreatedIds {
    fn index_of_transaction(&mut self, id: TransactionId) -> usize {
        index_of(&mut self.transactions, id)
    }

    fn index_of_token(&mut self, id: TokenId) -> usize {
        index_of(&mut self.tokens, id)
    }

    fn transaction(&self, selector: Selector) -> TransactionId {
        match selector {
            Selector::Index(index) => self.transactions[index].clone(),
            Selector::Unknown => "99ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ".into(),
            Selector::Suitable(_) | Selector::Malformed => MALFORMED.into(),
        }
    }

    fn token(&self, selector: Selector) -> TokenId {
        match selector {
            Selector::Index(index) => self.tokens[index].clone(),
            Selector::Unknown => UNKNOWN.into(),
            Selector::Suitable(_) | Selector::Malformed => MALFORMED.into(),
        }
    }
}

/// The index of an id in a list, to which a new id is added.
fn index_of<I: PartialEq>(ids: &mut Vec<I>, id: I) -> usize {
    ids.iter().position(|known| *known == id).unwrap_or_else(|| {
        ids.push(id);
        ids.len() - 1
    })
}

/// The id that a selector selects from this list.
fn select_id(ids: &[&'static str], selector: Selector) -> &'static str {
    match selector {
        Selector::Index(index) => ids[index],
        Selector::Unknown => UNKNOWN,
        Selector::Suitable(_) | Selector::Malformed => MALFORMED,
    }
}

fn instrument_id(selector: Selector) -> InstrumentId {
    let ids: Vec<_> = INSTRUMENTS.iter().map(|instrument| instrument.id).collect();
    select_id(&ids, selector).into()
}

fn subscription_id(selector: Selector) -> SubscriptionId {
    let ids: Vec<_> = SUBSCRIPTIONS.iter().map(|subscription| subscription.id).collect();
    select_id(&ids, selector).into()
}

/// The ledger with a clock and an in-memory store.
pub(crate) struct LedgerUnderTest {
    rules: Rules,
    id_allocator: IdAllocator,
    pub(crate) store: InMemoryStore,
    book: Book,
    keep_book: bool,
    now: Timestamp,
    created: CreatedIds,
}

impl LedgerUnderTest {
    pub(crate) fn new(keep_book: bool) -> Self {
        let mut ledger = Self {
            rules: rules(),
            id_allocator: IdAllocator::new(IdCodec::new(1), 1_000, Timestamp::MIN),
            store: InMemoryStore::default(),
            book: Book::default(),
            keep_book,
            now: Timestamp::from_millis(START),
            created: CreatedIds::default(),
        };
        ledger.add_initial_rows();
        ledger
    }

    fn add_initial_rows(&mut self) {
        for party in Party::ALL {
            self.book.add_account(Account {
                number: account(party),
                name: format!("{party:?}"),
                email: email(party),
                kind: if party.is_personal() { AccountKind::Personal } else { AccountKind::Business },
                state: if party.is_suspended() { AccountState::Suspended } else { AccountState::Active },
                marketplace: party.is_marketplace(),
                methods: party.methods().into(),
                transaction_limit: party.limit_cents().map(cents),
            });
        }
        for (index, instrument) in (0..).zip(INSTRUMENTS) {
            self.book.add_instrument(Instrument {
                number: InstrumentNumber(100 + index),
                id: instrument.id.into(),
                kind: match instrument.kind {
                    InstrumentType::Debt => InstrumentKind::Credit,
                    InstrumentType::Prepaid => InstrumentKind::Prepaid,
                },
                sender: account(instrument.sender),
                recipient: account(instrument.recipient),
                ceiling: cents(instrument.max_cents),
                validity: until(instrument.expires_day.map(|day| START + day * world::DAY)),
                active: true,
            });
        }
        for (index, token) in (0..).zip(TOKENS) {
            self.book.add_token(ledger_token(TokenNumber(200 + index), token));
            self.created.tokens.push(token.id.into());
        }
        let mut context =
            Context { now: self.now, is_clock_frozen: true, rules: &self.rules, ids: &mut self.id_allocator };
        for party in Party::ALL {
            let caller = account(party);
            let descriptions = descriptions_with(&format!("opening balance of {party:?}"));
            let deposit =
                DepositFunds { account: caller, amount: cents(party.opening_cents()), descriptions };
            let number = deposit.decide(&mut self.book, &mut context).expect("a deposit");
            self.created
                .transactions
                .push(self.book.transaction_by_number(number).expect("just made").id.clone());
        }
        self.save();
    }

    /// Runs a batch: loads the rows of all read sets, decides the commands one after the other, and saves.
    pub(crate) fn run(&mut self, requests: &[Request]) -> Vec<ActionResult> {
        let commands: Vec<Box<dyn PreparedCall>> =
            requests.iter().map(|request| self.prepare(request)).collect();
        self.store.load(&mut self.book, |reads| commands.iter().for_each(|command| command.read_set(reads)));
        let answers = commands.iter().map(|command| self.decide(command.as_ref())).collect();
        self.save();
        answers
    }

    /// Decides one command. Its read set is loaded again, because the commands before it may have changed it.
    fn decide(&mut self, command: &dyn PreparedCall) -> ActionResult {
        self.store.load(&mut self.book, |reads| command.read_set(reads));
        let before = self.book.changes().clone();
        let mut decided;
        loop {
            let mut context = Context {
                now: self.now,
                is_clock_frozen: true,
                rules: &self.rules,
                ids: &mut self.id_allocator,
            };
            decided = command.decide(&mut self.book, &mut context, &mut self.created);
            let Some(missing) = self.book.take_missing_rows() else { break };
            self.store.put(&missing, &mut self.book);
        }
        match decided {
            Ok(answer) => answer,
            Err(refusal) => {
                let mut after = self.book.changes().clone();
                after.references.clone_from(&before.references);
                assert_eq!(after, before, "a refused command changes nothing but its reference");
                ActionResult::Refused(refusal.code.name())
            }
        }
    }

    /// Moves the clock and runs due work in rounds, because a reservation may be accepted and then lapse.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
        loop {
            let due = self.store.due_by(self.now);
            if due.is_empty() {
                return;
            }
            self.store.load(&mut self.book, |reads| {
                for due in &due {
                    RunScheduledStep(*due).read_set(reads);
                }
            });
            for due in due {
                self.store.load(&mut self.book, |reads| RunScheduledStep(due).read_set(reads));
                let mut context = Context {
                    now: self.now,
                    is_clock_frozen: true,
                    rules: &self.rules,
                    ids: &mut self.id_allocator,
                };
                RunScheduledStep(due)
                    .decide(&mut self.book, &mut context)
                    .expect("due work is never refused");
            }
            self.save();
        }
    }

    /// Creates the subscriptions with these payments, which are in the order of the subscriptions.
    pub(crate) fn add_subscriptions(&mut self, payments: &[usize]) {
        let mut payments = payments.iter();
        for known in SUBSCRIPTIONS {
            let numbers = payments.by_ref().take(known.payments.len()).map(|index| {
                let id = &self.created.transactions[*index];
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
            self.book.mark_saved(8);
        } else {
            self.book = Book::default();
        }
    }

    fn prepare(&self, request: &Request) -> Box<dyn PreparedCall> {
        let Request { party, reference, action } = request;
        let (caller, descriptions, digest) = (account(*party), descriptions_with(reference), digest(action));
        let token = |selector| self.created.token(selector);
        match *action {
            Action::Pay(ref payment) => {
                let operation = Pay(self.payment(caller, payment, descriptions));
                prepare_command(Idempotent { operation, digest }, receipt)
            }
            Action::Reserve(ref payment) => {
                let operation = Reserve(self.payment(caller, payment, descriptions));
                prepare_command(Idempotent { operation, digest }, receipt)
            }
            Action::Settle { reservation, cents: amount } => {
                let reservation = self.created.transaction(reservation);
                prepare_command(Settle { caller, reservation, amount: amount.map(cents) }, receipt)
            }
            Action::Cancel { transaction } => prepare_command(
                Cancel { caller, transaction: self.created.transaction(transaction) },
                receipt,
            ),
            Action::Refund { of, cents: amount, policy } => {
                let (original, amount) = (self.created.transaction(of), amount.map(cents));
                prepare_command(
                    Idempotent {
                        operation: Refund { caller, original, amount, policy, descriptions },
                        digest,
                    },
                    receipt,
                )
            }
            Action::FundPrepaid { token: selector, instrument, cents: amount, timeout_minutes } => {
                let (sender_token, instrument) = (token(selector), instrument_id(instrument));
                let amount = cents(amount);
                let operation =
                    FundPrepaid { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
                prepare_command(Idempotent { operation, digest }, receipt)
            }
            Action::SettleDebt { token: selector, instrument, cents: amount, timeout_minutes } => {
                let (sender_token, instrument) = (token(selector), instrument_id(instrument));
                let amount = amount.map(cents);
                let operation =
                    SettleDebt { caller, sender_token, instrument, amount, descriptions, timeout_minutes };
                prepare_command(Idempotent { operation, digest }, receipt)
            }
            Action::WriteOff { instrument, cents: amount } => {
                let (instrument, amount) = (instrument_id(instrument), cents(amount));
                prepare_command(
                    Idempotent {
                        operation: WriteOffDebt { caller, instrument, amount, descriptions },
                        digest,
                    },
                    receipt,
                )
            }
            Action::CancelSubscription { subscription, refund_cents: None } => {
                let subscription = subscription_id(subscription);
                prepare_command(CancelSubscription { caller, subscription }, |(), _| ActionResult::Done)
            }
            Action::CancelSubscription { subscription, refund_cents: Some(amount) } => {
                let (subscription, amount) = (subscription_id(subscription), cents(amount));
                let operation = CancelSubscriptionAndRefund { caller, subscription, amount, descriptions };
                prepare_command(Idempotent { operation, digest }, receipt)
            }
            Action::CancelToken { .. } | Action::Install { .. } | Action::Edit { .. } => {
                self.prepare_token_command(caller, reference, action)
            }
            ref query => self.prepare_query_action(caller, query),
        }
    }

    fn prepare_token_command(
        &self,
        caller: AccountNumber,
        reference: &str,
        action: &Action,
    ) -> Box<dyn PreparedCall> {
        match *action {
            Action::CancelToken { token: selector } => {
                prepare_command(CancelToken { caller, token: self.created.token(selector) }, |(), _| {
                    ActionResult::Done
                })
            }
            Action::Install { text, single_use } => {
                let installed = InstallPaymentInstruction {
                    caller,
                    instruction: format!("text {text}"),
                    friendly_name: None,
                    caller_reference: reference.to_owned(),
                    token_type: if single_use { TokenType::SingleUse } else { TokenType::MultiUse },
                    payment_reason: None,
                };
                prepare_command(installed, |id, created| ActionResult::Token(created.index_of_token(id)))
            }
            Action::Edit { token: selector, visitor, offered, chosen } => {
                let proposal = Proposal {
                    caller,
                    methods: offered.into(),
                    reason: None,
                    validity: Validity::default(),
                    request: TokenRequest::Edit { token: self.created.token(selector) },
                };
                let visitor = visitor.map_or(Visitor::First, |party| Visitor::At(email(party)));
                prepare_command(
                    Authorize { proposal, visitor, method: chosen, previous_method: None },
                    |output, _| {
                        output.map_or_else(
                            |error| ActionResult::Refused(return_status(&error)),
                            |edited| ActionResult::Edited {
                                method: edited.method.expect("a method"),
                                changed: edited.changed,
                            },
                        )
                    },
                )
            }
            _ => unreachable!("{action:?} changes no token"),
        }
    }

    fn prepare_query_action(&self, caller: AccountNumber, action: &Action) -> Box<dyn PreparedCall> {
        match *action {
            Action::DebtBalance { instrument } => {
                let instrument = instrument_id(instrument);
                prepare_query(GetDebtBalance { caller, instrument }, |debt, _| {
                    instrument_balance(debt.available, debt.pending_out)
                })
            }
            Action::OutstandingDebt => prepare_query(GetOutstandingDebtBalance { caller }, |debt, _| {
                instrument_balance(debt.available, debt.pending_out)
            }),
            Action::PrepaidBalance { instrument } => {
                let instrument = instrument_id(instrument);
                prepare_query(GetPrepaidBalance { caller, instrument }, |paid, _| {
                    instrument_balance(paid.available, paid.pending_in)
                })
            }
            Action::PrepaidLiability => prepare_query(GetTotalPrepaidLiability { caller }, |paid, _| {
                instrument_balance(paid.available, paid.pending_in)
            }),
            Action::AccountBalance => {
                prepare_query(GetAccountBalance { caller }, |balance, _| ActionResult::Balance {
                    total: units(balance.total),
                    incoming: units(balance.pending_in),
                    outgoing: units(balance.pending_out),
                })
            }
            Action::TokenUsage { token } => {
                prepare_query(GetTokenUsage { caller, token: self.created.token(token) }, |usage, _| {
                    ActionResult::Usage(usage.into_iter().map(used_amount).collect())
                })
            }
            Action::State { of } => {
                let transaction = self.created.transaction(of);
                prepare_query(GetTransactionStatus { caller, transaction }, |state, _| ActionResult::State {
                    status: state.last_change.status,
                    code: state.last_change.code,
                    reference: state.caller_reference,
                })
            }
            Action::Detail { of } => {
                let transaction = self.created.transaction(of);
                prepare_query(GetTransaction { caller, transaction }, |detail, made| detail_of(&detail, made))
            }
            _ => unreachable!("{action:?} is no look-up"),
        }
    }

    fn payment(&self, caller: AccountNumber, sent: &history::Payment, descriptions: Descriptions) -> Payment {
        let history::MarketplaceFee { fixed_cents, percent_hundredths } = sent.marketplace_fee;
        Payment {
            caller,
            sender_token: self.created.token(sent.token),
            recipient_token: sent.recipient.map(|selector| self.created.token(selector)),
            amount: cents(sent.cents),
            charge_fee_to: sent.fee_to,
            marketplace_fee: MarketplaceFee {
                fixed: fixed_cents.map(cents),
                percent: percent_hundredths.map(percent),
            },
            descriptions,
            timeout_minutes: sent.timeout_minutes,
        }
    }
}

fn prepare_command<C: Command>(
    command: C,
    answer: fn(C::Output, &mut CreatedIds) -> ActionResult,
) -> Box<dyn PreparedCall> {
    Box::new(PreparedCommand(command, answer))
}

fn prepare_query<Q: Query>(
    query: Q,
    answer: fn(Q::Output, &mut CreatedIds) -> ActionResult,
) -> Box<dyn PreparedCall> {
    Box::new(PreparedQuery(query, answer))
}

fn receipt(receipt: Receipt, created: &mut CreatedIds) -> ActionResult {
    ActionResult::Receipt {
        transaction: created.index_of_transaction(receipt.transaction),
        status: receipt.status,
    }
}

fn instrument_balance(available: Amount, pending: Amount) -> ActionResult {
    ActionResult::InstrumentBalance { available: units(available), pending: units(pending) }
}

fn used_amount((limit, used): (UsageLimit, WindowUsage)) -> i64 {
    match limit.measure {
        UsageMeasure::Amount => units(Amount::from_micros(used.used)),
        UsageMeasure::Count => used.used,
    }
}

/// The status in the return URL for an error.
const fn return_status(error: &ProposalError) -> &'static str {
    match error {
        ProposalError::IllFormed(_) | ProposalError::ReferenceUsed(_) => "CE",
        ProposalError::NoMethod => "PE",
        ProposalError::NotPossible(_) => "NP",
        ProposalError::NotRegistered => "NM",
    }
}

fn digest(action: &Action) -> RequestDigest {
    let mut hasher = DefaultHasher::new();
    format!("{action:?}").hash(&mut hasher);
    u128::from(hasher.finish()).to_be_bytes()
}

fn detail_of(detail: &TransactionDetail, ids: &mut CreatedIds) -> ActionResult {
    let transaction = &detail.transaction;
    for (party, told) in [
        (transaction.caller, &detail.caller),
        (transaction.sender, &detail.sender),
        (transaction.recipient, &detail.recipient),
    ] {
        assert_eq!(told.name, format!("{:?}", party_of(party)), "the name of a party of {transaction:?}");
    }
    let instrument = detail.instrument.as_ref().map(|(_, id)| id);
    ActionResult::Detail(Detail {
        caller: party_of(transaction.caller),
        sender: party_of(transaction.sender),
        recipient: party_of(transaction.recipient),
        amount: units(transaction.amount),
        settled: transaction.progress.settled.map(units),
        fee: units(transaction.progress.fee),
        marketplace_fee: units(transaction.progress.marketplace_fee),
        method: transaction.method,
        status: transaction.status(),
        token: detail.sender_token.as_ref().map(|id| ids.index_of_token(id.clone())),
        recipient_token: detail.recipient_token.as_ref().map(|id| ids.index_of_token(id.clone())),
        instrument: instrument
            .and_then(|id| INSTRUMENTS.iter().find(|known| known.id == id.as_str()))
            .map(|known| known.id),
        received: transaction.received.millis(),
        completed: transaction.history.completed().map(Timestamp::millis),
        original: detail.original.as_ref().map(|id| ids.index_of_transaction(id.clone())),
        refunds: detail.refunds.iter().map(|id| ids.index_of_transaction(id.clone())).collect(),
    })
}

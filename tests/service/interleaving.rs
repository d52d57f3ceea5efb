//! Two commands in one batch on shared rows have the same results and effects as one after the other.
//!
//! The test compares all pairs of commands in two sandboxes: one runs each pair in a batch, the other runs each command
//! alone. Each pair has its own rows. For every other pair a settlement by card becomes due, so that the batch runs it too.

use std::fmt::Write;
use std::pin::Pin;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use fps_sandbox::error::FpsError;
use fps_sandbox::ledger::{
    AccountNumber, Amount, Authorize, Book, Cancel, CancelSubscription, CancelSubscriptionAndRefund,
    CancelToken, ChargeRange, Command, Context, Descriptions, FundPrepaid, GetDebtBalance, GetPrepaidBalance,
    GetTokenByCaller, GetTokenUsage, Idempotent, IdempotentOperation, InstallPaymentInstruction,
    InstrumentId, MarketplaceFee, MarketplaceRefundPolicy, Pay, Payment, PaymentMethod, PostpaidTerms,
    Proposal, ReadSet, Receipt, Refund, Reserve, SenderTokenTerms, Settle, SettleDebt, TokenId, TokenRequest,
    TokenSelector, TokenType, TransactionId, Validity, Visitor, WriteOffDebt,
};
use fps_sandbox::store::Store;
use tokio::sync::oneshot;

use crate::support::Server;

type CommandFuture = Pin<Box<dyn Future<Output = String> + Send>>;

/// The result of a command as text, without ids.
fn describe<T>(answer: Result<T, FpsError>, to_text: impl Fn(T) -> String) -> String {
    match answer {
        Ok(answer) => to_text(answer),
        Err(refusal) => refusal.to_string(),
    }
}

fn dollars(text: &str) -> Amount {
    Amount::parse(text).expect("dollars")
}

/// The rows of one pair, and the commands on them by their index in [`COMMANDS`].
#[derive(Clone)]
struct PairCommands {
    store: Store,
    caller: AccountNumber,
    pair: usize,
    /// The reservation of the pair.
    reserved: TransactionId,
    /// The settlement by card of the pair, which is pending.
    pending: TransactionId,
}

const COMMANDS: [&str; 28] = [
    "Pay on credit",
    "SettleDebt of all from a balance",
    "SettleDebt of a little from a balance",
    "SettleDebt of all by card",
    "WriteOffDebt of a part",
    "WriteOffDebt of all",
    "Refund of all of a debt",
    "Refund of a part of a debt",
    "EditToken from balance to card",
    "EditToken from card to balance",
    "CancelToken of the credit token",
    "CancelToken of the settlement token",
    "Pay by prepaid token",
    "FundPrepaid up to the limit",
    "Refund onto the prepaid instrument",
    "Refund to a card",
    "Settle",
    "Cancel",
    "Reserve by a single-use token",
    "Pay by the same single-use token",
    "Authorize a postpaid instrument",
    "InstallPaymentInstruction",
    "CancelSubscription",
    "CancelSubscriptionAndRefund",
    "Cancel of a settlement that waits for a card",
    "EditToken of the funding token",
    "Authorize a prepaid instrument",
    "Authorize a single payment",
];

impl PairCommands {
    fn token(&self, name: &str) -> TokenId {
        format!("{name}-{}", self.pair).into()
    }

    fn instrument(&self, name: &str) -> InstrumentId {
        format!("{name}-{}", self.pair).into()
    }

    fn idempotent<O>(place: usize, operation: O) -> Idempotent<O> {
        let digest = [u8::try_from(place).expect("few commands"); 16];
        Idempotent { operation, digest }
    }

    fn descriptions(&self, place: usize) -> Descriptions {
        Descriptions { caller_reference: format!("{place} of pair {}", self.pair), ..Descriptions::default() }
    }

    fn payment(&self, place: usize, token: &str, amount: &str) -> Payment {
        Payment {
            caller: self.caller,
            sender_token: self.token(token),
            recipient_token: None,
            amount: dollars(amount),
            charge_fee_to: None,
            marketplace_fee: MarketplaceFee::default(),
            descriptions: self.descriptions(place),
            timeout_minutes: 10_080,
        }
    }

    fn settlement(&self, place: usize, token: &str, amount: Option<&str>) -> SettleDebt {
        SettleDebt {
            caller: self.caller,
            sender_token: self.token(token),
            instrument: self.instrument("LINE"),
            amount: amount.map(dollars),
            descriptions: self.descriptions(place),
            timeout_minutes: 10_080,
        }
    }

    fn refund(&self, place: usize, payment: &str, amount: Option<&str>) -> Refund {
        Refund {
            caller: self.caller,
            original: format!("{payment}-{}", self.pair).into(),
            amount: amount.map(dollars),
            policy: MarketplaceRefundPolicy::MasterTxnOnly,
            descriptions: self.descriptions(place),
        }
    }

    fn authorise(&self, request: TokenRequest, method: PaymentMethod) -> Authorize {
        Authorize {
            proposal: Proposal {
                caller: self.caller,
                methods: vec![PaymentMethod::CC, PaymentMethod::ACH, PaymentMethod::ABT],
                reason: None,
                validity: Validity::default(),
                request,
            },
            visitor: Visitor::At("buyer@example.com".to_owned()),
            method: Some(method),
            previous_method: None,
        }
    }

    fn run_command<C: Command>(&self, command: C) -> CommandFuture {
        let store = self.store.clone();
        Box::pin(async move { describe(store.run(command).await, |_| "done".to_owned()) })
    }

    fn run_idempotent(&self, place: usize, operation: impl IdempotentOperation) -> CommandFuture {
        let (store, idempotent) = (self.store.clone(), Self::idempotent(place, operation));
        let status = |receipt: Receipt| format!("{:?}", receipt.status);
        Box::pin(async move { describe(store.run(idempotent).await, status) })
    }

    fn run(&self, place: usize) -> CommandFuture {
        let caller = self.caller;
        match place {
            0 => self.run_idempotent(place, Pay(self.payment(place, "CREDIT", "10"))),
            1 => self.run_idempotent(place, self.settlement(place, "SETTLE", None)),
            2 => self.run_idempotent(place, self.settlement(place, "SETTLE", Some("0.05"))),
            3 => self.run_idempotent(place, self.settlement(place, "SETTLE-CARD", None)),
            4 | 5 => self.run_idempotent(
                place,
                WriteOffDebt {
                    caller,
                    instrument: self.instrument("LINE"),
                    amount: dollars(if place == 4 { "20" } else { "70" }),
                    descriptions: self.descriptions(place),
                },
            ),
            6 => self.run_idempotent(place, self.refund(place, "DEBT-FIRST", None)),
            7 => self.run_idempotent(place, self.refund(place, "DEBT-SECOND", Some("5"))),
            12 => self.run_idempotent(place, Pay(self.payment(place, "PREPAID", "10"))),
            13 => self.run_idempotent(
                place,
                FundPrepaid {
                    caller,
                    sender_token: self.token("FUND"),
                    instrument: self.instrument("CARD"),
                    amount: dollars("30"),
                    descriptions: self.descriptions(place),
                    timeout_minutes: 10_080,
                },
            ),
            14 => self.run_idempotent(place, self.refund(place, "SPENT", None)),
            15 => self.run_idempotent(place, self.refund(place, "BY-CARD", None)),
            16 => self.run_command(Settle { caller, reservation: self.reserved.clone(), amount: None }),
            17 => self.run_command(Cancel { caller, transaction: self.reserved.clone() }),
            18 => self.run_idempotent(place, Reserve(self.payment(place, "ONCE", "10"))),
            19 => self.run_idempotent(place, Pay(self.payment(place, "ONCE", "10"))),
            23 => self.run_idempotent(
                place,
                CancelSubscriptionAndRefund {
                    caller,
                    subscription: self.subscription(),
                    amount: dollars("1"),
                    descriptions: self.descriptions(place),
                },
            ),
            24 => self.run_command(Cancel { caller, transaction: self.pending.clone() }),
            _ => self.run_on_tokens(place),
        }
    }

    /// The commands that create or change tokens.
    fn run_on_tokens(&self, place: usize) -> CommandFuture {
        let caller = self.caller;
        match place {
            8 => self.run_command(
                self.authorise(TokenRequest::Edit { token: self.token("SETTLE") }, PaymentMethod::CC),
            ),
            9 => self.run_command(
                self.authorise(TokenRequest::Edit { token: self.token("SETTLE-CARD") }, PaymentMethod::ABT),
            ),
            10 => self.run_command(CancelToken { caller, token: self.token("CREDIT") }),
            11 => self.run_command(CancelToken { caller, token: self.token("SETTLE") }),
            20 => {
                let asked = TokenRequest::Postpaid(PostpaidTerms {
                    sender_reference: format!("shared {}", self.pair),
                    settlement_reference: format!("settlement {}", self.pair),
                    credit_limit: dollars("50"),
                    settlement_limit: dollars("500"),
                    charges: ChargeRange::default(),
                    limits: Vec::new(),
                });
                self.run_command(self.authorise(asked, PaymentMethod::CC))
            }
            21 => self.run_command(InstallPaymentInstruction {
                caller,
                instruction: "MyRole == 'Caller';".to_owned(),
                friendly_name: None,
                caller_reference: format!("shared {}", self.pair),
                token_type: TokenType::Unrestricted,
                payment_reason: None,
            }),
            22 => self.run_command(CancelSubscription { caller, subscription: self.subscription() }),
            25 => self.run_command(
                self.authorise(TokenRequest::Edit { token: self.token("FUND") }, PaymentMethod::CC),
            ),
            26 => {
                let asked = TokenRequest::Prepaid {
                    sender_reference: format!("shared {}", self.pair),
                    funding_reference: format!("funding {}", self.pair),
                    max_balance: dollars("50"),
                };
                self.run_command(self.authorise(asked, PaymentMethod::CC))
            }
            27 => {
                let asked = TokenRequest::Payments(SenderTokenTerms {
                    reference: format!("shared {}", self.pair),
                    token_type: TokenType::SingleUse,
                    charges: ChargeRange::default(),
                    global_limit: None,
                    limits: Vec::new(),
                    recipients: Vec::new(),
                    reserves: false,
                });
                self.run_command(self.authorise(asked, PaymentMethod::CC))
            }
            _ => unreachable!("there are {} commands", COMMANDS.len()),
        }
    }

    fn subscription(&self) -> fps_sandbox::ledger::SubscriptionId {
        format!("SUBSCRIPTION-{}", self.pair).into()
    }

    /// Starts a settlement by card, which is pending when the pair runs.
    async fn settle_by_card(&mut self) {
        let settlement = self.settlement(COMMANDS.len(), "SETTLE-CARD", Some("5"));
        let idempotent = Self::idempotent(COMMANDS.len(), settlement);
        self.pending = self.store.run(idempotent).await.expect("a settlement").transaction;
    }

    /// The rows of the pair after the commands.
    async fn state(&self) -> String {
        let caller = self.caller;
        let debt = GetDebtBalance { caller, instrument: self.instrument("LINE") };
        let prepaid = GetPrepaidBalance { caller, instrument: self.instrument("CARD") };
        let mut state = describe(self.store.query(debt).await, |debt| format!("{debt:?}"));
        state += &describe(self.store.query(prepaid).await, |prepaid| format!(" {prepaid:?}"));
        for token in ["CREDIT", "SETTLE", "SETTLE-CARD", "ONCE"] {
            let name = TokenSelector::Id(self.token(token));
            let found = GetTokenByCaller { caller, name };
            state += &describe(self.store.query(found).await, |token| {
                format!(" {:?} {} {:?}", token.method, token.active, token.usage)
            });
            let usage = GetTokenUsage { caller, token: self.token(token) };
            state += &describe(self.store.query(usage).await, |usage| format!(" {usage:?}"));
        }
        state
    }
}

/// A seed with rows for this many pairs.
fn seed(pairs: usize) -> String {
    let text = String::from(
        r#"
[[account]]
name = "merchant"
email = "merchant@example.com"
balance = "100000.00"
access_key = [{ id = "MERCHANT", secret = "secret" }]
[[account]]
name = "buyer"
email = "buyer@example.com"
kind = "personal"
balance = "1000000.00"
"#,
    );
    let mut instruments = String::new();
    let mut tokens = String::new();
    let mut payments = String::new();
    for pair in 0..pairs {
        let parties = "sender = \"buyer\"\nrecipient = \"merchant\"";
        let _ = write!(
            instruments,
            "[[credit_instrument]]\nid = \"LINE-{pair}\"\n{parties}\ncredit_limit = \"75.00\"\n\
             [[prepaid_instrument]]\nid = \"CARD-{pair}\"\n{parties}\nrecharge_limit = \"60.00\"\n"
        );
        for (token, rest) in [
            ("CREDIT", format!("charges = \"LINE-{pair}\"")),
            (
                "SETTLE",
                format!("settles = \"LINE-{pair}\"\nmethod = \"ABT\"\nglobal_amount_limit = \"75.00\""),
            ),
            ("SETTLE-CARD", format!("settles = \"LINE-{pair}\"\nmethod = \"CC\"")),
            ("PREPAID", format!("charges = \"CARD-{pair}\"")),
            ("FUND", format!("funds = \"CARD-{pair}\"\nmethod = \"ABT\"")),
            (
                "ONCE",
                "sender = \"buyer\"\ncaller = \"merchant\"\nmethod = \"CC\"\ntype = \"SingleUse\"".to_owned(),
            ),
            ("MANY", "sender = \"buyer\"\ncaller = \"merchant\"\nmethod = \"CC\"".to_owned()),
        ] {
            let _ = write!(tokens, "[[token]]\nid = \"{token}-{pair}\"\n{rest}\n");
        }
        for (payment, token, amount) in [
            ("DEBT-FIRST", "CREDIT", "40.00"),
            ("DEBT-SECOND", "CREDIT", "30.00"),
            ("FUNDED", "FUND", "50.00"),
            ("SPENT", "PREPAID", "20.00"),
            ("BY-CARD", "MANY", "20.00"),
            ("SUBSCRIBED", "MANY", "10.00"),
        ] {
            let _ = write!(
                payments,
                "[[payment]]\nid = \"{payment}-{pair}\"\ntoken = \"{token}-{pair}\"\namount = \"{amount}\"\n"
            );
        }
        let _ = write!(
            payments,
            "[[subscription]]\nid = \"SUBSCRIPTION-{pair}\"\n{parties}\ndescription = \"weekly\"\n\
             amount = \"10.00\"\nfrequency = \"1 Week\"\npayments = [\"SUBSCRIBED-{pair}\"]\n"
        );
    }
    text + &instruments + &tokens + &payments
}

/// A command that blocks the writer until a message arrives. All commands sent meanwhile form the next batch.
pub(crate) struct BlockWriter(pub(crate) Mutex<Option<(oneshot::Sender<()>, mpsc::Receiver<()>)>>);

impl Command for BlockWriter {
    type Output = ();

    fn read_set(&self, _: &mut ReadSet<'_>) {}

    fn decide(&self, _: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        // A failed batch runs again; the second time, the command does not block.
        if let Some((begun, release)) = self.0.lock().expect("one at a time").take() {
            begun.send(()).expect("somebody waits");
            let _ = release.recv();
        }
        Ok(())
    }
}

/// Creates the reservation of each pair.
async fn prepare_pairs(server: &Server, pairs: usize) -> Vec<PairCommands> {
    let merchant = server.key("MERCHANT").expect("the merchant's key");
    let mut commands = Vec::new();
    for pair in 0..pairs {
        let mut pair_commands = PairCommands {
            store: server.store.clone(),
            caller: merchant.owner,
            pair,
            reserved: "".into(),
            pending: "".into(),
        };
        let reserve = Reserve(Payment {
            descriptions: Descriptions {
                caller_reference: format!("reserved {pair}"),
                ..Descriptions::default()
            },
            ..pair_commands.payment(0, "MANY", "10")
        });
        let receipt =
            server.store.run(Idempotent { operation: reserve, digest: [0; 16] }).await.expect("reserved");
        pair_commands.reserved = receipt.transaction;
        commands.push(pair_commands);
    }
    server.advance(Duration::from_secs(2)).await;
    commands
}

/// The pairs are distributed over this many tests, which run concurrently.
const PARTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_two_commands_of_one_batch_are_as_if_each_were_alone() {
    run_part(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_two_commands_of_one_batch_are_as_if_each_were_alone_second_part() {
    run_part(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_two_commands_of_one_batch_are_as_if_each_were_alone_third_part() {
    run_part(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_two_commands_of_one_batch_are_as_if_each_were_alone_last_part() {
    run_part(3).await;
}

async fn run_part(part: usize) {
    let pairs: Vec<(usize, usize)> = (part..COMMANDS.len())
        .step_by(PARTS)
        .flat_map(|first| (0..COMMANDS.len()).map(move |second| (first, second)))
        .collect();
    let seed = seed(pairs.len());
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let batched = Server::start_in(folder.path(), &seed).await;
    let sequential = Server::start_in(other.path(), &seed).await;
    let (mut batched_pairs, mut sequential_pairs) =
        (prepare_pairs(&batched, pairs.len()).await, prepare_pairs(&sequential, pairs.len()).await);
    let mut problems = Vec::new();
    for (pair, (first, second)) in pairs.into_iter().enumerate() {
        batched_pairs[pair].settle_by_card().await;
        sequential_pairs[pair].settle_by_card().await;
        let elapsed = Duration::from_secs(if pair % 2 == 0 { 2 } else { 0 });
        sequential.advance(elapsed).await;
        let ((begun, is_blocked), (release, released)) = (oneshot::channel(), mpsc::channel());
        let block = BlockWriter(Mutex::new(Some((begun, released))));
        let both = async {
            is_blocked.await.expect("the writer is blocked");
            let (one, two, ()) =
                tokio::join!(batched_pairs[pair].run(first), batched_pairs[pair].run(second), async {
                    // The blocked writer cannot run `set_clock`, so the test sets the clock itself. `advance` below makes
                    // the writer notice.
                    batched.clock.set(batched.clock.state().advanced(elapsed));
                    release.send(()).expect("the writer waits");
                });
            (one, two)
        };
        let (_, (one, two)) = tokio::join!(batched.store.run(block), both);
        batched.advance(Duration::ZERO).await;
        let expected = (sequential_pairs[pair].run(first).await, sequential_pairs[pair].run(second).await);
        let found = (one, two);
        let states = (batched_pairs[pair].state().await, sequential_pairs[pair].state().await);
        if found != expected || states.0 != states.1 {
            problems.push(format!(
                "{}, then {}: {found:?}, not {expected:?}; {}, not {}",
                COMMANDS[first], COMMANDS[second], states.0, states.1
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    batched.advance(Duration::from_secs(2)).await;
    batched.stop_and_audit().await;
    sequential.stop_and_audit().await;
}

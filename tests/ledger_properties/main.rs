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
mod in_memory_store;
mod model;
mod sandbox;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use fps_sandbox::ledger::{LedgerAccount, LedgerAccountKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use history::{Answer, Ask, Detail, History, Request, Step, opening_requests};
use model::{Model, Money};
use sandbox::{Sandbox, account, units};
use world::Who;

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

/// Runs a history through ledger and model; `note` sees every answer and the model after it.
fn compare(history: &History, mut note: impl FnMut(&Model, &Request, &Answer)) -> Result<(), TestCaseError> {
    let (mut sandbox, mut model) = begin(history.keep_book);
    let mut asked: Vec<Request> = Vec::new();
    let mut steps = history.steps.iter().enumerate().peekable();
    while steps.peek().is_some() {
        let mut batch: Vec<Request> = Vec::new();
        while batch.len() < history.batch {
            let request = match steps.next_if(|(_, step)| !matches!(step, Step::Wait(_))) {
                Some((place, Step::Call { who, reference, ask })) => {
                    let ask = model.named(ask.clone());
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
            note(&model, request, answer);
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

/// Ledger and model with everything that was there before.
fn begin(keep_book: bool) -> (Sandbox, Model) {
    let (mut sandbox, mut model) = (Sandbox::new(keep_book), Model::new());
    let mut payments = Vec::new();
    for request in opening_requests() {
        let answer = sandbox.run(std::slice::from_ref(&request)).remove(0);
        assert_eq!(answer, model.answer(&request), "{request:?}");
        match answer {
            Answer::Receipt { transaction, .. } => payments.push(transaction),
            _ => panic!("{answer:?} to {request:?}"),
        }
    }
    sandbox.add_subscriptions(&payments);
    model.add_subscriptions(&payments);
    (sandbox, model)
}

/// The rows of the store are sound, and say what the model says.
fn agree(sandbox: &Sandbox, model: &Model) -> Result<(), TestCaseError> {
    let store = &sandbox.store;
    prop_assert_eq!(store.broken(), Vec::<String>::new());
    let total = |kind, owner| units(store.total(LedgerAccount { kind, owner }));
    let by_party: [(LedgerAccountKind, &Money); 5] = [
        (LedgerAccountKind::Balance, &model.balances),
        (LedgerAccountKind::Incoming, &model.incoming),
        (LedgerAccountKind::Outgoing, &model.outgoing),
        (LedgerAccountKind::Reserved, &model.reserved),
        (LedgerAccountKind::WriteOffs, &model.written_off),
    ];
    for (kind, expected) in by_party {
        for who in Who::ALL {
            let expected = expected.get(&who).copied().unwrap_or_default();
            prop_assert_eq!(total(kind, account(who).0), expected, "{} of {:?}", kind.into_str(), who);
        }
    }
    prop_assert_eq!(total(LedgerAccountKind::Fees, 0), model.fees, "fees");
    for (instrument, expected) in store.instruments().zip(&model.carried) {
        let [available, pending] = instrument.ledger_accounts().map(|account| units(store.total(account)));
        let expected = (expected.available, expected.pending);
        prop_assert_eq!((available, pending), expected, "carried on {}", &instrument.id);
    }
    for (made, expected) in store.transactions.values().zip(&model.transactions) {
        let stage = made.last_change();
        prop_assert_eq!(
            (stage.status, stage.code),
            (expected.status, expected.code),
            "the state of {:?}",
            made
        );
    }
    prop_assert_eq!(store.transactions.len(), model.transactions.len(), "transactions made");
    for (place, (token, expected)) in store.tokens().zip(&model.tokens).enumerate() {
        prop_assert_eq!(token.active, !expected.rules.cancelled, "whether active: {:?}", token);
        prop_assert_eq!(expected.method().unwrap_or(token.method), token.method, "how it pays: {:?}", token);
        let used = if token.is_limited() { model.used(place) } else { (0, 0) };
        prop_assert_eq!((token.usage.uses, units(token.usage.spent)), used, "the use of {:?}", token);
    }
    prop_assert_eq!(store.tokens().count(), model.tokens.len(), "tokens made");
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
        compare(&history, |_, _, _| ())?;
    }
}

/// Guards the property above against growing blind: its histories must come upon every answer that matters.
#[test]
fn random_histories_come_upon_every_kind_of_answer() {
    let expected = EXPECTED.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| {
        let (action, outcomes) = line.split_once(": ").expect("an action and its outcomes");
        outcomes.split(' ').map(move |outcome| format!("{action} {outcome}"))
    });
    let mut missing: BTreeSet<String> = expected.collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..MAX_HISTORIES {
        if missing.is_empty() {
            return;
        }
        let tree = history::histories().new_tree(&mut runner).expect("a history");
        let history = proptest::strategy::ValueTree::current(&tree);
        compare(&history, |model, request, answer| {
            let outcome = match answer {
                Answer::Receipt { status, .. } | Answer::State { status, .. } => format!("{status:?}"),
                Answer::Refused(code) => (*code).to_owned(),
                Answer::Edited { changed, .. } => if *changed { "changed" } else { "unchanged" }.to_owned(),
                _ => "answered".to_owned(),
            };
            if matches!(request.ask, Ask::Refund { .. } | Ask::State { .. }) {
                for mark in model.marks() {
                    *seen.entry(format!("History {mark}")).or_default() += 1;
                }
            }
            for label in request.ask.labels() {
                *seen.entry(format!("{label} {outcome}")).or_default() += 1;
            }
        })
        .expect("ledger and model agree");
        missing.retain(|expected| !seen.contains_key(expected));
    }
    panic!("{missing:?} never happened: {seen:#?}");
}

/// Among so many histories everything must happen; most of it does among the first few hundred.
const MAX_HISTORIES: usize = 1_000;

const EXPECTED: &str = "
    Pay: Success Pending InvalidParams InvalidTokenId_Sender SameSenderAndRecipient InvalidAccountState_Sender
    Pay: TokenNotActive_Sender InstrumentExpired IncompatibleTokens InvalidRecipientForCCTransaction TokenUsageError
    Pay: AmountOutOfRange InsufficientBalance DuplicateRequest NotMarketplaceApp SameTokenIdUsedMultipleTimes
    Pay: InvalidTokenId_Recipient TokenNotActive_Recipient InvalidAccountState_Recipient InvalidPaymentMethod
    Pay: AccountLimitsExceeded
    Reserve: Pending InvalidParams PaymentInstrumentNotCC IncompatibleTokens TokenUsageError AmountOutOfRange
    Reserve: TokenNotActive_Recipient InvalidRecipientForCCTransaction DuplicateRequest
    Settle: Pending InvalidParams InvalidTransactionId OriginalTransactionIncomplete OriginalTransactionFailed
    Settle: InvalidTransactionState SettleAmountGreaterThanReserveAmount AmountOutOfRange InsufficientBalance
    Pay to a recipient: Success Pending InsufficientBalance InvalidParams
    Reserve to a recipient: Pending
    Settle in part: Pending
    Cancel: Cancelled InvalidParams InvalidTransactionId InvalidTransactionState
    Refund: Success Pending InvalidParams InvalidTransactionId TransactionTypeNotRefundable
    Refund: OriginalTransactionIncomplete OriginalTransactionFailed TransactionFullyRefundedAlready
    Refund: InvalidTransactionState RefundAmountExceeded AmountOutOfRange InsufficientBalance DuplicateRequest
    Refund by MasterTxnOnly: Success Pending
    Refund by MarketplaceTxnOnly: Success RefundAmountExceeded TransactionFullyRefundedAlready InsufficientBalance
    Refund by MasterAndMarketplaceTxn: Success Pending
    FundPrepaid: Success Pending InvalidParams InvalidTokenId_Sender InvalidPaymentInstrument InstrumentExpired
    FundPrepaid: InstrumentAccessDenied IncompatibleTokens TokenUsageError AmountOutOfRange DuplicateRequest
    FundPrepaid: PrepaidFundingLimitExceeded InsufficientBalance
    SettleDebt: Success Pending InvalidParams InvalidTokenId_Sender InvalidPaymentInstrument InstrumentAccessDenied
    SettleDebt: InstrumentExpired IncompatibleTokens TokenUsageError SettleAmountGreaterThanDebt AmountOutOfRange
    SettleDebt: InsufficientBalance DuplicateRequest
    WriteOffDebt: Success InvalidParams InvalidPaymentInstrument InstrumentAccessDenied SettleAmountGreaterThanDebt
    WriteOffDebt: AmountOutOfRange DuplicateRequest
    CancelSubscriptionAndRefund: answered Success Pending InvalidParams AccessFailure InvalidTransactionState
    CancelSubscriptionAndRefund: RefundAmountExceeded OriginalTransactionIncomplete
    CancelToken: answered InvalidParams InvalidTokenId TokenAccessDenied TokenNotActive
    InstallPaymentInstruction: answered DuplicateRequest InvalidAccountState
    EditToken: changed unchanged CE NP PE NM
    GetDebtBalance: answered InvalidParams InvalidPaymentInstrument InstrumentAccessDenied
    GetPrepaidBalance: answered InvalidParams InvalidPaymentInstrument InstrumentAccessDenied
    GetOutstandingDebtBalance: answered
    GetTotalPrepaidLiability: answered
    GetAccountBalance: answered
    GetTokenUsage: answered InvalidParams InvalidTokenId TokenAccessDenied InvalidTokenType
    GetTransactionStatus: Success Pending Failure Reserved Cancelled InvalidParams InvalidTransactionId
    GetTransaction: answered InvalidParams InvalidTransactionId
    History: Lapsed AboveRechargeLimit OwnFeeReturnedInParts
";

//! The ledger compared with a small model of its rules: random histories of several callers, with every result compared
//! and every invariant checked after every batch. There is no database and no server: an in-memory store loads exactly the
//! rows that are in the read set.
//!
//! `PROPTEST_CASES` sets the number of histories.

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
mod ledger_rows;
mod ledger_under_test;
mod model;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use fps_sandbox::ledger::Named as _;
use fps_sandbox::ledger::{LedgerAccount, LedgerAccountKind};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use history::{Action, ActionResult, Detail, History, Request, Step, initial_requests};
use ledger_rows::{account, units};
use ledger_under_test::LedgerUnderTest;
use model::{Model, Money};
use world::Party;

/// Replaces timestamps that are less than a second after the expected ones. The ledger gives each transaction a different
/// millisecond, the model does not.
fn align_timestamps(answer: &ActionResult, expected: &ActionResult) -> ActionResult {
    let (ActionResult::Detail(detail), ActionResult::Detail(expected)) = (answer, expected) else {
        return answer.clone();
    };
    let align_timestamps = |told: i64, expected: i64| {
        if (0..1_000).contains(&(told - expected)) { expected } else { told }
    };
    ActionResult::Detail(Detail {
        received: align_timestamps(detail.received, expected.received),
        completed: detail
            .completed
            .map(|told| expected.completed.map_or(told, |expected| align_timestamps(told, expected))),
        ..detail.clone()
    })
}

/// Runs a history through ledger and model. `observe` is called with every result and the model after it.
fn run_and_compare(
    history: &History,
    mut observe: impl FnMut(&Model, &Request, &ActionResult),
) -> Result<(), TestCaseError> {
    let (mut ledger, mut model) = start_both(history.keep_book);
    let mut sent: Vec<Request> = Vec::new();
    let mut steps = history.steps.iter().enumerate().peekable();
    while steps.peek().is_some() {
        let mut batch: Vec<Request> = Vec::new();
        while batch.len() < history.batch {
            let request = match steps.next_if(|(_, step)| !matches!(step, Step::Wait(_))) {
                Some((index, Step::Call { party, reference, action })) => {
                    let action = model.resolve_selectors(action.clone());
                    let own = reference.map(|number| format!("shared {number}"));
                    Request {
                        party: party.unwrap_or_else(|| model.authorized_party(&action)),
                        reference: own.unwrap_or_else(|| format!("step {index}")),
                        action,
                    }
                }
                Some((_, Step::Repeat(back))) if !sent.is_empty() => {
                    sent[sent.len() - 1 - back % sent.len()].clone()
                }
                Some(_) => continue,
                None => break,
            };
            sent.push(request.clone());
            batch.push(request);
        }
        let answers = ledger.run(&batch);
        for (request, answer) in batch.iter().zip(&answers) {
            let expected = model.execute(request);
            prop_assert_eq!(
                &align_timestamps(answer, &expected),
                &expected,
                "the ledger (left) and the model on {:?}",
                request
            );
            observe(&model, request, answer);
        }
        compare_state(&ledger, &model)?;
        if let Some((_, Step::Wait(millis))) = steps.next_if(|(_, step)| matches!(step, Step::Wait(_))) {
            ledger.wait(*millis);
            model.wait(*millis);
            compare_state(&ledger, &model)?;
        }
    }
    Ok(())
}

/// Creates ledger and model with their initial state.
fn start_both(keep_book: bool) -> (LedgerUnderTest, Model) {
    let (mut ledger, mut model) = (LedgerUnderTest::new(keep_book), Model::new());
    let mut payments = Vec::new();
    for request in initial_requests() {
        let answer = ledger.run(std::slice::from_ref(&request)).remove(0);
        assert_eq!(answer, model.execute(&request), "{request:?}");
        match answer {
            ActionResult::Receipt { transaction, .. } => payments.push(transaction),
            _ => panic!("{answer:?} to {request:?}"),
        }
    }
    ledger.add_subscriptions(&payments);
    model.add_subscriptions(&payments);
    (ledger, model)
}

/// Asserts that no invariant is violated and that the rows of the store agree with the model.
fn compare_state(ledger: &LedgerUnderTest, model: &Model) -> Result<(), TestCaseError> {
    let store = &ledger.store;
    prop_assert_eq!(store.violations(), Vec::<String>::new());
    let total = |kind, owner| units(store.total(LedgerAccount { kind, owner }));
    let by_party: [(LedgerAccountKind, &Money); 5] = [
        (LedgerAccountKind::Balance, &model.balances),
        (LedgerAccountKind::Incoming, &model.incoming),
        (LedgerAccountKind::Outgoing, &model.outgoing),
        (LedgerAccountKind::Reserved, &model.reserved),
        (LedgerAccountKind::WriteOffs, &model.written_off),
    ];
    for (kind, expected) in by_party {
        for party in Party::ALL {
            let expected = expected.get(&party).copied().unwrap_or_default();
            prop_assert_eq!(total(kind, account(party).0), expected, "{} of {:?}", kind.name(), party);
        }
    }
    prop_assert_eq!(total(LedgerAccountKind::Fees, 0), model.fees, "fees");
    for (instrument, expected) in store.instruments().zip(&model.instruments) {
        let [available, pending] = instrument.ledger_accounts().map(|account| units(store.total(account)));
        let expected = (expected.available, expected.pending);
        prop_assert_eq!((available, pending), expected, "the balances of {}", &instrument.id);
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
    prop_assert_eq!(store.transactions.len(), model.transactions.len(), "the number of transactions");
    for (index, (token, expected)) in store.tokens().zip(&model.tokens).enumerate() {
        prop_assert_eq!(token.active, !expected.rules.cancelled, "whether {:?} is active", token);
        prop_assert_eq!(
            expected.method().unwrap_or(token.method),
            token.method,
            "the payment method of {:?}",
            token
        );
        let used = if token.is_limited() { model.used(index) } else { (0, 0) };
        prop_assert_eq!((token.usage.uses, units(token.usage.spent)), used, "the usage of {:?}", token);
    }
    prop_assert_eq!(store.tokens().count(), model.tokens.len(), "the number of tokens");
    Ok(())
}

fn config() -> Config {
    // A failing history is shrunk and printed; no regression file is written.
    Config { failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_ledger_agrees_with_the_model_and_violates_no_invariant(history in history::histories()) {
        run_and_compare(&history, |_, _, _| ())?;
    }
}

/// Guards the property above against losing coverage: random histories must reach every relevant result.
#[test]
fn random_histories_reach_every_relevant_result() {
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
        run_and_compare(&history, |model, request, answer| {
            let outcome = match answer {
                ActionResult::Receipt { status, .. } | ActionResult::State { status, .. } => {
                    format!("{status:?}")
                }
                ActionResult::Refused(code) => (*code).to_owned(),
                ActionResult::Edited { changed, .. } => {
                    if *changed { "changed" } else { "unchanged" }.to_owned()
                }
                _ => "answered".to_owned(),
            };
            if matches!(request.action, Action::Refund { .. } | Action::State { .. }) {
                for mark in model.reached_features() {
                    *seen.entry(format!("History {mark}")).or_default() += 1;
                }
            }
            for label in request.action.labels() {
                *seen.entry(format!("{label} {outcome}")).or_default() += 1;
            }
        })
        .expect("ledger and model agree");
        missing.retain(|expected| !seen.contains_key(expected));
    }
    panic!("{missing:?} never happened: {seen:#?}");
}

/// Everything must happen within this many histories. Most of it happens within the first few hundred.
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
    History: Lapsed AboveRechargeLimit MarketplaceFeeReturnedInParts
";

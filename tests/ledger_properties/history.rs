//! Histories as data: what is asked, by whom and when. Plain values, so that a failing history shrinks to its shortest
//! form.

use fps_sandbox::ledger::{ChargeFeeTo, MarketplaceRefundPolicy, PaymentMethod, Status, StatusCode};
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray as _;

use crate::world::{
    ACH_DELAY, CC_DELAY, DAY, INSTRUMENTS, LARGEST, MINUTE, SUBSCRIPTIONS, TOKENS, Who, place_of,
};

/// An id in FPS's form that names nothing, and one of no form at all.
pub(crate) const UNKNOWN: &str = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
pub(crate) const MALFORMED: &str = "none";

/// Names something by its place in a list, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Which {
    Known(usize),
    /// One that suits what is asked, counted back from the newest; it is replaced by its place before anybody is asked.
    Likely(usize),
    Unknown,
    Malformed,
}

/// A Pay or Reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) token: Which,
    pub(crate) recipient: Option<Which>,
    pub(crate) cents: i64,
    pub(crate) fee_to: Option<ChargeFeeTo>,
    pub(crate) marketplace_fee: OwnFee,
    pub(crate) timeout_minutes: i64,
}

/// What a marketplace takes: cents, and hundredths of a per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnFee {
    pub(crate) fixed_cents: Option<i64>,
    pub(crate) percent_hundredths: Option<i64>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Pay(Payment),
    Reserve(Payment),
    Settle {
        reservation: Which,
        cents: Option<i64>,
    },
    Cancel {
        transaction: Which,
    },
    Refund {
        of: Which,
        cents: Option<i64>,
        policy: MarketplaceRefundPolicy,
    },
    FundPrepaid {
        token: Which,
        instrument: Which,
        cents: i64,
        timeout_minutes: i64,
    },
    SettleDebt {
        token: Which,
        instrument: Which,
        cents: Option<i64>,
        timeout_minutes: i64,
    },
    WriteOff {
        instrument: Which,
        cents: i64,
    },
    CancelSubscription {
        subscription: Which,
        refund_cents: Option<i64>,
    },
    CancelToken {
        token: Which,
    },
    Install {
        text: u8,
        single_use: bool,
    },
    /// A visitor of the pages chooses how a token pays; without a name, its owner visits.
    Edit {
        token: Which,
        visitor: Option<Who>,
        offered: &'static [PaymentMethod],
        chosen: Option<PaymentMethod>,
    },
    DebtBalance {
        instrument: Which,
    },
    PrepaidBalance {
        instrument: Which,
    },
    OutstandingDebt,
    PrepaidLiability,
    AccountBalance,
    TokenUsage {
        token: Which,
    },
    State {
        of: Which,
    },
    Detail {
        of: Which,
    },
}

impl Ask {
    /// The action: a caller reference is one for each.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Pay(_) => "Pay",
            Self::Reserve(_) => "Reserve",
            Self::Settle { .. } => "Settle",
            Self::Cancel { .. } => "Cancel",
            Self::Refund { .. } => "Refund",
            Self::FundPrepaid { .. } => "FundPrepaid",
            Self::SettleDebt { .. } => "SettleDebt",
            Self::WriteOff { .. } => "WriteOffDebt",
            Self::CancelSubscription { .. } => "CancelSubscriptionAndRefund",
            Self::CancelToken { .. } => "CancelToken",
            Self::Install { .. } => "InstallPaymentInstruction",
            Self::Edit { .. } => "EditToken",
            Self::DebtBalance { .. } => "GetDebtBalance",
            Self::PrepaidBalance { .. } => "GetPrepaidBalance",
            Self::OutstandingDebt => "GetOutstandingDebtBalance",
            Self::PrepaidLiability => "GetTotalPrepaidLiability",
            Self::AccountBalance => "GetAccountBalance",
            Self::TokenUsage { .. } => "GetTokenUsage",
            Self::State { .. } => "GetTransactionStatus",
            Self::Detail { .. } => "GetTransaction",
        }
    }

    /// The action, and what is special about how it is asked for.
    pub(crate) fn labels(&self) -> Vec<String> {
        let special = match self {
            Self::Pay(Payment { recipient: Some(_), .. })
            | Self::Reserve(Payment { recipient: Some(_), .. }) => Some("to a recipient".to_owned()),
            Self::Settle { cents: Some(_), .. } => Some("in part".to_owned()),
            Self::Refund { policy, .. } => Some(format!("by {}", policy.into_str())),
            _ => None,
        };
        let action = self.action();
        let special = special.map(|special| format!("{action} {special}"));
        std::iter::once(action.to_owned()).chain(special).collect()
    }

    /// The transaction that it names.
    pub(crate) const fn transaction(&mut self) -> Option<&mut Which> {
        match self {
            Self::Settle { reservation: which, .. }
            | Self::Cancel { transaction: which }
            | Self::Refund { of: which, .. }
            | Self::State { of: which }
            | Self::Detail { of: which } => Some(which),
            _ => None,
        }
    }

    /// The tokens that it names: the one that it is about, and a recipient's.
    pub(crate) fn tokens(&mut self) -> Vec<&mut Which> {
        match self {
            Self::Pay(Payment { token, recipient, .. }) | Self::Reserve(Payment { token, recipient, .. }) => {
                std::iter::once(token).chain(recipient).collect()
            }
            Self::FundPrepaid { token, .. }
            | Self::SettleDebt { token, .. }
            | Self::CancelToken { token }
            | Self::Edit { token, .. }
            | Self::TokenUsage { token } => vec![token],
            _ => Vec::new(),
        }
    }
}

/// A request: who asks what, under which reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) who: Who,
    pub(crate) reference: String,
    pub(crate) ask: Ask,
}

/// The requests that were made before a history begins: the payments of subscriptions, in their order.
pub(crate) fn opening_requests() -> Vec<Request> {
    let payments =
        SUBSCRIPTIONS.iter().flat_map(|known| (1..).zip(known.payments).map(move |paid| (known, paid)));
    let request = |(known, (number, &(token, cents))): (&crate::world::Subscription, (i32, &(&str, i64)))| {
        let payment = Payment { cents, ..payment(Which::Known(place_of(token))) };
        Request { who: known.recipient, reference: format!("{} {number}", known.id), ask: Ask::Pay(payment) }
    };
    payments.map(request).collect()
}

/// A payment by this token that asks for nothing special.
const fn payment(token: Which) -> Payment {
    let marketplace_fee = OwnFee { fixed_cents: None, percent_hundredths: None };
    Payment { token, recipient: None, cents: 0, fee_to: None, marketplace_fee, timeout_minutes: 10_080 }
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request, by somebody or by whoever is entitled to it; without a reference of its own it gets a new one.
    Call { who: Option<Who>, reference: Option<u8>, ask: Ask },
    /// An earlier request once more, counted back from the last.
    Again(usize),
    /// Time passes, in milliseconds.
    Wait(i64),
}

/// A history, and how it is run.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// How many requests share one load, decide, save.
    pub(crate) batch: usize,
    /// Whether the book is kept from batch to batch, as the writer keeps it, or is new for each.
    pub(crate) keep_book: bool,
    pub(crate) steps: Vec<Step>,
}

/// What is answered, by ledger and model alike. Money is in hundredths of a cent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Receipt {
        transaction: usize,
        status: Status,
    },
    /// Of an instrument, or of all instruments of a merchant.
    Carried {
        available: i64,
        pending: i64,
    },
    Balance {
        total: i64,
        incoming: i64,
        outgoing: i64,
    },
    Usage(Vec<i64>),
    State {
        status: Status,
        code: StatusCode,
        reference: String,
    },
    Detail(Detail),
    Token(usize),
    Edited {
        method: PaymentMethod,
        changed: bool,
    },
    Done,
    Refused(&'static str),
}

/// A transaction as its parties see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) caller: Who,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    pub(crate) amount: i64,
    pub(crate) settled: Option<i64>,
    pub(crate) fee: i64,
    pub(crate) marketplace_fee: i64,
    pub(crate) method: PaymentMethod,
    pub(crate) status: Status,
    pub(crate) token: Option<usize>,
    pub(crate) recipient_token: Option<usize>,
    pub(crate) instrument: Option<&'static str>,
    pub(crate) received: i64,
    pub(crate) completed: Option<i64>,
    pub(crate) original: Option<usize>,
    pub(crate) refunds: Vec<usize>,
}

fn which(known: usize) -> impl Strategy<Value = Which> {
    prop_oneof![
        24 => (0..known).prop_map(Which::Known),
        1 => Just(Which::Unknown),
        1 => Just(Which::Malformed),
    ]
}

/// A transaction: mostly one that suits, or any. Counted back from the newest, so that the newest are the likeliest.
fn transaction() -> impl Strategy<Value = Which> {
    prop_oneof![
        8 => (0..3_usize).prop_map(Which::Likely),
        2 => (0..30_usize).prop_map(Which::Likely),
        3 => which(30),
    ]
}

/// Any transaction, or none.
fn any_transaction() -> impl Strategy<Value = Which> {
    prop_oneof![2 => transaction(), 1 => which(30)]
}

/// Any token: one that there is from the start, or one that was made since.
fn token() -> impl Strategy<Value = Which> {
    prop_oneof![5 => which(TOKENS.len()), 1 => (0..4_usize).prop_map(Which::Likely)]
}

fn one_of(ids: &'static [&'static str]) -> impl Strategy<Value = Which> {
    select(ids).prop_map(|id| Which::Known(place_of(id)))
}

fn instrument() -> impl Strategy<Value = Which> {
    which(INSTRUMENTS.len())
}

fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 1..=6_000_i64,
        10 => 1..=800_i64,
        2 => 1..=8_i64,
        2 => Just(2_500_i64),
        1 => Just(0_i64),
        1 => LARGEST - 1..=LARGEST + 1,
    ]
}

fn timeout() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(10_080_i64), 1 => Just(1_i64), 1 => Just(2_i64), 1 => Just(4_320_i64)]
}

/// Amounts for a prepaid instrument: mostly small ones, so that it is filled and spent in turn.
fn prepaid_cents() -> impl Strategy<Value = i64> {
    prop_oneof![5 => 50..=400_i64, 1 => cents()]
}

/// A payment by one of these tokens to its caller.
fn payment_with(token: impl Strategy<Value = Which>) -> impl Strategy<Value = Payment> {
    let fee_to = weighted(0.1, select(ChargeFeeTo::VARIANTS));
    (token, cents(), fee_to, timeout()).prop_map(|(token, cents, fee_to, timeout_minutes)| Payment {
        cents,
        fee_to,
        timeout_minutes,
        ..payment(token)
    })
}

fn marketplace_fee() -> impl Strategy<Value = OwnFee> {
    let fixed = weighted(0.6, prop_oneof![3 => 0..=60_i64, 1 => 0..=1_100_i64]);
    let percent = weighted(0.5, prop_oneof![Just(250_i64), Just(1_000_i64), Just(333_i64), Just(5_000_i64)]);
    (fixed, percent).prop_map(|(fixed_cents, percent_hundredths)| OwnFee { fixed_cents, percent_hundredths })
}

/// A payment through the marketplace by one of these tokens.
fn payment_between(senders: &'static [&'static str]) -> impl Strategy<Value = Payment> {
    let recipient = prop_oneof![
        14 => one_of(&["RivalReceives", "RivalReceives", "RivalReceivesFree", "RivalReceivesFree", "BenReceives"]),
        4 => one_of(&["ShopReceivesNoFee", "SueReceives", "RivalReceivesOld", "RivalReceivesNot", "RivalRefunds"]),
        1 => token(),
    ];
    let recipient = weighted(0.95, recipient);
    let marketplace_fee = prop_oneof![2 => marketplace_fee(), 1 => Just(OwnFee::default())];
    let without_fee_to = |payment: Payment| Payment { fee_to: None, ..payment };
    let payment = prop_oneof![
        1 => payment_with(one_of(senders)),
        4 => payment_with(one_of(senders)).prop_map(without_fee_to),
    ];
    (payment, recipient, marketplace_fee).prop_map(|(payment, recipient, marketplace_fee)| Payment {
        recipient,
        marketplace_fee,
        ..payment
    })
}

/// Any two tokens, or one twice.
fn any_payment() -> impl Strategy<Value = Payment> {
    let parts = (payment_with(token()), weighted(0.1, token()), weighted(0.05, marketplace_fee()));
    let any = parts.prop_map(|(payment, recipient, marketplace_fee)| Payment {
        recipient,
        marketplace_fee: marketplace_fee.unwrap_or_default(),
        ..payment
    });
    let twice = payment_with(one_of(&["AnnMarketABT", "MarketMarketABT"]))
        .prop_map(|payment| Payment { recipient: Some(payment.token), ..payment });
    prop_oneof![12 => any, 1 => twice]
}

fn pay() -> impl Strategy<Value = Ask> {
    let charging = payment_with(one_of(&["CreditAnnShop", "CreditBenShop", "CreditAnnRival"]));
    let spending = payment_with(one_of(&["SpendAnnShop", "SpendAnnShop", "SpendBenRival"]));
    let spending = (spending, prepaid_cents()).prop_map(|(payment, cents)| Payment { cents, ..payment });
    let plain = payment_with(one_of(&["AnnABT", "AnnCC", "BenACH", "BenCC", "BenRivalABT"]));
    // Merchants spend what they were paid, so that refunds come upon an empty balance.
    let draining = payment_with(one_of(&["ShopRivalABT", "MarketShopABT"]));
    let payment = prop_oneof![
        6 => charging,
        4 => spending,
        3 => draining,
        3 => plain,
        6 => payment_between(&[
            "AnnMarketABT",
            "AnnMarketABT",
            "AnnMarketCC",
            "AnnMarketRivalCC",
            "BenMarketACH",
            "MarketMarketABT",
        ]),
        3 => any_payment(),
    ];
    payment.prop_map(Ask::Pay)
}

fn reserve() -> impl Strategy<Value = Ask> {
    let own = payment_with(one_of(&["AnnCC", "AnnCC", "AnnCC", "AnnOnceCC", "BenCC"]));
    let between = payment_between(&["AnnMarketCC", "AnnMarketCC", "AnnMarketRivalCC"]);
    let payment = prop_oneof![8 => own, 10 => between, 1 => any_payment()];
    payment.prop_map(Ask::Reserve)
}

fn refund() -> impl Strategy<Value = Ask> {
    // Small ones, so that a payment is refunded in parts.
    let cents = prop_oneof![1 => Just(None), 3 => (1..=150_i64).prop_map(Some), 2 => cents().prop_map(Some)];
    (transaction(), cents, select(MarketplaceRefundPolicy::VARIANTS))
        .prop_map(|(of, cents, policy)| Ask::Refund { of, cents, policy })
}

fn fund() -> impl Strategy<Value = Ask> {
    let matching = select(&[("FundAnnShopCC", 3), ("FundAnnShopABT", 3), ("FundBenRivalACH", 4)][..])
        .prop_map(|(token, instrument)| (Which::Known(place_of(token)), Which::Known(instrument)));
    let pair = prop_oneof![6 => matching, 1 => (token(), instrument())];
    (pair, prepaid_cents(), timeout()).prop_map(|((token, instrument), cents, timeout_minutes)| {
        Ask::FundPrepaid { token, instrument, cents, timeout_minutes }
    })
}

fn settle_debt() -> impl Strategy<Value = Ask> {
    let pairs =
        &[("SettleAnnShopCC", 0), ("SettleAnnShopABT", 0), ("SettleBenShopACH", 1), ("SettleAnnRivalCC", 2)];
    let matching = select(&pairs[..])
        .prop_map(|(token, instrument)| (Which::Known(place_of(token)), Which::Known(instrument)));
    let pair = prop_oneof![5 => matching, 1 => (token(), instrument())];
    (pair, option::of(cents()), timeout()).prop_map(|((token, instrument), cents, timeout_minutes)| {
        Ask::SettleDebt { token, instrument, cents, timeout_minutes }
    })
}

fn edit() -> impl Strategy<Value = Ask> {
    use PaymentMethod::{ABT, ACH, CC};
    let token = prop_oneof![
        6 => one_of(&["SettleAnnShopCC", "SettleAnnShopABT", "SettleBenShopACH", "FundAnnShopCC", "AnnCC", "BenCC"]),
        1 => token(),
    ];
    let offered = select(vec![&[CC, ACH, ABT][..], &[ABT], &[ACH, CC], &[CC]]);
    let visitor = weighted(0.2, select(&Who::ALL[..]));
    (token, visitor, offered, option::of(select(vec![CC, ACH, ABT])))
        .prop_map(|(token, visitor, offered, chosen)| Ask::Edit { token, visitor, offered, chosen })
}

fn look_up() -> impl Strategy<Value = Ask> {
    prop_oneof![
        2 => instrument().prop_map(|instrument| Ask::DebtBalance { instrument }),
        3 => instrument().prop_map(|instrument| Ask::PrepaidBalance { instrument }),
        1 => Just(Ask::OutstandingDebt),
        1 => Just(Ask::PrepaidLiability),
        1 => Just(Ask::AccountBalance),
        2 => token().prop_map(|token| Ask::TokenUsage { token }),
        3 => any_transaction().prop_map(|of| Ask::State { of }),
        3 => any_transaction().prop_map(|of| Ask::Detail { of }),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let settle = (transaction(), weighted(0.6, cents()))
        .prop_map(|(reservation, cents)| Ask::Settle { reservation, cents });
    let cancel_subscription = (which(SUBSCRIPTIONS.len()), weighted(0.8, cents()))
        .prop_map(|(subscription, refund_cents)| Ask::CancelSubscription { subscription, refund_cents });
    prop_oneof![
        20 => pay(),
        7 => reserve(),
        6 => settle,
        3 => transaction().prop_map(|transaction| Ask::Cancel { transaction }),
        8 => refund(),
        7 => fund(),
        6 => settle_debt(),
        4 => (instrument(), cents()).prop_map(|(instrument, cents)| Ask::WriteOff { instrument, cents }),
        2 => cancel_subscription,
        2 => token().prop_map(|token| Ask::CancelToken { token }),
        3 => (0..2_u8, any::<bool>()).prop_map(|(text, single_use)| Ask::Install { text, single_use }),
        4 => edit(),
        7 => look_up(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let stranger = weighted(0.12, select(&Who::ALL[..]));
    let reference = weighted(0.25, 0..2_u8);
    let call =
        (stranger, reference, ask()).prop_map(|(who, reference, ask)| Step::Call { who, reference, ask });
    let wait = prop_oneof![
        10 => Just(CC_DELAY),
        5 => Just(MINUTE),
        3 => Just(DAY),
        2 => Just(ACH_DELAY),
        1 => Just(7 * DAY),
        1 => Just(7 * DAY - 1),
        // A reservation is made, and lapses.
        1 => Just(8 * DAY),
    ];
    prop_oneof![18 => call, 2 => (0..6_usize).prop_map(Step::Again), 5 => wait.prop_map(Step::Wait)]
}

/// Any history.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    (1..=5_usize, any::<bool>(), proptest::collection::vec(step(), 1..90))
        .prop_map(|(batch, keep_book, steps)| History { batch, keep_book, steps })
}

//! Random histories as plain values, so that proptest can shrink a failing history.

use fps_sandbox::ledger::Named as _;
use fps_sandbox::ledger::{ChargeFeeTo, MarketplaceRefundPolicy, PaymentMethod, Status, StatusCode};
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray as _;

use crate::world::{
    ACH_DELAY, CC_DELAY, DAY, INSTRUMENTS, LARGEST, MINUTE, Party, SUBSCRIPTIONS, TOKENS, index_of,
};

/// A well-formed id that does not exist, and a malformed id.
pub(crate) const UNKNOWN: &str = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
pub(crate) const MALFORMED: &str = "none";

/// Selects an object by its index in a list, or selects none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Selector {
    Index(usize),
    /// An object that suits the action, counted back from the newest. It is replaced by its index before the call.
    Suitable(usize),
    Unknown,
    Malformed,
}

/// A Pay or Reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) token: Selector,
    pub(crate) recipient: Option<Selector>,
    pub(crate) cents: i64,
    pub(crate) fee_to: Option<ChargeFeeTo>,
    pub(crate) marketplace_fee: MarketplaceFee,
    pub(crate) timeout_minutes: i64,
}

/// A marketplace fee: cents, and hundredths of a per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarketplaceFee {
    pub(crate) fixed_cents: Option<i64>,
    pub(crate) percent_hundredths: Option<i64>,
}

/// An action with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pay(Payment),
    Reserve(Payment),
    Settle {
        reservation: Selector,
        cents: Option<i64>,
    },
    Cancel {
        transaction: Selector,
    },
    Refund {
        of: Selector,
        cents: Option<i64>,
        policy: MarketplaceRefundPolicy,
    },
    FundPrepaid {
        token: Selector,
        instrument: Selector,
        cents: i64,
        timeout_minutes: i64,
    },
    SettleDebt {
        token: Selector,
        instrument: Selector,
        cents: Option<i64>,
        timeout_minutes: i64,
    },
    WriteOff {
        instrument: Selector,
        cents: i64,
    },
    CancelSubscription {
        subscription: Selector,
        refund_cents: Option<i64>,
    },
    CancelToken {
        token: Selector,
    },
    Install {
        text: u8,
        single_use: bool,
    },
    /// A visitor of the pages selects the payment method of a token. `None` is the owner of the token.
    Edit {
        token: Selector,
        visitor: Option<Party>,
        offered: &'static [PaymentMethod],
        chosen: Option<PaymentMethod>,
    },
    DebtBalance {
        instrument: Selector,
    },
    PrepaidBalance {
        instrument: Selector,
    },
    OutstandingDebt,
    PrepaidLiability,
    AccountBalance,
    TokenUsage {
        token: Selector,
    },
    State {
        of: Selector,
    },
    Detail {
        of: Selector,
    },
}

impl Action {
    /// The name of the action. Each action has separate caller references.
    pub(crate) const fn name(&self) -> &'static str {
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

    /// The name of the action, and the name with a special feature of the parameters.
    pub(crate) fn labels(&self) -> Vec<String> {
        let special = match self {
            Self::Pay(Payment { recipient: Some(_), .. })
            | Self::Reserve(Payment { recipient: Some(_), .. }) => Some("to a recipient".to_owned()),
            Self::Settle { cents: Some(_), .. } => Some("in part".to_owned()),
            Self::Refund { policy, .. } => Some(format!("by {}", policy.name())),
            _ => None,
        };
        let action = self.name();
        let special = special.map(|special| format!("{action} {special}"));
        std::iter::once(action.to_owned()).chain(special).collect()
    }

    /// The transaction in the parameters.
    pub(crate) const fn transaction(&mut self) -> Option<&mut Selector> {
        match self {
            Self::Settle { reservation: selector, .. }
            | Self::Cancel { transaction: selector }
            | Self::Refund { of: selector, .. }
            | Self::State { of: selector }
            | Self::Detail { of: selector } => Some(selector),
            _ => None,
        }
    }

    /// The tokens in the parameters: the sender token or the token of the action, and the recipient token.
    pub(crate) fn tokens(&mut self) -> Vec<&mut Selector> {
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

/// A request: the caller, the caller reference and the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) party: Party,
    pub(crate) reference: String,
    pub(crate) action: Action,
}

/// The requests before a history: the payments of subscriptions, in order.
pub(crate) fn initial_requests() -> Vec<Request> {
    let payments =
        SUBSCRIPTIONS.iter().flat_map(|known| (1..).zip(known.payments).map(move |paid| (known, paid)));
    let request = |(known, (number, &(token, cents))): (&crate::world::Subscription, (i32, &(&str, i64)))| {
        let payment = Payment { cents, ..payment(Selector::Index(index_of(token))) };
        Request {
            party: known.recipient,
            reference: format!("{} {number}", known.id),
            action: Action::Pay(payment),
        }
    };
    payments.map(request).collect()
}

/// A payment by this token without special parameters.
const fn payment(token: Selector) -> Payment {
    let marketplace_fee = MarketplaceFee { fixed_cents: None, percent_hundredths: None };
    Payment { token, recipient: None, cents: 0, fee_to: None, marketplace_fee, timeout_minutes: 10_080 }
}

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A request. Without a party, the caller is the party that is authorized for the action. Without a reference, the
    /// request gets a new one.
    Call { party: Option<Party>, reference: Option<u8>, action: Action },
    /// A repetition of an earlier request, counted back from the last.
    Repeat(usize),
    /// The clock moves forward by this many milliseconds.
    Wait(i64),
}

/// A history and its execution parameters.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// The number of requests per batch.
    pub(crate) batch: usize,
    /// Whether the book is kept from batch to batch, as the writer does, or is new for each batch.
    pub(crate) keep_book: bool,
    pub(crate) steps: Vec<Step>,
}

/// The result of an action, of ledger and model alike. Money is in hundredths of a cent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ActionResult {
    Receipt {
        transaction: usize,
        status: Status,
    },
    /// The balances of an instrument, or of all instruments of a merchant.
    InstrumentBalance {
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
    pub(crate) caller: Party,
    pub(crate) sender: Party,
    pub(crate) recipient: Party,
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

fn selector(known: usize) -> impl Strategy<Value = Selector> {
    prop_oneof![
        24 => (0..known).prop_map(Selector::Index),
        1 => Just(Selector::Unknown),
        1 => Just(Selector::Malformed),
    ]
}

/// A transaction, usually one that suits the action. It is counted back from the newest, so that new ones are more likely.
fn transaction() -> impl Strategy<Value = Selector> {
    prop_oneof![
        8 => (0..3_usize).prop_map(Selector::Suitable),
        2 => (0..30_usize).prop_map(Selector::Suitable),
        3 => selector(30),
    ]
}

/// Any transaction, or an invalid id.
fn any_transaction() -> impl Strategy<Value = Selector> {
    prop_oneof![2 => transaction(), 1 => selector(30)]
}

/// Any token: one of the initial tokens, or one that was created since.
fn token() -> impl Strategy<Value = Selector> {
    prop_oneof![5 => selector(TOKENS.len()), 1 => (0..4_usize).prop_map(Selector::Suitable)]
}

fn one_of(ids: &'static [&'static str]) -> impl Strategy<Value = Selector> {
    select(ids).prop_map(|id| Selector::Index(index_of(id)))
}

fn instrument() -> impl Strategy<Value = Selector> {
    selector(INSTRUMENTS.len())
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

/// Amounts for a prepaid instrument: mostly small ones, so that funding and spending alternate.
fn prepaid_cents() -> impl Strategy<Value = i64> {
    prop_oneof![5 => 50..=400_i64, 1 => cents()]
}

/// A payment by one of these tokens to its caller.
fn payment_with(token: impl Strategy<Value = Selector>) -> impl Strategy<Value = Payment> {
    let fee_to = weighted(0.1, select(ChargeFeeTo::VARIANTS));
    (token, cents(), fee_to, timeout()).prop_map(|(token, cents, fee_to, timeout_minutes)| Payment {
        cents,
        fee_to,
        timeout_minutes,
        ..payment(token)
    })
}

fn marketplace_fee() -> impl Strategy<Value = MarketplaceFee> {
    let fixed = weighted(0.6, prop_oneof![3 => 0..=60_i64, 1 => 0..=1_100_i64]);
    let percent = weighted(0.5, prop_oneof![Just(250_i64), Just(1_000_i64), Just(333_i64), Just(5_000_i64)]);
    (fixed, percent)
        .prop_map(|(fixed_cents, percent_hundredths)| MarketplaceFee { fixed_cents, percent_hundredths })
}

/// A payment through the marketplace by one of these tokens.
fn payment_between(senders: &'static [&'static str]) -> impl Strategy<Value = Payment> {
    let recipient = prop_oneof![
        14 => one_of(&["RivalReceives", "RivalReceives", "RivalReceivesFree", "RivalReceivesFree", "BenReceives"]),
        4 => one_of(&["ShopReceivesNoFee", "SueReceives", "RivalReceivesOld", "RivalReceivesNot", "RivalRefunds"]),
        1 => token(),
    ];
    let recipient = weighted(0.95, recipient);
    let marketplace_fee = prop_oneof![2 => marketplace_fee(), 1 => Just(MarketplaceFee::default())];
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

/// A payment with any two tokens, or with the same token as sender and recipient.
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

fn pay() -> impl Strategy<Value = Action> {
    let charging = payment_with(one_of(&["CreditAnnShop", "CreditBenShop", "CreditAnnRival"]));
    let spending = payment_with(one_of(&["SpendAnnShop", "SpendAnnShop", "SpendBenRival"]));
    let spending = (spending, prepaid_cents()).prop_map(|(payment, cents)| Payment { cents, ..payment });
    let plain = payment_with(one_of(&["AnnABT", "AnnCC", "BenACH", "BenCC", "BenRivalABT"]));
    // Merchants spend what they were paid, so that refunds find an empty balance.
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
    payment.prop_map(Action::Pay)
}

fn reserve() -> impl Strategy<Value = Action> {
    let own = payment_with(one_of(&["AnnCC", "AnnCC", "AnnCC", "AnnOnceCC", "BenCC"]));
    let between = payment_between(&["AnnMarketCC", "AnnMarketCC", "AnnMarketRivalCC"]);
    let payment = prop_oneof![8 => own, 10 => between, 1 => any_payment()];
    payment.prop_map(Action::Reserve)
}

fn refund() -> impl Strategy<Value = Action> {
    // Small amounts, so that a payment is refunded in several parts.
    let cents = prop_oneof![1 => Just(None), 3 => (1..=150_i64).prop_map(Some), 2 => cents().prop_map(Some)];
    (transaction(), cents, select(MarketplaceRefundPolicy::VARIANTS))
        .prop_map(|(of, cents, policy)| Action::Refund { of, cents, policy })
}

fn fund() -> impl Strategy<Value = Action> {
    let matching = select(&[("FundAnnShopCC", 3), ("FundAnnShopABT", 3), ("FundBenRivalACH", 4)][..])
        .prop_map(|(token, instrument)| (Selector::Index(index_of(token)), Selector::Index(instrument)));
    let pair = prop_oneof![6 => matching, 1 => (token(), instrument())];
    (pair, prepaid_cents(), timeout()).prop_map(|((token, instrument), cents, timeout_minutes)| {
        Action::FundPrepaid { token, instrument, cents, timeout_minutes }
    })
}

fn settle_debt() -> impl Strategy<Value = Action> {
    let pairs =
        &[("SettleAnnShopCC", 0), ("SettleAnnShopABT", 0), ("SettleBenShopACH", 1), ("SettleAnnRivalCC", 2)];
    let matching = select(&pairs[..])
        .prop_map(|(token, instrument)| (Selector::Index(index_of(token)), Selector::Index(instrument)));
    let pair = prop_oneof![5 => matching, 1 => (token(), instrument())];
    (pair, option::of(cents()), timeout()).prop_map(|((token, instrument), cents, timeout_minutes)| {
        Action::SettleDebt { token, instrument, cents, timeout_minutes }
    })
}

fn edit() -> impl Strategy<Value = Action> {
    use PaymentMethod::{ABT, ACH, CC};
    let token = prop_oneof![
        6 => one_of(&["SettleAnnShopCC", "SettleAnnShopABT", "SettleBenShopACH", "FundAnnShopCC", "AnnCC", "BenCC"]),
        1 => token(),
    ];
    let offered = select(vec![&[CC, ACH, ABT][..], &[ABT], &[ACH, CC], &[CC]]);
    let visitor = weighted(0.2, select(&Party::ALL[..]));
    (token, visitor, offered, option::of(select(vec![CC, ACH, ABT])))
        .prop_map(|(token, visitor, offered, chosen)| Action::Edit { token, visitor, offered, chosen })
}

fn query() -> impl Strategy<Value = Action> {
    prop_oneof![
        2 => instrument().prop_map(|instrument| Action::DebtBalance { instrument }),
        3 => instrument().prop_map(|instrument| Action::PrepaidBalance { instrument }),
        1 => Just(Action::OutstandingDebt),
        1 => Just(Action::PrepaidLiability),
        1 => Just(Action::AccountBalance),
        2 => token().prop_map(|token| Action::TokenUsage { token }),
        3 => any_transaction().prop_map(|of| Action::State { of }),
        3 => any_transaction().prop_map(|of| Action::Detail { of }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let settle = (transaction(), weighted(0.6, cents()))
        .prop_map(|(reservation, cents)| Action::Settle { reservation, cents });
    let cancel_subscription = (selector(SUBSCRIPTIONS.len()), weighted(0.8, cents()))
        .prop_map(|(subscription, refund_cents)| Action::CancelSubscription { subscription, refund_cents });
    prop_oneof![
        20 => pay(),
        7 => reserve(),
        6 => settle,
        3 => transaction().prop_map(|transaction| Action::Cancel { transaction }),
        8 => refund(),
        7 => fund(),
        6 => settle_debt(),
        4 => (instrument(), cents()).prop_map(|(instrument, cents)| Action::WriteOff { instrument, cents }),
        2 => cancel_subscription,
        2 => token().prop_map(|token| Action::CancelToken { token }),
        3 => (0..2_u8, any::<bool>()).prop_map(|(text, single_use)| Action::Install { text, single_use }),
        4 => edit(),
        7 => query(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let stranger = weighted(0.12, select(&Party::ALL[..]));
    let reference = weighted(0.25, 0..2_u8);
    let call = (stranger, reference, action()).prop_map(|(party, reference, action)| Step::Call {
        party,
        reference,
        action,
    });
    let wait = prop_oneof![
        10 => Just(CC_DELAY),
        5 => Just(MINUTE),
        3 => Just(DAY),
        2 => Just(ACH_DELAY),
        1 => Just(7 * DAY),
        1 => Just(7 * DAY - 1),
        // Long enough for a reservation to be accepted and to lapse.
        1 => Just(8 * DAY),
    ];
    prop_oneof![18 => call, 2 => (0..6_usize).prop_map(Step::Repeat), 5 => wait.prop_map(Step::Wait)]
}

/// Any history.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    (1..=5_usize, any::<bool>(), proptest::collection::vec(step(), 1..90))
        .prop_map(|(batch, keep_book, steps)| History { batch, keep_book, steps })
}

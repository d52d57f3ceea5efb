//! Histories as data: who takes part, what they own, and what they ask. Plain values, so that a failing history
//! shrinks to its shortest form.

use fps_sandbox::ledger::{PaymentMethod, Status, StatusCode};
use proptest::prelude::*;

/// When every history begins, in milliseconds: midnight, so that days of usage limits are calendar days.
pub(crate) const START: i64 = 1_338_508_800_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

pub(crate) const CC_DELAY: i64 = 2 * MINUTE;
pub(crate) const ACH_DELAY: i64 = 4 * DAY;
/// The largest amount of one transaction, in cents.
pub(crate) const LARGEST: i64 = 20_000;

/// The parties. Their order is that of [`Who::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Shop,
    Rival,
    Ann,
    Ben,
    /// Her account is suspended.
    Sue,
}

impl Who {
    pub(crate) const ALL: [Self; 5] = [Self::Shop, Self::Rival, Self::Ann, Self::Ben, Self::Sue];

    pub(crate) const fn is_personal(self) -> bool {
        matches!(self, Self::Ann | Self::Ben | Self::Sue)
    }

    pub(crate) const fn is_suspended(self) -> bool {
        matches!(self, Self::Sue)
    }

    /// The balance at the start, in cents.
    pub(crate) const fn opening_cents(self) -> i64 {
        match self {
            Self::Shop => 100,
            Self::Rival => 5,
            Self::Ann => 4_000,
            Self::Ben => 3_000,
            Self::Sue => 1_000,
        }
    }
}

/// A credit instrument.
pub(crate) struct Instrument {
    pub(crate) id: &'static str,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    pub(crate) limit_cents: i64,
    /// Days after the start from which it cannot be used any more.
    pub(crate) expires_day: Option<i64>,
}

pub(crate) const INSTRUMENTS: &[Instrument] = &[
    Instrument {
        id: "AnnShop",
        sender: Who::Ann,
        recipient: Who::Shop,
        limit_cents: 10_000,
        expires_day: None,
    },
    Instrument {
        id: "BenShop",
        sender: Who::Ben,
        recipient: Who::Shop,
        limit_cents: 5_000,
        expires_day: Some(9),
    },
    Instrument {
        id: "AnnRival",
        sender: Who::Ann,
        recipient: Who::Rival,
        limit_cents: 8_000,
        expires_day: None,
    },
];

#[derive(Clone, Copy)]
pub(crate) enum Use {
    Pays(PaymentMethod),
    /// Makes debt on an instrument.
    Charges(usize),
    /// Settles debt on an instrument.
    Settles(usize, PaymentMethod),
}

/// What a token may do in all, or a day.
#[derive(Clone, Copy)]
pub(crate) enum Daily {
    Cents(i64),
    Times(i64),
}

pub(crate) struct Token {
    pub(crate) id: &'static str,
    pub(crate) sender: Who,
    pub(crate) caller: Who,
    pub(crate) purpose: Use,
    pub(crate) single_use: bool,
    pub(crate) cancelled: bool,
    pub(crate) expires_day: Option<i64>,
    pub(crate) charge_cents: (i64, i64),
    pub(crate) global_cents: Option<i64>,
    pub(crate) daily: Option<Daily>,
}

const fn token(id: &'static str, sender: Who, caller: Who, purpose: Use) -> Token {
    Token {
        id,
        sender,
        caller,
        purpose,
        single_use: false,
        cancelled: false,
        expires_day: None,
        charge_cents: (0, i64::MAX),
        global_cents: None,
        daily: None,
    }
}

pub(crate) const TOKENS: &[Token] = {
    use PaymentMethod::{ABT, ACH, CC};
    use Who::{Ann, Ben, Rival, Shop, Sue};
    &[
        token("CreditAnnShop", Ann, Shop, Use::Charges(0)),
        Token {
            charge_cents: (100, 2_500),
            daily: Some(Daily::Times(3)),
            ..token("CreditBenShop", Ben, Shop, Use::Charges(1))
        },
        token("CreditAnnRival", Ann, Rival, Use::Charges(2)),
        Token { global_cents: Some(9_000), ..token("SettleAnnShopCC", Ann, Shop, Use::Settles(0, CC)) },
        token("SettleAnnShopABT", Ann, Shop, Use::Settles(0, ABT)),
        token("SettleBenShopACH", Ben, Shop, Use::Settles(1, ACH)),
        Token {
            daily: Some(Daily::Cents(2_000)),
            ..token("SettleAnnRivalCC", Ann, Rival, Use::Settles(2, CC))
        },
        token("AnnABT", Ann, Shop, Use::Pays(ABT)),
        token("AnnCC", Ann, Shop, Use::Pays(CC)),
        Token { daily: Some(Daily::Cents(6_000)), ..token("BenACH", Ben, Shop, Use::Pays(ACH)) },
        Token { single_use: true, ..token("AnnOnceCC", Ann, Shop, Use::Pays(CC)) },
        Token { expires_day: Some(3), ..token("BenRivalABT", Ben, Rival, Use::Pays(ABT)) },
        Token { cancelled: true, ..token("AnnCancelled", Ann, Shop, Use::Pays(CC)) },
        Token { expires_day: Some(5), ..token("CreditAnnRivalOld", Ann, Rival, Use::Charges(2)) },
        token("AnnBenCC", Ann, Ben, Use::Pays(CC)),
        token("ShopShopABT", Shop, Shop, Use::Pays(ABT)),
        token("SueABT", Sue, Shop, Use::Pays(ABT)),
        token("ShopRivalABT", Shop, Rival, Use::Pays(ABT)),
    ]
};

/// An id in FPS's form that names nothing, and one of no form at all.
pub(crate) const UNKNOWN: &str = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
pub(crate) const MALFORMED: &str = "none";

/// Names something known by its place in a list, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Which {
    Known(usize),
    Unknown,
    Malformed,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Pay { token: Which, cents: i64, timeout_minutes: i64 },
    Refund { of: Which, cents: Option<i64> },
    Settle { token: Which, instrument: Which, cents: Option<i64>, timeout_minutes: i64 },
    WriteOff { instrument: Which, cents: i64 },
    DebtBalance { instrument: Which },
    State { of: Which },
    Detail { of: Which },
}

impl Ask {
    /// The action: a caller reference is one for each.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Pay { .. } => "Pay",
            Self::Refund { .. } => "Refund",
            Self::Settle { .. } => "SettleDebt",
            Self::WriteOff { .. } => "WriteOffDebt",
            Self::DebtBalance { .. } => "GetDebtBalance",
            Self::State { .. } => "GetTransactionStatus",
            Self::Detail { .. } => "GetTransaction",
        }
    }

    /// The same with transactions named by their place among the `made` ones there are by now.
    pub(crate) fn among(mut self, made: usize) -> Self {
        if let Self::Refund { of: Which::Known(place), .. }
        | Self::State { of: Which::Known(place) }
        | Self::Detail { of: Which::Known(place) } = &mut self
        {
            *place = made - 1 - *place % made;
        }
        self
    }
}

/// A request: who asks what, under which reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) who: Who,
    pub(crate) reference: String,
    pub(crate) ask: Ask,
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
    Receipt { transaction: usize, status: Status },
    Debt { available: i64, pending: i64 },
    State { status: Status, code: StatusCode, reference: String },
    Detail(Detail),
    Refused(&'static str),
}

/// A transaction as its parties see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) caller: Who,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) method: PaymentMethod,
    pub(crate) status: Status,
    pub(crate) token: Option<&'static str>,
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

fn ask() -> impl Strategy<Value = Ask> {
    let token = || which(TOKENS.len());
    let instrument = || which(INSTRUMENTS.len());
    // Counted back from the newest, so that the newest are the likeliest.
    let transaction = || prop_oneof![which(4), which(30)];
    let matching =
        (0..4_usize, proptest::option::of(cents()), timeout()).prop_map(|(pair, cents, timeout_minutes)| {
            let (token, instrument) = [(3, 0), (4, 0), (5, 1), (6, 2)][pair];
            Ask::Settle {
                token: Which::Known(token),
                instrument: Which::Known(instrument),
                cents,
                timeout_minutes,
            }
        });
    let charging = (0..3_usize, cents(), timeout()).prop_map(|(token, cents, timeout_minutes)| Ask::Pay {
        token: Which::Known(token),
        cents,
        timeout_minutes,
    });
    // The shop spends what it was paid, so that refunds come upon an empty balance.
    let draining = cents().prop_map(|cents| Ask::Pay {
        token: Which::Known(TOKENS.len() - 1),
        cents,
        timeout_minutes: 10_080,
    });
    prop_oneof![
        4 => charging,
        3 => draining,
        4 => (token(), cents(), timeout()).prop_map(|(token, cents, timeout_minutes)| Ask::Pay { token, cents, timeout_minutes }),
        5 => (transaction(), proptest::option::of(cents())).prop_map(|(of, cents)| Ask::Refund { of, cents }),
        4 => matching,
        1 => (token(), instrument(), proptest::option::of(cents()), timeout())
            .prop_map(|(token, instrument, cents, timeout_minutes)| Ask::Settle { token, instrument, cents, timeout_minutes }),
        2 => (instrument(), cents()).prop_map(|(instrument, cents)| Ask::WriteOff { instrument, cents }),
        1 => instrument().prop_map(|instrument| Ask::DebtBalance { instrument }),
        1 => transaction().prop_map(|of| Ask::State { of }),
        1 => transaction().prop_map(|of| Ask::Detail { of }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let stranger = proptest::option::weighted(0.1, 0..Who::ALL.len());
    let reference = proptest::option::weighted(0.2, 0..3_u8);
    let call = (stranger, reference, ask()).prop_map(|(stranger, reference, ask)| {
        let who = stranger.map(|place| Who::ALL[place]);
        Step::Call { who, reference, ask }
    });
    let wait = prop_oneof![
        8 => Just(CC_DELAY),
        5 => Just(MINUTE),
        3 => Just(DAY),
        2 => Just(ACH_DELAY),
        1 => Just(7 * DAY),
        1 => Just(7 * DAY - 1),
    ];
    prop_oneof![16 => call, 2 => (0..6_usize).prop_map(Step::Again), 4 => wait.prop_map(Step::Wait)]
}

/// Any history.
pub(crate) fn histories() -> impl Strategy<Value = History> {
    (1..=4_usize, any::<bool>(), proptest::collection::vec(step(), 1..80))
        .prop_map(|(batch, keep_book, steps)| History { batch, keep_book, steps })
}

//! Histories as data: who takes part, what they own, and what they ask. Plain values, so that a failing history
//! shrinks to its shortest form.

use fps_sandbox::ledger::{PaymentMethod, Status, StatusCode};
use proptest::prelude::*;

/// When every history begins, in milliseconds: midnight, so that days of usage limits are calendar days.
pub const START: i64 = 1_338_508_800_000;
pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

pub const CC_DELAY: i64 = 2 * MINUTE;
pub const ACH_DELAY: i64 = 4 * DAY;
/// The largest amount of one transaction, in cents.
pub const LARGEST: i64 = 20_000;

/// The parties. Their order is that of [`Who::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    Shop,
    Rival,
    Ann,
    Ben,
    /// Her account is suspended.
    Sue,
}

impl Who {
    pub const ALL: [Self; 5] = [Self::Shop, Self::Rival, Self::Ann, Self::Ben, Self::Sue];

    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Ann | Self::Ben | Self::Sue)
    }

    pub const fn is_suspended(self) -> bool {
        matches!(self, Self::Sue)
    }

    /// The balance at the start, in cents.
    pub const fn opening_cents(self) -> i64 {
        match self {
            Self::Shop => 1_500,
            Self::Rival => 5,
            Self::Ann => 12_000,
            Self::Ben => 3_000,
            Self::Sue => 1_000,
        }
    }
}

/// A credit instrument.
pub struct Instrument {
    pub id: &'static str,
    pub sender: Who,
    pub recipient: Who,
    pub limit_cents: i64,
    /// Days after the start from which it cannot be used any more.
    pub expires_day: Option<i64>,
}

pub const INSTRUMENTS: &[Instrument] = &[
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
pub enum Use {
    Pays(PaymentMethod),
    /// Makes debt on an instrument.
    Charges(usize),
    /// Settles debt on an instrument.
    Settles(usize, PaymentMethod),
}

/// What a token may do in all, or a day.
#[derive(Clone, Copy)]
pub enum Daily {
    Cents(i64),
    Times(i64),
}

pub struct Token {
    pub id: &'static str,
    pub sender: Who,
    pub caller: Who,
    pub purpose: Use,
    pub single_use: bool,
    pub cancelled: bool,
    pub expires_day: Option<i64>,
    pub charge_cents: (i64, i64),
    pub global_cents: Option<i64>,
    pub daily: Option<Daily>,
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

pub const TOKENS: &[Token] = {
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
    ]
};

/// An id in FPS's form that names nothing, and one of no form at all.
pub const UNKNOWN: &str = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
pub const MALFORMED: &str = "none";

/// Names something known by its place in a list, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    Known(usize),
    Unknown,
    Malformed,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Pay { token: Which, cents: i64, timeout_minutes: i64 },
    Refund { of: Which, cents: Option<i64> },
    Settle { token: Which, instrument: Which, cents: Option<i64>, timeout_minutes: i64 },
    WriteOff { instrument: Which, cents: i64 },
    DebtBalance { instrument: Which },
    State { of: Which },
    Detail { of: Which },
}

impl Ask {
    /// The same with transactions named by their place among the `made` ones there are by now.
    pub fn among(mut self, made: usize) -> Self {
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
pub struct Request {
    pub who: Who,
    pub reference: String,
    pub ask: Ask,
}

/// One step of a history.
#[derive(Clone, Debug)]
pub enum Step {
    /// A request; without a reference of its own it gets a new one.
    Call { who: Who, reference: Option<u8>, ask: Ask },
    /// An earlier request once more, counted back from the last.
    Again(usize),
    /// Time passes, in milliseconds.
    Wait(i64),
}

/// A history, and how it is run.
#[derive(Clone, Debug)]
pub struct History {
    /// How many requests share one load, decide, save.
    pub batch: usize,
    /// Whether the book is kept from batch to batch, as the writer keeps it, or is new for each.
    pub keep_book: bool,
    pub steps: Vec<Step>,
}

/// What is answered, by ledger and model alike. Money is in hundredths of a cent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Receipt { transaction: usize, status: Status },
    Debt { available: i64, pending: i64 },
    State { status: Status, code: StatusCode, reference: String },
    Detail(Detail),
    Refused(&'static str),
}

/// A transaction as its parties see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    pub caller: Who,
    pub sender: Who,
    pub recipient: Who,
    pub amount: i64,
    pub fee: i64,
    pub method: PaymentMethod,
    pub status: Status,
    pub token: Option<&'static str>,
    pub instrument: Option<&'static str>,
    pub received: i64,
    pub completed: Option<i64>,
    pub original: Option<usize>,
    pub refunds: Vec<usize>,
}

fn which(known: usize) -> impl Strategy<Value = Which> {
    prop_oneof![
        40 => (0..known).prop_map(Which::Known),
        1 => Just(Which::Unknown),
        1 => Just(Which::Malformed),
    ]
}

fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => 1..=6_000_i64,
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
    prop_oneof![
        4 => charging,
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

/// Whoever may use what is named, mostly; sometimes anybody.
fn caller(ask: &Ask, stranger: Option<usize>) -> Who {
    if let Some(place) = stranger {
        return Who::ALL[place];
    }
    match *ask {
        Ask::Pay { token: Which::Known(token), .. } | Ask::Settle { token: Which::Known(token), .. } => {
            TOKENS[token].caller
        }
        Ask::WriteOff { instrument: Which::Known(place), .. } => INSTRUMENTS[place].recipient,
        _ => Who::Shop,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let stranger = proptest::option::weighted(0.1, 0..Who::ALL.len());
    let reference = proptest::option::weighted(0.1, 0..4_u8);
    let call = (ask(), stranger, reference).prop_map(|(ask, stranger, reference)| Step::Call {
        who: caller(&ask, stranger),
        reference,
        ask,
    });
    let wait = prop_oneof![
        4 => Just(CC_DELAY),
        2 => Just(MINUTE),
        2 => Just(DAY),
        1 => Just(ACH_DELAY),
        1 => Just(7 * DAY),
        1 => Just(7 * DAY - 1),
    ];
    prop_oneof![16 => call, 2 => (0..6_usize).prop_map(Step::Again), 4 => wait.prop_map(Step::Wait)]
}

/// Any history.
pub fn histories() -> impl Strategy<Value = History> {
    (1..=4_usize, any::<bool>(), proptest::collection::vec(step(), 1..70))
        .prop_map(|(batch, keep_book, steps)| History { batch, keep_book, steps })
}

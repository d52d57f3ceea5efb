//! The initial state of every history: parties, instruments, tokens and subscriptions, as plain values.

use fps_sandbox::ledger::PaymentMethod;

/// The start of every history in milliseconds, at midnight.
pub(crate) const START: i64 = 1_338_508_800_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// The time at which the tokens were installed: noon, so that days of usage limits do not end at the times of a history. A
/// transaction may count as received a few milliseconds after the time of the clock.
pub(crate) const INSTALLED: i64 = START - DAY / 2;

pub(crate) const CC_DELAY: i64 = 2 * MINUTE;
pub(crate) const ACH_DELAY: i64 = 4 * DAY;
/// The largest amount of one transaction, in cents.
pub(crate) const LARGEST: i64 = 20_000;

/// The parties, in the order of [`Party::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Shop,
    Rival,
    /// A marketplace, which may act between a sender and another recipient.
    Market,
    Ann,
    /// A person without a card and with a transaction limit.
    Ben,
    /// A person whose account is suspended.
    Sue,
}

impl Party {
    pub(crate) const ALL: [Self; 6] =
        [Self::Shop, Self::Rival, Self::Market, Self::Ann, Self::Ben, Self::Sue];

    pub(crate) const fn is_personal(self) -> bool {
        matches!(self, Self::Ann | Self::Ben | Self::Sue)
    }

    pub(crate) const fn is_suspended(self) -> bool {
        matches!(self, Self::Sue)
    }

    pub(crate) const fn is_marketplace(self) -> bool {
        matches!(self, Self::Market)
    }

    /// The payment methods of the account.
    pub(crate) const fn methods(self) -> &'static [PaymentMethod] {
        use PaymentMethod::{ABT, ACH, CC};
        if matches!(self, Self::Ben) { &[ACH, ABT] } else { &[CC, ACH, ABT] }
    }

    /// The maximum amount of a transaction from or to the account.
    pub(crate) const fn limit_cents(self) -> Option<i64> {
        if matches!(self, Self::Ben) { Some(4_500) } else { None }
    }

    /// The opening balance in cents.
    pub(crate) const fn opening_cents(self) -> i64 {
        match self {
            Self::Shop => 100,
            Self::Rival => 5,
            Self::Market => 20,
            Self::Ann => 1_300,
            Self::Ben => 3_500,
            Self::Sue => 1_000,
        }
    }
}

/// The type of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstrumentType {
    Debt,
    Prepaid,
}

pub(crate) struct Instrument {
    pub(crate) id: &'static str,
    pub(crate) kind: InstrumentType,
    pub(crate) sender: Party,
    pub(crate) recipient: Party,
    /// The credit limit, or the recharge limit.
    pub(crate) max_cents: i64,
    /// The number of days after the start at which the instrument expires.
    pub(crate) expires_day: Option<i64>,
}

const fn instrument(
    id: &'static str,
    instrument_type: InstrumentType,
    sender: Party,
    recipient: Party,
    max: i64,
) -> Instrument {
    Instrument { id, kind: instrument_type, sender, recipient, max_cents: max, expires_day: None }
}

pub(crate) const INSTRUMENTS: &[Instrument] = {
    use InstrumentType::{Debt, Prepaid};
    use Party::{Ann, Ben, Rival, Shop};
    &[
        instrument("AnnShop", Debt, Ann, Shop, 10_000),
        Instrument { expires_day: Some(9), ..instrument("BenShop", Debt, Ben, Shop, 5_000) },
        instrument("AnnRival", Debt, Ann, Rival, 8_000),
        instrument("AnnShopPrepaid", Prepaid, Ann, Shop, 500),
        Instrument { expires_day: Some(9), ..instrument("BenRivalPrepaid", Prepaid, Ben, Rival, 2_000) },
    ]
};

/// The terms of a recipient token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether the recipient pays the fee of FPS instead of the caller.
    pub(crate) recipient_pays: bool,
    /// The maximum marketplace fee: cents, and hundredths of a per cent.
    pub(crate) max: Option<(i64, i64)>,
}

/// The purpose of a token. Instruments are given by their index in [`INSTRUMENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenPurpose {
    Payment(PaymentMethod),
    /// Charges a credit instrument.
    Credit(usize),
    /// Settles the debt on a credit instrument.
    Settlement(usize, PaymentMethod),
    /// Spends from a prepaid instrument.
    Prepaid(usize),
    /// Funds a prepaid instrument.
    Funding(usize, PaymentMethod),
    /// Receives payments through a marketplace.
    Recipient(Terms),
    /// Lets the caller refund payments to a recipient.
    Refund,
    /// Installed by its owner: pays from the balance, and receives.
    Installed,
}

/// The daily limit of a token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DailyLimit {
    Cents(i64),
    Times(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Empty for a token that is installed during a history.
    pub(crate) id: &'static str,
    pub(crate) owner: Party,
    pub(crate) caller: Party,
    pub(crate) purpose: TokenPurpose,
    pub(crate) single_use: bool,
    pub(crate) cancelled: bool,
    /// The time at which the token expires.
    pub(crate) expires: Option<i64>,
    pub(crate) charge_cents: (i64, i64),
    pub(crate) global_cents: Option<i64>,
    pub(crate) daily: Option<DailyLimit>,
    /// The recipient tokens that it may pay; empty for any.
    pub(crate) recipients: &'static [&'static str],
}

pub(crate) const fn token(id: &'static str, owner: Party, caller: Party, purpose: TokenPurpose) -> Token {
    Token {
        id,
        owner,
        caller,
        purpose,
        single_use: false,
        cancelled: false,
        expires: None,
        charge_cents: (0, i64::MAX),
        global_cents: None,
        daily: None,
        recipients: &[],
    }
}

const fn day(day: i64) -> i64 {
    START + day * DAY
}

const fn receives(recipient_pays: bool, max: Option<(i64, i64)>) -> TokenPurpose {
    TokenPurpose::Recipient(Terms { recipient_pays, max })
}

pub(crate) const TOKENS: &[Token] = {
    use Party::{Ann, Ben, Market, Rival, Shop, Sue};
    use PaymentMethod::{ABT, ACH, CC};
    &[
        token("CreditAnnShop", Ann, Shop, TokenPurpose::Credit(0)),
        Token {
            charge_cents: (100, 2_500),
            daily: Some(DailyLimit::Times(3)),
            ..token("CreditBenShop", Ben, Shop, TokenPurpose::Credit(1))
        },
        token("CreditAnnRival", Ann, Rival, TokenPurpose::Credit(2)),
        Token { expires: Some(day(5)), ..token("CreditAnnRivalOld", Ann, Rival, TokenPurpose::Credit(2)) },
        Token {
            global_cents: Some(9_000),
            ..token("SettleAnnShopCC", Ann, Shop, TokenPurpose::Settlement(0, CC))
        },
        token("SettleAnnShopABT", Ann, Shop, TokenPurpose::Settlement(0, ABT)),
        token("SettleBenShopACH", Ben, Shop, TokenPurpose::Settlement(1, ACH)),
        Token {
            daily: Some(DailyLimit::Cents(2_000)),
            ..token("SettleAnnRivalCC", Ann, Rival, TokenPurpose::Settlement(2, CC))
        },
        token("SpendAnnShop", Ann, Shop, TokenPurpose::Prepaid(3)),
        Token { charge_cents: (5, 1_000), ..token("SpendBenRival", Ben, Rival, TokenPurpose::Prepaid(4)) },
        token("FundAnnShopCC", Ann, Shop, TokenPurpose::Funding(3, CC)),
        Token {
            global_cents: Some(1_200),
            ..token("FundAnnShopABT", Ann, Shop, TokenPurpose::Funding(3, ABT))
        },
        token("FundBenRivalACH", Ben, Rival, TokenPurpose::Funding(4, ACH)),
        token("AnnABT", Ann, Shop, TokenPurpose::Payment(ABT)),
        Token {
            daily: Some(DailyLimit::Cents(9_000)),
            ..token("AnnCC", Ann, Shop, TokenPurpose::Payment(CC))
        },
        Token {
            daily: Some(DailyLimit::Cents(6_000)),
            ..token("BenACH", Ben, Shop, TokenPurpose::Payment(ACH))
        },
        token("BenCC", Ben, Shop, TokenPurpose::Payment(CC)),
        Token { single_use: true, ..token("AnnOnceCC", Ann, Shop, TokenPurpose::Payment(CC)) },
        token("BenRivalABT", Ben, Rival, TokenPurpose::Payment(ABT)),
        Token { expires: Some(day(3)), ..token("BenRivalOld", Ben, Rival, TokenPurpose::Payment(ABT)) },
        Token { cancelled: true, ..token("AnnCancelled", Ann, Shop, TokenPurpose::Payment(CC)) },
        token("AnnBenCC", Ann, Ben, TokenPurpose::Payment(CC)),
        token("ShopShopABT", Shop, Shop, TokenPurpose::Payment(ABT)),
        token("SueABT", Sue, Shop, TokenPurpose::Payment(ABT)),
        // Payments with these tokens empty the balances of merchants.
        token("ShopRivalABT", Shop, Rival, TokenPurpose::Payment(ABT)),
        token("MarketShopABT", Market, Shop, TokenPurpose::Payment(ABT)),
        token("AnnMarketABT", Ann, Market, TokenPurpose::Payment(ABT)),
        token("AnnMarketCC", Ann, Market, TokenPurpose::Payment(CC)),
        Token {
            global_cents: Some(8_000),
            recipients: &["RivalReceives", "RivalReceivesFree"],
            ..token("AnnMarketRivalCC", Ann, Market, TokenPurpose::Payment(CC))
        },
        token("BenMarketACH", Ben, Market, TokenPurpose::Payment(ACH)),
        // The marketplace pays others from its own balance.
        token("MarketMarketABT", Market, Market, TokenPurpose::Payment(ABT)),
        token("RivalReceives", Rival, Market, receives(true, Some((200, 1_000)))),
        token("RivalReceivesFree", Rival, Market, receives(false, Some((50, 5_000)))),
        token("ShopReceivesNoFee", Shop, Market, receives(true, None)),
        token("BenReceives", Ben, Market, receives(true, Some((1_000, 250)))),
        token("SueReceives", Sue, Market, receives(true, None)),
        Token {
            expires: Some(day(3)),
            ..token("RivalReceivesOld", Rival, Market, receives(true, Some((200, 1_000))))
        },
        Token { cancelled: true, ..token("RivalReceivesNot", Rival, Market, receives(true, None)) },
        token("RivalRefunds", Rival, Market, TokenPurpose::Refund),
    ]
};

/// The index of a token in [`TOKENS`].
pub(crate) fn index_of(id: &str) -> usize {
    TOKENS.iter().position(|token| token.id == id).expect("a token of the world")
}

/// A subscription, whose payments precede the history.
pub(crate) struct Subscription {
    pub(crate) id: &'static str,
    pub(crate) sender: Party,
    pub(crate) recipient: Party,
    /// The payments: the token and the amount in cents.
    pub(crate) payments: &'static [(&'static str, i64)],
}

pub(crate) const SUBSCRIPTIONS: &[Subscription] = {
    use Party::{Ann, Ben, Rival, Shop};
    &[
        Subscription {
            id: "Monthly",
            sender: Ann,
            recipient: Shop,
            payments: &[("AnnABT", 300), ("AnnABT", 300)],
        },
        Subscription { id: "Yearly", sender: Ann, recipient: Shop, payments: &[("AnnCC", 900)] },
        Subscription { id: "Weekly", sender: Ben, recipient: Rival, payments: &[("BenRivalABT", 250)] },
        Subscription { id: "Unpaid", sender: Ann, recipient: Shop, payments: &[] },
    ]
};

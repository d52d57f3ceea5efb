//! Who takes part in every history, and what they own when it begins. Plain values.

use fps_sandbox::ledger::PaymentMethod;

/// When every history begins, in milliseconds: midnight.
pub(crate) const START: i64 = 1_338_508_800_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;
/// When the tokens were made: at noon, so that no history comes near the end of a day of usage limits. A transaction may
/// count as received a few milliseconds after the instant that the clock shows.
pub(crate) const INSTALLED: i64 = START - DAY / 2;

pub(crate) const CC_DELAY: i64 = 2 * MINUTE;
pub(crate) const ACH_DELAY: i64 = 4 * DAY;
/// The largest amount of one transaction, in cents.
pub(crate) const LARGEST: i64 = 20_000;

/// The parties. Their order is that of [`Who::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Shop,
    Rival,
    /// May act between a sender and another recipient.
    Market,
    Ann,
    /// He has no card, and his account has a limit.
    Ben,
    /// Her account is suspended.
    Sue,
}

impl Who {
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

    /// How the account can pay.
    pub(crate) const fn methods(self) -> &'static [PaymentMethod] {
        use PaymentMethod::{ABT, ACH, CC};
        if matches!(self, Self::Ben) { &[ACH, ABT] } else { &[CC, ACH, ABT] }
    }

    /// Most that one transaction may take from the account or bring to it.
    pub(crate) const fn limit_cents(self) -> Option<i64> {
        if matches!(self, Self::Ben) { Some(4_500) } else { None }
    }

    /// The balance at the start, in cents.
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

/// What an instrument carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    Debt,
    Prepaid,
}

pub(crate) struct Instrument {
    pub(crate) id: &'static str,
    pub(crate) carries: Carries,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    /// The credit limit, or the recharge limit.
    pub(crate) most_cents: i64,
    /// Days after the start from which it cannot be used any more.
    pub(crate) expires_day: Option<i64>,
}

const fn instrument(
    id: &'static str,
    carries: Carries,
    sender: Who,
    recipient: Who,
    most: i64,
) -> Instrument {
    Instrument { id, carries, sender, recipient, most_cents: most, expires_day: None }
}

pub(crate) const INSTRUMENTS: &[Instrument] = {
    use Carries::{Debt, Prepaid};
    use Who::{Ann, Ben, Rival, Shop};
    &[
        instrument("AnnShop", Debt, Ann, Shop, 10_000),
        Instrument { expires_day: Some(9), ..instrument("BenShop", Debt, Ben, Shop, 5_000) },
        instrument("AnnRival", Debt, Ann, Rival, 8_000),
        instrument("AnnShopPrepaid", Prepaid, Ann, Shop, 500),
        Instrument { expires_day: Some(9), ..instrument("BenRivalPrepaid", Prepaid, Ben, Rival, 2_000) },
    ]
};

/// On what terms a recipient takes part in a marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether the recipient pays FPS's fee, or the caller.
    pub(crate) recipient_pays: bool,
    /// Most that the caller may take: cents, and hundredths of a per cent.
    pub(crate) most: Option<(i64, i64)>,
}

/// What a token is for. Instruments are named by their place in [`INSTRUMENTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Pays(PaymentMethod),
    /// Makes debt on an instrument.
    Charges(usize),
    /// Settles debt on an instrument.
    Settles(usize, PaymentMethod),
    /// Spends what was paid in advance.
    Spends(usize),
    /// Pays in advance.
    Funds(usize, PaymentMethod),
    /// Receives, in a marketplace.
    Receives(Terms),
    /// Lets the caller refund what a recipient received.
    Refunds,
    /// Was installed by its owner: pays from the balance, and receives.
    Installed,
}

/// What a token may do in a day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Daily {
    Cents(i64),
    Times(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// Empty for a token that is made in the course of a history.
    pub(crate) id: &'static str,
    pub(crate) owner: Who,
    pub(crate) caller: Who,
    pub(crate) purpose: Use,
    pub(crate) single_use: bool,
    pub(crate) cancelled: bool,
    /// First instant at which it cannot be used any more.
    pub(crate) expires: Option<i64>,
    pub(crate) charge_cents: (i64, i64),
    pub(crate) global_cents: Option<i64>,
    pub(crate) daily: Option<Daily>,
    /// The recipient tokens that it pays; any when none is named.
    pub(crate) recipients: &'static [&'static str],
}

pub(crate) const fn token(id: &'static str, owner: Who, caller: Who, purpose: Use) -> Token {
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

const fn receives(recipient_pays: bool, most: Option<(i64, i64)>) -> Use {
    Use::Receives(Terms { recipient_pays, most })
}

pub(crate) const TOKENS: &[Token] = {
    use PaymentMethod::{ABT, ACH, CC};
    use Who::{Ann, Ben, Market, Rival, Shop, Sue};
    &[
        token("CreditAnnShop", Ann, Shop, Use::Charges(0)),
        Token {
            charge_cents: (100, 2_500),
            daily: Some(Daily::Times(3)),
            ..token("CreditBenShop", Ben, Shop, Use::Charges(1))
        },
        token("CreditAnnRival", Ann, Rival, Use::Charges(2)),
        Token { expires: Some(day(5)), ..token("CreditAnnRivalOld", Ann, Rival, Use::Charges(2)) },
        Token { global_cents: Some(9_000), ..token("SettleAnnShopCC", Ann, Shop, Use::Settles(0, CC)) },
        token("SettleAnnShopABT", Ann, Shop, Use::Settles(0, ABT)),
        token("SettleBenShopACH", Ben, Shop, Use::Settles(1, ACH)),
        Token {
            daily: Some(Daily::Cents(2_000)),
            ..token("SettleAnnRivalCC", Ann, Rival, Use::Settles(2, CC))
        },
        token("SpendAnnShop", Ann, Shop, Use::Spends(3)),
        Token { charge_cents: (5, 1_000), ..token("SpendBenRival", Ben, Rival, Use::Spends(4)) },
        token("FundAnnShopCC", Ann, Shop, Use::Funds(3, CC)),
        Token { global_cents: Some(1_200), ..token("FundAnnShopABT", Ann, Shop, Use::Funds(3, ABT)) },
        token("FundBenRivalACH", Ben, Rival, Use::Funds(4, ACH)),
        token("AnnABT", Ann, Shop, Use::Pays(ABT)),
        Token { daily: Some(Daily::Cents(9_000)), ..token("AnnCC", Ann, Shop, Use::Pays(CC)) },
        Token { daily: Some(Daily::Cents(6_000)), ..token("BenACH", Ben, Shop, Use::Pays(ACH)) },
        token("BenCC", Ben, Shop, Use::Pays(CC)),
        Token { single_use: true, ..token("AnnOnceCC", Ann, Shop, Use::Pays(CC)) },
        token("BenRivalABT", Ben, Rival, Use::Pays(ABT)),
        Token { expires: Some(day(3)), ..token("BenRivalOld", Ben, Rival, Use::Pays(ABT)) },
        Token { cancelled: true, ..token("AnnCancelled", Ann, Shop, Use::Pays(CC)) },
        token("AnnBenCC", Ann, Ben, Use::Pays(CC)),
        token("ShopShopABT", Shop, Shop, Use::Pays(ABT)),
        token("SueABT", Sue, Shop, Use::Pays(ABT)),
        // What is paid with these empties the balances of merchants.
        token("ShopRivalABT", Shop, Rival, Use::Pays(ABT)),
        token("MarketShopABT", Market, Shop, Use::Pays(ABT)),
        token("AnnMarketABT", Ann, Market, Use::Pays(ABT)),
        token("AnnMarketCC", Ann, Market, Use::Pays(CC)),
        Token {
            global_cents: Some(8_000),
            recipients: &["RivalReceives", "RivalReceivesFree"],
            ..token("AnnMarketRivalCC", Ann, Market, Use::Pays(CC))
        },
        token("BenMarketACH", Ben, Market, Use::Pays(ACH)),
        // The marketplace pays others out of its own pocket.
        token("MarketMarketABT", Market, Market, Use::Pays(ABT)),
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
        token("RivalRefunds", Rival, Market, Use::Refunds),
    ]
};

/// The place of a token in [`TOKENS`].
pub(crate) fn place_of(id: &str) -> usize {
    TOKENS.iter().position(|token| token.id == id).expect("a token of the world")
}

/// Recurring payments. They are made before the history begins.
pub(crate) struct Subscription {
    pub(crate) id: &'static str,
    pub(crate) sender: Who,
    pub(crate) recipient: Who,
    /// The token that pays, and how much in cents.
    pub(crate) payments: &'static [(&'static str, i64)],
}

pub(crate) const SUBSCRIPTIONS: &[Subscription] = {
    use Who::{Ann, Ben, Rival, Shop};
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

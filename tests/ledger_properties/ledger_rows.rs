//! Rows of the ledger, made from the initial state and from values of histories.

use fps_sandbox::ledger::{
    AccountNumber, Amount, Descriptions, FeeTable, InstrumentNumber, PaymentMethod, Period, Purpose,
    RecipientTerms, Rules, SubscriptionTerms, Timestamp, Token, TokenId, TokenNumber, TokenType, Unit, Usage,
    UsageLimit, UsageMeasure, Validity,
};
use rust_decimal::Decimal;

use crate::world::{self, DailyLimit, INSTALLED, LARGEST, Party, START, TokenPurpose};

pub(crate) fn cents(cents: i64) -> Amount {
    Amount::from_micros(cents * 10_000)
}

/// An amount in the unit of the model, hundredths of a cent.
pub(crate) fn units(amount: Amount) -> i64 {
    assert_eq!(amount.micros() % 100, 0, "{amount} is finer than a hundredth of a cent");
    amount.micros() / 100
}

pub(crate) fn account(party: Party) -> AccountNumber {
    AccountNumber(10 + party as i64)
}

pub(crate) fn party_of(account: AccountNumber) -> Party {
    Party::ALL[usize::try_from(account.0 - 10).expect("a party")]
}

pub(crate) fn rules() -> Rules {
    Rules {
        fees: FeeTable::new(&FeeTable::default_rules()).expect("the default fees"),
        cc_delay_millis: world::CC_DELAY,
        ach_delay_millis: world::ACH_DELAY,
        max_amount: cents(LARGEST),
        magic: false,
    }
}

pub(crate) fn until(millis: Option<i64>) -> Validity {
    Validity { from: None, until: millis.map(Timestamp::from_millis) }
}

pub(crate) fn email(party: Party) -> String {
    format!("{party:?}@example.com")
}

pub(crate) fn percent(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 2)
}

/// Terms of a monthly subscription, which no action reads.
pub(crate) fn monthly() -> SubscriptionTerms {
    SubscriptionTerms {
        description: String::new(),
        amount: cents(1),
        promotional_amount: None,
        promotional_transactions: 0,
        start: START,
        end: None,
        length: None,
        frequency: Period { count: 1, unit: Unit::Month },
        next: None,
    }
}

pub(crate) fn descriptions_with(reference: &str) -> Descriptions {
    Descriptions { caller_reference: reference.to_owned(), ..Descriptions::default() }
}

pub(crate) fn ledger_token(number: TokenNumber, token: &world::Token) -> Token {
    let (purpose, method, instrument) = match token.purpose {
        TokenPurpose::Payment(method) => (Purpose::Payment, method, None),
        TokenPurpose::Credit(index) => (Purpose::Credit, PaymentMethod::Debt, Some(index)),
        TokenPurpose::Settlement(index, method) => (Purpose::Settlement, method, Some(index)),
        TokenPurpose::Prepaid(index) => (Purpose::Prepaid, PaymentMethod::Prepaid, Some(index)),
        TokenPurpose::Funding(index, method) => (Purpose::Funding, method, Some(index)),
        TokenPurpose::Recipient(_) => (Purpose::Recipient, PaymentMethod::ABT, None),
        TokenPurpose::Refund => (Purpose::Refund, PaymentMethod::ABT, None),
        TokenPurpose::Installed => (Purpose::Installed, PaymentMethod::ABT, None),
    };
    let terms = match token.purpose {
        TokenPurpose::Recipient(world::Terms { recipient_pays, max }) => Some(RecipientTerms {
            recipient_pays_fee: recipient_pays,
            max_fixed_fee: max.map(|(fixed, _)| cents(fixed)),
            max_variable_fee: max.map(|(_, hundredths)| percent(hundredths)),
        }),
        _ => None,
    };
    let daily = token.daily.map(|daily| {
        let (measure, allowed) = match daily {
            DailyLimit::Cents(max) => (UsageMeasure::Amount, cents(max).micros()),
            DailyLimit::Times(max) => (UsageMeasure::Count, max),
        };
        UsageLimit { measure, allowed, period: Some(Period { count: 1, unit: Unit::Day }) }
    });
    let (min, max) = token.charge_cents;
    Token {
        number,
        id: token.id.into(),
        account: account(token.owner),
        caller: account(token.caller),
        purpose,
        token_type: if token.single_use { TokenType::SingleUse } else { TokenType::MultiUse },
        active: !token.cancelled,
        method,
        instrument: instrument.map(|index| InstrumentNumber(100 + index as i64)),
        caller_reference: token.id.to_owned(),
        friendly_name: token.id.to_owned(),
        payment_reason: None,
        instruction: None,
        terms,
        recipients: token.recipients.iter().map(|id| TokenId::from(*id)).collect(),
        installed: Timestamp::from_millis(INSTALLED),
        validity: until(token.expires),
        min_charge: (min > 0).then(|| cents(min)),
        max_charge: (max < i64::MAX).then(|| cents(max)),
        global_limit: token.global_cents.map(cents),
        limits: daily.into_iter().collect(),
        usage: Usage::default(),
    }
}

//! Reading a start URL's parameters into typed values. What is not well-formed is noted by name, all of it, because
//! the merchant is told in one message.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::ledger::{
    Account, Amount, ChargeRange, PaymentMethod, Period, Timestamp, TokenId, UsageLimit, UsageMeasure,
    Validity, decimal_number, whole_number,
};
use crate::service::instant;

use super::pipelines::{Parameter, Pipeline};
use super::start::Start;

/// How far in the past a validity may begin: clocks differ, and merchants send the start of their day (our choice).
const GRACE_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// How far ahead it may begin: a year (guide of 2007).
const AHEAD_MILLIS: i64 = 366 * 24 * 60 * 60 * 1000;

/// Longest reference of a caller, in bytes.
const REFERENCE_BYTES: usize = 128;
/// How many recipients a token may name.
const MAX_TOKENS: usize = 50;

/// The parameters of one pipeline, being read.
pub(super) struct Fields<'a> {
    start: &'a Start,
    pipeline: &'static Pipeline,
    now: Timestamp,
    ill_formed: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(start: &'a Start, pipeline: &'static Pipeline, now: Timestamp) -> Self {
        let repeated = pipeline.parameters().map(|parameter| parameter.name);
        let ill_formed = repeated.filter(|name| start.is_unclear(name)).collect();
        Self { start, pipeline, now, ill_formed }
    }

    /// The names of what is not well-formed, in the order of the pipeline's parameters.
    pub(super) fn ill_formed(self) -> Vec<&'static str> {
        let names = self.pipeline.parameters().map(|parameter| parameter.name);
        names.filter(|name| self.ill_formed.contains(name)).collect()
    }

    fn parameter(&self, name: &'static str) -> Option<&'static Parameter> {
        let known = self.pipeline.parameters().find(|parameter| parameter.name == name);
        debug_assert!(known.is_some(), "{name} is read but not listed by {}", self.pipeline.name);
        known
    }

    fn refuse<T>(&mut self, name: &'static str) -> Option<T> {
        self.note(name);
        None
    }

    /// The value, if it is given; one that has to be is refused when it is not.
    fn given(&mut self, name: &'static str) -> Option<&'a str> {
        let required = self.parameter(name).is_some_and(|parameter| parameter.required);
        let value = self.start.value(name);
        if value.is_none() && required { self.refuse(name) } else { value }
    }

    fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.given(name)?;
        read(value).or_else(|| self.refuse(name))
    }

    /// A caller's reference: at most 128 bytes.
    pub(super) fn reference(&mut self, name: &'static str) -> String {
        self.text(name, REFERENCE_BYTES).unwrap_or_default()
    }

    /// The same where there may be none.
    pub(super) fn optional_reference(&mut self, name: &'static str) -> Option<String> {
        self.text(name, REFERENCE_BYTES)
    }

    /// Text of at most so many bytes.
    pub(super) fn text(&mut self, name: &'static str, most: usize) -> Option<String> {
        self.read(name, |value| Some(value.to_owned()).filter(|value| value.len() <= most))
    }

    /// Dollars above zero.
    pub(super) fn dollars(&mut self, name: &'static str) -> Option<Amount> {
        self.read(name, |value| dollars(value).filter(|amount| amount.is_positive()))
    }

    /// Dollars, also none.
    pub(super) fn dollars_or_zero(&mut self, name: &'static str) -> Option<Amount> {
        self.read(name, dollars)
    }

    /// Per cent.
    pub(super) fn percent(&mut self, name: &'static str) -> Option<Decimal> {
        let within = |percent: &Decimal| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent);
        self.read(name, |value| decimal_number(value).filter(within))
    }

    /// `True` or `False`, in any case.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |value| value.to_ascii_lowercase().parse().ok())
    }

    /// One of these, in any case.
    pub(super) fn one_of(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        self.read(name, |value| words.iter().copied().find(|word| word.eq_ignore_ascii_case(value)))
    }

    /// A length of time, such as `1 Month`.
    pub(super) fn period(&mut self, name: &'static str) -> Option<Period> {
        self.read(name, Period::parse)
    }

    /// A token id.
    pub(super) fn token(&mut self, name: &'static str) -> Option<TokenId> {
        self.text(name, 128).map(TokenId::from)
    }

    /// Token ids with commas between.
    pub(super) fn tokens(&mut self, name: &'static str) -> Vec<TokenId> {
        let ids = self.read(name, |value| {
            let ids: BTreeSet<&str> = value.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
            let sound = ids.len() <= MAX_TOKENS && ids.iter().all(|id| id.len() <= 128);
            sound.then(|| ids.into_iter().map(TokenId::from).collect())
        });
        ids.unwrap_or_default()
    }

    /// What is common to all pipelines and not used otherwise: version, currency, style.
    pub(super) fn check_common(&mut self) {
        self.read("version", instant::date);
        self.one_of("cobrandingStyle", &["logo", "banner"]);
        self.text("websiteDescription", 1024);
        self.text("cobrandingUrl", 2048);
    }

    /// Notes that a parameter is not well-formed.
    pub(super) fn note(&mut self, name: &'static str) {
        self.ill_formed.push(name);
    }

    /// The payment methods, preferred first, if the merchant names any.
    pub(super) fn methods(&mut self) -> Option<Vec<PaymentMethod>> {
        let methods = self.read("paymentMethod", |value| {
            let named = |name: &str| {
                Account::METHODS.into_iter().find(|method| method.name().eq_ignore_ascii_case(name.trim()))
            };
            value.split(',').map(named).collect::<Option<Vec<_>>>()
        })?;
        Some(Account::METHODS.into_iter().filter(|method| methods.contains(method)).collect())
    }

    /// `currencyCode` and `paymentReason`.
    pub(super) fn reason(&mut self) -> Option<String> {
        self.one_of("currencyCode", &["USD"]);
        self.text("paymentReason", 2048)
    }

    /// `validityStart` and `validityExpiry`, seconds since 1970.
    pub(super) fn validity(&mut self) -> Validity {
        let instant = |value: &str| {
            let seconds: i64 = whole_number(value)?;
            seconds.checked_mul(1_000).map(Timestamp::from_millis)
        };
        let now = self.now;
        let near = |from: &Timestamp| {
            (now.plus_millis(-GRACE_MILLIS)..=now.plus_millis(AHEAD_MILLIS)).contains(from)
        };
        let from = self.read("validityStart", |value| instant(value).filter(near));
        let until = self.read("validityExpiry", |value| {
            instant(value).filter(|until| *until > now && from.is_none_or(|from| *until > from))
        });
        Validity { from, until }
    }

    /// `usageLimitType1`, `usageLimitValue1`, `usageLimitPeriod1`, and the same with 2.
    pub(super) fn limits(&mut self) -> Vec<UsageLimit> {
        let first = self.limit(["usageLimitType1", "usageLimitValue1", "usageLimitPeriod1"]);
        let second = self.limit(["usageLimitType2", "usageLimitValue2", "usageLimitPeriod2"]);
        first.into_iter().chain(second).collect()
    }

    fn limit(&mut self, [kind, value, period]: [&'static str; 3]) -> Option<UsageLimit> {
        let measure = self.one_of(kind, &["Amount", "Count"]);
        let length = self.period(period);
        let Some(measure) = measure else {
            // A value or period without a type limits nothing that can be named.
            if self.start.value(kind).is_none() && (self.given(value).is_some() || length.is_some()) {
                self.note(kind);
            }
            return None;
        };
        let allowed = self.read(value, |text| match measure {
            "Amount" => dollars(text).map(|amount| amount.micros()),
            _ => whole_number(text),
        });
        let Some(allowed) = allowed.filter(|allowed| *allowed > 0) else { return self.refuse(value) };
        let measure = if measure == "Amount" { UsageMeasure::Amount } else { UsageMeasure::Count };
        Some(UsageLimit { measure, allowed, period: length })
    }

    /// `transactionAmount` as `amountType` means it: what one charge has to be.
    pub(super) fn charges(&mut self) -> ChargeRange {
        let amount = self.dollars("transactionAmount");
        match self.one_of("amountType", &["Exact", "Maximum", "Minimum"]) {
            Some("Maximum") => ChargeRange { min: None, max: amount },
            Some("Minimum") => ChargeRange { min: amount, max: None },
            _ => ChargeRange { min: amount, max: amount },
        }
    }
}

fn dollars(text: &str) -> Option<Amount> {
    Amount::parse(text).ok().filter(|amount| *amount < Amount::HUGE)
}

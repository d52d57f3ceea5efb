//! Reads the parameters of a start URL into typed values. Reading goes on after a malformed parameter, because the
//! merchant gets one error message that names all of them.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::ledger::Named as _;
use crate::ledger::{
    Account, Amount, ChargeRange, PaymentMethod, Period, Timestamp, TokenId, UsageLimit, UsageMeasure,
    Validity, decimal_number, whole_number,
};
use crate::service::timestamp;

use super::pipeline::{Pipeline, PipelineParameter};
use super::start_url::StartUrl;

/// How far in the past a validity may begin: a day, because clocks differ and merchants send the start of their day
/// (our choice).
const MAX_START_AGE_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// How far in the future a validity may begin: a year (guide of 2007).
const MAX_START_DELAY_MILLIS: i64 = 366 * 24 * 60 * 60 * 1000;

/// Maximum length of a caller reference, in bytes.
const MAX_REFERENCE_BYTES: usize = 128;
/// Maximum length of a token id, in bytes.
const MAX_TOKEN_ID_BYTES: usize = 128;
/// Maximum number of recipient tokens in a list.
const MAX_RECIPIENT_TOKENS: usize = 50;

/// Reads the parameters of one start URL, for one pipeline.
///
/// Every method returns `None`, or a default, for a parameter that is absent or malformed, and remembers the malformed
/// ones. A required parameter that is absent counts as malformed.
pub(super) struct StartUrlReader<'a> {
    start: &'a StartUrl,
    pipeline: &'static Pipeline,
    now: Timestamp,
    malformed: Vec<&'static str>,
}

impl<'a> StartUrlReader<'a> {
    pub(super) fn new(start: &'a StartUrl, pipeline: &'static Pipeline, now: Timestamp) -> Self {
        let names = pipeline.parameters().map(|parameter| parameter.name);
        let malformed = names.filter(|name| start.is_ambiguous(name)).collect();
        Self { start, pipeline, now, malformed }
    }

    /// The names of the malformed parameters, in the order of the pipeline's table.
    pub(super) fn into_malformed(self) -> Vec<&'static str> {
        let names = self.pipeline.parameters().map(|parameter| parameter.name);
        names.filter(|name| self.malformed.contains(name)).collect()
    }

    /// Notes that a parameter is malformed.
    pub(super) fn mark_malformed(&mut self, name: &'static str) {
        self.malformed.push(name);
    }

    fn mark_malformed_and_skip<T>(&mut self, name: &'static str) -> Option<T> {
        self.mark_malformed(name);
        None
    }

    fn find_parameter(&self, name: &'static str) -> Option<&'static PipelineParameter> {
        let parameter = self.pipeline.parameters().find(|parameter| parameter.name == name);
        debug_assert!(parameter.is_some(), "{name} is read but not listed by {}", self.pipeline.name);
        parameter
    }

    /// The text of a parameter, if it is present.
    fn raw_value(&mut self, name: &'static str) -> Option<&'a str> {
        let is_required = self.find_parameter(name).is_some_and(|parameter| parameter.is_required);
        let value = self.start.value(name);
        if value.is_none() && is_required { self.mark_malformed_and_skip(name) } else { value }
    }

    fn read<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.raw_value(name)?;
        parse(value).or_else(|| self.mark_malformed_and_skip(name))
    }

    /// A caller reference: at most 128 bytes. Empty if there is none.
    pub(super) fn reference(&mut self, name: &'static str) -> String {
        self.optional_reference(name).unwrap_or_default()
    }

    /// A caller reference that may be absent.
    pub(super) fn optional_reference(&mut self, name: &'static str) -> Option<String> {
        self.text(name, MAX_REFERENCE_BYTES)
    }

    /// Text of at most `max_bytes` bytes.
    pub(super) fn text(&mut self, name: &'static str, max_bytes: usize) -> Option<String> {
        self.read(name, |value| Some(value.to_owned()).filter(|value| value.len() <= max_bytes))
    }

    /// An amount in dollars, above zero.
    pub(super) fn dollars(&mut self, name: &'static str) -> Option<Amount> {
        self.read(name, |value| parse_dollars(value).filter(|amount| amount.is_positive()))
    }

    /// An amount in dollars, zero included.
    pub(super) fn dollars_or_zero(&mut self, name: &'static str) -> Option<Amount> {
        self.read(name, parse_dollars)
    }

    /// A percentage from 0 to 100.
    pub(super) fn percent(&mut self, name: &'static str) -> Option<Decimal> {
        let is_in_range = |percent: &Decimal| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent);
        self.read(name, |value| decimal_number(value).filter(is_in_range))
    }

    /// `True` or `False`, in any case.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |value| value.to_ascii_lowercase().parse().ok())
    }

    /// One of `values`, in any case.
    pub(super) fn one_of(&mut self, name: &'static str, values: &[&'static str]) -> Option<&'static str> {
        self.read(name, |value| values.iter().copied().find(|known| known.eq_ignore_ascii_case(value)))
    }

    /// A period, such as `1 Month`.
    pub(super) fn period(&mut self, name: &'static str) -> Option<Period> {
        self.read(name, Period::parse)
    }

    /// A token id.
    pub(super) fn token_id(&mut self, name: &'static str) -> Option<TokenId> {
        self.text(name, MAX_TOKEN_ID_BYTES).map(TokenId::from)
    }

    /// A list of token ids, separated by commas; duplicates are dropped.
    pub(super) fn token_ids(&mut self, name: &'static str) -> Vec<TokenId> {
        let ids = self.read(name, |value| {
            let ids: BTreeSet<&str> = value.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
            let is_valid =
                ids.len() <= MAX_RECIPIENT_TOKENS && ids.iter().all(|id| id.len() <= MAX_TOKEN_ID_BYTES);
            is_valid.then(|| ids.into_iter().map(TokenId::from).collect())
        });
        ids.unwrap_or_default()
    }

    /// Checks the parameters of all pipelines whose values the proposal does not need.
    pub(super) fn check_common_parameters(&mut self) {
        self.read("version", timestamp::parse_date);
        self.one_of("cobrandingStyle", &["logo", "banner"]);
        self.text("websiteDescription", 1024);
        self.text("cobrandingUrl", 2048);
    }

    /// `paymentMethod`: the methods in a list, in the sandbox's order of preference.
    pub(super) fn payment_methods(&mut self) -> Option<Vec<PaymentMethod>> {
        let methods = self.read("paymentMethod", |value| {
            let parse = |name: &str| {
                Account::METHODS.into_iter().find(|method| method.name().eq_ignore_ascii_case(name.trim()))
            };
            value.split(',').map(parse).collect::<Option<Vec<_>>>()
        })?;
        Some(Account::METHODS.into_iter().filter(|method| methods.contains(method)).collect())
    }

    /// `paymentReason`; checks `currencyCode` too, which the same pipelines have.
    pub(super) fn payment_reason(&mut self) -> Option<String> {
        self.one_of("currencyCode", &["USD"]);
        self.text("paymentReason", 2048)
    }

    /// `validityStart` and `validityExpiry`, in seconds since 1970.
    pub(super) fn validity(&mut self) -> Validity {
        let parse = |value: &str| {
            let seconds: i64 = whole_number(value)?;
            seconds.checked_mul(1_000).map(Timestamp::from_millis)
        };
        let now = self.now;
        let earliest = now.plus_millis(-MAX_START_AGE_MILLIS);
        let latest = now.plus_millis(MAX_START_DELAY_MILLIS);
        let from = self
            .read("validityStart", |value| parse(value).filter(|from| (earliest..=latest).contains(from)));
        let until = self.read("validityExpiry", |value| {
            parse(value).filter(|until| *until > now && from.is_none_or(|from| *until > from))
        });
        Validity { from, until }
    }

    /// Up to two usage limits: `usageLimitType1`, `usageLimitValue1` and `usageLimitPeriod1`, and the same with 2.
    pub(super) fn usage_limits(&mut self) -> Vec<UsageLimit> {
        let first = self.usage_limit(["usageLimitType1", "usageLimitValue1", "usageLimitPeriod1"]);
        let second = self.usage_limit(["usageLimitType2", "usageLimitValue2", "usageLimitPeriod2"]);
        first.into_iter().chain(second).collect()
    }

    fn usage_limit(&mut self, names: [&'static str; 3]) -> Option<UsageLimit> {
        let [type_name, value_name, period_name] = names;
        let limit_type = self.one_of(type_name, &["Amount", "Count"]);
        let period = self.period(period_name);
        let Some(limit_type) = limit_type else {
            // A value or a period without a type is meaningless.
            let has_no_type = self.start.value(type_name).is_none();
            if has_no_type && (self.raw_value(value_name).is_some() || period.is_some()) {
                self.mark_malformed(type_name);
            }
            return None;
        };
        let (measure, allowed) = if limit_type == "Amount" {
            let amount = self.read(value_name, parse_dollars);
            (UsageMeasure::Amount, amount.map(Amount::micros))
        } else {
            (UsageMeasure::Count, self.read(value_name, whole_number))
        };
        let Some(allowed) = allowed.filter(|allowed| *allowed > 0) else {
            return self.mark_malformed_and_skip(value_name);
        };
        Some(UsageLimit { measure, allowed, period })
    }

    /// The range of one charge: `transactionAmount`, as the exact amount, the maximum or the minimum (`amountType`).
    pub(super) fn charge_range(&mut self) -> ChargeRange {
        let amount = self.dollars("transactionAmount");
        match self.one_of("amountType", &["Exact", "Maximum", "Minimum"]) {
            Some("Maximum") => ChargeRange { min: None, max: amount },
            Some("Minimum") => ChargeRange { min: amount, max: None },
            _ => ChargeRange { min: amount, max: amount },
        }
    }
}

/// An amount in dollars with at most two decimals, zero included.
fn parse_dollars(text: &str) -> Option<Amount> {
    Amount::parse(text).ok().filter(|amount| *amount < Amount::HUGE)
}

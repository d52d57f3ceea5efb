//! The texts of the pages: a proposal in sentences that a buyer understands.

use chrono::{DateTime, Utc};

use crate::ledger::Named as _;
use crate::ledger::{
    Amount, ChargeRange, PaymentMethod, Period, Proposal, Timestamp, TokenRequest, TokenType, UsageLimit,
    UsageMeasure, Validity,
};

/// One line of the terms to which the visitor agrees.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AgreementTerm {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// The headline: the proposal in one line.
pub(super) fn headline(proposal: &Proposal, merchant: &str) -> String {
    match &proposal.request {
        TokenRequest::Payments(payments) => match payments.token_type {
            TokenType::SingleUse => format!("Pay {merchant}"),
            TokenType::Recurring => format!("Pay {merchant} regularly"),
            TokenType::MultiUse | TokenType::Unrestricted => format!("Let {merchant} charge you"),
        },
        TokenRequest::Receiving { .. } => format!("Receive payments through {merchant}"),
        TokenRequest::Prepaid { .. } => format!("Pay {merchant} in advance"),
        TokenRequest::Postpaid(_) => format!("Buy on credit from {merchant}"),
        TokenRequest::Edit { .. } => format!("Change how you pay {merchant}"),
    }
}

/// The label of the button that authorises the proposal.
pub(super) fn confirm_label(proposal: &Proposal) -> &'static str {
    match &proposal.request {
        TokenRequest::Payments(_) => "Authorise payment",
        TokenRequest::Receiving { .. } => "Agree",
        TokenRequest::Prepaid { .. } | TokenRequest::Postpaid(_) => "Authorise",
        TokenRequest::Edit { .. } => "Save",
    }
}

/// The heading of the payment methods.
pub(super) fn methods_legend(proposal: &Proposal) -> &'static str {
    match &proposal.request {
        TokenRequest::Postpaid(_) => "How you settle what you owe",
        TokenRequest::Prepaid { .. } => "How you pay in advance",
        _ => "How you pay",
    }
}

/// The terms of a proposal: amounts, limits and validity. `current` is the payment method of the token to be edited.
pub(super) fn agreement_terms(
    proposal: &Proposal,
    merchant: &str,
    current: Option<PaymentMethod>,
) -> Vec<AgreementTerm> {
    let mut terms = Vec::new();
    let mut add = |name, text: String| terms.push(AgreementTerm { name, text });
    match &proposal.request {
        TokenRequest::Payments(payments) => {
            match (payments.token_type, payments.global_limit) {
                (TokenType::SingleUse, Some(most)) => {
                    add("Amount", format!("One payment of at most {}.", dollars(most)));
                }
                (_, Some(most)) => {
                    add("In all", format!("All payments together are at most {}.", dollars(most)));
                }
                _ => {}
            }
            if let Some(text) = charge_range(payments.charges, "payment") {
                add("Each payment", text);
            }
            for limit in &payments.limits {
                add("Limit", usage_limit(limit, "payment"));
            }
            if payments.reserves {
                add("Charged", "The amount is reserved first, and charged later.".to_owned());
            }
            if !payments.recipients.is_empty() {
                add("Paid to", format!("Only the sellers that {merchant} has named."));
            }
        }
        TokenRequest::Receiving { terms, .. } => {
            let payer =
                if terms.recipient_pays_fee { "You pay".to_owned() } else { format!("{merchant} pays") };
            add("Fees", format!("{payer} the fees of Amazon Payments."));
            add("Commission", commission(terms.max_fixed_fee, terms.max_variable_fee, merchant));
        }
        TokenRequest::Prepaid { max_balance, .. } => {
            let text = format!("You can have at most {} paid in advance.", dollars(*max_balance));
            add("Highest balance", text);
            add("Now", "Nothing is charged yet.".to_owned());
        }
        TokenRequest::Postpaid(credit) => {
            add("Credit limit", format!("You can owe at most {} at a time.", dollars(credit.credit_limit)));
            let most = dollars(credit.settlement_limit);
            add(
                "Settlement limit",
                format!("{merchant} can collect at most {most} of your debt, all settlements together."),
            );
            if let Some(text) = charge_range(credit.charges, "purchase") {
                add("Each purchase", text);
            }
            for limit in &credit.limits {
                add("Limit", usage_limit(limit, "purchase"));
            }
        }
        TokenRequest::Edit { .. } => {
            if let Some(current) = current {
                add("So far", format!("You pay by {}.", payment_method(current).to_lowercase()));
            }
        }
    }
    if !matches!(proposal.request, TokenRequest::Edit { .. }) {
        add("Valid", validity(proposal));
    }
    terms
}

/// What the amount consists of, given names of parameters and amounts. `None` if nothing is known.
pub(super) fn amount_breakdown(parts: &[(&'static str, Amount)]) -> Option<AgreementTerm> {
    let part = |(name, amount): &(&str, Amount)| {
        let what = match *name {
            "itemTotal" => "goods",
            "giftWrapping" => "gift wrapping",
            other => other,
        };
        let sign = if *name == "discount" { "−" } else { "" };
        format!("{what} {sign}{}", dollars(*amount))
    };
    let text = parts.iter().map(part).collect::<Vec<_>>().join(", ");
    if text.is_empty() { None } else { Some(AgreementTerm { name: "Of which", text }) }
}

fn commission(fixed: Option<Amount>, percent: Option<rust_decimal::Decimal>, merchant: &str) -> String {
    match (fixed, percent) {
        (None, None) => format!("{merchant} takes no commission."),
        (Some(fixed), None) => format!("{merchant} takes at most {} of each payment.", dollars(fixed)),
        (None, Some(percent)) => {
            format!("{merchant} takes at most {} % of each payment.", percent.normalize())
        }
        (Some(fixed), Some(percent)) => {
            let (fixed, percent) = (dollars(fixed), percent.normalize());
            format!("{merchant} takes at most {fixed} and {percent} % of each payment.")
        }
    }
}

fn charge_range(charges: ChargeRange, what: &str) -> Option<String> {
    match (charges.min, charges.max) {
        (None, None) => None,
        (Some(least), Some(most)) if least == most => {
            Some(format!("Each {what} is exactly {}.", dollars(least)))
        }
        (Some(least), Some(most)) => {
            Some(format!("Each {what} is between {} and {}.", dollars(least), dollars(most)))
        }
        (Some(least), None) => Some(format!("Each {what} is at least {}.", dollars(least))),
        (None, Some(most)) => Some(format!("Each {what} is at most {}.", dollars(most))),
    }
}

fn usage_limit(limit: &UsageLimit, what: &str) -> String {
    let quantity = match (limit.measure, limit.allowed) {
        (UsageMeasure::Amount, micros) => dollars(Amount::from_micros(micros)),
        (UsageMeasure::Count, 1) => format!("one {what}"),
        (UsageMeasure::Count, count) => format!("{count} {what}s"),
    };
    match limit.period {
        None => format!("At most {quantity} in all."),
        Some(period) => format!("At most {quantity} {}.", per_period(period)),
    }
}

/// `each day`, `every 6 months`.
fn per_period(period: Period) -> String {
    let unit = period.unit.name();
    if period.count == 1 { format!("each {unit}") } else { format!("every {} {unit}s", period.count) }
}

fn validity(proposal: &Proposal) -> String {
    if matches!(&proposal.request, TokenRequest::Payments(payments) if payments.token_type == TokenType::SingleUse)
    {
        return "For three hours.".to_owned();
    }
    let Validity { from, until } = proposal.validity;
    match (from, until) {
        (None, None) => "Until it is cancelled.".to_owned(),
        (None, Some(until)) => format!("Until {}.", date(until)),
        (Some(from), None) => format!("From {}, until it is cancelled.", date(from)),
        (Some(from), Some(until)) => format!("From {} until {}.", date(from), date(until)),
    }
}

fn date(instant: Timestamp) -> String {
    let instant: DateTime<Utc> = instant.to_datetime();
    instant.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// The name of a payment method.
pub(super) const fn payment_method(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::CC => "Credit card",
        PaymentMethod::ACH => "Bank account",
        PaymentMethod::ABT => "Amazon Payments balance",
        PaymentMethod::Debt => "Credit instrument",
        PaymentMethod::Prepaid => "Prepaid instrument",
    }
}

/// An amount as people write it: `$1,250.00`.
fn dollars(amount: Amount) -> String {
    let cents = amount.micros() / 10_000;
    let whole = (cents / 100).to_string();
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("${text}.{:02}", cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_do() {
        for (cents, text) in
            [(1, "$0.01"), (99_999, "$999.99"), (500_000, "$5,000.00"), (123_456_789, "$1,234,567.89")]
        {
            assert_eq!(dollars(Amount::from_micros(cents * 10_000)), text);
        }
    }

    #[test]
    fn limits_are_sentences() {
        let limit = |measure, allowed, period| UsageLimit { measure, allowed, period: Period::parse(period) };
        for (limit, text) in [
            (limit(UsageMeasure::Count, 3, "1 Day"), "At most 3 purchases each day."),
            (limit(UsageMeasure::Count, 1, "6 Months"), "At most one purchase every 6 months."),
            (limit(UsageMeasure::Amount, 50_000_000, ""), "At most $50.00 in all."),
        ] {
            assert_eq!(usage_limit(&limit, "purchase"), text);
        }
    }
}

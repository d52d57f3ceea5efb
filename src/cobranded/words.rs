//! A proposal in plain words, as the pages show it.

use chrono::{DateTime, Utc};

use crate::ledger::{
    Amount, ChargeRange, PaymentMethod, Period, Proposal, Timestamp, TokenRequest, TokenType, UsageLimit,
    UsageMeasure, Validity,
};

/// One line of what is agreed to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// What is proposed, in a line.
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

/// What agreeing does, as the button says it.
pub(super) fn agreement(proposal: &Proposal) -> &'static str {
    match &proposal.request {
        TokenRequest::Payments(_) => "Authorise payment",
        TokenRequest::Receiving { .. } => "Agree",
        TokenRequest::Prepaid { .. } | TokenRequest::Postpaid(_) => "Authorise",
        TokenRequest::Edit { .. } => "Save",
    }
}

/// What a payment method is chosen for.
pub(super) fn paying(proposal: &Proposal) -> &'static str {
    match &proposal.request {
        TokenRequest::Postpaid(_) => "How you settle what you owe",
        TokenRequest::Prepaid { .. } => "How you pay in advance",
        _ => "How you pay",
    }
}

/// Amounts, limits and validity.
pub(super) fn terms(proposal: &Proposal, merchant: &str, current: Option<PaymentMethod>) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut add = |name, text: String| terms.push(Term { name, text });
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
            if let Some(text) = one_charge(payments.charges, "payment") {
                add("Each payment", text);
            }
            for limit in &payments.limits {
                add("Limit", limited(limit, "payment"));
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
        TokenRequest::Prepaid { most, .. } => {
            add("Highest balance", format!("You can have at most {} paid in advance.", dollars(*most)));
            add("Now", "Nothing is charged yet.".to_owned());
        }
        TokenRequest::Postpaid(credit) => {
            add("Credit limit", format!("You can owe at most {} at a time.", dollars(credit.credit_limit)));
            let most = dollars(credit.settlement_limit);
            add(
                "Settlement limit",
                format!("{merchant} can collect at most {most} of your debt, all settlements together."),
            );
            if let Some(text) = one_charge(credit.charges, "purchase") {
                add("Each purchase", text);
            }
            for limit in &credit.limits {
                add("Limit", limited(limit, "purchase"));
            }
        }
        TokenRequest::Edit { .. } => {
            if let Some(current) = current {
                add("So far", format!("You pay by {}.", method(current).to_lowercase()));
            }
        }
    }
    if !matches!(proposal.request, TokenRequest::Edit { .. }) {
        add("Valid", validity(proposal));
    }
    terms
}

/// What the amount is made of.
pub(super) fn parts(parts: &[(&'static str, Amount)]) -> Option<Term> {
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
    if text.is_empty() { None } else { Some(Term { name: "Of which", text }) }
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

fn one_charge(charges: ChargeRange, what: &str) -> Option<String> {
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

fn limited(limit: &UsageLimit, what: &str) -> String {
    let much = match (limit.measure, limit.allowed) {
        (UsageMeasure::Amount, micros) => dollars(Amount::from_micros(micros)),
        (UsageMeasure::Count, 1) => format!("one {what}"),
        (UsageMeasure::Count, count) => format!("{count} {what}s"),
    };
    match limit.period {
        None => format!("At most {much} in all."),
        Some(period) => format!("At most {much} {}.", each(period)),
    }
}

/// `each day`, `every 6 months`.
fn each(period: Period) -> String {
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

/// A payment method's name.
pub(super) const fn method(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::CC => "Credit card",
        PaymentMethod::ACH => "Bank account",
        PaymentMethod::ABT => "Amazon Payments balance",
        PaymentMethod::Debt => "Credit instrument",
        PaymentMethod::Prepaid => "Prepaid instrument",
    }
}

/// `$1,250.00`.
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

/// The tags that paymentReason may have (guide: the pipeline pages).
const TAGS: [&str; 9] = ["b", "i", "u", "ul", "li", "br", "em", "strong", "strike"];

/// What is paid for, as HTML: the tags that are allowed, closed in order, and nothing else of HTML.
pub(super) fn reason(text: &str) -> String {
    let mut html = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        escape(before, &mut html);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let Some((inside, after)) = after.split_once('>').filter(|_| is_tag) else {
            escape("<", &mut html);
            rest = after;
            continue;
        };
        rest = after;
        let name = inside.trim_matches(['/', ' ']).to_ascii_lowercase();
        let Some(tag) = TAGS.into_iter().find(|tag| *tag == name) else { continue };
        if tag == "br" {
            html.push_str("<br>");
        } else if !inside.starts_with('/') {
            html.extend(["<", tag, ">"]);
            open.push(tag);
        } else if let Some(place) = open.iter().rposition(|known| *known == tag) {
            html.extend(open.drain(place..).rev().flat_map(closing));
        }
    }
    escape(rest, &mut html);
    html.extend(open.into_iter().rev().flat_map(closing));
    html
}

const fn closing(tag: &str) -> [&str; 3] {
    ["</", tag, ">"]
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
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
            assert_eq!(limited(&limit, "purchase"), text);
        }
    }

    #[test]
    fn reasons_keep_their_allowed_tags_and_nothing_else() {
        for (text, html) in [
            ("plain & simple", "plain &amp; simple"),
            ("<b>bold", "<b>bold</b>"),
            ("<B>x</B><br/>", "<b>x</b><br>"),
            ("<b><i>x</b>y", "<b><i>x</i></b>y"),
            ("</b>x", "x"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("<b onclick=x>y", "y"),
            ("1 < 2 and 3 > 2", "1 &lt; 2 and 3 &gt; 2"),
            ("<img src=x onerror='a>b'>", "b&#39;&gt;"),
        ] {
            assert_eq!(reason(text), html, "{text}");
        }
    }
}

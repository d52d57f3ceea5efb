//! FPS's fees, in a configurable table.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ledger::amount::Amount;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::transaction::Operation;

/// One line of the fee table: the fee of an operation by a payment method, from a certain amount on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeRule {
    /// The name of the operation, as in answers.
    pub operation: String,
    /// The name of the payment method, as in answers.
    pub method: String,
    /// The smallest amount for which the line holds, in dollars. Of several lines the one with the largest such
    /// amount holds.
    #[serde(default)]
    pub from: Decimal,
    /// The variable part of the fee, in per cent of the amount.
    pub percent: Decimal,
    /// The fixed part of the fee, in dollars.
    #[serde(default)]
    pub fixed: Decimal,
    /// The smallest fee, in dollars. The fee of a line with a minimum is rounded to the millionth of a dollar, not to
    /// the cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Decimal>,
}

#[derive(Clone, Debug)]
struct Line {
    operation: Operation,
    method: PaymentMethod,
    from: Amount,
    percent: Decimal,
    fixed: Amount,
    minimum: Option<Amount>,
}

/// The fee table. An operation by a method without a line is free.
#[derive(Clone, Debug)]
pub struct FeeTable {
    lines: Vec<Line>,
}

impl FeeTable {
    /// Builds the table. The error names the line and the problem.
    pub fn new(rules: &[FeeRule]) -> Result<Self, String> {
        let lines = rules.iter().map(Line::new).collect::<Result<_, _>>()?;
        Ok(Self { lines })
    }

    /// The default table, in the form of the configuration: the fees that FPS is known or believed to have had (our
    /// choice).
    pub fn default_rules() -> Vec<FeeRule> {
        let cent = |cents: i64| Decimal::new(cents, 2);
        let mut rules = Vec::new();
        let mut line =
            |operation: &str, method: &str, from: Decimal, percent: Decimal, fixed: Decimal, minimum| {
                rules.push(FeeRule {
                    operation: operation.into(),
                    method: method.into(),
                    from,
                    percent,
                    fixed,
                    minimum,
                });
            };
        let none = Decimal::ZERO;
        for operation in ["Pay", "Reserve"] {
            line(operation, "CC", none, cent(500), cent(5), None);
            line(operation, "CC", cent(1000), cent(290), cent(30), None);
        }
        // From $10 on: the only line through both of the guide's figures, $0.30 for $10 and $2.50 for $90.
        for operation in ["SettleDebt", "FundPrepaid"] {
            line(operation, "CC", none, cent(500), cent(5), None);
            line(operation, "CC", cent(1000), cent(275), Decimal::new(25, 3), None);
        }
        for operation in ["Pay", "SettleDebt", "FundPrepaid"] {
            line(operation, "ACH", none, cent(200), cent(5), None);
            line(operation, "ABT", none, cent(2000), none, Some(Decimal::new(25, 4)));
            line(operation, "ABT", cent(5), cent(150), cent(1), None);
        }
        rules
    }

    /// The fee of an operation. It is never above the amount.
    pub fn fee(&self, operation: Operation, method: PaymentMethod, amount: Amount) -> Amount {
        self.lines
            .iter()
            .filter(|line| line.operation == operation && line.method == method && line.from <= amount)
            .max_by_key(|line| line.from)
            .map_or(Amount::ZERO, |line| line.fee(amount))
    }
}

impl Line {
    fn new(rule: &FeeRule) -> Result<Self, String> {
        let place = format!("fees: {} by {}", rule.operation, rule.method);
        let amount = |name: &str, dollars: Decimal| {
            Amount::from_decimal(dollars)
                .filter(|amount| *amount >= Amount::ZERO && *amount <= Amount::HUGE)
                .ok_or_else(|| format!("{place}: `{name}` must be dollars with at most six decimals"))
        };
        if rule.percent.is_sign_negative() || rule.percent > Decimal::ONE_HUNDRED {
            return Err(format!("{place}: `percent` must lie between 0 and 100"));
        }
        Ok(Self {
            operation: rule
                .operation
                .parse::<Operation>()
                .ok()
                .ok_or_else(|| format!("{place}: no such operation"))?,
            method: rule
                .method
                .parse::<PaymentMethod>()
                .ok()
                .ok_or_else(|| format!("{place}: no such method"))?,
            from: amount("from", rule.from)?,
            percent: rule.percent,
            fixed: amount("fixed", rule.fixed)?,
            minimum: rule.minimum.map(|minimum| amount("minimum", minimum)).transpose()?,
        })
    }

    fn fee(&self, amount: Amount) -> Amount {
        let fee = match self.minimum {
            Some(minimum) => {
                amount.percent_plus(self.percent, self.fixed, Amount::from_micros(1)).max(minimum)
            }
            None => amount.percent_plus(self.percent, self.fixed, Amount::CENT),
        };
        fee.min(amount)
    }
}

/// The part of `fee` that is due back when `refunded` of `amount` has been refunded in total: rounded half up to the
/// cent, and the whole fee when the whole amount has been refunded (our choice). A fee may have fractions of a cent,
/// so only the second rule returns all of it.
pub(in crate::ledger) fn fee_due_back(fee: Amount, refunded: Amount, amount: Amount) -> Amount {
    if refunded >= amount { fee } else { fee.share(refunded, amount, Amount::CENT).min(fee) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fee(operation: Operation, method: PaymentMethod, dollars: &str) -> String {
        let table = FeeTable::new(&FeeTable::default_rules()).unwrap();
        table.fee(operation, method, Amount::parse(dollars).unwrap()).to_string()
    }

    #[test]
    fn the_recorded_fees_come_out() {
        use Operation::{Pay, SettleDebt};
        use PaymentMethod::{ABT, ACH, CC, Debt};
        assert_eq!(fee(Pay, CC, "1.00"), "0.100000");
        assert_eq!(fee(SettleDebt, CC, "5.00"), "0.300000");
        assert_eq!(fee(SettleDebt, CC, "10.00"), "0.300000");
        assert_eq!(fee(SettleDebt, CC, "90.00"), "2.500000");
        assert_eq!(fee(Pay, CC, "100.00"), "3.200000");
        assert_eq!(fee(Pay, ACH, "100.00"), "2.050000");
        assert_eq!(fee(Pay, ABT, "100.00"), "1.510000");
        assert_eq!(fee(Pay, ABT, "0.01"), "0.002500");
        assert_eq!(fee(Pay, ABT, "0.04"), "0.008000");
        assert_eq!(fee(Pay, Debt, "100.00"), "0.000000");
    }

    #[test]
    fn a_fee_is_never_above_the_amount() {
        assert_eq!(fee(Operation::Pay, PaymentMethod::CC, "0.02"), "0.020000");
    }

    #[test]
    fn partial_refunds_give_the_whole_fee_back_in_the_end() {
        let (fee, amount) = (Amount::parse("0.35").unwrap(), Amount::parse("3.00").unwrap());
        assert_eq!(fee_due_back(fee, Amount::parse("1.00").unwrap(), amount).to_string(), "0.120000");
        assert_eq!(fee_due_back(fee, Amount::parse("2.00").unwrap(), amount).to_string(), "0.230000");
        assert_eq!(fee_due_back(fee, amount, amount), fee);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let rule = FeeRule { operation: "Give".into(), ..FeeTable::default_rules().remove(0) };
        assert!(FeeTable::new(&[rule]).unwrap_err().contains("Give by CC: no such operation"));
    }
}

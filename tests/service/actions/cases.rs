//! The cases of every action as data: at least one success, and each of its errors.

mod accounts;
mod debt;
mod lookups;
mod pay;
mod payments;
mod precedence;
mod refund;
mod transactions;

use fps_sandbox::error::Code;

/// A request in a new world (`fixtures/actions.toml`), and the expected response.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) action: &'static str,
    /// What the case shows, as a sentence.
    pub(crate) name: &'static str,
    /// The access key of the client.
    pub(crate) by: &'static str,
    /// The steps before the request.
    pub(crate) before: Vec<Step>,
    /// The parameters. `@0` is the id of the transaction that the first step creates.
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) expects: Expected,
}

/// A step before the request of a case.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A call with this access key, which must succeed.
    Call { by: &'static str, action: &'static str, parameters: Vec<(&'static str, String)> },
    /// A call that must be refused.
    Refused { action: &'static str, parameters: Vec<(&'static str, String)> },
    /// A deposit to the account of this access key, as a seeded balance has one.
    Deposit { by: &'static str },
    /// The clock moves forward.
    Seconds(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// HTTP 200 with these texts at these paths.
    Success(Vec<(&'static str, &'static str)>),
    /// This code with this message, or with the default message of the code.
    Refusal { code: Code, message: Option<String> },
}

impl Case {
    fn new(action: &'static str, name: &'static str, parameters: &[(&'static str, &str)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let expects = Expected::Success(Vec::new());
        Self { action, name, by: "MERCHANT", before: Vec::new(), parameters, expects }
    }

    fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// Adds or replaces a parameter.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.parameters.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| *known != name);
        self
    }

    /// Adds the steps and the request of another case, which must succeed.
    fn after(mut self, first: Self) -> Self {
        let Self { by, action, parameters, before, .. } = first;
        self.before.extend(before);
        self.before.push(Step::Call { by, action, parameters });
        self
    }

    fn after_refusal_of(mut self, first: Self) -> Self {
        self.before.push(Step::Refused { action: first.action, parameters: first.parameters });
        self
    }

    fn after_deposit_to(mut self, by: &'static str) -> Self {
        self.before.push(Step::Deposit { by });
        self
    }

    fn after_seconds(mut self, seconds: u64) -> Self {
        self.before.push(Step::Seconds(seconds));
        self
    }

    fn answers(self, texts: &[(&'static str, &'static str)]) -> Self {
        Self { expects: Expected::Success(texts.to_vec()), ..self }
    }

    fn refused(self, code: Code) -> Self {
        Self { expects: Expected::Refusal { code, message: None }, ..self }
    }

    /// Expects the error for a broken rule of a token, with this detail.
    fn incompatible(self, detail: &str) -> Self {
        let message = Some(format!("{INCOMPATIBLE}\n{detail}"));
        Self { expects: Expected::Refusal { code: Code::IncompatibleTokens, message }, ..self }
    }

    fn refused_saying(self, code: Code, message: &'static str) -> Self {
        Self { expects: Expected::Refusal { code, message: Some(message.to_owned()) }, ..self }
    }
}

/// The recorded beginning of the message for broken rules of tokens.
const INCOMPATIBLE: &str =
    "The transaction could not be completed because the tokens have incompatible payment instructions: ";

const UNKNOWN_TOKEN: &str = "UNKNOWN0TOKEN0IN0THE0FORM0OF0FPS00000000000000000000000000000000";

const UNKNOWN_LINE: &str = "UNKNOWN0LINE00IN0THE0FORM0OF0FPS00000000000000000000000000000000";

const UNKNOWN_TRANSACTION: &str = "14UNKNOWN0TRANSACTION0OF0FPS0FORM00";

fn pay(name: &'static str) -> Case {
    Case::new(
        "Pay",
        name,
        &[
            ("SenderTokenId", "ABT"),
            ("TransactionAmount.Value", "10"),
            ("TransactionAmount.CurrencyCode", "USD"),
            ("CallerReference", "payment"),
        ],
    )
}

/// A Pay by this token.
fn pay_by(token: &str, dollars: &str) -> Case {
    pay("").with("SenderTokenId", token).with("TransactionAmount.Value", dollars)
}

fn settle(name: &'static str) -> Case {
    Case::new(
        "SettleDebt",
        name,
        &[
            ("SenderTokenId", "SETTLE-CC"),
            ("CreditInstrumentId", "CREDIT-LINE"),
            ("SettlementAmount.Value", "90"),
            ("SettlementAmount.CurrencyCode", "USD"),
            ("CallerReference", "settlement"),
        ],
    )
}

/// A SettleDebt of this instrument by this token.
fn settle_on(name: &'static str, token: &str, instrument: &str) -> Case {
    settle(name).with("SenderTokenId", token).with("CreditInstrumentId", instrument)
}

fn write_off(name: &'static str) -> Case {
    Case::new(
        "WriteOffDebt",
        name,
        &[
            ("CreditInstrumentId", "CREDIT-LINE"),
            ("AdjustmentAmount.Value", "40"),
            ("AdjustmentAmount.CurrencyCode", "USD"),
            ("CallerReference", "write-off"),
        ],
    )
}

/// A Refund of the transaction of the first step.
fn refund(name: &'static str) -> Case {
    Case::new("Refund", name, &[("TransactionId", "@0"), ("CallerReference", "refund")])
}

fn debt_balance(name: &'static str) -> Case {
    Case::new("GetDebtBalance", name, &[("CreditInstrumentId", "CREDIT-LINE")])
}

fn status(name: &'static str) -> Case {
    Case::new("GetTransactionStatus", name, &[("TransactionId", "OWED")])
}

fn transaction(name: &'static str) -> Case {
    Case::new("GetTransaction", name, &[("TransactionId", "OWED")])
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    [
        pay::pay_cases(),
        refund::refund_cases(),
        debt::settle_cases(),
        debt::write_off_cases(),
        debt::debt_balance_cases(),
        transactions::status_cases(),
        transactions::transaction_cases(),
        precedence::order_cases(),
        precedence::reference_cases(),
        payments::cases(),
        lookups::cases(),
        accounts::cases(),
    ]
    .concat()
}

const SUCCESS: (&str, &str) = ("TransactionStatus", "Success");

const PENDING: (&str, &str) = ("TransactionStatus", "Pending");

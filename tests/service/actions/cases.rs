//! What every action must do, as data: at least one success, and each of its errors.

mod accounts;
mod lookups;
mod payments;

use fps_sandbox::error::Code;

/// One request and what it must answer, in a world of its own (`fixtures/actions.toml`).
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) action: &'static str,
    /// What it shows, as a sentence.
    pub(crate) name: &'static str,
    /// The access key that asks.
    pub(crate) by: &'static str,
    /// What happens first.
    pub(crate) before: Vec<Step>,
    /// The parameters; `@0` is the transaction made by the first step.
    pub(crate) asks: Vec<(&'static str, String)>,
    pub(crate) expects: Expected,
}

/// Something that happens before the request of a case.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A call that succeeds, by this access key.
    Call { by: &'static str, action: &'static str, asks: Vec<(&'static str, String)> },
    /// A call that is refused.
    Refused { action: &'static str, asks: Vec<(&'static str, String)> },
    /// Money comes into the account of this access key from outside, as for a seeded balance.
    Deposit { by: &'static str },
    /// Time passes.
    Seconds(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// HTTP 200 with these texts.
    Success(Vec<(&'static str, &'static str)>),
    /// This code; the message is the code's usual one, or this.
    Refusal { code: Code, message: Option<String> },
}

impl Case {
    fn new(action: &'static str, name: &'static str, asks: &[(&'static str, &str)]) -> Self {
        let asks = asks.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let expects = Expected::Success(Vec::new());
        Self { action, name, by: "MERCHANT", before: Vec::new(), asks, expects }
    }

    fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// Adds or replaces a parameter.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self = self.without(name);
        self.asks.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.asks.retain(|(known, _)| *known != name);
        self
    }

    /// The other case's request comes first, and succeeds.
    fn after(mut self, first: Self) -> Self {
        let Self { by, action, asks, before, .. } = first;
        self.before.extend(before);
        self.before.push(Step::Call { by, action, asks });
        self
    }

    fn after_refusal_of(mut self, first: Self) -> Self {
        self.before.push(Step::Refused { action: first.action, asks: first.asks });
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

    /// Refused because a rule of a token is broken, with this detail.
    fn incompatible(self, detail: &str) -> Self {
        let message = Some(format!("{INCOMPATIBLE}\n{detail}"));
        Self { expects: Expected::Refusal { code: Code::IncompatibleTokens, message }, ..self }
    }

    fn refused_saying(self, code: Code, message: &'static str) -> Self {
        Self { expects: Expected::Refusal { code, message: Some(message.to_owned()) }, ..self }
    }
}

/// The recorded beginning of what is said of tokens whose rules are broken.
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
        pay_cases(),
        refund_cases(),
        settle_cases(),
        write_off_cases(),
        debt_balance_cases(),
        status_cases(),
        transaction_cases(),
        order_cases(),
        reference_cases(),
        payments::cases(),
        lookups::cases(),
        accounts::cases(),
    ]
    .concat()
}

const SUCCESS: (&str, &str) = ("TransactionStatus", "Success");
const PENDING: (&str, &str) = ("TransactionStatus", "Pending");

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn pay_cases() -> Vec<Case> {
    let dollars = "TransactionAmount.Value";
    vec![
        pay("a balance transfer is done in the call").answers(&[SUCCESS]),
        pay("a card payment is pending").with("SenderTokenId", "CC").answers(&[PENDING]),
        pay("a bank payment is pending").with("SenderTokenId", "ACH").answers(&[PENDING]),
        pay("debt up to the limit is made in the call")
            .with("SenderTokenId", "CREDIT")
            .with(dollars, "400")
            .answers(&[SUCCESS]),
        pay("the largest amount is paid").with(dollars, "10000").answers(&[SUCCESS]),
        pay("a cent is paid from a balance").with(dollars, "0.01").answers(&[SUCCESS]),
        pay("every parameter is understood")
            .with("SenderDescription", "Your downloads in May")
            .with("CallerDescription", "Café – 10% off <b>")
            .with("ChargeFeeTo", "Caller")
            .with("DescriptorPolicy.SoftDescriptorType", "Dynamic")
            .with("DescriptorPolicy.CSOwner", "Caller")
            .with("TransactionTimeoutInMins", "2147483647")
            .with("OverrideIPNURL", "http://localhost/ipn")
            .answers(&[SUCCESS]),
        pay("an ill-formed token id is told apart from an unknown one")
            .with("SenderTokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"senderTokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        pay("an unknown token is refused")
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Sender),
        pay("another merchant's token is refused")
            .with("SenderTokenId", "OF-RIVAL")
            .incompatible("Token was installed by another application"),
        pay("a fixed marketplace fee needs a recipient token")
            .with("MarketplaceFixedFee.Value", "1")
            .refused(Code::NotMarketplaceApp),
        pay("a variable marketplace fee needs a recipient token")
            .with("MarketplaceVariableFee", "2.5")
            .refused(Code::NotMarketplaceApp),
        pay("nobody pays himself").with("SenderTokenId", "TO-SELF").refused(Code::SameSenderAndRecipient),
        pay("a suspended caller cannot be paid")
            .by("SUSPENDED")
            .with("SenderTokenId", "TO-SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        pay("a suspended sender cannot pay")
            .with("SenderTokenId", "FROM-SUSPENDED")
            .refused(Code::InvalidAccountState_Sender),
        pay("a sender whose account is closed cannot pay")
            .with("SenderTokenId", "FROM-CLOSED")
            .refused(Code::InvalidAccountState_Sender),
        pay("a caller without a verified address cannot be paid")
            .by("UNVERIFIED")
            .with("SenderTokenId", "TO-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        pay("a sender without a verified address cannot pay")
            .with("SenderTokenId", "FROM-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Sender),
        pay("a cancelled token is not active")
            .with("SenderTokenId", "CANCELLED")
            .refused(Code::TokenNotActive_Sender),
        pay("a token has expired from the instant its validity ends")
            .with("SenderTokenId", "PAST")
            .incompatible("Token has expired"),
        pay("a token cannot be used before its validity begins")
            .with("SenderTokenId", "FUTURE")
            .incompatible("Token is not valid yet"),
        pay("credit that has expired makes no debt")
            .with("SenderTokenId", "EXPIRED-CREDIT")
            .refused(Code::InstrumentExpired),
        pay("credit that is inactive makes no debt")
            .with("SenderTokenId", "INACTIVE-CREDIT")
            .refused(Code::InactiveInstrument),
        pay("a settlement token does not pay").with("SenderTokenId", "SETTLE-CC").incompatible(
            "The sender token settles or funds an instrument, or receives; it cannot be used to pay.",
        ),
        pay("a person cannot take cards")
            .by("PERSON")
            .with("SenderTokenId", "TO-PERSON-BY-CC")
            .refused(Code::InvalidRecipientForCCTransaction),
        pay("a single-use token pays once")
            .after(pay_by("SINGLE", "1").with("CallerReference", "once"))
            .with("SenderTokenId", "SINGLE")
            .refused_saying(Code::TokenUsageError, "The token \"SINGLE\" has violated its usage policy."),
        pay("a token pays up to its global limit")
            .after(pay_by("AT-MOST-30", "20").with("CallerReference", "first"))
            .with("SenderTokenId", "AT-MOST-30")
            .answers(&[SUCCESS]),
        pay("a token does not pay beyond its global limit")
            .after(pay_by("AT-MOST-30", "20.01").with("CallerReference", "first"))
            .with("SenderTokenId", "AT-MOST-30")
            .refused_saying(Code::TokenUsageError, "The token \"AT-MOST-30\" has violated its usage policy."),
        pay("a token pays so many times a day")
            .after(pay_by("TWICE-A-DAY", "1").with("CallerReference", "first"))
            .after(pay_by("TWICE-A-DAY", "1").with("CallerReference", "second"))
            .with("SenderTokenId", "TWICE-A-DAY")
            .refused_saying(
                Code::TokenUsageError,
                "The token \"TWICE-A-DAY\" has violated its usage policy.",
            ),
        pay("and again the next day")
            .after(pay_by("TWICE-A-DAY", "1").with("CallerReference", "first"))
            .after(pay_by("TWICE-A-DAY", "1").with("CallerReference", "second"))
            .after_seconds(24 * 60 * 60)
            .with("SenderTokenId", "TWICE-A-DAY")
            .answers(&[SUCCESS]),
        pay("nothing is no amount").with(dollars, "0.00").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be at least $0.01 and at most $10000. Specified value: 0",
        ),
        pay("a cent cannot be paid by card")
            .with("SenderTokenId", "CC")
            .with(dollars, "0.01")
            .refused_saying(
                Code::AmountOutOfRange,
                "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
            ),
        pay("a cent cannot be paid by bank")
            .with("SenderTokenId", "ACH")
            .with(dollars, "0.01")
            .refused_saying(
                Code::AmountOutOfRange,
                "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
            ),
        pay("two cents can be paid by card")
            .with("SenderTokenId", "CC")
            .with(dollars, "0.02")
            .answers(&[PENDING]),
        pay("a cent above the largest amount is too much").with(dollars, "10000.01").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be at least $0.01 and at most $10000. Specified value: 10000.01",
        ),
        pay("a token may set the smallest charge")
            .with("SenderTokenId", "CHARGES-5-TO-20")
            .with(dollars, "4.99")
            .incompatible("Transaction amount is less than accepted value"),
        pay("a token may set the largest charge")
            .with("SenderTokenId", "CHARGES-5-TO-20")
            .with(dollars, "20.01")
            .incompatible("Transaction amount is greater than accepted value"),
        pay("a token may set the exact charge")
            .with("SenderTokenId", "CHARGES-EXACTLY-5")
            .with(dollars, "5.01")
            .incompatible("Transaction amount not equal to accepted value"),
        pay("the exact charge is allowed")
            .with("SenderTokenId", "CHARGES-EXACTLY-5")
            .with(dollars, "5")
            .answers(&[SUCCESS]),
        pay("charges up to both ends are allowed")
            .after(pay_by("CHARGES-5-TO-20", "5").with("CallerReference", "least"))
            .with("SenderTokenId", "CHARGES-5-TO-20")
            .with(dollars, "20")
            .answers(&[SUCCESS]),
        pay("nobody pays more than his balance")
            .with("SenderTokenId", "POOR")
            .with(dollars, "5.01")
            .refused(Code::InsufficientBalance),
        pay("a balance can be paid out to the last cent")
            .with("SenderTokenId", "POOR")
            .with(dollars, "5")
            .answers(&[SUCCESS]),
        pay("debt does not pass the credit limit")
            .with("SenderTokenId", "CREDIT")
            .with(dollars, "400.01")
            .refused_saying(
                Code::InsufficientBalance,
                "The transaction exceeds the account/instrument limits.",
            ),
        pay("debt being settled still counts against the limit")
            .after(settle(""))
            .with("SenderTokenId", "CREDIT")
            .with(dollars, "400.01")
            .refused(Code::InsufficientBalance),
        pay("a used reference with another amount is a duplicate")
            .after(pay_by("ABT", "11"))
            .refused(Code::DuplicateRequest),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn refund_cases() -> Vec<Case> {
    let dollars = "RefundAmount.Value";
    let paid = || pay_by("ABT", "100");
    vec![
        refund("a balance payment is given back in the call").after(paid()).answers(&[SUCCESS]),
        refund("a card payment is given back later")
            .after(pay_by("CC", "100"))
            .after_seconds(1)
            .answers(&[PENDING]),
        refund("a bank payment is given back to the balance in the call")
            .after(pay_by("ACH", "100"))
            .after_seconds(4 * 24 * 60 * 60)
            .answers(&[SUCCESS]),
        refund("debt is taken back in the call").with("TransactionId", "OWED").answers(&[SUCCESS]),
        refund("every parameter is understood")
            .after(paid())
            .with(dollars, "30.00")
            .with("RefundAmount.CurrencyCode", "USD")
            .with("CallerDescription", "Not delivered")
            .with("MarketplaceRefundPolicy", "MasterAndMarketplaceTxn")
            .with("OverrideIPNURL", "http://localhost/ipn")
            .answers(&[SUCCESS]),
        refund("the rest can be given back after a part")
            .after(paid())
            .after(refund("").with(dollars, "40").with("CallerReference", "part"))
            .with(dollars, "60")
            .answers(&[SUCCESS]),
        refund("an ill-formed transaction id is told apart from an unknown one")
            .with("TransactionId", "FAKE")
            .refused_saying(
                Code::InvalidParams,
                "transactionId has to be a valid transaction ID. Specified value: FAKE",
            ),
        refund("an unknown transaction is refused")
            .with("TransactionId", UNKNOWN_TRANSACTION)
            .refused(Code::InvalidTransactionId),
        refund("another merchant's transaction is refused")
            .by("RIVAL")
            .with("TransactionId", "OWED")
            .refused(Code::InvalidTransactionId),
        refund("the sender cannot refund himself")
            .by("ALICE")
            .with("TransactionId", "OWED")
            .refused(Code::InvalidTransactionId),
        refund("a suspended caller refunds nothing")
            .by("SUSPENDED")
            .after_deposit_to("SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        refund("a caller without a verified address refunds nothing")
            .by("UNVERIFIED")
            .after_deposit_to("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        refund("a settlement cannot be refunded")
            .after(settle(""))
            .after_seconds(1)
            .refused(Code::TransactionTypeNotRefundable),
        refund("not even while it is pending").after(settle("")).refused(Code::TransactionTypeNotRefundable),
        refund("a write-off cannot be refunded")
            .after(write_off(""))
            .refused(Code::TransactionTypeNotRefundable),
        refund("a refund cannot be refunded")
            .after(paid())
            .after(refund("").with("CallerReference", "first"))
            .with("TransactionId", "@1")
            .refused(Code::TransactionTypeNotRefundable),
        refund("a deposit cannot be refunded")
            .after_deposit_to("MERCHANT")
            .refused(Code::TransactionTypeNotRefundable),
        refund("debt that is settled cannot be refunded")
            .after(settle("").without("SettlementAmount.Value").without("SettlementAmount.CurrencyCode"))
            .after_seconds(1)
            .with("TransactionId", "OWED")
            .refused_saying(Code::TransactionTypeNotRefundable, SETTLED),
        refund("nor debt that is being settled")
            .after(settle("").with("SettlementAmount.Value", "100"))
            .with("TransactionId", "OWED")
            .refused_saying(Code::TransactionTypeNotRefundable, SETTLED),
        refund("nor debt that is written off")
            .after(write_off("").with("AdjustmentAmount.Value", "100"))
            .with("TransactionId", "OWED")
            .refused_saying(Code::TransactionTypeNotRefundable, SETTLED),
        refund("a pending payment cannot be refunded yet")
            .after(pay_by("CC", "100"))
            .refused(Code::OriginalTransactionIncomplete),
        refund("a failed payment cannot be refunded")
            .after(pay_by("ACH", "100").with("TransactionTimeoutInMins", "1"))
            .after_seconds(60)
            .refused(Code::OriginalTransactionFailed),
        refund("what is given back in full is given back")
            .after(paid())
            .after(refund("").with("CallerReference", "first"))
            .refused(Code::TransactionFullyRefundedAlready),
        refund("no more than was paid is given back")
            .after(paid())
            .with(dollars, "100.01")
            .refused(Code::RefundAmountExceeded),
        refund("no more than is left is given back")
            .after(paid())
            .after(refund("").with(dollars, "40").with("CallerReference", "part"))
            .with(dollars, "60.01")
            .refused(Code::RefundAmountExceeded),
        refund("no more debt than is open is taken back")
            .after(settle(""))
            .after_seconds(1)
            .with("TransactionId", "OWED")
            .with(dollars, "10.01")
            .refused(Code::RefundAmountExceeded),
        refund("an amount of 31 digits is too much")
            .after(paid())
            .with(dollars, "1000000000000000000000000000000")
            .refused(Code::RefundAmountExceeded),
        refund("nothing is no refund").after(paid()).with(dollars, "0").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be at least $0.01 and at most $10000. Specified value: 0",
        ),
        refund("the recipient must still have the money")
            .by("PENNILESS")
            .after(pay_by("TO-PENNILESS", "20").by("PENNILESS"))
            .after(pay_by("FROM-PENNILESS", "0.01"))
            .refused(Code::InsufficientBalance),
        refund("a used reference with another amount is a duplicate")
            .after(paid())
            .after(refund("").with(dollars, "1"))
            .with(dollars, "2")
            .refused(Code::DuplicateRequest),
    ]
}

const SETTLED: &str =
    "The debt of this transaction is settled, written off or being settled; it cannot be refunded.";

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn settle_cases() -> Vec<Case> {
    let dollars = "SettlementAmount.Value";
    vec![
        settle("a settlement by card is pending").answers(&[PENDING]),
        settle("a settlement from a balance is done in the call")
            .with("SenderTokenId", "SETTLE-ABT")
            .answers(&[SUCCESS]),
        settle("the whole debt is settled without an amount")
            .without("SettlementAmount.Value")
            .without("SettlementAmount.CurrencyCode")
            .answers(&[PENDING]),
        settle("every parameter is understood")
            .with("SenderDescription", "Your downloads")
            .with("CallerDescription", "May")
            .with("DescriptorPolicy.SoftDescriptorType", "Static")
            .with("DescriptorPolicy.CSOwner", "Recipient")
            .with("TransactionTimeoutInMins", "1")
            .with("OverrideIPNURL", "http://localhost/ipn")
            .answers(&[PENDING]),
        settle("an ill-formed token id is told apart from an unknown one")
            .with("SenderTokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"senderTokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        settle("an ill-formed instrument id is told apart from an unknown one")
            .with("CreditInstrumentId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "creditInstrumentId has to be a valid instrument ID. Specified value: NONE",
            ),
        settle("an unknown token is refused")
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Sender),
        settle("another merchant's token is refused")
            .with("SenderTokenId", "OF-RIVAL")
            .incompatible("Token was installed by another application"),
        settle("an unknown instrument is refused")
            .with("CreditInstrumentId", UNKNOWN_LINE)
            .refused(Code::InvalidPaymentInstrument),
        settle("another merchant's debt cannot be settled")
            .with("CreditInstrumentId", "RIVAL-LINE")
            .refused(Code::InstrumentAccessDenied),
        settle_on("nobody settles with himself", "OWN-SETTLE", "OWN-LINE")
            .refused(Code::SameSenderAndRecipient),
        settle_on("a suspended caller settles nothing", "SUSPENDED-SETTLE", "SUSPENDED-LINE")
            .by("SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        settle_on("a suspended sender settles nothing", "FROM-SUSPENDED-SETTLE", "FROM-SUSPENDED-LINE")
            .refused(Code::InvalidAccountState_Sender),
        settle_on("an unverified caller settles nothing", "UNVERIFIED-SETTLE", "UNVERIFIED-LINE")
            .by("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        settle_on("an unverified sender settles nothing", "FROM-UNVERIFIED-SETTLE", "FROM-UNVERIFIED-LINE")
            .refused(Code::UnverifiedEmailAddress_Sender),
        settle("a cancelled token settles nothing")
            .with("SenderTokenId", "SETTLE-CANCELLED")
            .refused(Code::TokenNotActive_Sender),
        settle_on("expired credit is not settled", "EXPIRED-SETTLE", "EXPIRED-LINE")
            .refused(Code::InstrumentExpired),
        settle("an expired settlement token settles nothing")
            .with("SenderTokenId", "SETTLE-PAST")
            .incompatible("Token has expired"),
        settle_on("inactive credit is not settled", "INACTIVE-SETTLE", "INACTIVE-LINE")
            .refused(Code::InactiveInstrument),
        settle("the credit token does not settle").with("SenderTokenId", "CREDIT").incompatible("The operation needs the token that settles or funds the instrument, not one that pays with it or another."),
        settle("an ordinary token does not settle").with("SenderTokenId", "ABT").incompatible("The operation needs the token that settles or funds the instrument, not one that pays with it or another."),
        settle("another instrument's token does not settle")
            .with("SenderTokenId", "UNUSED-SETTLE")
            .incompatible("The token belongs to another instrument."),
        settle_on("a person cannot take cards", "PERSON-SETTLE", "PERSON-LINE")
            .by("PERSON")
            .refused(Code::InvalidRecipientForCCTransaction),
        settle("the global limit of the token bounds the sum of settlements")
            .after(
                settle("")
                    .with("SenderTokenId", "SETTLE-AT-MOST-30")
                    .with(dollars, "20")
                    .with("CallerReference", "first"),
            )
            .with("SenderTokenId", "SETTLE-AT-MOST-30")
            .with(dollars, "10.01")
            .refused_saying(
                Code::TokenUsageError,
                "The token \"SETTLE-AT-MOST-30\" has violated its usage policy.",
            ),
        settle("more than is owed is not settled")
            .with(dollars, "100.01")
            .refused(Code::SettleAmountGreaterThanDebt),
        settle("what is being settled is not settled twice")
            .after(settle("").with("CallerReference", "first"))
            .with(dollars, "10.01")
            .refused(Code::SettleAmountGreaterThanDebt),
        settle_on("nothing owed is nothing to settle", "UNUSED-SETTLE", "UNUSED-LINE")
            .without("SettlementAmount.Value")
            .without("SettlementAmount.CurrencyCode")
            .refused(Code::SettleAmountGreaterThanDebt),
        settle("an amount of 31 digits is too much")
            .with(dollars, "1000000000000000000000000000000")
            .refused(Code::SettleAmountGreaterThanDebt),
        settle("a cent cannot be settled by card").with(dollars, "0.01").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
        ),
        settle_on("nobody settles more than his balance", "POOR-SETTLE", "POOR-LINE")
            .with(dollars, "5.01")
            .refused(Code::InsufficientBalance),
        settle("a used reference with another amount is a duplicate")
            .after(settle("").with(dollars, "1"))
            .refused(Code::DuplicateRequest),
    ]
}

fn write_off_cases() -> Vec<Case> {
    let dollars = "AdjustmentAmount.Value";
    vec![
        write_off("debt is forgiven in the call").answers(&[SUCCESS]),
        write_off("the whole debt can be forgiven").with(dollars, "100").answers(&[SUCCESS]),
        write_off("every parameter is understood")
            .with("CallerDescription", "A good customer")
            .answers(&[SUCCESS]),
        write_off("an ill-formed instrument id is told apart from an unknown one")
            .with("CreditInstrumentId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "creditInstrumentId has to be a valid instrument ID. Specified value: NONE",
            ),
        write_off("an unknown instrument is refused")
            .with("CreditInstrumentId", UNKNOWN_LINE)
            .refused(Code::InvalidPaymentInstrument),
        write_off("another merchant's debt cannot be forgiven")
            .by("RIVAL")
            .refused(Code::InstrumentAccessDenied),
        write_off("the debtor cannot forgive himself").by("ALICE").refused(Code::InstrumentAccessDenied),
        write_off("a suspended caller forgives nothing")
            .by("SUSPENDED")
            .with("CreditInstrumentId", "SUSPENDED-LINE")
            .refused(Code::InvalidAccountState_Caller),
        write_off("a caller without a verified address forgives nothing")
            .by("UNVERIFIED")
            .with("CreditInstrumentId", "UNVERIFIED-LINE")
            .refused(Code::UnverifiedEmailAddress_Caller),
        write_off("more than is owed is not forgiven")
            .with(dollars, "100.01")
            .refused(Code::SettleAmountGreaterThanDebt),
        write_off("what is being settled is not forgiven")
            .after(settle(""))
            .with(dollars, "10.01")
            .refused(Code::SettleAmountGreaterThanDebt),
        write_off("an amount of 31 digits is too much")
            .with(dollars, "1000000000000000000000000000000")
            .refused(Code::SettleAmountGreaterThanDebt),
        write_off("nothing is no amount").with(dollars, "0").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be at least $0.01 and at most $10000. Specified value: 0",
        ),
        write_off("a used reference with another amount is a duplicate")
            .after(write_off("").with(dollars, "1"))
            .refused(Code::DuplicateRequest),
    ]
}

fn debt_balance_cases() -> Vec<Case> {
    vec![
        debt_balance("the creditor sees what is owed")
            .answers(&[("AvailableBalance/Value", "100.000000"), ("PendingOutBalance/Value", "0.000000")]),
        debt_balance("the debtor sees what he owes")
            .by("ALICE")
            .answers(&[("AvailableBalance/Value", "100.000000")]),
        debt_balance("what is being settled is shown as pending")
            .after(settle(""))
            .answers(&[("AvailableBalance/Value", "10.000000"), ("PendingOutBalance/Value", "90.000000")]),
        debt_balance("an ill-formed instrument id is told apart from an unknown one")
            .with("CreditInstrumentId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "creditInstrumentId has to be a valid instrument ID. Specified value: NONE",
            ),
        debt_balance("an unknown instrument is refused")
            .with("CreditInstrumentId", UNKNOWN_LINE)
            .refused(Code::InvalidPaymentInstrument),
        debt_balance("others may not ask").by("RIVAL").refused(Code::InstrumentAccessDenied),
    ]
}

fn status_cases() -> Vec<Case> {
    vec![
        status("a payment that is done").answers(&[
            ("TransactionId", "OWED"),
            ("TransactionStatus", "Success"),
            ("CallerReference", "opening debt"),
            ("StatusCode", "Success"),
            ("StatusMessage", "The transaction was successful and the payment instrument was charged."),
        ]),
        status("a payment that is pending").after(pay_by("CC", "10")).with("TransactionId", "@0").answers(&[
            ("TransactionStatus", "Pending"),
            ("StatusCode", "PendingNetworkResponse"),
            ("StatusMessage", "The transaction is awaiting a response from the backend payment processor."),
        ]),
        status("a payment that ran out of time")
            .after(pay_by("ACH", "10").with("TransactionTimeoutInMins", "1"))
            .after_seconds(60)
            .with("TransactionId", "@0")
            .answers(&[("TransactionStatus", "Failure"), ("StatusCode", "Expired")]),
        status("the sender may ask").by("ALICE").answers(&[SUCCESS]),
        status("an ill-formed transaction id is told apart from an unknown one")
            .with("TransactionId", "FAKE")
            .refused_saying(
                Code::InvalidParams,
                "transactionId has to be a valid transaction ID. Specified value: FAKE",
            ),
        status("an unknown transaction is refused")
            .with("TransactionId", UNKNOWN_TRANSACTION)
            .refused(Code::InvalidTransactionId),
        status("others may not ask").by("RIVAL").refused(Code::InvalidTransactionId),
    ]
}

fn transaction_cases() -> Vec<Case> {
    vec![
        transaction("a debt payment shows its instrument and no fee").answers(&[
            ("TransactionId", "OWED"),
            ("FPSFees/Value", "0.000000"),
            ("CreditInstrumentId", "CREDIT-LINE"),
            ("PaymentMethod", "Debt"),
        ]),
        transaction("a settlement shows its fee")
            .after(settle(""))
            .after_seconds(1)
            .with("TransactionId", "@0")
            .answers(&[
                ("TransactionAmount/Value", "90.000000"),
                ("FPSFees/Value", "2.500000"),
                ("FPSOperation", "SettleDebt"),
            ]),
        transaction("a write-off shows no token")
            .after(write_off(""))
            .with("TransactionId", "@0")
            .answers(&[("FPSOperation", "WriteOffDebt"), SUCCESS]),
        transaction("a card payment keeps its history")
            .after(pay_by("CC", "10").with("CallerDescription", "a < b & c"))
            .after_seconds(1)
            .with("TransactionId", "@0")
            .answers(&[("CallerDescription", "a &lt; b &amp; c"), SUCCESS]),
        transaction("a refunded payment names its refund")
            .after(pay_by("ABT", "100"))
            .after(refund("").with("RefundAmount.Value", "30"))
            .with("TransactionId", "@0")
            .answers(&[("RelatedTransaction/RelationType", "Refund")]),
        transaction("a refund names its payment and the fee given back")
            .after(pay_by("ABT", "100"))
            .after(refund("").with("RefundAmount.Value", "30"))
            .with("TransactionId", "@1")
            .answers(&[("RelatedTransaction/RelationType", "Parent"), ("FPSFees/Value", "-0.450000")]),
        transaction("the sender may ask").by("ALICE").answers(&[SUCCESS]),
        transaction("an ill-formed transaction id is told apart from an unknown one")
            .with("TransactionId", "FAKE")
            .refused_saying(
                Code::InvalidParams,
                "transactionId has to be a valid transaction ID. Specified value: FAKE",
            ),
        transaction("an unknown transaction is refused")
            .with("TransactionId", UNKNOWN_TRANSACTION)
            .refused(Code::InvalidTransactionId),
        transaction("others may not ask").by("RIVAL").refused(Code::InvalidTransactionId),
    ]
}

/// Of several faults the one that is looked for first is reported.
fn order_cases() -> Vec<Case> {
    vec![
        pay("an unknown parameter comes before a missing one")
            .without("CallerReference")
            .with("Colour", "red")
            .refused_saying(
                Code::InvalidRequest,
                "The request doesn't conform to the interface specification in the WSDL. Element/Parameter \
                 \"http://fps.amazonaws.com/doc/2008-09-17/:Colour\" in request is either invalid or is found at \
                 unexpected location",
            ),
        pay("an ill-formed value comes before a used reference")
            .after(pay_by("ABT", "11"))
            .with("TransactionAmount.Value", "ten")
            .refused_saying(
                Code::InvalidParams,
                "transactionAmount.value has to be a positive number of dollars, such as 15.50. \
                 Specified value: ten",
            ),
        pay("a used reference comes before an unknown token")
            .after(pay_by("ABT", "11"))
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .refused(Code::DuplicateRequest),
        settle("an unknown token comes before another's instrument")
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .with("CreditInstrumentId", "RIVAL-LINE")
            .refused(Code::InvalidTokenId_Sender),
        settle("another's instrument comes before a cancelled token")
            .with("SenderTokenId", "SETTLE-CANCELLED")
            .with("CreditInstrumentId", "RIVAL-LINE")
            .refused(Code::InstrumentAccessDenied),
        settle("a cancelled token comes before a wrong instrument")
            .with("SenderTokenId", "SETTLE-CANCELLED")
            .with("CreditInstrumentId", "UNUSED-LINE")
            .refused(Code::TokenNotActive_Sender),
        settle("a wrong instrument comes before the limit of the token")
            .with("SenderTokenId", "SETTLE-AT-MOST-30")
            .with("CreditInstrumentId", "UNUSED-LINE")
            .incompatible("The token belongs to another instrument."),
        settle("the limit of the token comes before the debt")
            .with("SenderTokenId", "SETTLE-AT-MOST-30")
            .with("SettlementAmount.Value", "200")
            .refused_saying(
                Code::TokenUsageError,
                "The token \"SETTLE-AT-MOST-30\" has violated its usage policy.",
            ),
        pay("a spent token comes before an amount out of range")
            .after(pay_by("SINGLE", "1").with("CallerReference", "once"))
            .with("SenderTokenId", "SINGLE")
            .with("TransactionAmount.Value", "0")
            .refused_saying(
                Code::TokenUsageError,
                "The token \"SINGLE\" has violated its usage policy.",
            ),
        pay("an amount out of range comes before the balance")
            .with("SenderTokenId", "POOR")
            .with("TransactionAmount.Value", "10000.01")
            .refused_saying(
                Code::AmountOutOfRange,
                "The amount must be at least $0.01 and at most $10000. Specified value: 10000.01",
            ),
        pay("an amount of 31 digits is out of range")
            .with("TransactionAmount.Value", "1000000000000000000000000000000")
            .refused_saying(
                Code::AmountOutOfRange,
                "The amount must be at least $0.01 and at most $10000.",
            ),
    ]
}

/// A caller reference has one effect.
fn reference_cases() -> Vec<Case> {
    const SAME: (&str, &str) = ("TransactionId", "@0");
    vec![
        pay("the same request again gets the same transaction").after(pay("")).answers(&[SAME, SUCCESS]),
        pay("a pending payment is answered as at first, even when it is done")
            .after(pay_by("CC", "10"))
            .after_seconds(1)
            .with("SenderTokenId", "CC")
            .answers(&[SAME, PENDING]),
        pay("amounts are compared as numbers")
            .after(pay(""))
            .with("TransactionAmount.Value", "010.00")
            .answers(&[SAME]),
        pay("defaults are the same as nothing said")
            .after(pay(""))
            .with("ChargeFeeTo", "Recipient")
            .with("TransactionTimeoutInMins", "10080")
            .with("DescriptorPolicy.SoftDescriptorType", "Static")
            .with("DescriptorPolicy.CSOwner", "Recipient")
            .answers(&[SAME]),
        pay("another version is still the same request")
            .after(pay(""))
            .with("Version", "2010-08-28")
            .answers(&[SAME]),
        pay("another description is another request")
            .after(pay(""))
            .with("CallerDescription", "other")
            .refused(Code::DuplicateRequest),
        settle("each action has references of its own")
            .after(pay("").with("CallerReference", "settlement"))
            .answers(&[PENDING]),
        pay("another caller's references are his own")
            .after(pay_by("OF-RIVAL", "10").by("RIVAL"))
            .answers(&[SUCCESS]),
        pay("a refusal is given again though the reason is gone")
            .after_refusal_of(pay_by("FROM-NOON", "10"))
            .after_seconds(1)
            .with("SenderTokenId", "FROM-NOON")
            .incompatible("Token is not valid yet"),
        pay("the same request under another reference is not refused then")
            .after_refusal_of(pay_by("FROM-NOON", "10").with("CallerReference", "too early"))
            .after_seconds(1)
            .with("SenderTokenId", "FROM-NOON")
            .answers(&[SUCCESS]),
        pay("a refused request uses its reference up")
            .after_refusal_of(pay_by("CANCELLED", "10"))
            .refused(Code::DuplicateRequest),
        pay("an ill-formed request does not").after_refusal_of(pay_by("NONE", "10")).answers(&[SUCCESS]),
        pay("a reference is free again after seven days")
            .after(pay_by("ABT", "11"))
            .after_seconds(7 * 24 * 60 * 60)
            .answers(&[SUCCESS]),
    ]
}

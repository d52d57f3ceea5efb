//! Cases of Pay.

use super::*;

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn pay_cases() -> Vec<Case> {
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

//! Cases of requests with several errors, and of repeated requests.

use super::*;

/// A request with several errors gets the error that is checked first.
pub(super) fn order_cases() -> Vec<Case> {
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

/// A caller reference has one effect per action.
pub(super) fn reference_cases() -> Vec<Case> {
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

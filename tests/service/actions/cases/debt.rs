//! Cases of SettleDebt, WriteOffDebt and GetDebtBalance.

use super::*;

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn settle_cases() -> Vec<Case> {
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

pub(super) fn write_off_cases() -> Vec<Case> {
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

pub(super) fn debt_balance_cases() -> Vec<Case> {
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

//! Cases of GetTransactionStatus and GetTransaction.

use super::*;

pub(super) fn status_cases() -> Vec<Case> {
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

pub(super) fn transaction_cases() -> Vec<Case> {
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

//! Cases of Refund.

use super::*;

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn refund_cases() -> Vec<Case> {
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

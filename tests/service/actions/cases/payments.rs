//! Cases of marketplaces, reservations and prepaid money.

use fps_sandbox::error::Code;
use fps_sandbox::ledger::magic;

use super::{Case, PENDING, SUCCESS, UNKNOWN_TOKEN, UNKNOWN_TRANSACTION, pay, pay_by, refund, settle};

const RESERVED: (&str, &str) = ("TransactionStatus", "Reserved");
const CANCELLED: (&str, &str) = ("TransactionStatus", "Cancelled");
const UNKNOWN_CARD: &str = "UNKNOWN0CARD00IN0THE0FORM0OF0FPS00000000000000000000000000000000";
const DOLLARS: &str = "TransactionAmount.Value";

pub(super) fn cases() -> Vec<Case> {
    [
        magic_cases(),
        marketplace_cases(|name| pay(name).with("SenderTokenId", "CC")),
        marketplace_cases(reserve),
        penniless_marketplace_cases(),
        marketplace_refund_cases(),
        prepaid_pay_cases(),
        reserve_cases(),
        capture_cases(),
        cancel_cases(),
        funding_cases(),
        funding_refusals(),
    ]
    .concat()
}

pub(super) fn reserve(name: &'static str) -> Case {
    Case { action: "Reserve", ..pay(name).with("SenderTokenId", "CC").with("CallerReference", "reservation") }
}

/// Adds the steps that create a reservation and let the card accept it.
fn reserved() -> impl Fn(Case) -> Case {
    |case: Case| case.after(reserve("")).after_seconds(1)
}

pub(super) fn capture(name: &'static str) -> Case {
    Case::new("Settle", name, &[("ReserveTransactionId", "@0")])
}

pub(super) fn cancel(name: &'static str) -> Case {
    Case::new("Cancel", name, &[("TransactionId", "@0")])
}

fn fund(name: &'static str) -> Case {
    Case::new(
        "FundPrepaid",
        name,
        &[
            ("SenderTokenId", "FUND-CC"),
            ("PrepaidInstrumentId", "CARD"),
            ("FundingAmount.Value", "10"),
            ("FundingAmount.CurrencyCode", "USD"),
            ("CallerReference", "funding"),
        ],
    )
}

/// A FundPrepaid of this instrument by this token.
pub(super) fn fund_on(name: &'static str, token: &str, instrument: &str) -> Case {
    fund(name).with("SenderTokenId", token).with("PrepaidInstrumentId", instrument)
}

/// Cases that Pay and Reserve have in common. The request pays 10 by card.
fn marketplace_cases(payment: impl Fn(&'static str) -> Case) -> Vec<Case> {
    let to = "RecipientTokenId";
    vec![
        payment("a marketplace names the recipient and takes its fee")
            .with(to, "R")
            .with("MarketplaceFixedFee.Value", "1")
            .with("MarketplaceVariableFee", "10")
            .answers(&[PENDING]),
        payment("a recipient token needs a marketplace")
            .by("PLAIN")
            .with(to, "R")
            .refused(Code::NotMarketplaceApp),
        payment("an unknown recipient token is refused")
            .with(to, UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Recipient),
        payment("an ill-formed recipient token is told apart").with(to, "NONE").refused_saying(
            Code::InvalidParams,
            "\"recipientTokenId\" has to be a valid token ID. Specified value: NONE",
        ),
        payment("another marketplace's recipient token is refused")
            .with(to, "R-OF-RIVAL")
            .incompatible("Token was installed by another application"),
        payment("a recipient token has expired from the instant its validity ends")
            .with(to, "R-PAST")
            .incompatible("Token has expired"),
        payment("a sender token is no recipient token")
            .with(to, "ABT")
            .refused(Code::InvalidTokenId_Recipient),
        payment("a token is not both sender's and recipient's")
            .with(to, "CC")
            .refused(Code::SameTokenIdUsedMultipleTimes),
        payment("nobody pays himself through a marketplace")
            .with(to, "R-OF-ALICE")
            .refused(Code::SameSenderAndRecipient),
        payment("a suspended recipient cannot be paid")
            .with(to, "R-OF-SUSPENDED")
            .refused(Code::InvalidAccountState_Recipient),
        payment("a recipient without a verified address cannot be paid")
            .with(to, "R-OF-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Recipient),
        payment("a cancelled recipient token is not active")
            .with(to, "R-CANCELLED")
            .refused(Code::TokenNotActive_Recipient),
        payment("a person cannot take cards through a marketplace")
            .with(to, "R-OF-PERSON")
            .refused(Code::InvalidRecipientForCCTransaction),
        payment("a fee needs its maximum on the recipient token")
            .with(to, "R-WITHOUT-MAXIMUM")
            .with("MarketplaceFixedFee.Value", "1")
            .refused_saying(
                Code::IncompatibleTokens,
                "Maximum values of marketplace fees not defined in Recipient token or are unreadable.",
            ),
        payment("a fee stays within its maximum")
            .with(to, "R")
            .with("MarketplaceFixedFee.Value", "2.01")
            .incompatible("The marketplace fee is above what the recipient token allows."),
        payment("ChargeFeeTo agrees with the recipient token")
            .with(to, "R")
            .with("ChargeFeeTo", "Caller")
            .incompatible("ChargeFeeTo contradicts recipientPaysFee of the recipient token."),
        payment("a recipient gets more than the fees").with(to, "R").with(DOLLARS, "0.05").refused_saying(
            Code::InvalidParams,
            "Transaction amount must be greater than Recipient Fee liability.",
        ),
    ]
}

/// A marketplace that pays the fee needs the balance for it when the money moves.
fn penniless_marketplace_cases() -> Vec<Case> {
    let by_penniless = |case: Case| {
        case.by("PENNILESS")
            .with("SenderTokenId", "TO-PENNILESS-BY-CC")
            .with("RecipientTokenId", "R-OF-PENNILESS")
    };
    vec![
        by_penniless(pay("a marketplace that pays the fee must have it")).refused_saying(
            Code::InsufficientBalance,
            "The caller's balance does not cover the fee of the transaction.",
        ),
        by_penniless(reserve("a marketplace need not have the fee before the reservation is settled"))
            .answers(&[PENDING]),
    ]
}

fn marketplace_refund_cases() -> Vec<Case> {
    let paid = || {
        pay_by("ABT", "100")
            .with("RecipientTokenId", "R")
            .with("MarketplaceFixedFee.Value", "1")
            .with("MarketplaceVariableFee", "10")
    };
    let policy = "MarketplaceRefundPolicy";
    let funded = |case: Case| case.after(paid()).after_deposit_to("SELLER");
    vec![
        funded(refund("the payment alone goes back")).with(policy, "MasterTxnOnly").answers(&[SUCCESS]),
        funded(refund("the marketplace's fee alone goes back"))
            .with(policy, "MarketplaceTxnOnly")
            .answers(&[SUCCESS]),
        funded(refund("both go back")).with(policy, "MasterAndMarketplaceTxn").answers(&[SUCCESS]),
        refund("the recipient must have what the marketplace keeps")
            .after(paid())
            .with(policy, "MasterTxnOnly")
            .refused(Code::InsufficientBalance),
        refund("no more of the marketplace's fee goes back than it took")
            .after(paid())
            .with(policy, "MarketplaceTxnOnly")
            .with("RefundAmount.Value", "11.01")
            .refused(Code::RefundAmountExceeded),
        refund("a fee that went back does not go back again")
            .after(paid())
            .after(refund("").with(policy, "MarketplaceTxnOnly").with("CallerReference", "first"))
            .with(policy, "MarketplaceTxnOnly")
            .refused(Code::TransactionFullyRefundedAlready),
        refund("where no fee was taken none goes back")
            .after(pay_by("ABT", "100"))
            .with(policy, "MarketplaceTxnOnly")
            .refused(Code::TransactionFullyRefundedAlready),
        refund("a reservation is settled before it is refunded")
            .after(reserve(""))
            .after_seconds(1)
            .refused(Code::InvalidTransactionState),
        refund("a settled reservation is given back")
            .after(reserve(""))
            .after_seconds(1)
            .after(capture(""))
            .after_seconds(1)
            .answers(&[PENDING]),
        refund("a funding cannot be refunded")
            .with("TransactionId", "FUNDED")
            .refused(Code::TransactionTypeNotRefundable),
        refund("prepaid money goes back onto the instrument")
            .after(pay_by("PREPAID", "50"))
            .answers(&[SUCCESS]),
    ]
}

/// Magic ids and amounts.
fn magic_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for token in magic::TOKENS {
        for payment in [pay(token.stands_for), reserve(token.stands_for)] {
            let case = payment.with("SenderTokenId", "CC").with(token.parameter, token.id);
            let message = format!(
                "{} (This is a magic token id: it stands for {}.)",
                token.forces.definition().message,
                token.stands_for
            );
            cases.push(case.refused_saying(token.forces, message.leak()));
        }
    }
    cases
}

fn prepaid_pay_cases() -> Vec<Case> {
    let prepaid = |name| pay(name).with("SenderTokenId", "PREPAID");
    vec![
        prepaid("prepaid money is spent in the call").with(DOLLARS, "50").answers(&[SUCCESS]),
        prepaid("no more is spent than was paid in advance")
            .with(DOLLARS, "50.01")
            .refused(Code::InsufficientBalance),
        prepaid("a prepaid instrument pays only its own merchant")
            .with("RecipientTokenId", "R")
            .incompatible("Prepaid and postpaid instruments pay only their own merchant."),
        pay("a funding token does not pay").with("SenderTokenId", "FUND-CC").incompatible(
            "The sender token settles or funds an instrument, or receives; it cannot be used to pay.",
        ),
        pay("an expired prepaid instrument is not spent from")
            .with("SenderTokenId", "EXPIRED-PREPAID")
            .refused(Code::InstrumentExpired),
    ]
}

fn reserve_cases() -> Vec<Case> {
    vec![
        reserve("a reservation is pending until the card answers").answers(&[PENDING]),
        Case::new("GetTransactionStatus", "then it is reserved", &[("TransactionId", "@0")])
            .after(reserve(""))
            .after_seconds(1)
            .answers(&[RESERVED]),
        reserve("an ill-formed token id is told apart from an unknown one")
            .with("SenderTokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"senderTokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        reserve("an unknown token is refused")
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Sender),
        reserve("another merchant's token is refused")
            .with("SenderTokenId", "OF-RIVAL")
            .incompatible("Token was installed by another application"),
        reserve("nobody reserves from himself")
            .with("SenderTokenId", "TO-SELF")
            .refused(Code::SameSenderAndRecipient),
        reserve("a suspended caller reserves nothing")
            .by("SUSPENDED")
            .with("SenderTokenId", "TO-SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        reserve("nothing is reserved from a suspended sender")
            .with("SenderTokenId", "FROM-SUSPENDED")
            .refused(Code::InvalidAccountState_Sender),
        reserve("a caller without a verified address reserves nothing")
            .by("UNVERIFIED")
            .with("SenderTokenId", "TO-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        reserve("nothing is reserved from a sender without a verified address")
            .with("SenderTokenId", "FROM-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Sender),
        reserve("a cancelled token is not active")
            .with("SenderTokenId", "CANCELLED")
            .refused(Code::TokenNotActive_Sender),
        reserve("a balance holds no reservations")
            .with("SenderTokenId", "ABT")
            .refused(Code::PaymentInstrumentNotCC),
        reserve("nor does a bank").with("SenderTokenId", "ACH").refused(Code::PaymentInstrumentNotCC),
        reserve("nor does credit").with("SenderTokenId", "CREDIT").refused(Code::PaymentInstrumentNotCC),
        reserve("a single-use token reserves once")
            .after(reserve("").with("SenderTokenId", "SINGLE-CC").with("CallerReference", "once"))
            .with("SenderTokenId", "SINGLE-CC")
            .refused_saying(Code::TokenUsageError, "The token \"SINGLE-CC\" has violated its usage policy."),
        reserve("a cent cannot be reserved").with(DOLLARS, "0.01").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
        ),
        reserve("a used reference with another amount is a duplicate")
            .after(reserve("").with(DOLLARS, "11"))
            .refused(Code::DuplicateRequest),
    ]
}

/// Cases of a marketplace that pays the fee.
fn by_penniless(payment: Case) -> Case {
    payment
        .by("PENNILESS")
        .with("SenderTokenId", "TO-PENNILESS-BY-CC")
        .with("RecipientTokenId", "R-OF-PENNILESS")
}

fn capture_cases() -> Vec<Case> {
    let reserved = reserved();
    vec![
        reserved(capture("a reservation is charged in full under its own id"))
            .answers(&[("TransactionId", "@0"), PENDING]),
        reserved(capture("or in part")).with(DOLLARS, "3").answers(&[("TransactionId", "@0"), PENDING]),
        reserved(capture("every parameter is understood"))
            .with(DOLLARS, "10")
            .with("TransactionAmount.CurrencyCode", "USD")
            .with("OverrideIPNURL", "http://localhost/ipn")
            .answers(&[PENDING]),
        capture("an ill-formed transaction id is told apart from an unknown one")
            .with("ReserveTransactionId", "FAKE")
            .refused_saying(
                Code::InvalidParams,
                "transactionId has to be a valid transaction ID. Specified value: FAKE",
            ),
        capture("an unknown transaction is refused")
            .with("ReserveTransactionId", UNKNOWN_TRANSACTION)
            .refused(Code::InvalidTransactionId),
        capture("a payment is no reservation")
            .with("ReserveTransactionId", "OWED")
            .refused(Code::InvalidTransactionId),
        reserved(capture("the sender does not settle")).by("ALICE").refused(Code::InvalidTransactionId),
        capture("a suspended caller settles nothing")
            .by("SUSPENDED")
            .after_deposit_to("SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        capture("a caller without a verified address settles nothing")
            .by("UNVERIFIED")
            .after_deposit_to("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        capture("the card must have answered")
            .after(reserve(""))
            .refused(Code::OriginalTransactionIncomplete),
        capture("the card must have agreed")
            .after(reserve("").with(DOLLARS, "10.60"))
            .after_seconds(1)
            .refused(Code::OriginalTransactionFailed),
        reserved(capture("a reservation is settled once"))
            .after(capture("").with(DOLLARS, "3"))
            .refused(Code::InvalidTransactionState),
        reserved(capture("what is cancelled is not settled"))
            .after(cancel(""))
            .refused(Code::InvalidTransactionState),
        reserved(capture("a reservation lapses after seven days"))
            .after_seconds(7 * 24 * 60 * 60)
            .refused(Code::InvalidTransactionState),
        reserved(capture("no more is settled than is reserved"))
            .with(DOLLARS, "10.01")
            .refused(Code::SettleAmountGreaterThanReserveAmount),
        capture("a marketplace that pays the fee must still have it")
            .by("PENNILESS")
            .with("ReserveTransactionId", "@1")
            .after_deposit_to("PENNILESS")
            .after(by_penniless(reserve("")))
            .after_seconds(1)
            .after(by_penniless(pay("").with(DOLLARS, "1694")))
            .refused_saying(
                Code::InsufficientBalance,
                "The caller's balance does not cover the fee of the transaction.",
            ),
        reserved(capture("a cent cannot be settled")).with(DOLLARS, "0.01").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
        ),
    ]
}

fn cancel_cases() -> Vec<Case> {
    let reserved = reserved();
    let with_all =
        |case: Case| case.with("Description", "Out of stock").with("OverrideIPNURL", "http://localhost/");
    vec![
        reserved(cancel("a reservation is let go under its own id"))
            .answers(&[("TransactionId", "@0"), CANCELLED]),
        with_all(reserved(cancel("every parameter is understood"))).answers(&[CANCELLED]),
        cancel("a pending payment is called off").after(pay_by("CC", "10")).answers(&[CANCELLED]),
        cancel("a pending settlement is called off").after(settle("")).answers(&[CANCELLED]),
        cancel("an ill-formed transaction id is told apart from an unknown one")
            .with("TransactionId", "FAKE")
            .refused_saying(
                Code::InvalidParams,
                "transactionId has to be a valid transaction ID. Specified value: FAKE",
            ),
        cancel("an unknown transaction is refused")
            .with("TransactionId", UNKNOWN_TRANSACTION)
            .refused(Code::InvalidTransactionId),
        reserved(cancel("the sender calls nothing off")).by("ALICE").refused(Code::InvalidTransactionId),
        cancel("a suspended caller calls nothing off")
            .by("SUSPENDED")
            .after_deposit_to("SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        cancel("a caller without a verified address calls nothing off")
            .by("UNVERIFIED")
            .after_deposit_to("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        cancel("what is done is not called off")
            .after(pay_by("ABT", "10"))
            .refused(Code::InvalidTransactionState),
        reserved(cancel("nor what is called off")).after(cancel("")).refused(Code::InvalidTransactionState),
        reserved(cancel("nor what is being settled"))
            .after(capture(""))
            .refused(Code::InvalidTransactionState),
        cancel("nor a pending refund")
            .after(pay_by("CC", "100"))
            .after_seconds(1)
            .after(refund(""))
            .with("TransactionId", "@1")
            .refused(Code::InvalidTransactionState),
    ]
}

fn funding_cases() -> Vec<Case> {
    let dollars = "FundingAmount.Value";
    vec![
        fund("a funding by card is pending").answers(&[PENDING]),
        fund("a funding from a balance is done in the call")
            .with("SenderTokenId", "FUND-ABT")
            .answers(&[SUCCESS]),
        fund("every parameter is understood")
            .with("SenderDescription", "Top up")
            .with("CallerDescription", "June")
            .with("DescriptorPolicy.SoftDescriptorType", "Static")
            .with("DescriptorPolicy.CSOwner", "Recipient")
            .with("TransactionTimeoutInMins", "1")
            .with("OverrideIPNURL", "http://localhost/ipn")
            .answers(&[PENDING]),
        fund("an instrument is filled up to its limit").with(dollars, "50").answers(&[PENDING]),
        fund("but not above it").with(dollars, "50.01").refused(Code::PrepaidFundingLimitExceeded),
        fund("money on its way counts")
            .after(fund("").with(dollars, "50").with("CallerReference", "first"))
            .with(dollars, "0.02")
            .refused(Code::PrepaidFundingLimitExceeded),
    ]
}

fn funding_refusals() -> Vec<Case> {
    let dollars = "FundingAmount.Value";
    vec![
        fund("an ill-formed token id is told apart from an unknown one")
            .with("SenderTokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"senderTokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        fund("an ill-formed instrument id is told apart from an unknown one")
            .with("PrepaidInstrumentId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "prepaidInstrumentId has to be a valid instrument ID. Specified value: NONE",
            ),
        fund("an unknown token is refused")
            .with("SenderTokenId", UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Sender),
        fund("another merchant's token is refused")
            .with("SenderTokenId", "OF-RIVAL")
            .incompatible("Token was installed by another application"),
        fund("an unknown instrument is refused")
            .with("PrepaidInstrumentId", UNKNOWN_CARD)
            .refused(Code::InvalidPaymentInstrument),
        fund("another issuer's instrument is not funded")
            .with("PrepaidInstrumentId", "RIVAL-CARD")
            .refused(Code::InstrumentAccessDenied),
        fund_on("nobody funds himself", "OWN-FUND", "OWN-CARD").refused(Code::SameSenderAndRecipient),
        fund_on("a suspended caller funds nothing", "SUSPENDED-FUND", "SUSPENDED-CARD")
            .by("SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        fund_on("a suspended sender funds nothing", "FROM-SUSPENDED-FUND", "FROM-SUSPENDED-CARD")
            .refused(Code::InvalidAccountState_Sender),
        fund_on("an unverified caller funds nothing", "UNVERIFIED-FUND", "UNVERIFIED-CARD")
            .by("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        fund_on("an unverified sender funds nothing", "FROM-UNVERIFIED-FUND", "FROM-UNVERIFIED-CARD")
            .refused(Code::UnverifiedEmailAddress_Sender),
        fund("a cancelled token is not active")
            .with("SenderTokenId", "FUND-CANCELLED")
            .refused(Code::TokenNotActive_Sender),
        fund_on("an expired instrument is not funded", "EXPIRED-FUND", "EXPIRED-CARD")
            .refused(Code::InstrumentExpired),
        fund_on("an inactive instrument is not funded", "INACTIVE-FUND", "INACTIVE-CARD")
            .refused(Code::InactiveInstrument),
        fund("a prepaid token does not fund").with("SenderTokenId", "PREPAID").incompatible("The operation needs the token that settles or funds the instrument, not one that pays with it or another."),
        fund("a funding token serves its own instrument")
            .with("PrepaidInstrumentId", "POOR-CARD")
            .incompatible("The token belongs to another instrument."),
        fund_on("a person cannot take cards", "PERSON-FUND", "PERSON-CARD")
            .by("PERSON")
            .refused(Code::InvalidRecipientForCCTransaction),
        fund("a token funds up to its global limit").with("SenderTokenId", "FUND-AT-MOST-5").refused_saying(
            Code::TokenUsageError,
            "The token \"FUND-AT-MOST-5\" has violated its usage policy.",
        ),
        fund("a cent cannot be paid by card").with(dollars, "0.01").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be greater than $0.01 and at most $10000. Specified value: 0.01",
        ),
        fund_on("nobody funds more than his balance", "POOR-FUND", "POOR-CARD")
            .refused(Code::InsufficientBalance),
        fund("a used reference with another amount is a duplicate")
            .after(fund("").with(dollars, "11"))
            .refused(Code::DuplicateRequest),
    ]
}

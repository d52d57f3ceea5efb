//! Cases of balances, tokens, subscriptions, the account activity and VerifySignature.

use fps_sandbox::error::Code;
use fps_sandbox::ledger::magic;

use crate::verify_signature::{POSTPAID, wire};

use super::{Case, UNKNOWN_TOKEN, pay, pay_by, refund};

const UNKNOWN_CARD: &str = "UNKNOWN0CARD00IN0THE0FORM0OF0FPS00000000000000000000000000000000";

pub(super) fn cases() -> Vec<Case> {
    [
        balance_cases(),
        activity_cases(),
        token_cases(),
        usage_cases(),
        cancel_token_cases(),
        instruction_cases(),
        recipient_cases(),
        subscription_cases(),
        cancel_subscription_cases(),
        signature_cases(),
    ]
    .concat()
}

fn balance_cases() -> Vec<Case> {
    let prepaid = |name| Case::new("GetPrepaidBalance", name, &[("PrepaidInstrumentId", "CARD")]);
    vec![
        Case::new("GetAccountBalance", "what is there, and what is on its way", &[])
            .after(pay_by("CC", "100"))
            .answers(&[
                ("AccountBalance/PendingInBalance/Value", "96.800000"),
                ("AccountBalance/PendingOutBalance/Value", "0.000000"),
            ]),
        Case::new("GetOutstandingDebtBalance", "the sum over all credit instruments", &[]).answers(&[
            ("OutstandingDebt/OutstandingBalance/Value", "150.000000"),
            ("OutstandingDebt/PendingOutBalance/Value", "0.000000"),
        ]),
        Case::new("GetOutstandingDebtBalance", "nobody owes a rival anything", &[])
            .by("RIVAL")
            .answers(&[("OutstandingDebt/OutstandingBalance/Value", "0.000000")]),
        Case::new("GetTotalPrepaidLiability", "what is owed for money paid in advance", &[]).answers(&[
            ("OutstandingPrepaidLiability/OutstandingBalance/Value", "50.000000"),
            ("OutstandingPrepaidLiability/PendingInBalance/Value", "0.000000"),
        ]),
        prepaid("what is left, and what is on its way")
            .answers(&[("AvailableBalance/Value", "50.000000"), ("PendingInBalance/Value", "0.000000")]),
        prepaid("the buyer may ask").by("ALICE").answers(&[("AvailableBalance/Value", "50.000000")]),
        prepaid("others may not").by("RIVAL").refused(Code::InstrumentAccessDenied),
        prepaid("an unknown instrument is refused")
            .with("PrepaidInstrumentId", UNKNOWN_CARD)
            .refused(Code::InvalidPaymentInstrument),
        prepaid("credit is no prepaid instrument").with("PrepaidInstrumentId", "CREDIT-LINE").refused_saying(
            Code::InvalidParams,
            "prepaidInstrumentId has to be a valid instrument ID. Specified value: CREDIT-LINE",
        ),
    ]
}

fn activity_cases() -> Vec<Case> {
    let activity =
        |name| Case::new("GetAccountActivity", name, &[("StartDate", "2012-06-01"), ("MaxBatchSize", "3")]);
    vec![
        activity("what happened on the account").after(refund("").with("TransactionId", "OWED")),
        activity("no page holds fewer than one").with("MaxBatchSize", "0").refused_saying(
            Code::InvalidParams,
            "maxBatchSize has to be a whole number from 1 to 200. Specified value: 0",
        ),
        activity("the start is not in the future")
            .with("StartDate", "2012-06-01T12:00:00.001Z")
            .refused(Code::InvalidDateRange),
        activity("the end is not before the start")
            .with("EndDate", "2012-05-31")
            .refused(Code::InvalidDateRange),
    ]
}

fn token_cases() -> Vec<Case> {
    let by_id = |name| Case::new("GetTokenByCaller", name, &[("TokenId", "ABT")]);
    vec![
        by_id("a token by its id").answers(&[("Token/TokenId", "ABT"), ("Token/TokenStatus", "Active")]),
        by_id("or by its reference")
            .without("TokenId")
            .with("CallerReference", "CREDIT")
            .answers(&[("Token/TokenId", "CREDIT")]),
        by_id("a cancelled token is shown")
            .with("TokenId", "CANCELLED")
            .answers(&[("TokenStatus", "Inactive")]),
        by_id("its owner may ask").by("ALICE").answers(&[("Token/TokenId", "ABT")]),
        by_id("not by both at once").with("CallerReference", "ABT").refused_saying(
            Code::InvalidParams,
            "Either tokenId or callerReference must be given, and not both",
        ),
        by_id("nor by neither").without("TokenId").refused_saying(
            Code::InvalidParams,
            "Either tokenId or callerReference must be given, and not both",
        ),
        by_id("an unknown token is refused").with("TokenId", UNKNOWN_TOKEN).refused(Code::InvalidTokenId),
        by_id("others may not ask").by("RIVAL").refused(Code::TokenAccessDenied),
        by_id("an unknown reference is refused")
            .without("TokenId")
            .with("CallerReference", "of nobody")
            .refused(Code::InvalidCallerReference),
        Case::new("GetTokens", "the tokens on the caller's own account", &[])
            .answers(&[("GetTokensResult/Token/TokenId", "TO-SELF")]),
        Case::new("GetTokens", "a status is one of two", &[("TokenStatus", "All")]).refused_saying(
            Code::InvalidParams,
            "tokenStatus has to be one of Active, Inactive. Specified value: All",
        ),
    ]
}

fn usage_cases() -> Vec<Case> {
    let usage = |name| Case::new("GetTokenUsage", name, &[("TokenId", "TWICE-A-DAY")]);
    vec![
        usage("how often a token was used")
            .after(pay_by("TWICE-A-DAY", "1"))
            .answers(&[("TokenUsageLimits/Count", "2"), ("TokenUsageLimits/LastResetCount", "1")]),
        usage("an ill-formed token id is told apart from an unknown one")
            .with("TokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"tokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        usage("an unknown token is refused").with("TokenId", UNKNOWN_TOKEN).refused(Code::InvalidTokenId),
        usage("others may not ask").by("RIVAL").refused(Code::TokenAccessDenied),
        usage("a single-use token has no usage").with("TokenId", "SINGLE").refused(Code::InvalidTokenType),
    ]
}

pub(super) fn cancel_token(name: &'static str) -> Case {
    Case::new("CancelToken", name, &[("TokenId", "ABT")])
}

fn cancel_token_cases() -> Vec<Case> {
    let cancel = cancel_token;
    vec![
        cancel("a token is taken out of use"),
        cancel("every parameter is understood")
            .with("ReasonText", "The buyer moved")
            .with("OverrideIPNURL", "http://localhost/ipn"),
        pay("a token taken out of use does not pay").after(cancel("")).refused(Code::TokenNotActive_Sender),
        cancel("an ill-formed token id is told apart from an unknown one")
            .with("TokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"tokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        cancel("an unknown token is refused").with("TokenId", UNKNOWN_TOKEN).refused(Code::InvalidTokenId),
        cancel("its owner does not cancel it here").by("ALICE").refused(Code::TokenAccessDenied),
        cancel("a suspended caller cancels nothing")
            .by("SUSPENDED")
            .with("TokenId", "TO-SUSPENDED")
            .refused(Code::InvalidAccountState),
        cancel("a caller without a verified address cancels nothing")
            .by("UNVERIFIED")
            .with("TokenId", "TO-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        cancel("what is out of use is not cancelled again").after(cancel("")).refused(Code::TokenNotActive),
    ]
}

pub(super) fn install(name: &'static str) -> Case {
    Case::new(
        "InstallPaymentInstruction",
        name,
        &[
            ("PaymentInstruction", "MyRole == 'Sender'; OperationType = 'Refund';"),
            ("CallerReference", "refund token"),
            ("TokenType", "Unrestricted"),
        ],
    )
}

fn instruction_cases() -> Vec<Case> {
    let shown = |name| Case::new("GetPaymentInstruction", name, &[("TokenId", "ABT")]);
    vec![
        install("a token is made from an instruction"),
        install("every parameter is understood")
            .with("TokenFriendlyName", "Refunds")
            .with("PaymentReason", "Returns"),
        install("a suspended caller installs nothing").by("SUSPENDED").refused(Code::InvalidAccountState),
        install("a caller without a verified address installs nothing")
            .by("UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        install("a token has one of four types").with("TokenType", "Once").refused_saying(
            Code::InvalidParams,
            "tokenType has to be one of SingleUse, MultiUse, Recurring, Unrestricted. Specified value: Once",
        ),
        install("another instruction under a used reference is a duplicate")
            .after(install("").with("TokenType", "SingleUse"))
            .refused(Code::DuplicateRequest),
        shown("a token that no instruction made shows one").answers(&[("CallerReference", "ABT")]),
        shown("an ill-formed token id is told apart from an unknown one")
            .with("TokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"tokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        shown("an unknown token is refused").with("TokenId", UNKNOWN_TOKEN).refused(Code::InvalidTokenId),
        shown("others may not ask").by("RIVAL").refused(Code::TokenAccessDenied),
    ]
}

fn recipient_cases() -> Vec<Case> {
    let status = |name| Case::new("GetRecipientVerificationStatus", name, &[("RecipientTokenId", "R")]);
    let suspended =
        magic::TOKENS.iter().find(|token| token.parameter == "RecipientTokenId").map_or("", |t| t.id);
    vec![
        status("an account in good order is verified")
            .answers(&[("RecipientVerificationStatus", "VerificationComplete")]),
        status("an account without a verified address is not")
            .with("RecipientTokenId", "R-OF-UNVERIFIED")
            .answers(&[("RecipientVerificationStatus", "VerificationPending")]),
        status("an ill-formed token id is told apart from an unknown one")
            .with("RecipientTokenId", "NONE")
            .refused_saying(
                Code::InvalidParams,
                "\"recipientTokenId\" has to be a valid token ID. Specified value: NONE",
            ),
        status("an unknown token is refused")
            .with("RecipientTokenId", UNKNOWN_TOKEN)
            .refused(Code::InvalidTokenId_Recipient),
        status("another marketplace's recipient token is refused")
            .with("RecipientTokenId", "R-OF-RIVAL")
            .incompatible("Token was installed by another application"),
        status("a sender token is no recipient token")
            .with("RecipientTokenId", "ABT")
            .refused(Code::InvalidTokenId_Recipient),
        status("a magic recipient token forces its error")
            .with("RecipientTokenId", suspended)
            .refused_saying(
                Code::InvalidAccountState_Recipient,
                "The recipient's account cannot take part in the transaction. (This is a magic token id: it stands for \
                 a recipient whose e-mail is not verified.)",
            ),
    ]
}

fn subscription_cases() -> Vec<Case> {
    let details = |name| Case::new("GetSubscriptionDetails", name, &[("SubscriptionId", "MONTHLY")]);
    let payments = |name| Case::new("GetTransactionsForSubscription", name, &[("SubscriptionId", "MONTHLY")]);
    let unknown = "subscriptionId has to be a valid subscription ID. Specified value: NONE";
    vec![
        details("terms and state of a subscription").answers(&[
            ("SubscriptionDetails/NextTransactionAmount/Value", "5.000000"),
            ("SubscriptionFrequency/TimeUnit", "month"),
            ("SubscriptionStatus", "Active"),
            ("NumberOfTransactionsProcessed", "1"),
        ]),
        details("a subscription without an end").with("SubscriptionId", "NEVER-PAID"),
        details("the sender may ask").by("ALICE").answers(&[("SubscriptionStatus", "Active")]),
        details("an unknown subscription is refused")
            .with("SubscriptionId", "NONE")
            .refused_saying(Code::InvalidParams, unknown),
        details("to others there is no such subscription").by("RIVAL").refused_saying(
            Code::InvalidParams,
            "subscriptionId has to be a valid subscription ID. Specified value: MONTHLY",
        ),
        payments("the payments of a subscription").answers(&[
            ("SubscriptionTransaction/TransactionId", "SUBSCRIBED"),
            ("SubscriptionTransaction/TransactionSerialNumber", "1"),
        ]),
        payments("no payments yet").with("SubscriptionId", "NEVER-PAID"),
        payments("an unknown subscription is refused")
            .with("SubscriptionId", "NONE")
            .refused_saying(Code::InvalidParams, unknown),
    ]
}

pub(super) fn cancel_subscription(name: &'static str) -> Case {
    Case::new(
        "CancelSubscriptionAndRefund",
        name,
        &[("SubscriptionId", "MONTHLY"), ("RefundAmount.Value", "4"), ("CallerReference", "goodbye")],
    )
}

fn cancel_subscription_cases() -> Vec<Case> {
    let dollars = "RefundAmount.Value";
    let cancel = cancel_subscription;
    let plain = |name| cancel(name).without("RefundAmount.Value").without("CallerReference");
    vec![
        cancel("a subscription is called off and part of it given back"),
        plain("or nothing is given back").with("CancelReason", "Moved"),
        cancel("a refund needs a reference")
            .without("CallerReference")
            .refused_saying(Code::InvalidParams, "callerReference can not be empty "),
        cancel("an unknown subscription is refused").with("SubscriptionId", "NONE").refused_saying(
            Code::InvalidParams,
            "subscriptionId has to be a valid subscription ID. Specified value: NONE",
        ),
        cancel("the sender does not call it off here").by("ALICE").refused(Code::AccessFailure),
        cancel("a suspended caller calls nothing off")
            .by("SUSPENDED")
            .with("SubscriptionId", "OF-SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        plain("not even without a refund")
            .by("SUSPENDED")
            .with("SubscriptionId", "OF-SUSPENDED")
            .refused(Code::InvalidAccountState_Caller),
        cancel("a caller without a verified address calls nothing off")
            .by("UNVERIFIED")
            .with("SubscriptionId", "OF-UNVERIFIED")
            .refused(Code::UnverifiedEmailAddress_Caller),
        cancel("what is over is not called off")
            .with("SubscriptionId", "OVER")
            .refused_saying(Code::InvalidTransactionState, "The subscription is not active any more."),
        plain("nor what is called off")
            .after(plain(""))
            .refused_saying(Code::InvalidTransactionState, "The subscription is not active any more."),
        cancel("where nothing was paid nothing is given back")
            .with("SubscriptionId", "NEVER-PAID")
            .refused_saying(
                Code::RefundAmountExceeded,
                "The subscription has no payment that could be refunded.",
            ),
        cancel("no more is given back than was paid")
            .with(dollars, "10.01")
            .refused(Code::RefundAmountExceeded),
        cancel("what was given back is not given back again")
            .after(refund("").with("TransactionId", "SUBSCRIBED"))
            .refused(Code::TransactionFullyRefundedAlready),
        cancel("nothing is no refund").with(dollars, "0").refused_saying(
            Code::AmountOutOfRange,
            "The amount must be at least $0.01 and at most $10000. Specified value: 0",
        ),
        cancel("the recipient must still have the money")
            .by("SPENDER")
            .after(pay_by("FROM-SPENDER", "19"))
            .with("SubscriptionId", "OF-SPENDER")
            .with(dollars, "20")
            .refused(Code::InsufficientBalance),
        cancel("a used reference with another request is a duplicate")
            .after(cancel("").with(dollars, "1"))
            .refused(Code::DuplicateRequest),
    ]
}

fn signature_cases() -> Vec<Case> {
    let message = wire(POSTPAID.parameters);
    let verify = |name| {
        let parameters = [("UrlEndPoint", POSTPAID.endpoint), ("HttpParameters", message.as_str())];
        Case::new("VerifySignature", name, &parameters)
    };
    vec![
        verify("what FPS signed is verified").answers(&[("VerificationStatus", "Success")]),
        verify("whoever asks").by("ALICE").answers(&[("VerificationStatus", "Success")]),
        verify("an endpoint is a URL")
            .with("UrlEndPoint", "localhost/return")
            .refused_saying(Code::InvalidParams, "localhost/return is an invalid URL"),
        verify("what nobody we trust signed is refused")
            .with("HttpParameters", "signature=eA%3D%3D&certificateUrl=https%3A%2F%2Fnobody%2Fcert.pem")
            .refused(Code::InvalidSignature),
        verify("a message says who signed it")
            .with("HttpParameters", "status=SC&signature=eA%3D%3D")
            .refused_saying(Code::InvalidParams, "certificateUrl is missing in 'HttpParameters'."),
        verify("a signature is base64")
            .with("HttpParameters", "signature=*&certificateUrl=https%3A%2F%2Fnobody%2Fcert.pem")
            .refused(Code::InvalidSignature),
    ]
}

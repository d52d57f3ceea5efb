//! Cases of accounts whose state, set by the seed file, does not permit an action.

use fps_sandbox::error::Code;

use super::lookups::{cancel_subscription, cancel_token, install};
use super::payments::{cancel, capture, fund_on, reserve};
use super::{Case, pay, refund, settle_on, write_off};

pub(super) fn cases() -> Vec<Case> {
    [closed_callers(), senders(), recipients()].concat()
}

/// Every action that changes something is refused to a caller whose account is closed.
fn closed_callers() -> Vec<Case> {
    let name = "a caller whose account is closed";
    let cases = [
        pay(name).with("SenderTokenId", "TO-CLOSED"),
        reserve(name).with("SenderTokenId", "TO-CLOSED"),
        fund_on(name, "TO-CLOSED-FUND", "TO-CLOSED-CARD"),
        settle_on(name, "TO-CLOSED-SETTLE", "TO-CLOSED-LINE"),
        write_off(name).with("CreditInstrumentId", "TO-CLOSED-LINE"),
        refund(name).after_deposit_to("CLOSED"),
        capture(name).after_deposit_to("CLOSED"),
        cancel(name).after_deposit_to("CLOSED"),
        cancel_subscription(name).with("SubscriptionId", "OF-CLOSED"),
        cancel_token(name).with("TokenId", "TO-CLOSED"),
        install(name),
    ];
    cases.into_iter().map(|case| case.by("CLOSED").refused(Code::AccountClosed)).collect()
}

/// The four actions that move money by a sender token, with the tokens and instruments of an account.
fn movements(name: &'static str, token: &str) -> [Case; 4] {
    let of = |what: &str| format!("{token}-{what}");
    [
        pay(name).with("SenderTokenId", token),
        settle_on(name, &of("SETTLE"), &of("LINE")),
        fund_on(name, &of("FUND"), &of("CARD")),
        reserve(name).with("SenderTokenId", token),
    ]
}

fn senders() -> Vec<Case> {
    let states = [
        ("a sender without a verified account", "BY-UNCHECKED", Code::UnverifiedAccount_Sender),
        ("a sender who is denied", "BY-DENIED", Code::TransactionDenied),
        ("a sender above his limit", "BY-LIMITED", Code::AccountLimitsExceeded),
        ("a sender without the token's method", "BY-CARDLESS", Code::InvalidPaymentMethod),
        ("a sender without any method", "BY-METHODLESS", Code::PaymentMethodNotDefined),
    ];
    let refused = |(name, token, code)| movements(name, token).map(|case: Case| case.refused(code));
    // A reservation is refused earlier, because it needs a card.
    let unverified_bank = movements("a sender whose bank account is not verified", "BY-BANKLESS");
    let unverified_bank =
        unverified_bank.into_iter().take(3).map(|case| case.refused(Code::UnverifiedBankAccount));
    states.into_iter().flat_map(refused).chain(unverified_bank).collect()
}

fn recipients() -> Vec<Case> {
    let states = [
        ("a recipient without a verified account", "UNCHECKED", Code::UnverifiedAccount_Recipient),
        ("a recipient who is denied", "DENIED", Code::TransactionDenied),
        ("a recipient above his limit", "LIMITED", Code::AccountLimitsExceeded),
    ];
    let refused = |(name, key, code)| {
        movements(name, &format!("TO-{key}")).map(|case: Case| case.by(key).refused(code))
    };
    states.into_iter().flat_map(refused).collect()
}

//! The action table. Each action is one file here and one line of [`ACTIONS`].

mod cancel;
mod cancel_subscription_and_refund;
mod cancel_token;
mod fund_prepaid;
mod get_account_activity;
mod get_account_balance;
mod get_debt_balance;
mod get_outstanding_debt_balance;
mod get_payment_instruction;
mod get_prepaid_balance;
mod get_recipient_verification_status;
mod get_subscription_details;
mod get_token_by_caller;
mod get_token_usage;
mod get_tokens;
mod get_total_prepaid_liability;
mod get_transaction;
mod get_transaction_status;
mod get_transactions_for_subscription;
mod install_payment_instruction;
mod pay;
mod payments;
mod refund;
mod reserve;
mod settle;
mod settle_debt;
mod shared;
mod token_element;
mod verify_signature;
mod write_off_debt;

use crate::error::{Code, FpsError};

use super::action::Action;

/// Every action of the service.
pub static ACTIONS: &[&Action] = &[
    &cancel::ACTION,
    &cancel_subscription_and_refund::ACTION,
    &cancel_token::ACTION,
    &fund_prepaid::ACTION,
    &get_account_activity::ACTION,
    &get_account_balance::ACTION,
    &get_debt_balance::ACTION,
    &get_outstanding_debt_balance::ACTION,
    &get_payment_instruction::ACTION,
    &get_prepaid_balance::ACTION,
    &get_recipient_verification_status::ACTION,
    &get_subscription_details::ACTION,
    &get_token_by_caller::ACTION,
    &get_token_usage::ACTION,
    &get_tokens::ACTION,
    &get_total_prepaid_liability::ACTION,
    &get_transaction::ACTION,
    &get_transaction_status::ACTION,
    &get_transactions_for_subscription::ACTION,
    &install_payment_instruction::ACTION,
    &pay::ACTION,
    &refund::ACTION,
    &reserve::ACTION,
    &settle::ACTION,
    &settle_debt::ACTION,
    &verify_signature::ACTION,
    &write_off_debt::ACTION,
];

/// Finds an action by its name, or by a misspelled name that clients send. Case matters.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|action| action.name == name || action.aliases.contains(&name))
}

/// The action that a request asks for.
///
/// Fails with `MissingAction` or `InvalidAction`. Protocol layers report these only after authentication.
pub fn require(name: Option<&str>) -> Result<&'static Action, FpsError> {
    let name = name.ok_or(Code::MissingAction)?;
    let action = find(name).ok_or_else(|| {
        let text = format!("The action {name} is not valid for this web service.");
        FpsError::new(Code::InvalidAction, text)
    })?;
    if action.name != name {
        tracing::info!(sent = name, meant = action.name, "accepted a misspelled action name");
    }
    Ok(action)
}

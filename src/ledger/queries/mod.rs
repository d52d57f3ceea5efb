//! The queries, which read the book: the look-ups of the service.

pub(super) mod account_activity;
pub(super) mod debt_balance;
pub(super) mod get_secret;
pub(super) mod prepaid_balance;
pub(super) mod preview_authorization;
pub(super) mod subscriptions;
pub(super) mod tokens;
pub(super) mod transactions;

//! The commands, which change the book: one file for each operation or group of related ones.

pub(super) mod authorize;
pub(super) mod cancel_subscription;
pub(super) mod deposit_funds;
pub(super) mod fund_prepaid;
pub(super) mod idempotent;
mod instrument_payment;
pub(super) mod payment;
pub(super) mod refund;
pub(super) mod run_scheduled;
pub(super) mod settle;
pub(super) mod settle_debt;
pub(super) mod store_secret;
pub(super) mod tokens;
pub(super) mod write_off_debt;

//! The service as its clients see it: requests over HTTP, answers in XML. Each file is a subject.
//!
//! Every test starts a sandbox of its own, in memory or, under `.ci/postgres`, in a new schema of PostgreSQL.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "the numbers here are small"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

#[path = "../support/mod.rs"]
mod support;

mod account;
mod actions;
mod broken_invariants;
mod captures;
mod cobranded;
mod concurrency;
mod debt_rules;
mod guide_samples;
mod hostile_input;
mod idempotency;
mod interleaving;
mod magic;
mod marketplace;
mod prepaid;
mod reservations;
mod subscriptions;
mod token_rules;
mod tokens;
mod verify_signature;
mod wire;
mod worlds;

//! The program as its users start it: the command line, database files, crashes, full disks; and checks of the project:
//! documents and dependencies between modules.

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

mod cli;
mod crash;
mod database_files;
mod documentation;
mod faults;
mod modules;

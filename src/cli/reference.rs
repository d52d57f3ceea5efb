//! `fps-sandbox reference`: the action and error tables as Markdown.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::fps::reference;

use super::{Failure, print};

pub(super) const AFTER_HELP: &str = "\
Examples:
  fps-sandbox reference actions | less
  fps-sandbox reference errors | grep Debt

Exit codes: 0 printed; 2 the command line is wrong.";

/// Print the table of actions or of errors as Markdown.
///
/// It is what docs/actions.md and docs/errors.md hold, and what a running sandbox shows under /_sandbox/actions and
/// /_sandbox/errors.
#[derive(Debug, Args)]
pub(super) struct Reference {
    /// Which table.
    table: Table,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Table {
    Actions,
    Errors,
}

impl Reference {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        print::out(&match self.table {
            Table::Actions => reference::actions_markdown(),
            Table::Errors => reference::errors_markdown(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

//! `fps-sandbox reference`: prints the reference documentation as Markdown.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cobranded;
use crate::fps::documentation;

use super::{CliError, print};

pub(super) const AFTER_HELP: &str = "\
Examples:
  fps-sandbox reference actions | less
  fps-sandbox reference errors | grep Debt

Exit codes: 0 printed; 2 the command line is wrong.";

/// Print the table of actions, of errors, of magic values or of the Co-Branded pipelines as Markdown.
///
/// It is what docs/actions.md, docs/errors.md, docs/magic.md and docs/cobranded.md hold, and what a running sandbox
/// shows under /_sandbox/actions, /_sandbox/errors, /_sandbox/magic and /_sandbox/cobranded.
#[derive(Debug, Args)]
pub(super) struct Reference {
    /// Which table.
    table: ReferenceTable,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReferenceTable {
    Actions,
    Errors,
    Magic,
    Cobranded,
}

impl Reference {
    pub(super) fn run(&self) -> Result<ExitCode, CliError> {
        print::to_stdout(&match self.table {
            ReferenceTable::Actions => documentation::actions_markdown(),
            ReferenceTable::Errors => documentation::errors_markdown(),
            ReferenceTable::Magic => documentation::magic_markdown(),
            ReferenceTable::Cobranded => cobranded::documentation::markdown(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

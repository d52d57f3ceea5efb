//! `fps-sandbox reference`: the tables of actions, errors and magic values as Markdown.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::fps::reference;

use super::Failure;

/// Prints what `docs/actions.md`, `docs/errors.md` and `docs/magic.md` hold.
#[derive(Debug, Args)]
pub(super) struct Reference {
    /// Which table.
    table: Table,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Table {
    Actions,
    Errors,
    Magic,
}

impl Reference {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let text = match self.table {
            Table::Actions => reference::actions_markdown(),
            Table::Errors => reference::errors_markdown(),
            Table::Magic => reference::magic_markdown(),
        };
        print!("{text}");
        Ok(ExitCode::SUCCESS)
    }
}

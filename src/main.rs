//! The command line, nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    fps_sandbox::cli::main()
}

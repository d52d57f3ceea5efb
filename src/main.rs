//! The command line, nothing else.

use std::process::ExitCode;

/// A request makes hundreds of small allocations; this allocator makes them in less time than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fps_sandbox::cli::main()
}

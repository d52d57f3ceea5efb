//! The program. Everything is in the library; see [`fps_sandbox::cli`].

use std::process::ExitCode;

/// A request makes hundreds of small allocations, and mimalloc is faster at them than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fps_sandbox::cli::main()
}

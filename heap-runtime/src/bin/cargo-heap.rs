//! `cargo heap`: the reader of sidecars.

use std::process::ExitCode;

fn main() -> ExitCode {
    heap_runtime::__cli::main(std::env::args_os())
}

//! `cargo heap`, as a program that the tests of this package can start.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_heap::__cli::main(std::env::args_os())
}

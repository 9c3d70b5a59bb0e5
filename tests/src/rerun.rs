//! A test binary that runs one of its own tests again, in a process of its own, and reads what that
//! leaves.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::project::{Run, clean_environment};

/// Runs the ignored test `name` of this test binary, which must pass.
///
/// # Panics
///
/// Where it does not.
#[must_use]
pub fn ignored(name: &str) -> Run {
    passing(name, &[])
}

/// Runs the ignored test `name` of this test binary with more environment variables. It must pass.
///
/// # Panics
///
/// Where it does not.
#[must_use]
pub fn passing(name: &str, variables: &[(&str, &str)]) -> Run {
    run(name, variables).success()
}

/// Runs the ignored test `name` of this test binary with more environment variables. It must fail.
///
/// # Panics
///
/// Where it does not.
#[must_use]
pub fn failing(name: &str, variables: &[(&str, &str)]) -> Run {
    let run = run(name, variables);
    assert!(!run.status.success(), "{}{}", run.stdout, run.stderr);
    run
}

fn run(name: &str, variables: &[(&str, &str)]) -> Run {
    Run::of(command(name).envs(variables.iter().copied()))
}

/// This test binary again, to run its ignored test `name` with sidecars in `folder`: for a test
/// that does more to the process than to run it.
///
/// # Panics
///
/// Where the test binary is not known.
#[must_use]
pub fn victim(name: &str, folder: &Path) -> Command {
    let mut command = command(name);
    command.env("HEAP_SIDECAR_DIR", folder);
    command
}

/// This test binary again, to run all the ignored tests of a module, several at a time.
///
/// # Panics
///
/// Where the test binary is not known.
#[must_use]
pub fn victims(module: &str, folder: &Path) -> Command {
    let mut command = this_binary();
    command
        .args([module, "--ignored", "--test-threads=4"])
        .env("HEAP_SIDECAR_DIR", folder);
    command
}

/// `cargo heap` with these arguments and `HEAP_SIDECAR_DIR`, as a process of its own: this test
/// binary has it in it, in its ignored test `name`, which returns [`cargo_heap()`].
///
/// # Panics
///
/// Where the test binary is not known.
#[must_use]
pub fn heap(name: &str, arguments: &[&str], folder: &Path) -> Command {
    let mut command = victim(name, folder);
    command
        .arg("--nocapture")
        .env(ARGUMENTS, arguments.join(" "));
    command
}

/// What the ignored test is that [`heap`] runs.
#[must_use]
pub fn cargo_heap() -> ExitCode {
    let arguments = std::env::var(ARGUMENTS).unwrap_or_default();
    let program = ["cargo-heap"].into_iter();
    cargo_heap::__cli::main(program.chain(arguments.split_whitespace()).map(Into::into))
}

/// Where the arguments of `cargo heap` are handed over.
const ARGUMENTS: &str = "TESTS_OF_HEAP_ARGUMENTS";

fn command(name: &str) -> Command {
    let mut command = this_binary();
    command.args([name, "--exact", "--ignored", "--test-threads=1"]);
    command
}

fn this_binary() -> Command {
    let executable = std::env::current_exe().expect("the test binary is known");
    let mut command = Command::new(executable);
    clean_environment(&mut command);
    command
}

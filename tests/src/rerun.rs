//! A test binary that runs one of its own tests again, in a process of its own, and reads what that
//! leaves.

use std::path::Path;
use std::process::Command;

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

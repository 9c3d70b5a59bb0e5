//! A test binary that runs one of its own tests again, in a process of its own, and reads what that
//! leaves.

use std::process::Command;

use crate::project::{Run, clean_environment};

/// Runs the ignored test `name` of this test binary, which must pass.
///
/// # Panics
///
/// Where it does not.
#[must_use]
pub fn ignored(name: &str) -> Run {
    run(name, &[]).success()
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
    let executable = std::env::current_exe().expect("the test binary is known");
    let mut command = Command::new(executable);
    clean_environment(&mut command);
    Run::of(
        command
            .args([name, "--exact", "--ignored", "--test-threads=1"])
            .envs(variables.iter().copied()),
    )
}

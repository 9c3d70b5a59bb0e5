//! Tests that start what has tests itself.

use std::env;
use std::process::{Command, ExitStatus};

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

/// Runs a test of this binary again, in a child, as the crates do that are made for it.
fn again(test: &str) -> Command {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([test, "--exact", "--test-threads=1"]).env("IN_CHILD", "1");
    child
}

fn is_child() -> bool {
    env::var_os("IN_CHILD").is_some()
}

fn cargo(arguments: &[&str]) -> ExitStatus {
    let cargo = env::var_os("CARGO").unwrap();
    let mut command = Command::new(cargo);
    // As it says where a person asks it.
    command.args(arguments).env_remove("CARGO_TERM_COLOR");
    command.output().unwrap().status
}

#[heap_tracked]
#[test]
fn a_child_aborts() {
    if is_child() {
        std::process::abort();
    }
    let output = again("a_child_aborts").output().unwrap();
    assert!(!output.status.success());
}

#[heap_tracked]
#[test]
fn a_child_of_a_shell_fails() {
    assert!(!is_child(), "as it should");
    let child = again("a_child_of_a_shell_fails");
    let mut shell = Command::new("sh");
    // In a child of its own, as a shell that has only one command becomes it.
    shell.args(["-c", "\"$0\" \"$@\"; exit $?"]).arg(child.get_program());
    let output = shell.args(child.get_args()).env("IN_CHILD", "1").output().unwrap();
    assert!(!output.status.success());
}

#[heap_tracked]
#[test]
fn another_packages_tests_fail() {
    assert_eq!(cargo(&["test", "--package", "inner", "it_"]).code(), Some(101));
}

#[heap_tracked]
#[test]
fn a_run_of_its_own_fails() {
    let cargo = env::var_os("CARGO").unwrap();
    let mut command = Command::new(cargo);
    command.args(["test", "--package", "inner", "own_"]).env("HEAP_RUN_ID", "its-own");
    assert_eq!(command.output().unwrap().status.code(), Some(101));
}

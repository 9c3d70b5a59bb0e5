//! Compiles every file of `tests/ui`: those in `pass` run, those in `fail` are refused with exactly
//! the messages beside them.
//!
//! `TRYBUILD=overwrite cargo test -p ui-tests` writes the messages anew. Read them as a user would:
//! one error for each mistake, at the token that is wrong, saying what to write instead.
//!
//! trybuild compiles programs, and there `#[test]` removes the function it stands on. So most cases
//! are plain functions, which is what the attribute sees below `#[test]` anyway.

use std::path::Path;
use std::process::Command;

use trybuild::TestCases;

#[test]
fn misuse_is_refused_with_one_message_for_each_mistake() {
    with_the_built_jemalloc(
        "misuse_is_refused_with_one_message_for_each_mistake",
        || TestCases::new().compile_fail("tests/ui/fail/*.rs"),
    );
}

#[test]
fn what_can_be_tracked_compiles_and_runs() {
    with_the_built_jemalloc("what_can_be_tracked_compiles_and_runs", || {
        TestCases::new().pass("tests/ui/pass/*.rs");
    });
}

/// Runs the test in a child of this process, whose cargo is told of the jemalloc that this one's
/// has built. Building it once more would take longer than all the cases.
fn with_the_built_jemalloc(test: &str, cases: fn()) {
    const TOLD: &str = "JEMALLOC_OVERRIDE";
    let library = option_env!("JEMALLOC").filter(|library| Path::new(library).exists());
    match library {
        Some(library) if std::env::var_os(TOLD).is_none() => {
            let child = Command::new(std::env::current_exe().expect("this binary is known"))
                .args([test, "--exact", "--nocapture"])
                .env(TOLD, library)
                .output()
                .expect("this binary can be started");
            print!("{}", String::from_utf8_lossy(&child.stdout));
            eprint!("{}", String::from_utf8_lossy(&child.stderr));
            assert!(child.status.success(), "see the cases above");
        }
        _ => cases(),
    }
}

//! What reports say of tests to which a real kernel did something, in a virtual machine: see `tests/vm`.
//!
//! ```text
//! cargo test --package heap-tests --test bed -- --ignored
//! ```
//!
//! The guest is booted once, for whichever of these comes first. Where it cannot be had, each of them says that it
//! is skipped. `tests/in_guest/cases.rs` has what is done under the names that are looked up here.

use std::path::Path;
use std::sync::LazyLock;

use cargo_heap::report::{Context, Diagnosis, Run};
use heap_tests::bed::case::Case;
use heap_tests::bed::machine::Machine;

/// The case of this name, or the end of the test.
macro_rules! case {
    ($name:literal) => {
        match crate::case($name) {
            Some(case) => case,
            None => return,
        }
    };
}

#[path = "bed/cpu.rs"]
mod cpu;
#[path = "bed/delays.rs"]
mod delays;
#[path = "bed/facts.rs"]
mod facts;
#[path = "bed/first_process.rs"]
mod first_process;
#[path = "bed/memory.rs"]
mod memory;
#[path = "bed/schedulers.rs"]
mod schedulers;

static MACHINE: LazyLock<Result<Machine, String>> =
    LazyLock::new(|| Machine::boot(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("bed")));

/// What was done under this name; none where the guest cannot be had.
fn case(name: &str) -> Option<Case> {
    match &*MACHINE {
        Ok(machine) => {
            let case = Case::of(machine.share(), name);
            let error = std::fs::read_to_string(case.file("error"));
            assert!(error.is_err(), "{name} went wrong in the guest: {error:?}");
            Some(case)
        }
        Err(reason) => {
            skip(reason);
            None
        }
    }
}

/// As [`case`], of one with a scheduler in it.
fn case_of_schedulers(name: &str) -> Option<Case> {
    let case = case(name)?;
    let reason = MACHINE.as_ref().ok()?.no_schedulers.as_ref();
    if let Some(reason) = reason {
        skip(reason);
        return None;
    }
    Some(case)
}

fn skip(reason: &str) {
    heap_tests::damage::skip(reason);
}

/// What a report says of the one execution of a subject.
fn diagnosis(case: &Case, subject: &str) -> Diagnosis {
    let run = Run::read(&[case.sidecars_folder()], |_, _| ()).expect("the sidecars can be read");
    assert!(run.unreadable.is_empty(), "{:?}", run.unreadable);
    let rows: Vec<_> = run
        .rows
        .iter()
        .filter(|row| row.test == format!("subjects::{subject}"))
        .collect();
    let [row] = rows[..] else {
        panic!("{} rows of {subject}", rows.len());
    };
    Diagnosis::of(row, &Context::of_run(&run))
}

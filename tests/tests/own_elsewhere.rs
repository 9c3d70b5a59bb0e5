//! A binary whose allocator is not jemalloc: there is no own tier, and a budget cannot be checked.

use std::process::{Command, Stdio};

use heap_runtime::heap_tracked;
use heap_sidecar::{FailureKind, Outcome, read_run};

#[heap_tracked(max_retained = 0)]
#[test]
#[ignore = "run by a_budget_that_cannot_be_checked_is_told_once"]
fn one() {
    std::mem::forget(std::hint::black_box(Box::new([1_u8; 24])));
}

#[heap_tracked(max_peak = "1 MiB", exact)]
#[test]
#[ignore = "run by a_budget_that_cannot_be_checked_is_told_once"]
fn another() {
    heap_runtime::checkpoint("here");
    std::thread::spawn(|| {}).join().unwrap();
}

const NOT_CHECKED: &str = "heap_tracked: a heap budget was not checked: jemalloc is not the \
     allocator of this process: write `heap_runtime::use_jemalloc!();` once in the test binary";

#[test]
fn a_budget_that_cannot_be_checked_is_told_once() {
    for require in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("HEAP_") || name.starts_with("NEXTEST") {
                command.env_remove(&*name);
            }
        }
        let output = command
            .args(["--ignored", "--exact", "one", "another"])
            .env("HEAP_SIDECAR_DIR", folder.path())
            .env("HEAP_REQUIRE", if require { "1" } else { "0" })
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), !require, "{said}");
        assert_eq!(said.matches(NOT_CHECKED).count(), usize::from(!require));
        let (sidecars, unreadable) = read_run(folder.path()).unwrap();
        assert_eq!((sidecars.len(), unreadable.len()), (2, 0));
        for sidecar in sidecars {
            assert!(sidecar.heap.own.is_none() && sidecar.heap.timeline.is_none());
            assert!(sidecar.heap.checkpoints.iter().all(|at| at.own.is_none()));
            let reason = sidecar.heap.reason.as_deref().unwrap();
            assert!(NOT_CHECKED.ends_with(reason), "{reason}");
            let [budget] = &sidecar.budgets[..] else {
                panic!("{:?}", sidecar.budgets)
            };
            assert_eq!((budget.actual, budget.held), (None, None));
            let note = budget.note.as_deref();
            assert_eq!(note, Some("not checked: it was not measured"));
            if require {
                assert_eq!(sidecar.outcome, Some(Outcome::Failed));
                let failure = sidecar.failure.unwrap();
                assert_eq!(failure.kind, FailureKind::Error);
                assert!(failure.message.starts_with("HEAP_REQUIRE=1"), "{failure:?}");
            } else {
                assert_eq!(sidecar.outcome, Some(Outcome::Passed));
            }
        }
    }
}

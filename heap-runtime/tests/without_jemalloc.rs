//! A tracked test without jemalloc: `.ci/elsewhere` runs this on any machine, by the features and by the target.
#![cfg(any(
    not(feature = "jemalloc"),
    not(unix),
    all(target_family = "wasm", not(target_os = "unknown")),
    heap_runtime_elsewhere
))]

use std::env::current_exe;
use std::path::Path;
use std::process::{Command, Output};

use heap_runtime::{Allocator, heap_tracked};
use heap_sidecar::{FailureKind, Outcome, Sidecar, Status, read_run};

heap_runtime::use_jemalloc!();

#[heap_tracked(max_peak = "1 KiB", exact, labels(kind = "passes"))]
#[test]
#[ignore = "run by the tests below"]
fn passes() {
    heap_runtime::metric("answer", 42.0);
    let worker = std::thread::spawn(|| vec![1_u8; 1 << 20].len());
    assert_eq!(worker.join().unwrap(), 1 << 20);
    assert!(std::env::var_os("FAIL").is_none(), "asked to fail");
    if std::env::var_os("ABORT").is_some() {
        std::process::abort();
    }
}

/// Runs `passes` in a process of its own, which writes into `folder`.
fn run(folder: &Path, variable: (&str, &str)) -> Output {
    Command::new(current_exe().unwrap())
        .args(["--exact", "passes", "--ignored"])
        .env("HEAP_SIDECAR_DIR", folder)
        .env(variable.0, variable.1)
        .output()
        .unwrap()
}

fn sidecar(folder: &Path) -> Sidecar {
    let (mut sidecars, unreadable) = read_run(folder).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert_eq!(sidecars.len(), 1);
    sidecars.remove(0)
}

#[test]
fn a_test_passes_and_its_sidecar_says_why_it_has_no_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ("NOTHING", ""));
    assert!(output.status.success(), "{output:?}");
    let sidecar = sidecar(folder.path());
    assert_eq!(sidecar.status, Status::Finished);
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    assert_eq!(sidecar.labels["kind"], "passes");
    assert_eq!(sidecar.metrics["answer"].to_string(), "42");
    assert!(sidecar.duration_ns.is_some());
    assert_eq!(sidecar.heap.allocator, Allocator::Absent);
    let reason = sidecar.heap.reason.unwrap();
    let expected = if cfg!(feature = "jemalloc") {
        "a Unix system of 64 bits"
    } else {
        "without its feature `jemalloc`"
    };
    assert!(reason.contains(expected), "{reason}");
    assert_eq!(sidecar.heap.own, None);
    assert_eq!(sidecar.heap.process, None);
    assert_eq!(sidecar.host.heap_state, None);
    let reads_host = cfg!(all(target_os = "linux", not(heap_runtime_elsewhere)));
    assert_eq!(sidecar.host.total_memory_kib.is_some(), reads_host);
    assert_eq!(sidecar.host_before.vm_oom_kill.is_some(), reads_host);
    assert_eq!(sidecar.budgets.len(), 1);
    assert_eq!(sidecar.budgets[0].held, None);
}

#[test]
fn a_failure_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ("FAIL", "1"));
    assert_eq!(output.status.code(), Some(101));
    let sidecar = sidecar(folder.path());
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let failure = sidecar.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Panic);
    assert!(failure.message.contains("asked to fail"));
}

#[test]
fn a_test_that_is_killed_leaves_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ("ABORT", "1"));
    assert!(!output.status.success(), "{output:?}");
    let sidecar = sidecar(folder.path());
    assert_eq!((sidecar.status, sidecar.outcome), (Status::Running, None));
    assert_eq!(sidecar.heap.allocator, Allocator::Absent);
    // Nothing is measured, and so there is no 0 to be taken for a number.
    assert_eq!(sidecar.heap.last_seen, None);
}

#[test]
fn to_require_numbers_is_to_fail_for_want_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), ("HEAP_REQUIRE", "1"));
    assert_eq!(output.status.code(), Some(101));
    assert_eq!(
        sidecar(folder.path()).failure.unwrap().kind,
        FailureKind::Error
    );
}

#[test]
fn where_nothing_can_be_written_the_test_passes_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let output = run(&file, ("NOTHING", ""));
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("heap_tracked: cannot open the folder"),
        "{said}"
    );
}

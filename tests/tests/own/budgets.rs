//! Budgets: each limit holding and broken, and what is said of it.

#[path = "budgets/failures.rs"]
mod failures;

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{Budget, FailureKind, Limit, Outcome, Sidecar};

use crate::child::{Child, Ran};

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

fn come_and_go(bytes: usize) {
    drop(black_box(Vec::<u8>::with_capacity(bytes)));
}

/// Runs one test, and says whether its harness passed it.
fn run(name: &str) -> (Ran, bool) {
    run_with(name, &[])
}

fn run_with(name: &str, variables: &[(&str, &str)]) -> (Ran, bool) {
    let mut child = Child::of_tests(&[&format!("budgets::{name}")]);
    for (variable, value) in variables {
        child = child.env(variable, value);
    }
    let ran = child.run();
    let passed = ran.status.success();
    assert!(ran.said.contains("running 1 test"), "{}", ran.said);
    (ran, passed)
}

fn budget(limit: Limit, budgets: &[Budget]) -> (u64, Option<i64>, Option<bool>, Option<&str>) {
    let found = budgets.iter().find(|budget| budget.limit == limit);
    let budget = found.unwrap_or_else(|| panic!("no {limit} in {budgets:?}"));
    let Budget {
        bytes,
        actual,
        held,
        note,
        ..
    } = budget;
    (*bytes, *actual, *held, note.as_deref())
}

/// The test fails in its harness and in its sidecar, with this text and the sidecar's path.
fn assert_broken(name: &str, text: &str) {
    let (ran, passed) = run(name);
    assert!(!passed, "{}", ran.said);
    let sidecar = ran.only(name);
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let failure = sidecar.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Budget);
    let file = format!("heap-tests+own+budgets+{name}.heap.json");
    let path = ran.folder().join(file);
    assert!(path.is_file());
    let mut told = format!("budgets::{name} is over its heap budget\n{text}");
    if text.contains("max_retained") {
        told.push_str(
            "\n  this may include what is made once and kept for the process or for a thread, as by an async \
             runtime (`warmup = 1` excludes it)",
        );
    }
    // People are told where it is; a path may tell of them.
    assert_eq!(failure.message, told);
    let whole = format!("{told}\n  sidecar: {}", path.display());
    assert!(ran.said.contains(&whole), "{}", ran.said);
    points_at_the_function(&ran, sidecar);
}

/// The harness says that the panic is the function's, not the attribute's or the runtime's.
fn points_at_the_function(ran: &Ran, sidecar: &Sidecar) {
    let place = format!(
        "panicked at {}:{}:",
        sidecar.source.file, sidecar.source.line
    );
    assert!(ran.said.contains(&place), "{place} {}", ran.said);
}

#[heap_tracked(
    max_peak = "1 MiB",
    max_retained = 4096,
    max_allocated = "5 KiB",
    max_allocations = 2
)]
#[test]
#[ignore = "run by limits_that_are_met_hold"]
fn meets_all() {
    leak(4096);
    come_and_go(1024);
}

#[test]
fn limits_that_are_met_hold() {
    let (ran, passed) = run("meets_all");
    assert!(passed, "{}", ran.said);
    let budgets = &ran.only("meets_all").budgets;
    assert_eq!(budgets.len(), 4);
    for (limit, bytes, actual) in [
        (Limit::MaxPeak, 1 << 20, 5120),
        (Limit::MaxRetained, 4096, 4096),
        (Limit::MaxAllocated, 5120, 5120),
        (Limit::MaxAllocations, 2, 2),
    ] {
        assert_eq!(
            budget(limit, budgets),
            (bytes, Some(actual), Some(true), None)
        );
    }
}

#[heap_tracked(max_peak = "1 MiB")]
#[test]
#[ignore = "run by a_broken_limit_is_told_in_full"]
fn peaks() {
    come_and_go(2 << 20);
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[ignore = "run by a_broken_limit_is_told_in_full"]
fn retains() {
    leak(24);
}

#[heap_tracked(max_allocated = 1000, max_retained = 0, max_peak = "1 GiB")]
#[test]
#[ignore = "run by a_broken_limit_is_told_in_full"]
fn allocates() {
    heap_runtime::checkpoint("empty");
    leak(1024);
    heap_runtime::checkpoint("filled");
    leak(512);
}

#[heap_tracked(max_allocations = 2)]
#[test]
#[ignore = "run by a_broken_limit_is_told_in_full"]
fn allocates_often() {
    for _ in 0..5 {
        come_and_go(24);
    }
}

#[test]
fn a_broken_limit_is_told_in_full() {
    assert_broken(
        "peaks",
        "  max_peak: limit 1048576 B, actual 2097152 B, 1048576 B over (1.00 MiB over 1.00 MiB)",
    );
    assert_broken(
        "retains",
        "  max_retained: limit 0 B, actual 32 B, 32 B over (32 B over 0 B)",
    );
    assert_broken(
        "allocates",
        "  max_retained: limit 0 B, actual 1536 B, 1536 B over (1.50 KiB over 0 B)\n    \
             stayed: +1.00 KiB between `empty` and `filled`, +512 B between `filled` and the end\n  \
           max_allocated: limit 1000 B, actual 1536 B, 536 B over (536 B over 1000 B)\n    \
             most: 1.00 KiB between `empty` and `filled`",
    );
    assert_broken(
        "allocates_often",
        "  max_allocations: limit 2, actual 5, 3 over",
    );
}

/// Most of what it keeps for a step is kept elsewhere than where it peaks.
#[heap_tracked(max_peak = "1 MiB", exact)]
#[test]
#[ignore = "run by a_step_is_named_for_what_it_did"]
fn peaks_in_a_step() {
    let kept = black_box(Vec::<u8>::with_capacity(14 << 10));
    heap_runtime::checkpoint("filled");
    come_and_go(5 << 20);
    heap_runtime::checkpoint("counted");
    come_and_go(4 << 20);
    drop(kept);
}

#[heap_tracked(max_retained = 0)]
#[test]
#[ignore = "run by a_step_is_named_for_what_it_did"]
fn leaks_in_a_step() {
    let large = black_box(Vec::<u8>::with_capacity(1 << 20));
    heap_runtime::checkpoint("filled");
    drop(large);
    heap_runtime::checkpoint("emptied");
    come_and_go(1 << 20);
    leak(64);
    heap_runtime::checkpoint("done");
}

/// In totals, that is no other than 64 bytes that were left of the MiB.
#[heap_tracked(max_retained = 0)]
#[test]
#[ignore = "run by a_step_is_named_for_what_it_did"]
fn frees_and_leaks_in_a_step() {
    let large = black_box(Vec::<u8>::with_capacity(1 << 20));
    heap_runtime::checkpoint("filled");
    drop(large);
    leak(64);
    heap_runtime::checkpoint("emptied");
}

#[test]
fn a_step_is_named_for_what_it_did() {
    assert_broken(
        "peaks_in_a_step",
        "  max_peak: limit 1048576 B, actual 5257216 B, 4208640 B over (4.01 MiB over 1.00 MiB)\n    \
             reached: between `filled` and `counted`, +5.00 MiB above what was live at `filled`",
    );
    let over = "  max_retained: limit 0 B, actual 64 B, 64 B over (64 B over 0 B)\n    ";
    for (name, stayed) in [
        ("leaks_in_a_step", "between `emptied` and `done`"),
        (
            "frees_and_leaks_in_a_step",
            "between the start and `emptied`",
        ),
    ] {
        assert_broken(name, &format!("{over}stayed: +64 B {stayed}"));
    }
}

#[heap_tracked(max_peak = "1 MiB")]
#[test]
#[ignore = "run by a_peak_within_the_error_holds"]
fn peaks_just_below() {
    // Nobody looks at it, and it may have been there still.
    come_and_go(60 << 10);
    come_and_go((1 << 20) - 4096);
}

/// What the last to sample sees of the others may have gone.
#[heap_tracked(max_peak = "1 MiB")]
#[test]
#[ignore = "run by a_peak_within_the_error_holds"]
fn peaks_together() {
    let all_hold = Barrier::new(4);
    thread::scope(|scope| {
        let children = [(); 4].map(|()| {
            scope.spawn(|| {
                let held = black_box(Vec::<u8>::with_capacity(260 << 10));
                all_hold.wait();
                drop(held);
            })
        });
        for child in children {
            child.join().unwrap();
        }
    });
}

#[heap_tracked(max_peak = 1000)]
#[test]
#[ignore = "run by a_small_peak_is_told_exactly"]
fn peaks_unseen() {
    come_and_go(4096);
}

#[test]
fn a_peak_within_the_error_holds() {
    // What was seen is over the limit only where others may have freed theirs meanwhile.
    for (name, is_over) in [("peaks_just_below", false), ("peaks_together", true)] {
        let (ran, passed) = run_with(name, &[("HEAP_SAMPLE_BYTES", "64 KiB")]);
        assert!(passed, "{}", ran.said);
        let (bytes, actual, held, note) = budget(Limit::MaxPeak, &ran.only(name).budgets);
        assert_eq!(actual.unwrap() > 1 << 20, is_over, "{name}: {actual:?}");
        assert_eq!(
            (bytes, held, note),
            (1 << 20, Some(true), Some("within error; use `exact`"))
        );
    }
}

#[test]
fn a_small_peak_is_told_exactly() {
    assert_broken(
        "peaks_unseen",
        "  max_peak: limit 1000 B, actual 4096 B, 3096 B over (3.02 KiB over 1000 B)",
    );
}

#[heap_tracked]
#[test]
#[ignore = "run by the_environment_limits_tests_that_do_not"]
fn declares_none() {
    leak(4096);
    come_and_go(1 << 20);
}

#[heap_tracked(max_retained = "1 MiB", max_allocated = "2 MiB", max_peak = "8 MiB")]
#[test]
#[ignore = "run by the_environment_limits_tests_that_do_not"]
fn declares_all() {
    leak(4096);
    come_and_go(1 << 20);
}

#[test]
fn the_environment_limits_tests_that_do_not() {
    for (variable, limit) in [
        ("HEAP_MAX_PEAK", Limit::MaxPeak),
        ("HEAP_MAX_RETAINED", Limit::MaxRetained),
        ("HEAP_MAX_ALLOCATED", Limit::MaxAllocated),
    ] {
        let variables = [(variable, "1 KiB")];
        let (ran, passed) = run_with("declares_none", &variables);
        assert!(!passed, "{}", ran.said);
        points_at_the_function(&ran, ran.only("declares_none"));
        let budgets = &ran.only("declares_none").budgets;
        assert_eq!(budgets.len(), 1);
        let (bytes, _, held, _) = budget(limit, budgets);
        assert_eq!((bytes, held), (1024, Some(false)));
        let (ran, passed) = run_with("declares_all", &variables);
        assert!(passed, "{}", ran.said);
        assert_eq!(ran.only("declares_all").budgets.len(), 3);
    }
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[ignore = "run by what_a_test_that_passes_could_have_returned_hides_no_leak"]
fn leaks_and_could_have_returned_a_text() -> Result<(), String> {
    leak(64);
    "64".parse::<u32>()
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn what_a_test_that_passes_could_have_returned_hides_no_leak() {
    assert_broken(
        "leaks_and_could_have_returned_a_text",
        "  max_retained: limit 0 B, actual 64 B, 64 B over (64 B over 0 B)",
    );
}

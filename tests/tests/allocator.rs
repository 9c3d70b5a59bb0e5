//! Whether jemalloc is the allocator is proved, not assumed. One of four test binaries: here it is
//! the global allocator. `allocator_system` and `allocator_counting` are binaries of this package,
//! and the one with jemalloc in place of `malloc` is a project of its own.

use heap_runtime::sidecar::Limit;
use heap_runtime::{Allocator, heap_tracked};
use heap_tests::project::{Project, Run};
use heap_tests::rerun;

heap_runtime::use_jemalloc!();

#[heap_tracked]
#[test]
#[ignore = "run by the test below, which reads its sidecar"]
fn holds_a_mebibyte() {
    Vec::leak(vec![1_u8; 1 << 20]);
}

#[test]
fn jemalloc_as_the_global_allocator() {
    assert_eq!(heap_runtime::allocator(), Allocator::Jemalloc);
    let run = rerun::ignored("holds_a_mebibyte");
    has_the_mebibyte(&run);
    let heap = &run.sidecar("holds_a_mebibyte").heap;
    assert_eq!(heap.c_allocator, Some(Allocator::Other));
}

#[test]
fn jemalloc_in_place_of_malloc() {
    let project = Project::copy_of("unprefixed").with_its_own_jemalloc();
    let run = project.test(&["--test", "unprefixed", "--test", "both"]);
    let run = run.success();
    has_the_mebibyte(&run);
    for sidecar in &run.sidecars {
        assert_eq!(sidecar.heap.c_allocator, Some(Allocator::Jemalloc));
    }
    // A block that was given half its size in its place is counted once, and its error says that it may have been
    // there twice; to the byte where each allocation is looked at.
    let (whole, half) = (100 << 20, 50 << 20);
    for (name, error) in [
        ("c_shrinks", half),
        ("rust_shrinks", half),
        ("both_shrink", half),
        ("c_shrinks_exactly", 0),
    ] {
        let sidecar = run.sidecar(name);
        let own = sidecar.heap.own.expect("jemalloc counts");
        assert_eq!(own.peak_bytes, Some(whole), "{name}");
        let stated = own.peak_error_bytes.expect("an error");
        let slack = if error == 0 { 0 } else { 128 << 10 };
        assert!((error..=error + slack).contains(&stated), "{name} {own:?}");
        assert!(
            sidecar
                .budgets
                .iter()
                .all(|budget| budget.held == Some(true))
        );
    }
}

/// The same project, so that jemalloc is built once.
#[test]
fn what_c_allocates_is_held_to_budgets() {
    let project = Project::copy_of("unprefixed").with_its_own_jemalloc();
    let run = project.test(&["--test", "c"]);
    let (block, text) = (64 << 20, 1 << 20);
    for (name, limit, allocated) in [
        ("breaks_its_peak", Limit::MaxPeak, block),
        ("leaks", Limit::MaxRetained, block),
        // The text, its copy, and what a thread takes.
        ("copies_a_text_on_a_thread", Limit::MaxAllocated, 2 * text),
    ] {
        assert_eq!(run.verdict(name), Some("FAILED"), "{}", run.stdout);
        let sidecar = run.sidecar(name);
        assert_eq!(sidecar.heap.c_allocator, Some(Allocator::Jemalloc));
        let budget = sidecar.budgets.iter().find(|budget| budget.limit == limit);
        let actual = budget
            .and_then(|budget| budget.actual)
            .expect("it was judged");
        let over = u64::try_from(actual).expect("not below zero") - allocated;
        let most = if limit == Limit::MaxAllocated {
            64 << 10
        } else {
            0
        };
        assert!(over <= most, "{name}: {over} B more than {allocated} B");
        assert_eq!(budget.and_then(|budget| budget.held), Some(false), "{name}");
    }
    assert_eq!(run.verdict("stays_within"), Some("ok"));
    let own = run
        .sidecar("stays_within")
        .heap
        .own
        .expect("jemalloc counts");
    assert_eq!((own.peak_bytes, own.retained_bytes), (Some(block), 0));
}

fn has_the_mebibyte(run: &Run) {
    let sidecar = run.sidecar("holds_a_mebibyte");
    assert_eq!(sidecar.heap.allocator, Allocator::Jemalloc);
    assert_eq!(sidecar.heap.reason, None);
    assert!(sidecar.host.heap_state.is_some());
    assert!(sidecar.host_before.heap_state.is_some());
    assert!(sidecar.heap.process.is_some());
    // Not by the process tier: libtest's threads, and what ran before, give memory back beside the test.
    let own = sidecar.heap.own.expect("jemalloc counts");
    assert_eq!(own.retained_bytes, 1 << 20);
}

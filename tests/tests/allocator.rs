//! Whether jemalloc is the allocator is proved, not assumed. One of four test binaries: here it is
//! the global allocator. `allocator_system` and `allocator_counting` are binaries of this package,
//! and the one with jemalloc in place of `malloc` is a project of its own.

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
    has_the_mebibyte(&rerun::ignored("holds_a_mebibyte"));
}

#[test]
fn jemalloc_in_place_of_malloc() {
    let project = Project::copy_of("unprefixed").with_its_own_jemalloc();
    let run = project.test(&["--tests"]).success();
    has_the_mebibyte(&run);
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

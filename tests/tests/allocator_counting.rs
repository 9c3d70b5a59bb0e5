//! A wrapper around jemalloc that counts: jemalloc still is the allocator.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering};

use heap_runtime::{Allocator, heap_tracked};
use heap_tests::rerun;
use tikv_jemallocator::Jemalloc;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is jemalloc's, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller has promised.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller has promised.
        unsafe { Jemalloc.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[heap_tracked]
#[test]
#[ignore = "run by the test below, which reads its sidecar"]
fn holds_a_mebibyte() {
    Vec::leak(vec![1_u8; 1 << 20]);
}

#[test]
fn a_counting_wrapper_around_jemalloc() {
    assert_eq!(heap_runtime::allocator(), Allocator::Jemalloc);
    assert!(ALLOCATIONS.load(Ordering::Relaxed) > 0);
    let run = rerun::ignored("holds_a_mebibyte");
    let sidecar = run.sidecar("holds_a_mebibyte");
    assert_eq!(sidecar.heap.allocator, Allocator::Jemalloc);
    assert_eq!(sidecar.heap.reason, None);
    assert!(sidecar.heap.process.is_some());
    // Not by the process tier: libtest's threads give memory back beside the test.
    let own = sidecar.heap.own.expect("jemalloc counts");
    assert_eq!(own.retained_bytes, 1 << 20);
}

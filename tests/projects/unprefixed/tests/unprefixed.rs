//! The system allocator is Rust's, and its `malloc` is jemalloc's.

use heap_runtime::{Allocator, heap_tracked};
use std::alloc::System;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: System = System;

// So that the linker takes jemalloc's `malloc`.
use tikv_jemalloc_sys as _;

#[heap_tracked]
#[test]
fn holds_a_mebibyte() {
    assert_eq!(heap_runtime::allocator(), Allocator::Jemalloc);
    // Never freed, so that it is in the difference.
    Vec::leak(vec![1_u8; 1 << 20]);
}

/// C's `realloc` is jemalloc's, and gives a block another size in its place: it was never there twice.
#[heap_tracked(max_peak = "120 MiB")]
#[test]
fn c_shrinks() {
    shrink_by_half();
}

#[heap_tracked(exact, max_peak = "120 MiB")]
#[test]
fn c_shrinks_exactly() {
    shrink_by_half();
}

fn shrink_by_half() {
    // SAFETY: the block is used no more after it is freed.
    unsafe {
        let block = libc::malloc(100 << 20);
        let half = libc::realloc(black_box(block), 50 << 20);
        assert_eq!(half, block);
        libc::free(half);
    }
}

/// Beside Rust's allocator, whose reallocations would be seen.
#[heap_tracked]
#[test]
fn rust_shrinks() {
    let mut bytes = Vec::<u8>::with_capacity(100 << 20);
    let before = bytes.as_ptr();
    bytes.shrink_to(50 << 20);
    assert_eq!(black_box(&bytes).as_ptr(), before);
}

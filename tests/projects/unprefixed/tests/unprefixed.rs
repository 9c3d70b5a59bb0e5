//! The system allocator is Rust's, and its `malloc` is jemalloc's.

use heap_runtime::{Allocator, heap_tracked};
use std::alloc::System;

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

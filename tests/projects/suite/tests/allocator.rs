//! Has an allocator of its own.

#[global_allocator]
static ALLOCATOR: std::alloc::System = std::alloc::System;

#[test]
fn has_its_own() {
    drop(plain::list::hundred());
}

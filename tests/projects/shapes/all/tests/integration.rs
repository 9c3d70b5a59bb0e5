//! An integration test, in two files.

heap_runtime::use_jemalloc!();

#[path = "parts/part.rs"]
mod part;

#[heap_runtime::heap_tracked]
#[test]
fn integration() {
    std::mem::forget(all_kinds::kept());
}

#[test]
fn untracked() {}

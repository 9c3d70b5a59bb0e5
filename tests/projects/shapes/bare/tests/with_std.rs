//! The same from outside.

heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked]
#[test]
fn integration() {
    std::mem::forget(bare::kept());
}

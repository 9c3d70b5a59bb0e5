//! A test binary that another package has too.

heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked]
#[test]
fn steady() {
    std::mem::forget(vec![0_u8; 4096]);
}

//! A benchmark whose tests are run.

heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked]
#[test]
fn of_the_benchmark() {
    std::mem::forget(all_kinds::kept());
}

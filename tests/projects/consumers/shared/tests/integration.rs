//! What is shared, as Rust has it.

heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked]
#[test]
fn integrated() {
    shared::shared_keep(100);
}

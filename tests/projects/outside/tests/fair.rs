//! Has a test of the same name as `idle.rs`.

heap_runtime::use_jemalloc!();

#[heap_runtime::heap_tracked(labels(kind = "integration"))]
#[test]
fn picks() {
    assert_eq!(outside::pick(&[1]), Some(0));
}

//! The other package has the same test in the same file.

heap_runtime::use_jemalloc!();

mod fairness {
    #[heap_runtime::heap_tracked]
    #[test]
    fn shares_the_cpu() {}
}

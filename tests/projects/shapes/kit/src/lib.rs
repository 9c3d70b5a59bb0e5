//! A test kit: its macros write tests that are tracked, for crates that know nothing of the runtime.

pub use heap_runtime as heap;

/// A test of this name.
#[macro_export]
macro_rules! tracked_test {
    ($(#[$attribute:meta])* $name:ident $body:block) => {
        #[$crate::heap::heap_tracked(crate = $crate::heap, labels(by = "kit"))]
        #[test]
        $(#[$attribute])*
        fn $name() $body
    };
}

/// jemalloc for a test binary.
#[macro_export]
macro_rules! use_allocator {
    () => {
        $crate::heap::use_jemalloc!();
    };
}

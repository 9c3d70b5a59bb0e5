//! jemalloc heap evidence for every test.

mod host;
mod snapshot;

pub use heap_macros::heap_tracked;
pub use host::HostContext;
pub use snapshot::HostHeapState;

/// Records a number measured by the test, under `name`, in its sidecar.
pub fn metric(_name: &str, _value: f64) {}

/// Records a label in the sidecar of the test.
pub fn label(_key: &str, _value: &str) {}

/// Records that the test did not do its work, and why. The test should return right after.
pub fn skip(_reason: &str) {}

/// Makes jemalloc the global allocator of this binary.
#[macro_export]
macro_rules! use_jemalloc {
    () => {
        #[global_allocator]
        static HEAP_RUNTIME_ALLOCATOR: $crate::__private::Jemalloc = $crate::__private::Jemalloc;
    };
}

#[doc(hidden)]
pub mod __private {
    pub use tikv_jemallocator::Jemalloc;
}

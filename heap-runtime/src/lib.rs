//! jemalloc heap evidence for every test.

#[cfg(feature = "cli")]
#[doc(hidden)]
#[path = "cli/mod.rs"]
pub mod __cli;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod budget;
mod env;
mod host;
mod jemalloc;
mod notes;
mod outcome;
mod own;
pub mod report;
mod run;
mod scope;
pub mod sidecar;
mod size;
mod snapshot;
mod test;
mod turn;

pub use heap_macros::heap_tracked;
pub use host::{
    CgroupMemory, CgroupMemoryEvents, HostContext, MemoryPressure, MemoryStall, TaskDelayAcct,
    TaskXacct,
};
pub use jemalloc::{Allocator, allocator};
pub use notes::{checkpoint, label, metric, skip};
pub use own::{EnteredHandle, Handle, current};
pub use run::Runner;
pub use snapshot::{HeapDelta, HostHeapState, collect};

/// Makes jemalloc the global allocator of this binary.
#[macro_export]
macro_rules! use_jemalloc {
    () => {
        #[global_allocator]
        static HEAP_RUNTIME_ALLOCATOR: $crate::__private::Jemalloc = $crate::__private::Jemalloc;
    };
}

//! What the attribute's expansion calls. Not public API: it changes with the macro crate, whose
//! version is locked to this one.

pub use std::process::Termination;

#[cfg(jemalloc)]
pub use crate::global_allocator::Jemalloc;
#[cfg(jemalloc)]
pub use heap_macros::global_allocator;

pub use crate::execution::{
    Body, Once, RunAgain, Warmed, never_called, once, once_fn, run, run_async,
    run_async_should_panic, run_fn, run_plain, run_should_panic, run_termination, warmed,
};
pub use crate::outcome::verdict;
// Not by the name that the user may have imported: a path to that would be a needless one.
pub use crate::test::Test as TrackedTest;
pub use crate::verdict;

/// What the harness will make of a returned value: see [`crate::outcome::verdict`].
#[doc(hidden)]
#[macro_export]
macro_rules! verdict {
    ($returned:expr) => {{
        use $crate::__private::verdict::*;
        (&&&&&&&Returned($returned)).verdict()
    }};
}

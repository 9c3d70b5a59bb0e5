//! The registry of this process, and the calling thread in it.

use std::cell::Cell;
use std::sync::LazyLock;

use super::group::{Attachment, Group};
use super::member::Member;
use super::moved::Counters;
use super::registry::Registry;
use crate::jemalloc;

pub(super) static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

thread_local! {
    /// This thread's member. Without a destructor, so that it can be read from inside the
    /// allocator at any moment of the thread's life.
    pub(super) static MEMBER: Cell<Option<&'static Member>> = const { Cell::new(None) };
}

/// jemalloc's counters of this thread.
pub(super) fn counters() -> Option<Counters> {
    let (allocated, deallocated) = jemalloc::thread_counters()?;
    Some(Counters {
        allocated,
        deallocated,
    })
}

/// The kernel's number of this thread; 0 where there is none.
pub(super) fn number() -> u32 {
    #[cfg(proc_fs)]
    return crate::kernel::thread_id().unsigned_abs();
    #[cfg(not(proc_fs))]
    0
}

/// Whether the calling thread is in a tracked test.
pub(crate) fn is_measured() -> bool {
    MEMBER
        .get()
        .is_some_and(|member| member.open_group().is_some())
}

/// Whether the calling thread is in that group.
pub(super) fn is_in(group: &'static Group) -> bool {
    MEMBER.get().is_some_and(|member| member.is_in(group))
}

/// What is attached to the test that the calling thread is in.
pub(crate) fn current_attachment() -> Option<Attachment> {
    MEMBER.get()?.attachment()
}

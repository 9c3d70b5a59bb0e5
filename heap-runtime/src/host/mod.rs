//! The host that a test ran on: [`HostContext`] and who reads it when.
//!
//! Three readings, by how often the values move:
//!
//! | reading | what | when |
//! |---|---|---|
//! | [`constant`] | the machine and its kernel | once per process |
//! | [`changing`] | memory, pressure, the cgroup's use, the process's own pages | before and after each test |
//! | [`settings`] | what somebody sets now and then: tunables, governors, limits | after each test |
//!
//! Each reads files of `/proc` and `/sys`, and each field stands alone: what cannot be read or makes no sense
//! is absent, and the others are there all the same. On other systems than Linux everything is absent.

mod context;
#[cfg(target_os = "linux")]
mod source;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use context::{
    CgroupMemory, CgroupMemoryEvents, HostContext, MemoryPressure, MemoryStall, TaskDelayAcct,
    TaskXacct,
};

use std::sync::OnceLock;

impl HostContext {
    /// Reads everything there is to know about this host now, except [`heap_state`](Self::heap_state).
    ///
    /// What never changes is read once per process. Nothing here fails: what cannot be read is absent.
    #[must_use]
    pub fn read() -> Self {
        constant().clone().merge(changing()).merge(settings())
    }
}

/// What stays as it is while the process runs, read at the first call.
pub(crate) fn constant() -> &'static HostContext {
    static CONSTANT: OnceLock<HostContext> = OnceLock::new();
    CONSTANT.get_or_init(|| {
        #[cfg(target_os = "linux")]
        let constant = source::LIVE.constant().merge(source::uname());
        #[cfg(not(target_os = "linux"))]
        let constant = HostContext::default();
        constant
    })
}

/// What moves during a test: to be read before and after it.
pub(crate) fn changing() -> HostContext {
    #[cfg(target_os = "linux")]
    let changing = source::LIVE.changing();
    #[cfg(not(target_os = "linux"))]
    let changing = HostContext::default();
    changing
}

/// What somebody sets now and then: to be read after each test.
pub(crate) fn settings() -> HostContext {
    #[cfg(target_os = "linux")]
    let settings = source::LIVE.settings();
    #[cfg(not(target_os = "linux"))]
    let settings = HostContext::default();
    settings
}

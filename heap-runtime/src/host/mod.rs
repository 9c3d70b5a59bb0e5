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

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

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

/// What moves during a test: to be read before and after it. At most [`FRESH`] old.
pub(crate) fn changing() -> HostContext {
    static LAST: Recent = Recent::never();
    LAST.get_or_read(|| {
        #[cfg(target_os = "linux")]
        let changing = source::LIVE.changing();
        #[cfg(not(target_os = "linux"))]
        let changing = HostContext::default();
        changing
    })
}

/// What somebody sets now and then: to be read after each test. At most [`FRESH`] old.
pub(crate) fn settings() -> HostContext {
    static LAST: Recent = Recent::never();
    LAST.get_or_read(|| {
        #[cfg(target_os = "linux")]
        let settings = source::LIVE.settings();
        #[cfg(not(target_os = "linux"))]
        let settings = HostContext::default();
        settings
    })
}

/// For how long a reading stands for the host. To open, format and parse the files takes some
/// 200 µs for each test, most of it in the kernel; tests that are over in less share a reading.
const FRESH: Duration = Duration::from_millis(1);

/// The last reading, and when it was taken.
struct Recent {
    last: Mutex<Option<(Instant, HostContext)>>,
}

impl Recent {
    const fn never() -> Self {
        Self {
            last: Mutex::new(None),
        }
    }

    fn get_or_read(&self, read: impl FnOnce() -> HostContext) -> HostContext {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, reading)) if at.elapsed() < FRESH => reading.clone(),
            _ => {
                let at = Instant::now();
                let (_, reading) = last.insert((at, read()));
                reading.clone()
            }
        }
    }
}

#[cfg(test)]
mod recent {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_reading_is_shared_while_it_is_fresh() {
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            HostContext {
                online_cpus: Some(reads.get()),
                ..HostContext::default()
            }
        };
        let recent = Recent::never();
        assert_eq!(recent.get_or_read(read).online_cpus, Some(1));
        // Aged by hand: how long this thread is kept waiting is not for a test to rely on.
        let taken_at = |at: Instant| recent.last.lock().unwrap().as_mut().unwrap().0 = at;
        taken_at(Instant::now().checked_sub(FRESH).unwrap());
        assert_eq!(recent.get_or_read(read).online_cpus, Some(2));
        taken_at(Instant::now() + Duration::from_mins(1));
        assert_eq!(recent.get_or_read(read).online_cpus, Some(2));
    }
}

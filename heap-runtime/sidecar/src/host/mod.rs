//! The host that this process is on: who reads its [`HostContext`] when.
//!
//! Four readings, by how often the values move:
//!
//! | reading | what | when |
//! |---|---|---|
//! | [`constant`] | the machine and its kernel | once per process |
//! | [`changing`] | memory, who waited for what, the cgroup's use and quotas, the process's own pages | before and after each test |
//! | [`incidents`] | the host's kills for want of memory, the state of `sched_ext` | before and after each test |
//! | [`settings`] | what somebody sets now and then: tunables, governors, limits | after each test |
//!
//! Each reads files of `/proc` and `/sys`, and each field stands alone: what cannot be read or makes no sense
//! is absent, and the others are there all the same. On other systems than Linux everything is absent.

#[cfg(all(test, target_os = "linux", not(any(miri, heap_runtime_elsewhere))))]
mod cgroup_tests;
#[cfg(all(test, target_os = "linux", not(any(miri, heap_runtime_elsewhere))))]
mod fuzz;
#[cfg(all(test, target_os = "linux", not(any(miri, heap_runtime_elsewhere))))]
mod known_tests;
#[cfg_attr(
    not(all(target_os = "linux", not(any(miri, heap_runtime_elsewhere)))),
    path = "elsewhere.rs"
)]
pub(crate) mod source;
#[cfg(all(test, target_os = "linux", not(any(miri, heap_runtime_elsewhere))))]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::host_context::HostContext;
use crate::resident::Resident;
use source::{Group, Source};

impl HostContext {
    /// Reads everything there is to know about this host now, except [`heap_state`](Self::heap_state).
    ///
    /// Nothing here fails: what cannot be read is absent. Nor does it wait for anything: it may be called in the
    /// child of a fork, whose other threads are gone with all that they held.
    ///
    /// ```
    /// let host = heap_sidecar::HostContext::read();
    /// match (host.mem_available_kib, host.total_memory_kib) {
    ///     (Some(available), Some(total)) => assert!(available <= total),
    ///     // Absent, and never 0.
    ///     _ => assert!(!cfg!(target_os = "linux")),
    /// }
    /// ```
    #[must_use]
    pub fn read() -> Self {
        let source = Source::live();
        let constant = CONSTANT.get().cloned();
        constant
            .unwrap_or_else(|| source.constant().merge(source::uname()))
            .merge(source.changing().merge(source::rlimits()))
            .merge(source.incidents())
            .merge(source.settings())
    }
}

static CONSTANT: OnceLock<HostContext> = OnceLock::new();

/// What stays as it is while the process runs, read at the first call.
///
/// ```
/// use heap_sidecar::host;
///
/// assert_eq!(host::constant().arch, heap_sidecar::HostContext::read().arch);
/// ```
pub fn constant() -> &'static HostContext {
    CONSTANT.get_or_init(|| source::LIVE.constant().merge(source::uname()))
}

/// What has been looked up here and stays as it is, for [`remember`] in another process of this host: nothing
/// before [`constant`] was called, and where there is nothing to be looked up.
///
/// A process that was told itself adds what its last readings were, and when: another that comes while they are good takes
/// the files to say so still, all but those about itself. Where it has read nothing, there is nothing new.
///
/// It has no names of hosts, users or cgroups.
///
/// ```
/// use heap_sidecar::host;
///
/// host::constant();
/// if let Some(known) = host::known() {
///     // Another process of the same boot and the same namespaces need not look for it.
///     host::remember(&known);
/// }
/// ```
#[must_use]
pub fn known() -> Option<String> {
    if source::is_all_told() {
        return None;
    }
    let mut known = source::LIVE.known(CONSTANT.get()?);
    if known.is_empty() {
        return None;
    }
    source::put_recent(&mut known);
    Some(known)
}

/// Takes what [`known`] has told in another process, where it has not been looked up here: one that has the same kernel
/// without a restart since, and the same namespaces of mounts, cgroups and time. A text that is cut, or none of those, is
/// passed over.
///
/// ```
/// use heap_sidecar::host;
///
/// host::remember("arch=none\0");
/// assert_ne!(host::constant().arch.as_deref(), Some("none"));
/// ```
pub fn remember(known: &str) {
    // Nothing that stands before has it in it.
    const END: &str = "\0end=\0";
    let end = known.find(END).map_or(known.len(), |at| at + END.len());
    let (known, recent) = known.split_at(end);
    if let Some(constant) = source::LIVE.remember(known) {
        let _ = CONSTANT.set(constant);
        source::remember_readings(recent);
    }
}

/// What moves during a test: to be read before and after it. At most 10 ms old.
///
/// To open, format and parse the files takes some 100 µs, nearly all of it in the kernel; tests that
/// are over in less share a reading.
///
/// ```
/// let host = heap_sidecar::host::changing();
/// // It does not move while a test runs.
/// assert_eq!(host.arch, None);
/// ```
pub fn changing() -> Arc<HostContext> {
    static LAST: Recent<Arc<HostContext>> = Recent::never(CHANGING_MAX_AGE);
    LAST.get_or_take(Group::Changing, || Arc::new(read_changing()))
}

/// What happens seldom: to be read before and after each test. At most 20 ms old.
///
/// ```
/// let (earlier, later) = (heap_sidecar::host::incidents(), heap_sidecar::host::incidents());
/// assert!(earlier.vm_oom_kill <= later.vm_oom_kill);
/// ```
pub fn incidents() -> Arc<HostContext> {
    static LAST: Recent<Arc<HostContext>> = Recent::never(SETTINGS_MAX_AGE);
    LAST.get_or_take(Group::Incidents, || Arc::new(read_incidents()))
}

/// What somebody sets now and then: to be read after each test. At most 20 ms old.
///
/// ```
/// let limits = heap_sidecar::host::settings().cgroup_memory.clone();
/// // What is used of them moves.
/// assert_eq!(limits.and_then(|limits| limits.current_bytes), None);
/// ```
pub fn settings() -> Arc<HostContext> {
    static LAST: Recent<Arc<HostContext>> = Recent::never(SETTINGS_MAX_AGE);
    LAST.get_or_take(Group::Settings, || Arc::new(read_settings()))
}

/// What of this process is resident, now: no older than the call. None where the kernel does not say.
///
/// ```
/// match heap_sidecar::host::resident() {
///     Some(resident) => assert!(resident.bytes > Some(0)),
///     None => assert!(!cfg!(target_os = "linux")),
/// }
/// ```
pub fn resident() -> Option<Resident> {
    static ERROR: OnceLock<u64> = OnceLock::new();
    let mut resident = source::LIVE.resident();
    resident.bytes?;
    let error = *ERROR.get_or_init(|| {
        let constant = CONSTANT.get().cloned().unwrap_or_else(source::uname);
        source::LIVE.resident_error(constant.kernel_release.as_deref().unwrap_or_default())
    });
    resident.error_bytes = Some(error).filter(|error| *error > 0);
    Some(resident)
}

/// What there is to say of memory around a whole run, now: what moves, the host's kills and the
/// limits of the cgroup, without what is of this process alone.
///
/// ```
/// let host = heap_sidecar::host::pressure();
/// assert_eq!(host.rss_bytes, None);
/// ```
#[must_use]
pub fn pressure() -> HostContext {
    let limits = HostContext {
        cgroup_memory: read_settings().cgroup_memory,
        ..HostContext::default()
    };
    HostContext {
        rss_bytes: None,
        peak_rss_bytes: None,
        address_space_limit_bytes: None,
        ..limits.merge(read_changing()).merge(read_incidents())
    }
}

/// How old a reading of what moves may be.
const CHANGING_MAX_AGE: Duration = Duration::from_millis(10);

/// How old a reading of what seldom moves may be. Every one of them is as dear as those of what
/// does: a file for each tunable, and all of `/proc/vmstat` for one number.
const SETTINGS_MAX_AGE: Duration = Duration::from_millis(20);

fn read_changing() -> HostContext {
    source::LIVE.changing().merge(source::rlimits())
}

fn read_incidents() -> HostContext {
    source::LIVE.incidents()
}

fn read_settings() -> HostContext {
    source::LIVE.settings()
}

/// The last reading, and when it was taken.
struct Recent<T> {
    /// For how long it stands for the host.
    fresh: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Recent<T> {
    const fn never(fresh: Duration) -> Self {
        Self {
            fresh,
            last: Mutex::new(None),
        }
    }

    /// Also what another process has read, where that is fresh.
    fn get_or_take(&self, group: Group, read: impl FnOnce() -> T) -> T {
        self.get_or(|| source::taken(group, self.fresh, read))
    }

    /// The last one, or what is read now, and the moment that it is of.
    fn get_or(&self, read: impl FnOnce() -> (Instant, T)) -> T {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, reading)) if at.elapsed() < self.fresh => reading.clone(),
            _ => {
                let (_, reading) = last.insert(read());
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
            (Instant::now(), reads.get())
        };
        let fresh = Duration::from_millis(1);
        let recent = Recent::never(fresh);
        assert_eq!(recent.get_or(read), 1);
        // Aged by hand: how long this thread is kept waiting is not for a test to rely on.
        let taken_at = |at: Instant| recent.last.lock().unwrap().as_mut().unwrap().0 = at;
        taken_at(Instant::now().checked_sub(fresh).unwrap());
        assert_eq!(recent.get_or(read), 2);
        taken_at(Instant::now() + Duration::from_mins(1));
        assert_eq!(recent.get_or(read), 2);
    }
}

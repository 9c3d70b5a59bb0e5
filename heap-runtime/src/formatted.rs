//! The host as the text that stands in a sidecar: formatted once for all executions that share a
//! reading.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use heap_sidecar::{CgroupMemory, HostContext, host};

use crate::env::Settings;
use crate::sidecar::HostMembers;
use crate::toll;

/// What of the host a test that is killed should have in its sidecar: what never changes, and the
/// limits of its cgroup, which may be what killed it. Those are read once, and after the test again.
pub(crate) fn before(settings: &Settings) -> &'static Arc<HostMembers> {
    static BEFORE: OnceLock<Arc<HostMembers>> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let mut limits = HostContext::default();
        limits
            .cgroup_memory
            .clone_from(&host::settings().cgroup_memory);
        members(host::constant().clone().merge(limits), settings)
    })
}

/// What does not move with every test.
struct StaticHost {
    /// The last reading of the settings, which it was made from.
    settings: Arc<HostContext>,
    members: Arc<HostMembers>,
    /// The limits of the cgroup. They stand in one object with what it uses, which moves.
    limits: Option<CgroupMemory>,
}

/// What of the host does not move with every test, now.
fn static_host(settings: &Settings) -> Arc<StaticHost> {
    static LAST: Mutex<Option<Arc<StaticHost>>> = Mutex::new(None);
    let reading = host::settings();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        // Readings are shared, so that the same pointer says that nothing has been read since.
        Some(static_host) if Arc::ptr_eq(&static_host.settings, &reading) => {
            Arc::clone(static_host)
        }
        _ => {
            let mut host = host::constant().clone().merge((*reading).clone());
            let limits = host.cgroup_memory.take();
            Arc::clone(last.insert(Arc::new(StaticHost {
                settings: reading,
                members: members(host, settings),
                limits,
            })))
        }
    }
}

/// The host after a test.
#[derive(Clone)]
pub(crate) struct After {
    pub(crate) static_host: Arc<HostMembers>,
    pub(crate) dynamic_host: Arc<HostMembers>,
    /// See [`of_panics`].
    pub(crate) of_panics: [Option<u64>; 2],
}

impl After {
    /// As it is now.
    pub(crate) fn read(settings: &Settings) -> Self {
        let static_host = static_host(settings);
        Self {
            dynamic_host: dynamic_host(static_host.limits.as_ref(), settings),
            static_host: Arc::clone(&static_host.members),
            of_panics: of_panics(settings),
        }
    }
}

/// What the hooks of panics have of what is resident by the last reading, and of its peak.
pub(crate) fn of_panics(settings: &Settings) -> [Option<u64>; 2] {
    let changing = host::changing();
    let keys = [
        ("rss_bytes", changing.rss_bytes),
        ("peak_rss_bytes", changing.peak_rss_bytes),
    ];
    let [rss, peak] =
        keys.map(|(key, value)| value.filter(|_| !settings.redact.leaves_out_of_host(key)));
    toll::of(rss, peak)
}

/// What moves of the host, and the readings that it was made from.
struct DynamicHost {
    changing: Arc<HostContext>,
    incidents: Arc<HostContext>,
    limits: Option<CgroupMemory>,
    members: Arc<HostMembers>,
}

/// What moves of the host, now; with the limits of the cgroup, where they are to stand there.
pub(crate) fn dynamic_host(limits: Option<&CgroupMemory>, settings: &Settings) -> Arc<HostMembers> {
    // Without limits before a test, with those that there are after it: both by turns.
    static LAST: [Mutex<Option<DynamicHost>>; 2] = [const { Mutex::new(None) }; 2];
    let (changing, incidents) = (host::changing(), host::incidents());
    let [without, with] = &LAST;
    let last = if limits.is_some() { with } else { without };
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    match &*last {
        Some(last)
            if Arc::ptr_eq(&last.changing, &changing)
                && Arc::ptr_eq(&last.incidents, &incidents)
                && last.limits.as_ref() == limits =>
        {
            Arc::clone(&last.members)
        }
        _ => {
            let limits = limits.cloned();
            let mut host = HostContext::default();
            host.cgroup_memory.clone_from(&limits);
            let host = host.merge((*changing).clone()).merge((*incidents).clone());
            let members = members(host, settings);
            let dynamic_host = last.insert(DynamicHost {
                changing,
                incidents,
                limits,
                members,
            });
            Arc::clone(&dynamic_host.members)
        }
    }
}

/// The members of a `host`, without the keys that are not to be recorded.
fn members(host: HostContext, settings: &Settings) -> Arc<HostMembers> {
    Arc::new(HostMembers::of(&settings.redact.host(host)))
}

//! Where the description of a host comes from: the files of `/proc` and `/sys`.
//!
//! procfs' parsers are used where they are read once. What is read around every test has scanners of its own: for
//! three lines of `/proc/meminfo`, procfs fills a map of fifty.

mod cgroup;
mod cmdline;
mod cpu;
pub(crate) mod file;
mod kernel;
mod known;
mod memory;
mod pressure;
mod process;
mod sched;
mod tape;

pub(super) use kernel::uname;
use known::Text;
pub(super) use process::rlimits;
pub(super) use tape::{Group, is_all_told, put_recent, remember as remember_readings, taken};

use crate::HostContext;
use cgroup::{Membership, Plain};
use process::error_bytes;
use std::borrow::Cow;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// This machine.
pub(super) static LIVE: Source = Source::live();

/// As old as the readings of what moves may be, which are made of it.
const MEMBERSHIP_MAX_AGE: Duration = Duration::from_millis(10);

/// A tree of files that describes a host, and what need not be looked up twice in it.
///
/// Nothing is kept open between two readings: a test may close, count or inherit file descriptors.
pub(super) struct Source {
    /// What goes in front of `/proc` and `/sys`: nothing, except for the trees of other machines in the tests.
    root: String,
    /// And when it was found to be so.
    membership: Mutex<Option<(Instant, Arc<Membership>)>>,
    /// For how long that is not asked again.
    membership_fresh: Duration,
    /// Where another process of this host has found its cgroups.
    plain: OnceLock<Plain>,
    policies: OnceLock<Vec<cpu::Policy>>,
    tunables: OnceLock<Vec<sched::Tunable>>,
    accounting: OnceLock<Option<kernel::Accounting>>,
    /// Where the number of kills ended in `/proc/vmstat` when it was last read.
    oom_kill_end: AtomicUsize,
}

impl Source {
    pub(super) const fn new(root: String) -> Self {
        Self {
            root,
            membership: Mutex::new(None),
            membership_fresh: Duration::ZERO,
            plain: OnceLock::new(),
            policies: OnceLock::new(),
            tunables: OnceLock::new(),
            accounting: OnceLock::new(),
            oom_kill_end: AtomicUsize::new(4096),
        }
    }

    /// This machine, of which nothing has been looked up yet.
    pub(super) const fn live() -> Self {
        let mut live = Self::new(String::new());
        live.membership_fresh = MEMBERSHIP_MAX_AGE;
        live
    }

    /// What stays as it is while the process runs, except for what [`uname`] says.
    pub(super) fn constant(&self) -> HostContext {
        let (cpu_model, cpu_vendor) = self.first_cpu();
        let memory = self.memory();
        HostContext {
            cpu_model,
            cpu_vendor,
            total_memory_kib: memory.total_kib,
            hugepages_size_kib: memory.hugepages_size_kib,
            numa_nodes: self.numa_nodes(),
            kernel_cmdline: self.text("/proc/cmdline").map(|text| {
                let name = self.text("/proc/sys/kernel/hostname");
                cmdline::masked(&text, name.as_deref())
            }),
            config_task_xacct: Some(self.task_xacct()),
            ..HostContext::default()
        }
    }

    /// What moves during a test.
    pub(super) fn changing(&self) -> HostContext {
        let memory = self.memory();
        let resident = self.resident();
        let membership = self.membership();
        let groups = membership.as_deref();
        let (cgroup_memory, reason) =
            groups
                .map(Membership::memory_use)
                .map_or((None, None), |read| match read {
                    Ok(memory) => (Some(memory), None),
                    Err(reason) => (None, Some(reason.to_owned())),
                });
        HostContext {
            mem_available_kib: memory.available_kib,
            swap_free_kib: memory.swap_free_kib,
            // The total stands in the same file, so it costs nothing here.
            hugepages_total: memory.hugepages_total,
            hugepages_free: memory.hugepages_free,
            cpu_time: self.cpu_time(),
            cgroup_pressure: groups.and_then(Membership::stalls),
            cgroup_cpu: groups.map(Membership::cpu_quotas).unwrap_or_default(),
            cgroup_memory,
            cgroup_memory_reason: reason,
            rss_bytes: resident.bytes,
            peak_rss_bytes: resident.peak_bytes,
            ..self.pressure()
        }
    }

    /// How far the counts of resident pages may be off.
    pub(super) fn resident_error(&self, release: &str) -> u64 {
        error_bytes(release, || {
            let cpus = self.online_cpus().and_then(|cpus| u64::try_from(cpus).ok());
            cpus.unwrap_or(1)
        })
    }

    /// What happens seldom.
    pub(super) fn incidents(&self) -> HostContext {
        HostContext {
            vm_oom_kill: self.oom_kills(),
            sched_ext: self.sched_ext(),
            ..HostContext::default()
        }
    }

    /// What somebody sets now and then.
    pub(super) fn settings(&self) -> HostContext {
        let membership = self.membership();
        let groups = membership.as_deref();
        if let Some(groups) = groups {
            groups.look_for_cpu_quotas();
        }
        HostContext {
            online_cpus: self.online_cpus(),
            thp_enabled: self.text("/sys/kernel/mm/transparent_hugepage/enabled"),
            thp_defrag: self.text("/sys/kernel/mm/transparent_hugepage/defrag"),
            sched_tunables: self.sched_tunables(),
            cpufreq_governor: self.cpufreq_governor(),
            task_delayacct: self.task_delayacct(),
            sched_ext_ops: self.sched_ext_ops(),
            cgroup_memory: groups.and_then(Membership::memory_limits),
            ..HostContext::default()
        }
    }

    /// Where the file is that a process of this host would call `absolute`.
    fn path<'p>(&self, absolute: &'p str) -> Cow<'p, str> {
        if self.root.is_empty() {
            Cow::Borrowed(absolute)
        } else {
            Cow::Owned(format!("{}{absolute}", self.root))
        }
    }

    /// The trimmed content of a file; nothing where it is blank.
    fn text(&self, absolute: &str) -> Option<String> {
        let mut buffer = file::buffer();
        file::value(&*self.path(absolute), &mut buffer).map(str::to_owned)
    }
}

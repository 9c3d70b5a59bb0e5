//! What a row needs of a sidecar.
//!
//! Most of a sidecar's bytes are a timeline and a host's settings, with a governor for each CPU. A
//! reader of a hundred thousand passes over them instead of building them.

use std::collections::BTreeMap;

use serde::Deserialize;

use heap_sidecar::{
    Allocator, Budget, CgroupCpu, CgroupLevel, CgroupPressure, Checkpoint, CpuTime, Description,
    Failure, LastSeen, Outcome, OwnTier, Parent, Pressure, Process, ProcessTier, Readable, Runner,
    Said, Samples, SchedExt, SharedWith, Source, Status, Time,
};

#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) format_version: u32,
    pub(super) status: Status,
    pub(super) test_name: String,
    pub(super) package: String,
    pub(super) binary: String,
    pub(super) source: Source,
    pub(super) run_id: String,
    pub(super) runner: Runner,
    pub(super) runner_run_id: Option<String>,
    pub(super) shard: Option<String>,
    pub(super) attempt: u32,
    pub(super) stress_index: Option<u32>,
    pub(super) iteration: u32,
    pub(super) pid: u32,
    pub(super) process: Option<Process>,
    pub(super) parent: Option<Parent>,
    pub(super) started_at: String,
    pub(super) duration_ns: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) failure: Option<Failure>,
    pub(super) skip_reason: Option<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, f64>,
    #[serde(default)]
    pub(super) samples: BTreeMap<String, Samples>,
    #[serde(default)]
    pub(super) descriptions: BTreeMap<String, Description>,
    pub(super) host: HostMemory,
    pub(super) host_before: HostMemory,
    pub(super) heap: Heap,
    pub(super) time: Option<Time>,
    #[serde(default)]
    pub(super) budgets: Vec<Budget>,
    pub(super) notes: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Heap {
    pub(super) allocator: Allocator,
    pub(super) c_allocator: Option<Allocator>,
    pub(super) reason: Option<String>,
    pub(super) process: Option<ProcessTier>,
    pub(super) panic_rss_bytes: Option<u64>,
    pub(super) panic_peak_rss_bytes: Option<u64>,
    pub(super) own: Option<OwnTier>,
    pub(super) overlap: Option<u32>,
    #[serde(default)]
    pub(super) exclusive: bool,
    #[serde(default)]
    pub(super) beside_exact: bool,
    #[serde(default)]
    pub(super) checkpoints: Vec<Checkpoint>,
    #[serde(default)]
    pub(super) shared_with: Vec<SharedWith>,
    pub(super) last_seen: Option<LastSeen>,
}

/// What moves of the host, and which host it is.
#[derive(Debug, Default, Deserialize)]
pub(super) struct HostMemory {
    pub(super) cpu_model: Option<String>,
    pub(super) arch: Option<String>,
    pub(super) kernel_release: Option<String>,
    pub(super) online_cpus: Option<u64>,
    pub(super) total_memory_kib: Option<u64>,
    pub(super) mem_available_kib: Option<u64>,
    pub(super) swap_free_kib: Option<u64>,
    pub(super) memory_pressure: Option<Pressure>,
    pub(super) cpu_pressure: Option<Pressure>,
    pub(super) io_pressure: Option<Pressure>,
    #[serde(default)]
    pub(super) cgroup_pressure: CgroupPressure,
    #[serde(default)]
    pub(super) cpu_time: CpuTime,
    #[serde(default)]
    pub(super) cgroup_cpu: Vec<CgroupCpu>,
    pub(super) sched_ext: Option<SchedExt>,
    #[serde(default)]
    pub(super) cgroup_memory: Cgroup,
    pub(super) vm_oom_kill: Option<u64>,
    pub(super) rss_bytes: Option<u64>,
    pub(super) peak_rss_bytes: Option<u64>,
    pub(super) address_space_limit_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Cgroup {
    pub(super) current_bytes: Option<u64>,
    pub(super) max_bytes: Option<u64>,
    pub(super) high_bytes: Option<u64>,
    #[serde(default)]
    pub(super) events: CgroupEvents,
    #[serde(default)]
    pub(super) levels: Vec<CgroupLevel>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CgroupEvents {
    pub(super) high: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) oom_kill: Option<u64>,
}

impl Record {
    /// How the test ended, in the finished record or, where that could not be written, in the other.
    pub(super) fn end(&self) -> Option<Outcome> {
        match self.status {
            Status::Running => self.heap.last_seen?.outcome,
            _ => self.outcome,
        }
    }
}

impl Record {
    /// Whether its process still runs, here and now. Nobody can tell of a process of another machine or
    /// container, nor where there is no `/proc`: it is taken to be gone.
    pub(super) fn is_alive(&self) -> bool {
        (self.process.as_ref()).is_some_and(|process| process.is_alive(self.pid))
    }
}

impl Readable for Record {
    fn format_version(&self) -> u32 {
        self.format_version
    }

    fn said(&mut self) -> Option<Said<'_>> {
        Some(Said {
            status: self.status,
            notes: self.notes.as_deref(),
            skip_reason: &mut self.skip_reason,
            checkpoints: &mut self.heap.checkpoints,
            labels: &mut self.labels,
            metrics: &mut self.metrics,
            samples: &mut self.samples,
            descriptions: &mut self.descriptions,
        })
    }
}

//! The columns of a row: what each is, and of which type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::end::End;
use crate::report::state::State;
use heap_sidecar::{
    Allocator, Budget, Delays, Description, FailureKind, PeakSource, Runner, Samples, SharedThreads,
};

/// A column of [`Row`]: its name and what is in it.
///
/// ```
/// use cargo_heap::report::Row;
///
/// let peak = Row::COLUMNS.iter().find(|column| column.name == "own_peak_bytes");
/// assert_eq!(
///     peak.expect("there is one").about.concat().trim(),
///     "Own tier: the largest live amount above the start, in bytes."
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Column {
    /// The key in JSON, and the heading in CSV.
    pub name: &'static str,
    /// What is in it, in the lines of its documentation.
    pub about: &'static [&'static str],
}

/// The row and its columns, written down once.
macro_rules! row {
    (
        always { $($(#[doc = $always_doc:literal])+ $always:ident: $always_type:ty,)* }
        measured { $($(#[doc = $doc:literal])+ $field:ident: $type:ty,)* }
    ) => {
        /// One execution of a test: what a report, an export and a comparison go by.
        ///
        /// Columns are stable: new ones may come, and none changes its meaning or goes. One that is
        /// optional is absent where it was not measured. *Before* and *after* are around the test's
        /// body; a test that was killed has no after.
        ///
        /// ```
        /// use cargo_heap::report::{Row, State};
        ///
        /// let row = Row::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
        /// assert_eq!(row.state, State::Killed);
        /// assert_eq!(row.own_peak_bytes, None);
        /// // But it had come as far as its checkpoint.
        /// assert_eq!(row.checkpoint_label.as_deref(), Some("filled"));
        /// assert_eq!(row.own_peak_at_least(), Some(16_384));
        ///
        /// let row = Row::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
        /// assert_eq!(row.key(), ("queues", "queue", "a_burst_fits"));
        /// assert_eq!(row.turn(), (1, None, 0));
        /// assert_eq!(row.pressure(), Some(0.0));
        /// let over: Vec<_> = row.broken_budgets().map(|budget| budget.bytes).collect();
        /// assert_eq!(over, [1 << 20]);
        /// # Ok::<(), heap_sidecar::ReadError>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
        #[non_exhaustive]
        pub struct Row {
            $($(#[doc = $always_doc])+ pub $always: $always_type,)*
            $(
                $(#[doc = $doc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        /// What every row has.
        pub(super) struct Always {
            $(pub(super) $always: $always_type,)*
        }

        impl Row {
            /// A row of which nothing was measured.
            pub(super) fn unmeasured(always: Always) -> Self {
                Self {
                    $($always: always.$always,)*
                    $($field: None,)*
                }
            }

            /// All columns, in their order.
            pub const COLUMNS: &[Column] = &[
                $(Column { name: stringify!($always), about: &[$($always_doc),+] },)*
                $(Column { name: stringify!($field), about: &[$($doc),+] },)*
            ];
        }
    };
}

row! {
    always {
        /// The run that the execution belongs to.
        run_id: String,
        /// The package whose test this is.
        package: String,
        /// The test binary, by the name of its crate.
        binary: String,
        /// The test as the harness prints it: module path without the crate, then the function.
        test: String,
        /// Which attempt this is, from 1; more under nextest's retries.
        attempt: u32,
        /// Which execution of the test in this run and attempt this is, from 0.
        iteration: u32,
        /// `killed`, `failed`, `running`, `skipped` or `passed`.
        state: State,
        /// The source file, relative to the workspace.
        source_file: String,
        /// The line of the function, from 1.
        source_line: u32,
        /// What started the test process: `cargo-test`, `nextest` or `other`.
        runner: Runner,
        /// The test's process.
        pid: u32,
        /// When the body started: UTC, RFC 3339, milliseconds.
        started_at: String,
        /// The process's allocator: `jemalloc` or `other`.
        allocator: Allocator,
        /// Whether the test asked to overlap with no other tracked test of its process.
        exclusive: bool,
        /// Whether another test of the process that is `exact` made this one's allocations take longer.
        beside_exact: bool,
    }
    measured {
        /// Which round of a nextest stress run this is, from 0.
        stress_index: u32,
        /// How long the body ran, in nanoseconds.
        duration_ns: u64,
        /// `panic`, `error`, `budget` or `should_panic`, for a test that failed.
        failure_kind: FailureKind,
        /// What was said of the failure.
        failure_message: String,
        /// Why a skipped test did not do its work.
        skip_reason: String,
        /// Labels, by key; as JSON in CSV.
        labels: BTreeMap<String, String>,
        /// Metrics, by name; as JSON in CSV.
        metrics: BTreeMap<String, f64>,
        /// The budgets and what came of them; as JSON in CSV.
        budgets: Vec<Budget>,
        /// Why a tier is missing.
        heap_reason: String,
        /// What serves C's `malloc`: `jemalloc`, and then what C code allocates is in both tiers; or `other`.
        c_allocator: Allocator,
        /// Own tier: the largest live amount above the start, in bytes.
        own_peak_bytes: u64,
        /// Own tier: how far the true peak may be from that, either way, in bytes.
        own_peak_error_bytes: u64,
        /// Own tier: how the peak was taken: `exact`, `thread_event` or `thread_peak`.
        own_peak_source: PeakSource,
        /// Own tier: allocated minus freed, in bytes; may be below zero.
        own_retained_bytes: i64,
        /// Own tier: bytes allocated in all.
        own_allocated_bytes: u64,
        /// Own tier: bytes freed in all.
        own_deallocated_bytes: u64,
        /// Own tier: how many allocations, where the test asked for `exact`.
        own_allocations: u64,
        /// Own tier: the threads that are in it.
        own_threads: u32,
        /// Own tier: those that the test left running.
        own_threads_running: u32,
        /// Own tier: what of it is not known, for threads that tests share; as JSON in CSV.
        own_shared: SharedThreads,
        /// Own tier: time on a CPU, in nanoseconds, the sum over its threads.
        own_cpu_ns: u64,
        /// Own tier: of that, outside the kernel.
        own_user_ns: u64,
        /// Own tier: of that, in the kernel.
        own_system_ns: u64,
        /// Own tier: time ready to run and waiting for a CPU, in nanoseconds, the sum over its threads.
        own_run_delay_ns: u64,
        /// Own tier: how far the true one may be from that, either way, in nanoseconds.
        own_run_delay_error_ns: u64,
        /// Own tier: how often a thread was put on a CPU.
        own_slices: u64,
        /// Own tier: how often a thread went off the CPU to wait for something.
        own_voluntary_switches: u64,
        /// Own tier: how often a thread was taken off the CPU, for others to run.
        own_involuntary_switches: u64,
        /// Own tier: page faults that needed no device.
        own_minor_faults: u64,
        /// Own tier: page faults for which something was read in.
        own_major_faults: u64,
        /// The thread that ran the body: time on a CPU, in nanoseconds. With the two that follow it is `duration_ns`.
        body_cpu_ns: u64,
        /// The same: ready to run and waiting for a CPU.
        body_run_delay_ns: u64,
        /// The same: neither.
        body_blocked_ns: u64,
        /// Own tier: what the kernel made its threads wait for, of each kind how often and how long; as JSON in CSV.
        own_delays: Delays,
        /// The thread that ran the body: of `body_cpu_ns`, in reclaim and compaction.
        body_reclaiming_ns: u64,
        /// The same: of `body_blocked_ns`, for memory: swap-in, thrashing, and what of reclaim was no time on a CPU.
        body_memory_wait_ns: u64,
        /// The same: of `body_blocked_ns`, for block I/O but for that.
        body_block_io_ns: u64,
        /// Why something of the time is not known.
        time_reason: String,
        /// The last checkpoint's label. Of a test that was killed, its own tier is known up to there.
        checkpoint_label: String,
        /// The last checkpoint: nanoseconds from the start of the body.
        checkpoint_at_ns: u64,
        /// Own tier up to the last checkpoint: the largest live amount above the start, in bytes.
        checkpoint_peak_bytes: u64,
        /// Own tier up to the last checkpoint: what the peak is at least, in bytes, whatever came after.
        checkpoint_least_peak_bytes: u64,
        /// Own tier up to the last checkpoint: allocated minus freed, in bytes; may be below zero.
        checkpoint_retained_bytes: i64,
        /// Own tier up to the last checkpoint: bytes allocated.
        checkpoint_allocated_bytes: u64,
        /// Of a test that was killed or still runs: nanoseconds from the start of the body to the last
        /// time that its live bytes, then more than ever before, were written down.
        last_seen_at_ns: u64,
        /// What was live above the start at that moment, in bytes.
        last_seen_live_bytes: u64,
        /// How far the true amount may be from that, either way, in bytes.
        last_seen_error_bytes: u64,
        /// Process tier: after minus before of jemalloc's allocated bytes, without what hooks of panics have brought.
        process_allocated_delta_bytes: i64,
        /// Process tier: after minus before of jemalloc's resident bytes, without the same.
        process_resident_delta_bytes: i64,
        /// What has become resident in the process and is not its allocator's, in bytes, where that is worth a word:
        /// `mmap`, C's `malloc`, stacks, mapped files. Other tests that ran meanwhile are in it.
        unseen_bytes: u64,
        /// How many other tracked tests of the process ran at any moment of this one.
        overlap: u32,
        /// The host's first CPU model.
        cpu_model: String,
        /// The host's architecture.
        arch: String,
        /// The host's kernel release.
        kernel_release: String,
        /// The host's CPUs that are online.
        online_cpus: u64,
        /// The host's memory, in KiB.
        total_memory_kib: u64,
        /// The host's memory that new work could have, before, in KiB.
        mem_available_before_kib: u64,
        /// The same after.
        mem_available_kib: u64,
        /// The host's swap that is free, before, in KiB.
        swap_free_before_kib: u64,
        /// The same after.
        swap_free_kib: u64,
        /// PSI of memory: percent of the last 10 s in which some task waited, before.
        psi_some_avg10_before: f64,
        /// The same after.
        psi_some_avg10: f64,
        /// PSI of memory: percent of the last 10 s in which all tasks waited, before.
        psi_full_avg10_before: f64,
        /// The same after.
        psi_full_avg10: f64,
        /// PSI of memory: microseconds between before and after in which some task waited.
        psi_some_stall_us: u64,
        /// PSI of memory: microseconds between before and after in which all tasks waited.
        psi_full_stall_us: u64,
        /// PSI of the CPU: microseconds between before and after in which some task of the host waited for one.
        cpu_some_stall_us: u64,
        /// PSI of block devices: microseconds between before and after in which some task of the host waited.
        io_some_stall_us: u64,
        /// PSI of block devices: microseconds between before and after in which all tasks of the host waited.
        io_full_stall_us: u64,
        /// PSI of the own cgroup: microseconds between before and after in which some of its tasks waited for memory.
        cgroup_memory_some_stall_us: u64,
        /// The same, in which all waited.
        cgroup_memory_full_stall_us: u64,
        /// The same of the own cgroup, for a CPU: some.
        cgroup_cpu_some_stall_us: u64,
        /// The same: all.
        cgroup_cpu_full_stall_us: u64,
        /// The same of the own cgroup, for block devices: some.
        cgroup_io_some_stall_us: u64,
        /// The same: all.
        cgroup_io_full_stall_us: u64,
        /// Microseconds between before and after that the host's CPUs were idle while a block device was waited
        /// for, the sum over all.
        iowait_us: u64,
        /// Microseconds between before and after that a hypervisor gave others, the sum over all CPUs.
        steal_us: u64,
        /// The cgroup whose quota of CPU time stopped it longest between before and after, else the nearest that
        /// has one: how many levels above the process's own, 0 for its own.
        cgroup_quota_above: u32,
        /// Its quota, in thousandths of a CPU.
        cgroup_quota_millicpus: u64,
        /// Periods between before and after in which it was stopped.
        cgroup_throttled_periods: u64,
        /// For how long, in microseconds: the sum over the CPUs that it was to run on.
        cgroup_throttled_us: u64,
        /// The `sched_ext` scheduler that was in charge, before; `none` where the kernel has `sched_ext` and none was.
        sched_ext_before: String,
        /// The same after.
        sched_ext: String,
        /// How many `sched_ext` schedulers were loaded between before and after.
        sched_ext_loads: u64,
        /// How many tasks the `sched_ext` scheduler refused between before and after.
        sched_ext_rejected: u64,
        /// The cgroup's memory, before, in bytes.
        cgroup_current_before_bytes: u64,
        /// The same after.
        cgroup_current_bytes: u64,
        /// The cgroup's hard limit, in bytes.
        cgroup_max_bytes: u64,
        /// The cgroup's limit above which it is slowed down, in bytes.
        cgroup_high_bytes: u64,
        /// How often the cgroup went over `high` between before and after.
        cgroup_high_events: u64,
        /// How often the cgroup was about to go over `max` between before and after.
        cgroup_max_events: u64,
        /// The cgroup whose limit binds: how many levels above the process's own, 0 for its own. Of those with a
        /// limit, one whose limit was hit between before and after, else the one with the least room.
        cgroup_binding_above: u32,
        /// Its limit that is reached first, in bytes.
        cgroup_binding_limit_bytes: u64,
        /// Its memory, before, in bytes.
        cgroup_binding_current_before_bytes: u64,
        /// The same after.
        cgroup_binding_current_bytes: u64,
        /// What of its memory the kernel could drop at once, before, in bytes.
        cgroup_binding_reclaimable_before_bytes: u64,
        /// The same after.
        cgroup_binding_reclaimable_bytes: u64,
        /// How often it went over its own `high` between before and after, to drop page cache included.
        cgroup_binding_high_events: u64,
        /// How often it was about to go over its own `max` between before and after, to drop page cache included.
        cgroup_binding_max_events: u64,
        /// Processes of the cgroup that an out-of-memory killer has killed since it was made, before.
        cgroup_oom_kills_before: u64,
        /// The same after.
        cgroup_oom_kills: u64,
        /// Processes of the host that an out-of-memory killer has killed since boot, before.
        host_oom_kills_before: u64,
        /// The same after.
        host_oom_kills: u64,
        /// The process's resident memory, before, in bytes.
        rss_before_bytes: u64,
        /// The same after.
        rss_bytes: u64,
        /// The most that the process's resident memory has been, in bytes: after, or else before.
        peak_rss_bytes: u64,
        /// What of the process's resident memory the hooks of panics have brought so far, in bytes: symbols.
        panic_rss_bytes: u64,
        /// By how much they have raised the most that there has been, in bytes.
        panic_peak_rss_bytes: u64,
        /// How much address space the process may have (`RLIMIT_AS`), in bytes: after, or else before.
        address_space_limit_bytes: u64,
        /// Which part of the run this is, such as a partition of nextest's.
        shard: String,
        /// The run as nextest calls it, where it has another name here.
        runner_run_id: String,
        /// Of what is no test of the run: the process of the tracked test that has started it.
        parent_pid: u32,
        /// How the test ended for its sidecar, where the runner has judged otherwise: `state` is what that says.
        sidecar_state: State,
        /// Why the runner failed a test that passed for its sidecar.
        runner_message: String,
        /// Samples, by name, with their number, quantiles and buckets; as JSON in CSV.
        samples: BTreeMap<String, Samples>,
        /// Units of metrics and samples, and which values are better, by name; as JSON in CSV.
        descriptions: BTreeMap<String, Description>,
        /// How a killed test's process ended, where its runner said so: `timed_out`, or as JSON `{"signal":9}`, `{"exit":3}`.
        end: End,
    }
}

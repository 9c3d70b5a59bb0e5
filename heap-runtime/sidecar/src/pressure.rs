//! Pressure stall information: how long work waited for something.

use serde::{Deserialize, Serialize};

/// How long tasks waited for something (PSI): a file of `/proc/pressure`, or one of a cgroup.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let pressure = sidecar.host.memory_pressure.expect("PSI was on");
/// let all = pressure.full.expect("of memory, it is always said");
/// assert_eq!((pressure.some.avg10, all.avg10), (0.0, 0.0));
/// // Where all wait, some wait.
/// assert!(all.total <= pressure.some.total);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Pressure {
    /// Time in which at least one task waited.
    pub some: Stall,
    /// Time in which all tasks that had work waited at once. Absent for the CPU of the whole host, of which it
    /// has no meaning: somebody runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Stall>,
}

/// One line of such a file.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let before = sidecar.host_before.memory_pressure.expect("PSI was on").some;
/// let after = sidecar.host.memory_pressure.expect("PSI was on").some;
/// // Microseconds that somebody on the host lost while the test ran.
/// assert_eq!(after.total - before.total, 0);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Stall {
    /// Share of the last ten seconds that was lost, in percent, 0 to 100: a decaying average, which is still high
    /// when what was the matter is over. What moved during a test is told by [`total`](Self::total) alone.
    pub avg10: f64,
    /// Time lost since boot, or since the cgroup was made, in microseconds.
    pub total: u64,
}

/// How long tasks of the process's own cgroup waited: `memory.pressure`, `cpu.pressure` and `io.pressure` of
/// version 2.
///
/// Each is in that of the whole host too. Of the root cgroup there is none: that is the host.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // Cgroups of version 1 have no such files.
/// assert_eq!(sidecar.host.cgroup_pressure, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupPressure {
    /// For memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Pressure>,
    /// For a CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Pressure>,
    /// For block devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub io: Option<Pressure>,
}

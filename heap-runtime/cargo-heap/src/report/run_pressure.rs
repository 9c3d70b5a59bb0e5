//! What the kernel and the cgroup said about memory around a whole run.
//!
//! The dead cannot count. Of a test that was killed, its own record has the reading before it; the
//! one after the kill is another test's, if one came after it, and this, if it was the last.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::end::End;
use super::record::HostMemory;
use super::runner::RunnerVerdict;
use heap_sidecar::{ReadError, Readable};

/// The version of such files that this library writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = heap_sidecar::FORMAT_VERSION;

/// How often the out-of-memory killer had killed, before `cargo heap test` started a run and after
/// it had ended.
///
/// Counts since boot, or since the cgroup was made. Absent where there was nothing to read.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-around-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// use cargo_heap::report::RunPressure;
///
/// // What `cargo heap test` keeps, less the other readings of the host.
/// let file = folder.join("c38d25bcaa27887e.heap-run.json");
/// std::fs::write(
///     &file,
///     r#"{
///       "format_version": 1,
///       "run_id": "c38d25bcaa27887e",
///       "started_at": "2026-11-24T12:00:18.500Z",
///       "ended_at": "2026-11-24T12:00:19.000Z",
///       "host": { "vm_oom_kill": 46 },
///       "host_before": { "vm_oom_kill": 45 }
///     }"#,
/// )?;
/// let around = RunPressure::read(&file)?;
/// assert_eq!((around.host_oom_kills_before, around.host_oom_kills), (Some(45), Some(46)));
/// // Not read, which is not 0.
/// assert_eq!(around.cgroup_oom_kills, None);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct RunPressure {
    /// The run.
    pub run_id: String,
    /// When it was started: UTC, RFC 3339, milliseconds. Empty as [`Sidecar::started_at`](heap_sidecar::Sidecar::started_at).
    pub started_at: String,
    /// When the last of its processes had ended.
    pub ended_at: String,
    /// Processes killed in the cgroup that the run was started in, before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_oom_kills_before: Option<u64>,
    /// The same after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup_oom_kills: Option<u64>,
    /// Processes killed on the whole host, before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_oom_kills_before: Option<u64>,
    /// The same after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_oom_kills: Option<u64>,
    /// How cargo ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cargo_end: Option<End>,
    /// The first signal to end that came meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<Interrupted>,
    /// What the runner said of tests, where that is not what their sidecars say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runner_verdicts: Vec<RunnerVerdict>,
}

/// Somebody asked a run to end: by Ctrl-C, or as a job is cancelled.
///
/// ```
/// use cargo_heap::report::Interrupted;
///
/// let text = r#"{ "signal": 2, "at": "2026-11-24T12:00:18.700Z" }"#;
/// let interrupted: Interrupted = serde_json::from_str(text)?;
/// assert_eq!(interrupted.signal, 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Interrupted {
    /// The signal: 2 is Ctrl-C.
    pub signal: i32,
    /// When: UTC, RFC 3339, milliseconds.
    pub at: String,
}

impl Interrupted {
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    pub(crate) fn new(signal: i32, at: String) -> Self {
        Self { signal, at }
    }
}

impl RunPressure {
    /// Reads a file of `cargo heap test`.
    ///
    /// # Errors
    ///
    /// As [`heap_sidecar::read`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        heap_sidecar::read_as::<Record>(path.as_ref()).map(Self::of)
    }

    /// The same of such a file in memory.
    pub(super) fn of_slice(contents: &[u8]) -> Result<Self, ReadError> {
        heap_sidecar::read_slice::<Record>(contents, |_| None).map(Self::of)
    }

    fn of(record: Record) -> Self {
        let Record { host, before, .. } = record;
        Self {
            run_id: record.run_id,
            started_at: record.started_at,
            ended_at: record.ended_at,
            cgroup_oom_kills_before: before.cgroup_memory.events.oom_kill,
            cgroup_oom_kills: host.cgroup_memory.events.oom_kill,
            host_oom_kills_before: before.vm_oom_kill,
            host_oom_kills: host.vm_oom_kill,
            cargo_end: record.cargo_end,
            interrupted: record.interrupted,
            runner_verdicts: record.runner_verdicts,
        }
    }

    /// Whether a test that started then was one of those that this was read around.
    pub(super) fn is_around(&self, started_at: &str) -> bool {
        *self.started_at <= *started_at && *started_at <= *self.ended_at
    }

    /// Kills in the run's cgroup while it ran.
    pub(super) fn cgroup_kills(&self) -> Option<u64> {
        self.cgroup_oom_kills?
            .checked_sub(self.cgroup_oom_kills_before?)
    }

    /// Kills on the host from a reading on to the end of the run.
    pub(super) fn host_kills_since(&self, before: Option<u64>) -> Option<u64> {
        self.host_oom_kills?.checked_sub(before?)
    }
}

/// What is needed of such a file.
#[derive(Debug, Deserialize)]
struct Record {
    format_version: u32,
    run_id: String,
    started_at: String,
    ended_at: String,
    host: HostMemory,
    #[serde(rename = "host_before")]
    before: HostMemory,
    cargo_end: Option<End>,
    interrupted: Option<Interrupted>,
    #[serde(default)]
    runner_verdicts: Vec<RunnerVerdict>,
}

impl Readable for Record {
    fn format_version(&self) -> u32 {
        self.format_version
    }
}

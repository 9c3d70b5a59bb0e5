//! What the process's memory cgroup says.

use serde::{Deserialize, Serialize};

/// What the process's memory cgroup says: its use, its limits and how often they were hit.
///
/// The cgroup is the nearest at or above the process's own that the memory controller accounts and that can be
/// seen: `/proc/self/cgroup` under the mount of `/proc/self/mountinfo`. Where the names on the way there are
/// not told, as after `unshare -C`, it is the one that lists this process. Never another's: where the process's own
/// is not to be seen, this is absent, and
/// [`HostContext::cgroup_memory_reason`](crate::HostContext::cgroup_memory_reason) says so.
/// On a host with both versions it is the one that has the memory controller. Absent in the root cgroup of
/// version 2, which accounts nothing.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let cgroup = sidecar.host.cgroup_memory.expect("it was in one");
/// assert_eq!(cgroup.version, Some(1));
/// assert_eq!(cgroup.current_bytes, Some(847_118_336));
/// // Without a limit, there is none that this could be near.
/// assert_eq!(cgroup.max_bytes, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupMemory {
    /// Version of the cgroup hierarchy, 1 or 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// Memory charged to the cgroup and those below it, in bytes, page cache included, and so other processes'
    /// too. v2: `memory.current`, v1: `memory.usage_in_bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_bytes: Option<u64>,
    /// The hard limit that binds, in bytes: the lowest of the cgroup's own and those of the ancestors that can be seen.
    /// v2: `memory.max`, v1: `memory.limit_in_bytes`. Absent where there is no limit. Read after the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The limit above which the kernel slows the cgroup down and reclaims, in bytes: the lowest of its own and those
    /// of the ancestors that can be seen. v2: `memory.high`; v1 has none. Absent where there is no limit. Read after
    /// the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_bytes: Option<u64>,
    /// What happened for want of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<CgroupMemoryEvents>,
    /// How many levels above the process's own cgroup the one is that these numbers are of: 0 for its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<u32>,
    /// Each cgroup with a limit, itself or one above that can be seen, the nearest first. Empty, and then not
    /// written, where none has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<CgroupLevel>,
}

/// A memory cgroup with a limit, at or above the process's own: any of them may be the one that binds.
///
/// ```
/// use heap_sidecar::CgroupMemory;
///
/// // A group of 1.8 MiB in a slice of 128 MiB, which it shares with one that has 119.
/// let cgroup: CgroupMemory = serde_json::from_str(
///     r#"{ "version": 2, "current_bytes": 1887437, "max_bytes": 134217728, "above": 0, "levels": [
///         { "above": 0, "current_bytes": 1887437, "max_bytes": 1073741824 },
///         { "above": 1, "current_bytes": 127926272, "reclaimable_bytes": 4096, "max_bytes": 134217728 }
///     ] }"#,
/// )?;
/// let binding = cgroup.tightest().expect("there are limits");
/// assert_eq!(binding.above, 1);
/// assert_eq!(binding.held_bytes(), Some(127_922_176));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupLevel {
    /// How many levels above the process's own cgroup it is: 0 for its own.
    pub above: u32,
    /// Memory charged to it and to all below it, in bytes, page cache included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_bytes: Option<u64>,
    /// What of that the kernel can drop at once, in bytes: page cache that is written, and is neither locked nor
    /// of a file system in memory; in version 2, caches of the kernel's such as that of names, too. From
    /// `memory.stat`. Absent where less than half of the limit was in use, and it was not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaimable_bytes: Option<u64>,
    /// Its own hard limit, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Its own limit above which the kernel slows it down and reclaims, in bytes. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_bytes: Option<u64>,
    /// What happened at its own limits: `memory.events.local`, and what that of v1 has. To drop page cache
    /// counts as `max` and `high` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<CgroupMemoryEvents>,
}

/// How often memory was short in a cgroup: counts since the cgroup was made.
///
/// v2: `memory.events`, of the cgroup and all below it. v1: of the cgroup alone. A limit of an *ancestor* that is
/// hit counts there as `high`, `max` and `oom`, not here; only [`oom_kill`](Self::oom_kill) follows the process
/// that was killed.
///
/// ```
/// use heap_sidecar::HostContext;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let kills = |host: &HostContext| host.cgroup_memory.as_ref()?.events?.oom_kill;
/// let (before, after) = (kills(&sidecar.host_before), kills(&sidecar.host));
/// // Nothing of the cgroup was killed while the test ran.
/// assert_eq!((before, after), (Some(0), Some(0)));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct CgroupMemoryEvents {
    /// Times that memory was reclaimed although its use was under the `memory.low` protection. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u64>,
    /// Times that processes were slowed down because use was over `memory.high`. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u64>,
    /// Times that use was about to go over the hard limit. v1: `memory.failcnt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Times that use was at the limit and an allocation was about to fail. v2 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom: Option<u64>,
    /// Processes of the cgroup that any out-of-memory killer has killed. v1: `oom_kill` of `memory.oom_control`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kill: Option<u64>,
}

impl CgroupMemory {
    /// The cgroup whose limit leaves least: of those in [`levels`](Self::levels), the one with the fewest bytes
    /// between what it [holds](CgroupLevel::held_bytes) and its [limit](CgroupLevel::limit_bytes).
    ///
    /// ```
    /// let host = heap_sidecar::HostContext::read();
    /// if let Some(level) = host.cgroup_memory.as_ref().and_then(|cgroup| cgroup.tightest()) {
    ///     println!("{:?} of {:?}", level.held_bytes(), level.limit_bytes());
    /// }
    /// ```
    #[must_use]
    pub fn tightest(&self) -> Option<&CgroupLevel> {
        let known = self.levels.iter().filter_map(|level| {
            let room = level.limit_bytes()?.saturating_sub(level.held_bytes()?);
            Some((room, level))
        });
        known.min_by_key(|(room, _)| *room).map(|(_, level)| level)
    }

    /// Both together; where both have a field, `newer`'s counts.
    pub(crate) fn merge(self, newer: Self) -> Self {
        let mut levels = self.levels;
        for newer in newer.levels {
            match levels.iter_mut().find(|level| level.above == newer.above) {
                Some(level) => *level = level.merge(newer),
                None => levels.push(newer),
            }
        }
        levels.sort_unstable_by_key(|level| level.above);
        Self {
            version: newer.version.or(self.version),
            current_bytes: newer.current_bytes.or(self.current_bytes),
            max_bytes: newer.max_bytes.or(self.max_bytes),
            high_bytes: newer.high_bytes.or(self.high_bytes),
            events: newer.events.or(self.events),
            above: newer.above.or(self.above),
            levels,
        }
    }
}

impl CgroupLevel {
    /// The limit that is reached first, in bytes: the lower of [`max_bytes`](Self::max_bytes) and
    /// [`high_bytes`](Self::high_bytes).
    ///
    /// ```
    /// let level: heap_sidecar::CgroupLevel =
    ///     serde_json::from_str(r#"{ "above": 0, "max_bytes": 4096, "high_bytes": 2048 }"#)?;
    /// assert_eq!(level.limit_bytes(), Some(2048));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn limit_bytes(&self) -> Option<u64> {
        self.max_bytes.into_iter().chain(self.high_bytes).min()
    }

    /// What of its use cannot be dropped, in bytes: all of it, where it was not looked into.
    ///
    /// ```
    /// let level: heap_sidecar::CgroupLevel = serde_json::from_str(
    ///     r#"{ "above": 0, "max_bytes": 4096, "current_bytes": 4000, "reclaimable_bytes": 3000 }"#,
    /// )?;
    /// assert_eq!(level.held_bytes(), Some(1000));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> Option<u64> {
        let reclaimable = self.reclaimable_bytes.unwrap_or(0);
        Some(self.current_bytes?.saturating_sub(reclaimable))
    }

    fn merge(self, newer: Self) -> Self {
        Self {
            above: newer.above,
            current_bytes: newer.current_bytes.or(self.current_bytes),
            reclaimable_bytes: newer.reclaimable_bytes.or(self.reclaimable_bytes),
            max_bytes: newer.max_bytes.or(self.max_bytes),
            high_bytes: newer.high_bytes.or(self.high_bytes),
            events: newer.events.or(self.events),
        }
    }
}

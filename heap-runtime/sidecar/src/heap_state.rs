//! Snapshots of the process's jemalloc heap, and what lies between two of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::size;

/// One snapshot of the process's jemalloc heap: all threads, all arenas.
///
/// A field is absent where jemalloc could not be asked. The numbers are jemalloc's own; whether
/// they are about this process at all is for `heap_runtime::allocator` to say.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let before = sidecar.host_before.heap_state.expect("jemalloc was asked");
/// let after = sidecar.host.heap_state.expect("jemalloc was asked");
/// assert!(before.is_used() && after.is_used());
/// // The test freed all that it allocated, and jemalloc has kept the pages.
/// let delta = after.since(&before);
/// assert_eq!(delta.allocated_bytes, Some(128));
/// assert_eq!(delta.resident_bytes, Some(6 << 20));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HostHeapState {
    /// Bytes in active pages: those with at least one live allocation (`stats.active`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_bytes: Option<u64>,
    /// Bytes allocated and not freed, in jemalloc's size classes (`stats.allocated`). What other
    /// threads have freed into their caches still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_bytes: Option<u64>,
    /// Bytes in pages that jemalloc believes resident, its own metadata and unused dirty pages
    /// among them: an upper bound (`stats.resident`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Bytes in active extents, as mapped by the allocator (`stats.mapped`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped_bytes: Option<u64>,
    /// How many arenas there may be (`arenas.narenas`); needs no epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narenas: Option<usize>,
}

impl HostHeapState {
    /// Whether the numbers show an allocator at work: neither "linked, but never used" (nothing
    /// allocated and nothing active) nor all absent.
    #[must_use]
    pub fn is_used(&self) -> bool {
        let unused = self.allocated_bytes == Some(0) && self.active_bytes == Some(0);
        !unused && *self != Self::default()
    }

    /// What changed from `before` to this snapshot; a field is absent where either lacks it.
    #[must_use]
    pub fn since(&self, before: &Self) -> HeapDelta {
        HeapDelta {
            active_bytes: difference(self.active_bytes, before.active_bytes),
            allocated_bytes: difference(self.allocated_bytes, before.allocated_bytes),
            resident_bytes: difference(self.resident_bytes, before.resident_bytes),
            mapped_bytes: difference(self.mapped_bytes, before.mapped_bytes),
            narenas: difference(
                self.narenas.map(|count| count as u64),
                before.narenas.map(|count| count as u64),
            ),
        }
    }
}

/// The difference of two snapshots, after minus before: of the whole process, so everything that
/// other threads did meanwhile is in it.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let delta = sidecar.heap.process.expect("jemalloc was asked").delta;
/// assert_eq!(
///     delta.to_string(),
///     "allocated +128 B, active 0 B, resident +6.00 MiB, mapped +6.00 MiB, arenas +0"
/// );
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HeapDelta {
    /// Difference of [`HostHeapState::active_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_bytes: Option<i64>,
    /// Difference of [`HostHeapState::allocated_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_bytes: Option<i64>,
    /// Difference of [`HostHeapState::resident_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<i64>,
    /// Difference of [`HostHeapState::mapped_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped_bytes: Option<i64>,
    /// Difference of [`HostHeapState::narenas`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narenas: Option<i64>,
}

fn difference(after: Option<u64>, before: Option<u64>) -> Option<i64> {
    i64::try_from(i128::from(after?) - i128::from(before?)).ok()
}

impl fmt::Display for HostHeapState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |value: Option<u64>| value.map(|value| size::Human(value).to_string());
        write_fields(
            f,
            [
                ("allocated", bytes(self.allocated_bytes)),
                ("active", bytes(self.active_bytes)),
                ("resident", bytes(self.resident_bytes)),
                ("mapped", bytes(self.mapped_bytes)),
                ("arenas", self.narenas.map(|count| count.to_string())),
            ],
        )
    }
}

impl fmt::Display for HeapDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |value: Option<i64>| value.map(|value| size::Signed(value).to_string());
        write_fields(
            f,
            [
                ("allocated", bytes(self.allocated_bytes)),
                ("active", bytes(self.active_bytes)),
                ("resident", bytes(self.resident_bytes)),
                ("mapped", bytes(self.mapped_bytes)),
                ("arenas", self.narenas.map(|count| format!("{count:+}"))),
            ],
        )
    }
}

/// `name value, name value`, or "not measured".
fn write_fields<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    fields: [(&str, Option<String>); N],
) -> fmt::Result {
    let mut separator = "";
    for (name, value) in fields {
        if let Some(value) = value {
            write!(f, "{separator}{name} {value}")?;
            separator = ", ";
        }
    }
    if separator.is_empty() {
        f.write_str("not measured")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(bytes: u64) -> HostHeapState {
        HostHeapState {
            active_bytes: Some(bytes),
            allocated_bytes: Some(bytes),
            resident_bytes: None,
            mapped_bytes: Some(8 << 20),
            narenas: Some(8),
        }
    }

    #[test]
    fn a_difference_is_signed_and_absent_where_either_side_is() {
        let delta = state(4096).since(&state(8192));
        assert_eq!(delta.allocated_bytes, Some(-4096));
        assert_eq!(delta.resident_bytes, None);
        assert_eq!(delta.narenas, Some(0));
        assert_eq!(state(u64::MAX).since(&state(0)).allocated_bytes, None);
    }

    #[test]
    fn absent_fields_leave_no_trace_in_the_json() {
        let json = serde_json::to_string(&state(1)).unwrap();
        assert_eq!(
            json,
            r#"{"active_bytes":1,"allocated_bytes":1,"mapped_bytes":8388608,"narenas":8}"#
        );
        assert_eq!(
            serde_json::from_str::<HostHeapState>("{}").unwrap(),
            HostHeapState::default()
        );
    }

    #[test]
    fn linked_but_unused_and_all_absent_are_not_used() {
        assert!(state(1).is_used());
        assert!(!state(0).is_used());
        assert!(!HostHeapState::default().is_used());
    }

    #[test]
    fn people_read_units() {
        assert_eq!(
            state(28_672).to_string(),
            "allocated 28.0 KiB, active 28.0 KiB, mapped 8.00 MiB, arenas 8"
        );
        assert_eq!(
            state(0).since(&state(1536)).to_string(),
            "allocated -1.50 KiB, active -1.50 KiB, mapped 0 B, arenas +0"
        );
        assert_eq!(HostHeapState::default().to_string(), "not measured");
    }
}

//! What of a process is resident.

use serde::{Deserialize, Serialize};

/// What of a process was resident at a moment, as the kernel counts it: `/proc/self/status`.
///
/// ```
/// use heap_sidecar::Resident;
///
/// let mut resident = Resident::default();
/// resident.bytes = Some(4 << 20);
/// // What the kernel did not say is absent.
/// assert_eq!(resident.shared_bytes, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Resident {
    /// All of it, in bytes: `VmRSS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What is in no file, in bytes: allocators' memory, `mmap`'s, and stacks. `RssAnon`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_bytes: Option<u64>,
    /// Pages of files that are mapped, programs and libraries among them, in bytes: `RssFile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Shared memory, in bytes: `RssShmem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_bytes: Option<u64>,
    /// The most that there has been of all since the program was started, in bytes: `VmHWM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// How far each of these may be off, either way, in bytes. Before Linux 6.16 the kernel counts in batches on
    /// each CPU; and a reading stands for as long as the process has touched only a few new pages since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_bytes: Option<u64>,
}

/// What of a process was resident before a test, and after it.
///
/// ```
/// use heap_sidecar::{Resident, ResidentSet};
///
/// let (mut before, mut after) = (Resident::default(), Resident::default());
/// (before.bytes, after.bytes) = (Some(8 << 20), Some(264 << 20));
/// let set = ResidentSet::new(before, after);
/// assert_eq!(set.grown_bytes(), Some(256 << 20));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ResidentSet {
    /// Before the test.
    pub before: Resident,
    /// After it.
    pub after: Resident,
    /// No other test of the process can have run meanwhile: it is one of nextest's, or runs one test at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

impl ResidentSet {
    /// It was this before, and is that after.
    #[must_use]
    pub fn new(before: Resident, after: Resident) -> Self {
        Self {
            before,
            after,
            alone: false,
        }
    }

    /// By how much all of it has grown, in bytes; below zero where it has shrunk.
    #[must_use]
    pub fn grown_bytes(&self) -> Option<i64> {
        self.grown(|resident| resident.bytes)
    }

    /// By how much a part of it has grown.
    pub(crate) fn grown(&self, part: fn(&Resident) -> Option<u64>) -> Option<i64> {
        let (before, after) = (part(&self.before)?, part(&self.after)?);
        i64::try_from(i128::from(after) - i128::from(before)).ok()
    }
}

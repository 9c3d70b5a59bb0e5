//! The extensible scheduler class, `sched_ext`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state of `sched_ext`, from `/sys/kernel/sched_ext`: whether a scheduler was loaded, exchanged or thrown out
/// while a test ran.
///
/// ```
/// // A scheduler that is in charge, the third since boot.
/// let sched_ext: heap_sidecar::SchedExt = serde_json::from_str(
///     r#"{ "state": "enabled", "ops": "simple_fifo", "enable_seq": 3, "nr_rejected": 0,
///          "events": { "SCX_EV_SELECT_CPU_FALLBACK": 12 } }"#,
/// )?;
/// assert_eq!(sched_ext.enable_seq, Some(3));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SchedExt {
    /// `enabled`, `disabled`, or `enabling` and `disabling` between them.
    pub state: String,
    /// The scheduler that is loaded, by the name that it gave itself: `root/ops`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops: Option<String>,
    /// How many schedulers have been loaded since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_seq: Option<u64>,
    /// Tasks that were refused by the scheduler that is loaded and got the kernel's own, since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nr_rejected: Option<u64>,
    /// Counts of the scheduler that is loaded, by the kernel's names: `root/events`, since Linux 6.15.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, u64>,
}

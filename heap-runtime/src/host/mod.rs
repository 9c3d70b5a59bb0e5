//! The host that a test ran on.

use crate::HostHeapState;
use serde::{Deserialize, Serialize};

/// The host that a test ran on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostContext {
    /// The jemalloc heap of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_state: Option<HostHeapState>,
}

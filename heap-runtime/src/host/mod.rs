//! stub
use crate::HostHeapState;
use serde::{Deserialize, Serialize};
/// The host that a test ran on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HostContext {
    /// The jemalloc heap of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heap_state: Option<HostHeapState>,
}
impl HostContext {
    pub(crate) fn redact(&mut self, _: &[String]) -> Vec<String> {
        Vec::new()
    }
    pub(crate) fn merge(&mut self, _: Self) {}
}
pub(crate) fn constant() -> &'static HostContext {
    static C: HostContext = HostContext { heap_state: None };
    &C
}
pub(crate) fn changing() -> HostContext {
    HostContext::default()
}
pub(crate) fn settings() -> HostContext {
    HostContext::default()
}

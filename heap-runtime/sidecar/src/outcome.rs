//! How tests end.

use serde::{Deserialize, Serialize};

/// How a test ended, as the harness sees it.
///
/// ```
/// use heap_sidecar::Outcome;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.outcome, Some(Outcome::Failed));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It did what it should; for `#[should_panic]`, it panicked as expected.
    Passed,
    /// It did not: see [`Sidecar::failure`](crate::Sidecar::failure).
    Failed,
    /// It said that it could not do its work here: see [`Sidecar::skip_reason`](crate::Sidecar::skip_reason).
    Skipped,
}

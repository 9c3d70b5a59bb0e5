//! What starts tests.

use serde::{Deserialize, Serialize};

/// What started a test process.
///
/// ```
/// use heap_sidecar::Runner;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // So the process is that of all tests of the binary, and its numbers are theirs too.
/// assert_eq!(sidecar.runner, Runner::CargoTest);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Runner {
    /// `cargo test`: many tests in one process.
    CargoTest,
    /// `cargo nextest run`: a process for each test.
    Nextest,
    /// The test binary was started by something else, such as a debugger.
    Other,
}

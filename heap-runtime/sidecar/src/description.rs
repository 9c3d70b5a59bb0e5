//! What metrics and samples of a name mean.

use serde::{Deserialize, Serialize};

/// What a value means: see [`Sidecar::descriptions`](crate::Sidecar::descriptions).
///
/// ```
/// use heap_sidecar::{Better, Description};
///
/// let latency = Description::new("us", Better::Lower);
/// let text = serde_json::to_string(&latency)?;
/// assert_eq!(text, r#"{"unit":"us","better":"lower"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Description {
    /// The unit.
    pub unit: String,
    /// Which values are better.
    pub better: Better,
}

impl Description {
    /// Of values in that unit.
    #[must_use]
    pub fn new(unit: impl Into<String>, better: Better) -> Self {
        Self {
            unit: unit.into(),
            better,
        }
    }
}

/// Which values are better.
///
/// ```
/// assert_eq!(heap_sidecar::Better::Higher.as_str(), "higher");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Better {
    /// The lower ones, as of a latency.
    Lower,
    /// The higher ones, as of a throughput.
    Higher,
    /// Neither: it is there to be seen.
    Neither,
}

impl Better {
    /// As it is written in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        }
    }
}

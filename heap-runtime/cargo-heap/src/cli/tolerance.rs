//! Tolerances as people write them.

use std::str::FromStr;

use crate::report::Tolerance;

// The same parser as the attribute's, so that a size means the same in both places.
heap_macros::parsers!(size);

/// As people write a tolerance: `5%` or `64 KiB`.
#[derive(Debug, Clone, Copy)]
pub(super) struct WrittenTolerance(pub(super) Tolerance);

impl FromStr for WrittenTolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(percent) = text.strip_suffix('%') else {
            return size::parse(text).map(|bytes| Self(Tolerance::bytes(bytes)));
        };
        match percent.trim().parse::<f64>() {
            Ok(percent) if percent.is_finite() && percent >= 0.0 => {
                Ok(Self(Tolerance::percent(percent)))
            }
            _ => Err("write it as `5%` or `64 KiB`".into()),
        }
    }
}

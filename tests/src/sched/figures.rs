//! Measurements as the numbers that a metric takes.

use std::time::Duration;

/// The smallest sample that at least `percent` of 100 of all samples do not exceed. Sorts the samples.
///
/// # Panics
///
/// If there are no samples: there is no honest number for that.
#[must_use]
pub fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    assert!(!samples.is_empty(), "a percentile of nothing");
    samples.sort_unstable();
    let rank = (samples.len() * percent).div_ceil(100);
    samples[rank.max(1) - 1]
}

/// Microseconds with their fraction, as the metrics have them.
#[must_use]
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A count as a metric.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a test counts nothing that comes near 2^53"
)]
pub fn count(number: usize) -> f64 {
    number as f64
}

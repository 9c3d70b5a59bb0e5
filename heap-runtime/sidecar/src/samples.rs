//! Many values of one kind, kept as a histogram of bounded size.
//!
//! A value is kept by its first binary digits: six of them at first, so that what is read back differs from it by
//! no more than a 64th. Two histograms are one by adding counts, whatever has kept them: threads, attempts, runs.
//!
//! ```text
//! 41.7  =  101001.1011…₂  ──▶  101001₂ = 41   which stands for 41 to 42, and is read as 41.5
//! ```
//!
//! By bits and not by logarithms, as HDR histograms do it and `DDSketch` does not: the bounds are exact, no crate is
//! needed where tests run, and a reader in any language has them before its eyes.

use serde::{Deserialize, Serialize};

/// How many bits of a value's fraction are kept at first.
const FRACTION_BITS: u32 = 5;

/// Those that there are in all.
const ALL_FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;

/// From so many buckets on, one bit less is kept. A sidecar stays one that its reader takes.
const MAX_BUCKETS: usize = 1024;

/// The values of one name, as a histogram.
///
/// [`min`](Self::min), [`max`](Self::max) and [`count`](Self::count) are exact. A [quantile](Self::quantile) is
/// within [`relative_error`](Self::relative_error) of a value that was given, the one of that rank.
///
/// ```
/// use heap_sidecar::Samples;
///
/// let mut samples = Samples::default();
/// for value in 1..=1000 {
///     samples.record(f64::from(value));
/// }
/// assert_eq!((samples.count, samples.min, samples.max), (1000, Some(1.0), Some(1000.0)));
/// let median = samples.quantile(0.5).expect("there are values");
/// assert!((median - 500.0).abs() <= 500.0 * samples.relative_error);
///
/// // What another thread, attempt or run had.
/// let mut others = Samples::default();
/// others.record(5000.0);
/// samples.merge(&others);
/// assert_eq!((samples.count, samples.max), (1001, Some(5000.0)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Samples {
    /// How many values there were.
    pub count: u64,
    /// The least of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// How many were no finite numbers, and are in nothing else here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_finite: u64,
    /// How far what is read back may be from a value, as a part of it: a 64th, but where values span many orders of
    /// magnitude.
    pub relative_error: f64,
    /// The values at which a half, 90, 99 and 99.9 percent of all were reached, for who does not read the buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Quantiles>,
    /// The end of each bucket that is nearer to zero, and how many values were in it, the least first.
    pub buckets: Vec<(f64, u64)>,
}

/// Some quantiles of [`Samples`].
///
/// ```
/// let mut samples = heap_sidecar::Samples::default();
/// samples.record(8.0);
/// samples.summarize();
/// assert_eq!(samples.quantiles.map(|quantiles| quantiles.p99), Some(8.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// 90 percent are no larger.
    pub p90: f64,
    /// 99 percent are no larger.
    pub p99: f64,
    /// 99.9 percent are no larger.
    pub p999: f64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Default for Samples {
    fn default() -> Self {
        Self {
            count: 0,
            min: None,
            max: None,
            not_finite: 0,
            relative_error: error_of(FRACTION_BITS),
            quantiles: None,
            buckets: Vec::new(),
        }
    }
}

impl Samples {
    /// Takes a value in. One that is not finite is counted, and no more.
    pub fn record(&mut self, value: f64) {
        if !value.is_finite() {
            self.not_finite = self.not_finite.saturating_add(1);
            return;
        }
        self.count = self.count.saturating_add(1);
        self.reach(Some(value), Some(value));
        self.add(cut(value, self.fraction_bits()), 1);
    }

    /// Takes in what others were. Where one of the two kept fewer digits, so does this from now on.
    pub fn merge(&mut self, other: &Self) {
        self.not_finite = self.not_finite.saturating_add(other.not_finite);
        if other.count == 0 {
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.reach(other.min, other.max);
        if other.fraction_bits() < self.fraction_bits() {
            self.keep(other.fraction_bits());
        }
        for (start, count) in &other.buckets {
            self.add(cut(*start, self.fraction_bits()), *count);
        }
        self.quantiles = None;
    }

    /// The value that this part of all values, from 0 to 1, is not larger than. None where there are no values.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let of_all: u64 =
            (self.buckets.iter()).fold(0, |sum, (_, count)| sum.saturating_add(*count));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank, between 1 and the number of values: the nearest there is, where there are more than 2^53"
        )]
        let rank = ((part.clamp(0.0, 1.0) * of_all as f64).ceil() as u64).max(1);
        let mut below = 0_u64;
        let found = self.buckets.iter().find(|(_, count)| {
            below = below.saturating_add(*count);
            below >= rank
        });
        let (start, _) = found.or(self.buckets.last())?;
        let value = middle(*start, self.fraction_bits());
        // The least and the largest are known exactly.
        let value = self.min.map_or(value, |min| value.max(min));
        Some(self.max.map_or(value, |max| value.min(max)))
    }

    /// Puts the [`quantiles`](Self::quantiles) in, as they are now.
    ///
    /// ```
    /// let mut samples = heap_sidecar::Samples::default();
    /// samples.record(8.0);
    /// assert_eq!(samples.quantiles, None);
    /// samples.summarize();
    /// assert_eq!(samples.quantiles.map(|quantiles| quantiles.p50), Some(8.0));
    /// ```
    pub fn summarize(&mut self) {
        let at = |part| self.quantile(part);
        let all = (at(0.5), at(0.9), at(0.99), at(0.999));
        self.quantiles = match all {
            (Some(p50), Some(p90), Some(p99), Some(p999)) => Some(Quantiles {
                p50,
                p90,
                p99,
                p999,
            }),
            _ => None,
        };
    }

    fn reach(&mut self, min: Option<f64>, max: Option<f64>) {
        self.min = self.min.into_iter().chain(min).reduce(f64::min);
        self.max = self.max.into_iter().chain(max).reduce(f64::max);
    }

    /// How many bits are kept, by the error that is stated.
    fn fraction_bits(&self) -> u32 {
        let known = (0..=FRACTION_BITS).rev();
        let kept = known
            .into_iter()
            .find(|bits| error_of(*bits) >= self.relative_error);
        kept.unwrap_or(0)
    }

    fn add(&mut self, start: f64, count: u64) {
        match self
            .buckets
            .binary_search_by(|(at, _)| at.total_cmp(&start))
        {
            Ok(place) => {
                let kept = &mut self.buckets[place].1;
                *kept = kept.saturating_add(count);
            }
            Err(place) => self.buckets.insert(place, (start, count)),
        }
        // With none kept, there is one for each exponent, and these are bounded.
        let bits = self.fraction_bits();
        if self.buckets.len() > MAX_BUCKETS && bits > 0 {
            self.keep(bits - 1);
        }
    }

    /// Keeps no more than so many bits from now on.
    fn keep(&mut self, bits: u32) {
        self.relative_error = error_of(bits);
        let buckets = std::mem::take(&mut self.buckets);
        for (start, count) in buckets {
            let start = cut(start, bits);
            match self.buckets.last_mut() {
                Some((last, kept)) if last.total_cmp(&start).is_eq() => {
                    *kept = kept.saturating_add(count);
                }
                _ => self.buckets.push((start, count)),
            }
        }
        if self.buckets.len() > MAX_BUCKETS && bits > 0 {
            self.keep(bits - 1);
        }
    }
}

/// Half of a bucket's width, as a part of its start: what is read as its middle is no further from what was in it.
fn error_of(bits: u32) -> f64 {
    0.5 / f64::from(1_u32 << bits)
}

/// The value without the bits of its fraction that are not kept. What is too small to have all of them is zero.
fn cut(value: f64, bits: u32) -> f64 {
    if !value.is_normal() {
        return 0.0;
    }
    f64::from_bits(value.to_bits() & (u64::MAX << (ALL_FRACTION_BITS - bits)))
}

/// The middle of the bucket that begins there.
fn middle(start: f64, bits: u32) -> f64 {
    if start == 0.0 {
        return 0.0;
    }
    f64::from_bits(start.to_bits() | (1 << (ALL_FRACTION_BITS - bits - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that follow from one another, and from nothing else.
    fn random(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed | 1), |last| {
            let mut next = *last;
            next ^= next << 13;
            next ^= next >> 7;
            Some(next ^ (next << 17))
        })
    }

    fn of(values: &[f64]) -> Samples {
        let mut samples = Samples::default();
        for value in values {
            samples.record(*value);
        }
        samples
    }

    /// Each quantile is within the stated error of the value of that rank.
    fn holds(values: &[f64]) {
        let samples = of(values);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        assert_eq!(samples.count, values.len() as u64);
        assert_eq!(
            (samples.min, samples.max),
            (sorted.first().copied(), sorted.last().copied())
        );
        for part in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "few"
            )]
            let rank = ((part * sorted.len() as f64).ceil() as usize).max(1);
            let (found, exact) = (samples.quantile(part).unwrap(), sorted[rank - 1]);
            let most = exact.abs() * samples.relative_error + f64::MIN_POSITIVE;
            assert!(
                (found - exact).abs() <= most,
                "{part}: {found} for {exact}, {}",
                samples.relative_error
            );
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "any numbers will do")]
    fn a_quantile_is_within_the_stated_error_of_the_value_of_its_rank() {
        for seed in 1..50 {
            let values: Vec<f64> = random(seed * 977)
                .take(1000)
                .map(|bits| (bits >> 40) as f64 / 7.0)
                .collect();
            holds(&values);
            let signed: Vec<f64> = values.iter().map(|value| value - 1e6).collect();
            holds(&signed);
            assert_eq!(of(&signed).relative_error.to_string(), "0.015625");
        }
        holds(&[0.0, -0.0, 1e-310, 3.5]);
        holds(&[-2.0, -1.0, -1.5]);
        holds(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE]);
    }

    #[test]
    fn it_stays_small_whatever_comes() {
        let values: Vec<f64> = random(7)
            .map(f64::from_bits)
            .filter(|value| value.is_finite())
            .take(100_000)
            .collect();
        let samples = of(&values);
        assert!(samples.buckets.len() <= 4096, "{}", samples.buckets.len());
        assert_eq!(samples.relative_error.to_string(), "0.5");
        holds(&values);
        let count: u64 = samples.buckets.iter().map(|(_, count)| count).sum();
        assert_eq!(count, samples.count);
        assert!(samples.buckets.is_sorted_by(|a, b| a.0 < b.0));

        // Latencies from a nanosecond to some seconds keep all their digits.
        let latencies: Vec<f64> = (0..32)
            .flat_map(|exponent| {
                (0..32).map(move |part| f64::from(exponent).exp2() * (1.0 + f64::from(part) / 32.0))
            })
            .collect();
        let samples = of(&latencies);
        assert_eq!(
            (
                samples.buckets.len(),
                samples.relative_error.to_string().as_str()
            ),
            (1024, "0.015625")
        );
    }

    #[test]
    fn in_which_parts_they_come_makes_no_difference() {
        let values: Vec<f64> = random(3)
            .take(3000)
            .map(|bits| f64::from(u32::try_from(bits >> 44).unwrap()) - 1000.0)
            .collect();
        let whole = of(&values);
        let mut merged = Samples::default();
        for part in values.chunks(700) {
            merged.merge(&of(part));
        }
        merged.merge(&Samples::default());
        assert_eq!(merged, whole);

        // One that has kept fewer digits.
        let wide = of(&random(9)
            .map(f64::from_bits)
            .filter(|value| value.is_finite())
            .take(10_000)
            .collect::<Vec<_>>());
        let mut one = whole.clone();
        one.merge(&wide);
        let mut other = wide;
        other.merge(&whole);
        assert_eq!(one, other);
    }

    #[test]
    fn what_is_no_number_is_counted_and_no_more() {
        let mut samples = of(&[1.0, f64::NAN, f64::INFINITY]);
        assert_eq!(
            (samples.count, samples.not_finite, samples.max),
            (1, 2, Some(1.0))
        );
        samples.summarize();
        let text = serde_json::to_string(&samples).unwrap();
        assert_eq!(serde_json::from_str::<Samples>(&text).unwrap(), samples);
        let none = of(&[f64::NAN]);
        assert_eq!((none.count, none.min, none.quantile(0.5)), (0, None, None));
    }

    #[test]
    fn what_another_has_written_makes_nothing_panic() {
        let hostile = r#"{ "count": 18446744073709551615, "min": 9, "max": -9, "relative_error": -1e300,
            "buckets": [[5, 18446744073709551615], [1, 7], [5, 18446744073709551615], [-0.0, 1]] }"#;
        let mut samples: Samples = serde_json::from_str(hostile).unwrap();
        samples.record(3.0);
        let other = samples.clone();
        samples.merge(&other);
        samples.summarize();
        let mut clean = of(&[1.0]);
        clean.merge(&samples);
        assert!(clean.quantile(0.5).is_some());
    }
}

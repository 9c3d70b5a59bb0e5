//! Budgets: what a test may come to, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{OwnTier, SharedThreads};

/// A limit on the own tier or on its time, and what came of it.
///
/// ```
/// use heap_sidecar::Limit;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let budget = &sidecar.budgets[0];
/// assert_eq!((budget.limit, budget.bytes), (Limit::MaxPeak, 1 << 20));
/// assert_eq!((budget.actual, budget.held), (Some(5 << 20), Some(false)));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Budget {
    /// Which limit it is.
    pub limit: Limit,
    /// The limit, in bytes; for [`Limit::MaxAllocations`], a number; for a limit of time, in nanoseconds.
    pub bytes: u64,
    /// What the test came to, in the same unit. Absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<i64>,
    /// Whether the limit held. Absent where it was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
    /// What else there is to say: why it was not checked, that it is within the error, or what beside it the
    /// allocator does not know, with which a limit that held would be broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Budget {
    /// A limit that has not been checked.
    ///
    /// ```
    /// use heap_sidecar::{Budget, Limit};
    ///
    /// let budget = Budget::new(Limit::MaxPeak, 8 << 20);
    /// assert_eq!((budget.actual, budget.held), (None, None));
    /// ```
    #[must_use]
    pub fn new(limit: Limit, bytes: u64) -> Self {
        Self {
            limit,
            bytes,
            actual: None,
            held: None,
            note: None,
        }
    }

    /// Leaves it open whether the limit held, where [threads that tests share](SharedThreads) may have made the
    /// difference.
    ///
    /// ```
    /// use heap_sidecar::{Budget, Limit, OwnTier, SharedThreads};
    ///
    /// let mut shared = SharedThreads::default();
    /// shared.beside_allocated_bytes = 64 << 20;
    /// let mut own = OwnTier::default();
    /// own.shared = Some(shared);
    /// let mut budget = Budget::new(Limit::MaxAllocated, 4 << 20);
    /// (budget.actual, budget.held) = (Some(0), Some(true));
    /// budget.doubt(&own);
    /// assert_eq!(budget.held, None);
    /// assert_eq!(budget.note.as_deref(), Some(SharedThreads::NOTE));
    /// ```
    pub fn doubt(&mut self, own: &OwnTier) {
        let (Some(held), Some(actual), Some(_)) = (self.held, self.actual, own.shared) else {
            return;
        };
        let (Some(measured), Some((least, most))) =
            (self.limit.actual(own), self.limit.bounds(own))
        else {
            return;
        };
        // What was judged may be less than what was measured: a failure's own memory is left out.
        let less = actual.saturating_sub(measured.saturating_sub(least));
        let more = actual.saturating_add(most.saturating_sub(measured));
        let limit = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        let is_known = if held { more <= limit } else { less > limit };
        if !is_known {
            self.held = None;
            self.note = Some(SharedThreads::NOTE.to_owned());
        }
    }
}

/// What a budget limits.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.budgets[0].limit.as_str(), "max_peak");
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// [`OwnTier::peak_bytes`].
    MaxPeak,
    /// [`OwnTier::retained_bytes`].
    MaxRetained,
    /// [`OwnTier::allocated_bytes`].
    MaxAllocated,
    /// [`OwnTier::allocations`].
    MaxAllocations,
    /// [`Spent::cpu_ns`](crate::Spent::cpu_ns) of all threads.
    MaxCpu,
    /// [`Spent::run_delay_ns`](crate::Spent::run_delay_ns) of all threads.
    MaxRunDelay,
}

impl Limit {
    /// All that there is to know of a limit: a new one is a variant, and an arm here.
    fn facts(self) -> Facts {
        match self {
            Self::MaxPeak => Facts {
                actual: |own| own.peak_bytes.map(signed),
                error: |own| own.peak_error_bytes.unwrap_or(0),
                unknown: live,
                ..Facts::of("max_peak")
            },
            Self::MaxRetained => Facts {
                actual: |own| Some(own.retained_bytes),
                unknown: live,
                least: i64::MIN,
                ..Facts::of("max_retained")
            },
            Self::MaxAllocated => Facts {
                actual: |own| Some(signed(own.allocated_bytes)),
                unknown: allocated,
                ..Facts::of("max_allocated")
            },
            Self::MaxAllocations => Facts {
                actual: |own| own.allocations.map(signed),
                unknown: |shared| {
                    // No block of jemalloc's is smaller.
                    const SMALLEST: u64 = 8;
                    let (less, more) = allocated(shared);
                    (less / SMALLEST, more / SMALLEST)
                },
                ..Facts::of("max_allocations")
            },
            Self::MaxCpu => Facts::of_time("max_cpu"),
            Self::MaxRunDelay => Facts::of_time("max_run_delay"),
        }
    }

    /// As it is written in the attribute, and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// Whether it limits time, in nanoseconds.
    ///
    /// ```
    /// use heap_sidecar::Limit;
    ///
    /// assert!(Limit::MaxCpu.is_time() && !Limit::MaxPeak.is_time());
    /// ```
    #[must_use]
    pub fn is_time(self) -> bool {
        self.facts().is_time
    }

    /// What a test came to, in the unit of the limit. Absent where it was not measured, and for a limit of time.
    ///
    /// ```
    /// use heap_sidecar::{Limit, OwnTier};
    ///
    /// let mut own = OwnTier::default();
    /// own.retained_bytes = -32;
    /// assert_eq!(Limit::MaxRetained.actual(&own), Some(-32));
    /// assert_eq!(Limit::MaxPeak.actual(&own), None);
    /// ```
    #[must_use]
    pub fn actual(self, own: &OwnTier) -> Option<i64> {
        (self.facts().actual)(own)
    }

    /// What a test came to, at the least and at the most, in the unit of the limit: [`actual`](Self::actual), with the
    /// error of a peak and what is [not known](SharedThreads). Absent where it was not measured.
    ///
    /// ```
    /// use heap_sidecar::{Limit, OwnTier};
    ///
    /// let mut own = OwnTier::default();
    /// (own.peak_bytes, own.peak_error_bytes) = (Some(1000), Some(100));
    /// assert_eq!(Limit::MaxPeak.bounds(&own), Some((900, 1100)));
    /// assert_eq!(Limit::MaxRetained.bounds(&own), Some((0, 0)));
    /// ```
    #[must_use]
    pub fn bounds(self, own: &OwnTier) -> Option<(i64, i64)> {
        let facts = self.facts();
        let actual = (facts.actual)(own)?;
        let error = (facts.error)(own);
        let (less, more) = (facts.unknown)(&own.shared.unwrap_or_default());
        let least = actual.saturating_sub_unsigned(error.saturating_add(less));
        let most = actual.saturating_add_unsigned(error.saturating_add(more));
        Some((least.max(facts.least), most))
    }
}

/// What is known of a limit, and of the number that it is set against.
struct Facts {
    name: &'static str,
    is_time: bool,
    /// What a test came to; of memory alone.
    actual: fn(&OwnTier) -> Option<i64>,
    /// How far the true number may be from that, either way.
    error: fn(&OwnTier) -> u64,
    /// By how much it may be less than that, and more, for threads that tests share.
    unknown: fn(&SharedThreads) -> (u64, u64),
    /// What it is at the least, whatever is not known: what a test retains may be below zero, as it may have freed what it
    /// was handed.
    least: i64,
}

impl Facts {
    fn of(name: &'static str) -> Self {
        Self {
            name,
            is_time: false,
            actual: |_| None,
            error: |_| 0,
            unknown: |_| (0, 0),
            least: 0,
        }
    }

    fn of_time(name: &'static str) -> Self {
        Self {
            is_time: true,
            ..Self::of(name)
        }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What of allocated bytes is not known.
fn allocated(shared: &SharedThreads) -> (u64, u64) {
    (
        shared.included_allocated_bytes,
        shared.beside_allocated_bytes,
    )
}

/// What of live bytes is not known.
fn live(shared: &SharedThreads) -> (u64, u64) {
    let less = shared.included_allocated_bytes;
    let more = shared.included_deallocated_bytes;
    (
        less.saturating_add(shared.beside_deallocated_bytes),
        more.saturating_add(shared.beside_allocated_bytes),
    )
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(all(test, feature = "read"))]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_called_in_json_as_in_the_attribute() {
        for limit in [
            Limit::MaxPeak,
            Limit::MaxRetained,
            Limit::MaxAllocated,
            Limit::MaxAllocations,
            Limit::MaxCpu,
            Limit::MaxRunDelay,
        ] {
            let json = serde_json::to_value(limit).unwrap();
            assert_eq!(json, limit.as_str());
        }
    }
}

//! Waits during a test: how much of its time they took.

use std::fmt;

use super::cause::{Confidence, Scope};
use super::found::Found;
use crate::report::row::Row;

/// Share of the test's time in which tasks waited, in percent, from which it counts.
pub const STALLED_PERCENT: u64 = 10;
/// The same of a wait that need not have been the test's: some task of the cgroup, or of the host, waited for a
/// CPU or a block device.
pub const SOMEBODY_STALLED_PERCENT: u64 = 25;
/// A reading of the host may be so old, in microseconds, and so what moved between two may have moved before the
/// test: of every wait, so much does not count.
pub const READING_AGE_US: u64 = 10_000;
/// Of a shorter test, in microseconds, nothing can be said.
pub const SHORTEST_US: u64 = 2 * READING_AGE_US;

/// A wait during a test.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// What of the wait was in the test for certain, in percent of its time.
    pub(super) percent: u64,
    stall_us: u64,
    duration_us: u64,
}

impl Wait {
    /// What of the test's time so many microseconds of waiting are, if that can be said.
    pub(super) fn of(stall_us: Option<u64>, row: &Row) -> Option<Self> {
        let (stall_us, duration_us) = (stall_us?, row.duration_ns? / 1000);
        let during = stall_us.saturating_sub(READING_AGE_US).min(duration_us);
        (duration_us >= SHORTEST_US).then(|| Self {
            percent: during.saturating_mul(100) / duration_us,
            stall_us,
            duration_us,
        })
    }

    /// The same, where it is a share that counts.
    pub(super) fn from(percent: u64, stall_us: Option<u64>, row: &Row) -> Option<Self> {
        Self::of(stall_us, row).filter(|wait| wait.percent >= percent)
    }

    pub(super) fn figures(self, found: &mut Found) {
        found.figure("stalled_us", self.stall_us);
        found.figure("duration_us", self.duration_us);
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| format!("{}.{:01} ms", us / 1000, us % 1000 / 100);
        let (stall, duration) = (ms(self.stall_us), ms(self.duration_us));
        write!(f, "{stall} of the test's {duration}")
    }
}

/// Waits for one thing, in microseconds, and what is said of each.
pub(super) struct Waits {
    /// In which all tasks of the test's cgroup waited, the test's among them.
    pub(super) cgroup_full: (Option<u64>, &'static str),
    /// In which some of them did, which need not have been the test's.
    pub(super) cgroup_some: (Option<u64>, &'static str),
    /// The host's, which count where the cgroup's own are not known.
    pub(super) host: (Option<u64>, &'static str),
}

impl Waits {
    /// Adds the nearest that counts to what was found.
    pub(super) fn add_nearest(&self, row: &Row, found: &mut Found) {
        let of_somebody = |stall_us| Wait::from(SOMEBODY_STALLED_PERCENT, stall_us, row);
        let all = Wait::from(STALLED_PERCENT, self.cgroup_full.0, row);
        let (wait, confidence, strength, words) = if let Some(wait) = all {
            (wait, Confidence::Likely, wait.percent, self.cgroup_full.1)
        } else {
            let (scope, (stall_us, words)) = match self.cgroup_some.0 {
                Some(_) => (Scope::Cgroup, self.cgroup_some),
                None => (Scope::Host, self.host),
            };
            let Some(wait) = of_somebody(stall_us) else {
                return;
            };
            found.scope = scope;
            (wait, Confidence::Possible, wait.percent / 2, words)
        };
        found.add(confidence, strength, format!("{words} for {wait}"));
        wait.figures(found);
    }
}

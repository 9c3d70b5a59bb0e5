//! What a group has come to.

use super::group::{Group, RELAXED, SampleMode};
use super::member::Member;
use super::moved::Moved;
use super::shared::Shared;

/// What the members of a group have moved up to a moment, and how far that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupTotals {
    pub(crate) moved: Moved,
    /// The largest sampled amount of live bytes, at least what is live now; and how large it is in truth, at
    /// the least and at the most.
    pub(crate) peak: u64,
    pub(crate) peak_at_least: u64,
    pub(crate) peak_at_most: u64,
    /// The most that a look may have counted twice.
    pub(crate) twice: u64,
    pub(crate) allocations: u64,
    pub(crate) threads: u32,
    /// Threads that are still in it.
    pub(crate) threads_running: u32,
    pub(crate) most_running: u32,
    pub(crate) overlap: u32,
    /// A thread of it has died, and what it moved is not known.
    pub(crate) lost: bool,
    /// What of all this is not known. What it includes is known at the end alone.
    pub(crate) shared: Shared,
}

/// How large the peak of a group is in truth, at the least and at the most.
pub(super) fn bounds<'a>(
    group: &Group,
    running: impl Iterator<Item = &'a Member>,
    peak: i64,
    moved: Moved,
) -> [u64; 2] {
    let positive = |bytes: i64| bytes.max(0).unsigned_abs();
    let peak = positive(peak);
    let doubted = positive(group.doubted_peak.load(RELAXED)).max(peak);
    let threads = group.most_running.load(RELAXED);
    let [too_low, too_high] = match group.sample_mode() {
        SampleMode::Hooks => [0, 0],
        SampleMode::Each => [0, group.twice(threads)],
        SampleMode::Every(_) => {
            let [rises, falls] = group.unreported_by(running.map(Member::unreported));
            // The one that has reported last is right about itself, but for what it may have counted twice.
            let others = threads.saturating_sub(1);
            let too_high = falls.of(others).saturating_add(group.twice(threads));
            [rises.of(threads), too_high]
        }
    };
    let at_least = peak.saturating_sub(too_high).max(positive(moved.net()));
    // More than was ever allocated was never live.
    let at_most = doubted.saturating_add(too_low).min(moved.allocated);
    [at_least, at_most]
}

//! jemalloc calls back each so many bytes of a thread's traffic: that is where peak and timeline
//! come from.
//!
//! The call-back runs inside the allocator. It takes no lock, waits for nothing, allocates nothing
//! and cannot unwind; where nobody is measured it returns after one load.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use super::MEMBER;
use super::elders::Elders;
use super::interval::{error, small_fall, too_high};
use super::member::{Member, Moved};
use crate::jemalloc::{self, ThreadEvent};
use crate::sidecar::PeakSource;

/// What jemalloc promises of `thread.peak`: it looks each 64 KiB, and no more than this is missed.
const THREAD_PEAK_ERROR: u64 = 100_000;

/// The interval of the call-back that jemalloc took.
static EVERY: OnceLock<Option<u64>> = OnceLock::new();

/// See [`small_fall`]; of that interval.
static SMALL_FALL: AtomicU64 = AtomicU64::new(0);

/// Where the peak of a measurement comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// Call-backs at each allocation and deallocation.
    Exact,
    /// Call-backs each so many bytes.
    Every(u64),
    /// No call-back to be had: jemalloc's own peak of each thread.
    ThreadPeak,
    /// jemalloc does not count here.
    None,
}

impl Sampling {
    /// What the timeline says of its distance.
    pub(super) fn every_bytes(self) -> u64 {
        match self {
            Self::Exact => 1,
            Self::Every(bytes) => bytes,
            Self::ThreadPeak | Self::None => 0,
        }
    }

    /// Where a peak of so many bytes comes from, and how far off it may be with so many threads at once.
    pub(super) fn peak(self, peak: u64, threads: u32) -> (Option<PeakSource>, Option<u64>) {
        match self {
            Self::Exact => (Some(PeakSource::Exact), Some(0)),
            Self::Every(bytes) => (Some(PeakSource::ThreadEvent), Some(error(bytes, threads))),
            Self::ThreadPeak => {
                let threads = u64::from(threads.max(1));
                let missed = THREAD_PEAK_ERROR.saturating_mul(threads);
                // It is the sum of theirs, which need not have peaked at once.
                let error = if threads > 1 {
                    missed.max(peak)
                } else {
                    missed
                };
                (Some(PeakSource::ThreadPeak), Some(error))
            }
            Self::None => (None, None),
        }
    }

    /// What the true peak is at the least, where `peak` was sampled.
    pub(super) fn at_least(self, peak: u64, threads: u32) -> u64 {
        match self {
            Self::Every(bytes) => peak.saturating_sub(too_high(bytes, threads)),
            // Threads need not have peaked at once.
            Self::ThreadPeak if threads > 1 => 0,
            Self::Exact | Self::ThreadPeak | Self::None => peak,
        }
    }
}

/// How many call-backs jemalloc has taken.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// The threads that were there when it took the last one, where they are known.
static ELDERS: RwLock<Option<Elders>> = RwLock::new(None);

thread_local! {
    /// How many of them this thread has learnt of.
    static LEARNT: Cell<u32> = const { Cell::new(0) };
}

/// Has jemalloc call back. The first call decides on the interval: there is no way to take a
/// call-back out again.
pub(super) fn start(exact: bool, every_bytes: u64) -> Sampling {
    static EACH: OnceLock<bool> = OnceLock::new();
    let every = *EVERY.get_or_init(|| {
        SMALL_FALL.store(small_fall(every_bytes), Ordering::Relaxed);
        let event = ThreadEvent::new(sample, every_bytes);
        call_back(event).then_some(every_bytes)
    });
    if exact && *EACH.get_or_init(|| call_back(ThreadEvent::new(sample_exactly, 1))) {
        return Sampling::Exact;
    }
    every.map_or(Sampling::ThreadPeak, Sampling::Every)
}

fn call_back(event: ThreadEvent) -> bool {
    let taken = jemalloc::call_back(event);
    let elders = Elders::now();
    let mut known = ELDERS.write().unwrap_or_else(PoisonError::into_inner);
    *known = elders;
    TAKEN.fetch_add(u32::from(taken), Ordering::Release);
    taken
}

/// Whether the calling thread has something to [`learn`].
pub(super) fn has_to_learn() -> bool {
    LEARNT.get() != TAKEN.load(Ordering::Acquire)
}

/// A thread that was there before a call-back learns of it at its next event of any kind. This is
/// one, where the calling thread may need it: harnesses start one for each test, which does not.
pub(super) fn learn() {
    LEARNT.set(TAKEN.load(Ordering::Acquire));
    // A fork may have left it locked for ever.
    let elders = ELDERS.try_read();
    let elders = elders.as_ref().ok().and_then(|elders| elders.as_ref());
    if elders.is_none_or(Elders::has_this_thread) {
        jemalloc::provoke_event();
    }
}

/// Where there is no call-back: gives the groups what jemalloc has seen as the calling thread's
/// peak since the last time, before the thread moves between groups, pauses or ends.
pub(super) fn take_thread_peak(member: &Member) {
    if EVERY.get() == Some(&None) && !member.is_paused() {
        if let Some(peak) = jemalloc::thread_peak() {
            member.add_peak(peak);
        }
        jemalloc::reset_thread_peak();
    }
}

/// Where there is no call-back: what jemalloc has seen up to now is not the test's.
pub(super) fn start_thread_peak() {
    if EVERY.get() == Some(&None) {
        jemalloc::reset_thread_peak();
    }
}

extern "C" fn sample(_is_alloc: bool, allocated: u64, deallocated: u64) {
    if let Some(member) = MEMBER.get() {
        let moved = Moved {
            allocated,
            deallocated,
        };
        member.sample_roughly(moved, SMALL_FALL.load(Ordering::Relaxed));
    }
}

extern "C" fn sample_exactly(is_alloc: bool, allocated: u64, deallocated: u64) {
    if let Some(member) = MEMBER.get() {
        let moved = Moved {
            allocated,
            deallocated,
        };
        member.sample_exactly(is_alloc, moved);
    }
}

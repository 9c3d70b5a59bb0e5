//! jemalloc calls back each so many bytes of a thread's traffic: that is where peak and timeline
//! come from.
//!
//! The call-back runs inside the allocator. It takes no lock, waits for nothing, allocates nothing
//! and cannot unwind; where nobody is measured it returns after one load.
//!
//! A reallocation is told in two halves: first the new size is counted, and then the old one is taken off. Between
//! them the counters have a block twice that never moved. The second half comes at once, so a sample of the first
//! is put off until the reallocation is over, where we see it: see [`Jemalloc`](crate::global_allocator). Where we do not, such a
//! sample is doubted until something else happens: then it was no reallocation.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use super::group::{Group, SampleMode};
use super::interval::small_fall;
use super::member::{Member, SamplePoint};
use super::moved::Moved;
use super::preexisting::PreexistingThreads;
use super::std_map::without_map;
use super::this_thread::MEMBER;
use super::totals::GroupTotals;
use super::{SMALL_REALLOCATION, hooks};
use crate::jemalloc::{self, ThreadEvent};
use crate::sidecar::PeakSource;
use crate::warning::warn_once;

/// What jemalloc promises of `thread.peak`: it looks each 64 KiB, and no more than this is missed.
const THREAD_PEAK_ERROR: u64 = 100_000;

/// The interval of the call-back that jemalloc took.
static EVERY: OnceLock<Option<u64>> = OnceLock::new();

/// See [`small_fall`]; of that interval.
static SMALL_FALL: AtomicU64 = AtomicU64::new(0);

/// Whether each reallocation of a block that is not small is seen to be one.
static SEES_REALLOCATIONS: OnceLock<bool> = OnceLock::new();

/// Where the peak of a measurement comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeakMethod {
    /// Hooks, at each allocation and deallocation.
    Hooks,
    /// Call-backs at each allocation and deallocation.
    Each,
    /// Call-backs each so many bytes.
    Every(u64),
    /// No call-back to be had: jemalloc's own peak of each thread.
    ThreadPeak,
    /// jemalloc does not count here.
    None,
}

impl PeakMethod {
    pub(super) fn sample_mode(self) -> SampleMode {
        match self {
            Self::Hooks => SampleMode::Hooks,
            Self::Each => SampleMode::Each,
            Self::Every(bytes) => SampleMode::Every(bytes),
            Self::ThreadPeak | Self::None => SampleMode::Every(0),
        }
    }

    /// Whether live bytes are looked at while the test runs.
    pub(super) fn is_sampling(self) -> bool {
        self.sample_mode() != SampleMode::Every(0)
    }

    /// Where the peak comes from.
    pub(super) fn source(self) -> Option<PeakSource> {
        match self {
            Self::Hooks | Self::Each => Some(PeakSource::Exact),
            Self::Every(_) => Some(PeakSource::ThreadEvent),
            Self::ThreadPeak => Some(PeakSource::ThreadPeak),
            Self::None => None,
        }
    }

    /// What the true peak is at the least, and at the most.
    pub(super) fn bounds(self, totals: &GroupTotals) -> [u64; 2] {
        match self {
            Self::ThreadPeak => {
                let threads = u64::from(totals.most_running.max(1));
                let missed = THREAD_PEAK_ERROR.saturating_mul(threads);
                let live = u64::try_from(totals.moved.net()).unwrap_or(0);
                // It is the sum of theirs, which need not have peaked at once; and in each, a block that was
                // reallocated in its place is twice.
                let at_least = match SEES_REALLOCATIONS.get() {
                    Some(true) if threads == 1 => {
                        let twice = totals.twice.max(SMALL_REALLOCATION as u64);
                        totals.peak.saturating_sub(twice).max(live)
                    }
                    _ => live,
                };
                [at_least, totals.peak.saturating_add(missed)]
            }
            _ => [totals.peak_at_least, totals.peak_at_most],
        }
    }
}

/// How many call-backs jemalloc has taken.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// The threads that were there when it took the last one, where they are known.
static PREEXISTING: RwLock<Option<PreexistingThreads>> = RwLock::new(None);

thread_local! {
    /// How many of them this thread has learnt of.
    static LEARNT: Cell<u32> = const { Cell::new(0) };
    /// What it had moved when the first half of a reallocation was told.
    static HALFWAY: Cell<Option<Moved>> = const { Cell::new(None) };
}

/// What a test wants to be known of its peak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Each allocation is looked at.
    pub(crate) exact: bool,
    /// It is held to a limit. Where jemalloc has no call-back, nothing else can tell whether that holds.
    pub(crate) limited: bool,
}

/// Has jemalloc call back. The first call decides on the interval: there is no way to take a
/// call-back out again. What this gives is to be [stopped](stop).
pub(super) fn start(wanted: Wanted, every_bytes: u64) -> PeakMethod {
    static EACH: OnceLock<bool> = OnceLock::new();
    let every = *EVERY.get_or_init(|| {
        SMALL_FALL.store(small_fall(every_bytes), Ordering::Relaxed);
        SEES_REALLOCATIONS.get_or_init(jemalloc::sees_reallocations);
        let event = ThreadEvent::new(sample, every_bytes);
        call_back(event).then_some(every_bytes)
    });
    if wanted.exact || (wanted.limited && every.is_none()) {
        // Of a thread whose end is not seen, jemalloc may lose its list of threads: see `jemalloc::rerun_exit`.
        if jemalloc::handles_thread_exits() && hooks::install() {
            return PeakMethod::Hooks;
        }
        if *EACH.get_or_init(|| call_back(ThreadEvent::new(sample_each, 1))) {
            warn_once(
                "jemalloc has no free slot for hooks, or hooks are not safe here: because of a test with \
                 `exact`, each allocation of this process costs more from now on",
            );
            return PeakMethod::Each;
        }
    }
    every.map_or(PeakMethod::ThreadPeak, PeakMethod::Every)
}

/// Ends what `start` has begun.
pub(super) fn stop(sampling: PeakMethod) {
    if sampling == PeakMethod::Hooks {
        hooks::remove();
    }
}

fn call_back(event: ThreadEvent) -> bool {
    let taken = jemalloc::call_back(event);
    // Listed after it was taken. A thread that has started in between knows of it by itself; that it is listed costs it
    // a few allocations, and one that was not listed would miss its peaks.
    let preexisting = PreexistingThreads::now();
    let mut known = PREEXISTING.write().unwrap_or_else(PoisonError::into_inner);
    *known = preexisting;
    // With the Acquire of `has_to_learn`: who sees that there is something to learn finds the list.
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
    let preexisting = PREEXISTING.try_read();
    let preexisting = preexisting
        .as_ref()
        .ok()
        .and_then(|preexisting| preexisting.as_ref());
    if preexisting.is_none_or(PreexistingThreads::has_this_thread) {
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

/// How the counters are to be taken in the middle of jemalloc's book-keeping. None where it is put off until the
/// [end](reallocated) of a reallocation.
fn look(is_alloc: bool, now: Moved) -> Option<SamplePoint> {
    if jemalloc::await_reallocation() {
        if is_alloc {
            HALFWAY.set(Some(now));
        }
        return None;
    }
    Some(if !is_alloc {
        SamplePoint::Freed
    } else if SEES_REALLOCATIONS.get() == Some(&true) {
        SamplePoint::Allocated
    } else {
        SamplePoint::PerhapsAllocated
    })
}

extern "C" fn sample(is_alloc: bool, allocated: u64, deallocated: u64) {
    let Some(member) = MEMBER.get() else { return };
    if member.is_looked_at(Group::is_hooked) {
        return;
    }
    let now = Moved {
        allocated,
        deallocated,
    };
    if let Some(now) = without_map(member, is_alloc, now)
        && let Some(look) = look(is_alloc, now)
    {
        member.sample_roughly(now, look, SMALL_FALL.load(Ordering::Relaxed));
    }
}

extern "C" fn sample_each(is_alloc: bool, allocated: u64, deallocated: u64) {
    let Some(member) = MEMBER
        .get()
        .filter(|member| member.is_looked_at(Group::is_each))
    else {
        return;
    };
    let now = Moved {
        allocated,
        deallocated,
    };
    let Some(now) = without_map(member, is_alloc, now) else {
        return;
    };
    if is_alloc {
        member.count(Group::is_each);
    }
    if member.is_looked_at(Group::is_hooked) {
        return;
    }
    // Also where the other call-back has been here first.
    if let Some(look) = look(is_alloc, now) {
        member.sample(now, look);
    }
}

/// A reallocation of the calling thread's is over, in the middle of which it may have been noticed. In its place, a
/// block has kept so many bytes of what it had.
///
/// Of a block that has moved, both places were there at once.
#[cfg(jemalloc)]
pub(crate) fn reallocated(noticed: bool, in_place: Option<usize>) {
    let Some(member) = MEMBER.get() else {
        return HALFWAY.set(None);
    };
    if noticed {
        let halfway = HALFWAY.take();
        if let Some(halfway) = halfway.filter(|_| in_place.is_none()) {
            member.sample(halfway, SamplePoint::AtRest);
        }
        if let Some(now) = member.counted() {
            member.sample_roughly(now, SamplePoint::AtRest, SMALL_FALL.load(Ordering::Relaxed));
        }
    }
    // Nobody calls back where the peak is jemalloc's own, and that has the block twice.
    if let Some(kept) = in_place
        && EVERY.get() == Some(&None)
    {
        member.was_twice(kept as u64);
    }
}

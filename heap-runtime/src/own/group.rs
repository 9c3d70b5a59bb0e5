//! A group: the threads of one tracked body, and what they have come to.
//!
//! Everything but a sample happens under the registry's lock, which orders it. A sample reads what
//! its own thread has written, and adds to sums.

use std::any::Any;
use std::ptr::null_mut;

use super::arenas::Before;
use super::interval::{error, kept_back};
use super::moved::Moved;
use super::sync::{
    Arc, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering,
};
use super::timeline::TimelineRecorder;
use super::unmodelled::{Bytes, SignedBytes};
use super::unreported::{Bound, Unreported};
use super::watch::Watch;
use super::{LastSeen, Ledger};

/// Enough for counts: each is right by itself, and where two have to agree, both are written and read under the
/// registry's lock, which orders them.
pub(super) const RELAXED: Ordering = Ordering::Relaxed;

/// What a test's threads find of their test. This tier hands it on, and does not look into it.
pub(crate) type Attachment = Arc<dyn Any + Send + Sync>;

/// A pointer to something that lives for ever, or to nothing.
pub(super) struct Link<T: 'static>(AtomicPtr<T>);

impl<T> Link<T> {
    pub(super) fn none() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    pub(super) fn get(&self) -> Option<&'static T> {
        // With the Release of `set`: a sample that finds a group finds all that it was made of.
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: only `set` stores a pointer, and it takes a reference that lives for ever.
        unsafe { pointer.as_ref() }
    }

    pub(super) fn set(&self, target: Option<&'static T>) {
        let pointer = target.map_or(null_mut(), |target| std::ptr::from_ref(target).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }
}

/// How the live bytes of a group are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleMode {
    /// Each thread looks when it has moved so many bytes; never, where that is 0.
    Every(u64),
    /// jemalloc calls hooks with each block.
    Hooks,
    /// Each thread looks at each of its allocations and deallocations, by a call-back that is not taken out again.
    Each,
}

impl<T> Default for Link<T> {
    fn default() -> Self {
        Self::none()
    }
}

/// The threads of one tracked body, and what they have come to.
pub(crate) struct Group {
    /// Members in it, groups in it, and handles on it.
    pub(super) references: AtomicU32,
    pub(super) open: AtomicBool,
    pub(super) around: Link<Group>,
    /// A thread of it has died, and its counters with it.
    pub(super) lost: AtomicBool,
    /// See [`SampleMode`].
    pub(super) hooked: AtomicBool,
    pub(super) each: AtomicBool,
    pub(super) allocated: AtomicU64,
    pub(super) deallocated: AtomicU64,
    pub(super) allocations: AtomicU64,
    pub(super) live: AtomicI64,
    pub(super) peak: AtomicI64,
    /// What of `live` may be one block that is counted twice, and the most that was live if it was not.
    pub(super) doubted: SignedBytes,
    pub(super) doubted_peak: SignedBytes,
    /// The most that a look at an allocation may have counted twice.
    pub(super) twice: Bytes,
    /// What its threads keep back of what they allocate, and of what they free.
    pub(super) unreported: [Unreported; 2],
    /// The sum of what `add_peak` was given: of several threads, no more than that was live at once.
    pub(super) thread_peaks: AtomicI64,
    /// Threads that were ever in it, and a set of those that came by a guard.
    pub(super) threads: AtomicU32,
    pub(super) joined: [AtomicU64; 16],
    /// Threads in it now, and the most there were at once.
    pub(super) running: AtomicU32,
    pub(super) most_running: AtomicU32,
    /// Other outermost groups that were open at the same time.
    pub(super) overlap: AtomicU32,
    pub(super) attachment: Mutex<Option<Attachment>>,
    pub(super) timeline: TimelineRecorder,
    pub(super) watch: Watch,
    pub(super) arenas: Before,
    /// Where its threads' time has gone.
    pub(super) ledger: Ledger,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            references: AtomicU32::new(0),
            open: AtomicBool::new(false),
            around: Link::none(),
            lost: AtomicBool::new(false),
            hooked: AtomicBool::new(false),
            each: AtomicBool::new(false),
            allocated: AtomicU64::new(0),
            deallocated: AtomicU64::new(0),
            allocations: AtomicU64::new(0),
            live: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            doubted: SignedBytes::new(0),
            doubted_peak: SignedBytes::new(0),
            twice: Bytes::new(0),
            unreported: [Unreported::new(), Unreported::new()],
            thread_peaks: AtomicI64::new(0),
            threads: AtomicU32::new(0),
            joined: std::array::from_fn(|_| AtomicU64::new(0)),
            running: AtomicU32::new(0),
            most_running: AtomicU32::new(0),
            overlap: AtomicU32::new(0),
            attachment: Mutex::new(None),
            timeline: TimelineRecorder::new(),
            watch: Watch::new(),
            arenas: Before::new(),
            ledger: Ledger::new(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(RELAXED)
    }

    /// Whether one around it is open.
    pub(super) fn is_in_open(&self) -> bool {
        chain(self.around.get()).any(Group::is_open)
    }

    pub(super) fn set_sample_mode(&self, mode: SampleMode) {
        self.hooked.store(mode == SampleMode::Hooks, RELAXED);
        self.each.store(mode == SampleMode::Each, RELAXED);
        self.timeline.set_every_bytes(match mode {
            SampleMode::Every(bytes) => bytes,
            SampleMode::Hooks | SampleMode::Each => 1,
        });
    }

    pub(super) fn sample_mode(&self) -> SampleMode {
        if self.is_hooked() {
            SampleMode::Hooks
        } else if self.is_each() {
            SampleMode::Each
        } else {
            SampleMode::Every(self.timeline.interval())
        }
    }

    /// Whether jemalloc's hooks look at it, and nobody else needs to.
    pub(crate) fn is_hooked(&self) -> bool {
        self.hooked.load(RELAXED)
    }

    /// Whether each allocation is looked at without a hook.
    pub(crate) fn is_each(&self) -> bool {
        self.each.load(RELAXED)
    }

    /// Attaches something to the test, for its threads.
    pub(crate) fn attach(&self, attachment: Option<Attachment>) {
        *lock(&self.attachment) = attachment;
    }

    /// Its live bytes over time.
    pub(crate) fn timeline(&self) -> &TimelineRecorder {
        &self.timeline
    }

    /// What is written of it while it goes on.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What had happened in arenas made by hand when it began.
    pub(crate) fn arenas(&self) -> &Before {
        &self.arenas
    }

    /// What is live has changed by so much. So much of that may be a block that is counted twice.
    pub(super) fn changed(&self, by: i64, doubt: i64) {
        // Added, and not computed and stored: other threads of the group do so at the same moment, and inside the
        // allocator nobody can wait for a lock.
        let live = self.live.fetch_add(by, RELAXED) + by;
        let doubted = match doubt {
            0 => self.doubted.load(RELAXED),
            _ => self.doubted.fetch_add(doubt, RELAXED) + doubt,
        };
        if doubted != 0 {
            self.doubted_peak.fetch_max(live, RELAXED);
        }
        // The peak takes what was there for certain; how much higher it may have been is in `doubted_peak`.
        self.sampled(live - doubted);
    }

    /// What was said to be doubtful was there, or was not.
    pub(super) fn no_more_doubt(&self, doubt: i64, was_there: bool) {
        let doubted = self.doubted.fetch_sub(doubt, RELAXED) - doubt;
        if was_there {
            self.sampled(self.live.load(RELAXED) - doubted);
        }
    }

    /// A thread has allocated so many bytes since its last report, and looks at an allocation. If that is one half of
    /// a reallocation that nobody sees, a block of no more than those is counted twice; where only `small` ones are
    /// not seen, of no more than that.
    pub(super) fn may_be_twice(&self, bytes: u64, small: Option<u64>) {
        match (self.sample_mode(), small) {
            (SampleMode::Every(interval), _) => {
                self.was_twice(bytes.min(small.unwrap_or(interval)));
            }
            // It is this one allocation. The half that follows is looked at too.
            (SampleMode::Each, Some(small)) if bytes <= small => self.was_twice(bytes),
            (SampleMode::Each | SampleMode::Hooks, _) => {}
        }
    }

    /// A block of so many bytes was counted twice.
    pub(super) fn was_twice(&self, bytes: u64) {
        // It rises a few times in a test, and is asked at each sample: to look leaves the cache line with all CPUs.
        if bytes > self.twice.load(RELAXED) {
            self.twice.fetch_max(bytes, RELAXED);
        }
    }

    /// What so many threads may have counted twice.
    pub(super) fn twice(&self, threads: u32) -> u64 {
        let each = self.twice.load(RELAXED);
        each.saturating_mul(u64::from(threads))
    }

    /// The most that a thread has moved between two reports was `before`, and is `after`.
    pub(super) fn unreported(&self, before: Moved, after: Moved) {
        let [rises, falls] = &self.unreported;
        let [rise, fall] = kept_back(self.timeline.interval());
        rises.raise(before.allocated.min(rise), after.allocated.min(rise));
        falls.raise(before.deallocated.min(fall), after.deallocated.min(fall));
    }

    /// What is unreported, with what was so before and is so after of each of these members.
    pub(super) fn unreported_by(
        &self,
        members: impl Iterator<Item = (Moved, Moved)>,
    ) -> [Bound; 2] {
        let [mut rises, mut falls] = self.unreported.each_ref().map(Unreported::so_far);
        let [rise, fall] = kept_back(self.timeline.interval());
        for (before, after) in members {
            rises.raise(before.allocated.min(rise), after.allocated.min(rise));
            falls.raise(before.deallocated.min(fall), after.deallocated.min(fall));
        }
        [rises, falls]
    }

    /// Takes so many live bytes for its peak, its timeline, and for whoever asks after a kill.
    fn sampled(&self, live: i64) {
        // Most samples are below it, and to look is cheaper than to write.
        if live > self.peak.load(RELAXED) {
            self.peak.fetch_max(live, RELAXED);
        }
        self.timeline.add(live);
        self.watch.sample(live, || self.seen(live));
    }

    fn seen(&self, live: i64) -> LastSeen {
        let error = match self.sample_mode() {
            SampleMode::Hooks | SampleMode::Each => 0,
            SampleMode::Every(bytes) => {
                let threads = self.most_running.load(RELAXED);
                error(bytes, threads).max(self.twice(threads))
            }
        };
        let doubted = self.doubted.load(RELAXED).unsigned_abs();
        let mut seen = LastSeen::default();
        seen.at_ns = self.timeline.elapsed_ns();
        seen.live_bytes = live.unsigned_abs();
        seen.error_bytes = error.saturating_add(doubted);
        seen
    }

    /// A thread is in it from now on.
    pub(super) fn thread_came(&self, again: bool) {
        if !again {
            change(&self.threads, |threads| threads + 1);
        }
        let running = change(&self.running, |running| running + 1);
        change(&self.most_running, |most| most.max(running));
    }

    pub(super) fn thread_left(&self) {
        change(&self.running, |running| running - 1);
    }

    /// Whether a thread is in it now.
    pub(super) fn has_threads(&self) -> bool {
        self.running.load(RELAXED) > 0
    }

    /// Whether another outermost group was open at any moment of it, up to now.
    pub(super) fn has_overlapped(&self) -> bool {
        self.overlap.load(RELAXED) > 0
    }

    /// Whether a thread has joined before. Those beyond the set are taken for new.
    pub(super) fn has_joined(&self, member: usize) -> bool {
        self.joined.get(member / 64).is_some_and(|word| {
            let bit = 1 << (member % 64);
            word.fetch_or(bit, RELAXED) & bit != 0
        })
    }

    pub(super) fn forget_joined(&self, member: usize) {
        if let Some(word) = self.joined.get(member / 64) {
            word.fetch_and(!(1 << (member % 64)), RELAXED);
        }
    }
}

/// A group and those around it, from the inside out.
pub(super) fn chain(innermost: Option<&'static Group>) -> impl Iterator<Item = &'static Group> {
    std::iter::successors(innermost, |group| group.around.get())
}

pub(super) fn is_within(group: Option<&'static Group>, outer: &'static Group) -> bool {
    chain(group).any(|group| std::ptr::eq(group, outer))
}

pub(super) fn refer(group: Option<&'static Group>) {
    if let Some(group) = group {
        change(&group.references, |references| references + 1);
    }
}

/// Takes a reference back. With the last one, the group is free, and refers no more to the one
/// around it.
pub(super) fn release(mut group: Option<&'static Group>) {
    while let Some(free) = group {
        if change(&free.references, |references| references - 1) > 0 {
            return;
        }
        group = free.around.get();
        free.around.set(None);
    }
}

/// Changes a count under the registry's lock, where nobody else does: an atomic addition takes about as long
/// as the lock itself.
pub(super) fn change(count: &AtomicU32, to: impl FnOnce(u32) -> u32) -> u32 {
    let changed = to(count.load(RELAXED));
    count.store(changed, RELAXED);
    changed
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind a lock here is never left half-done by a panic.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

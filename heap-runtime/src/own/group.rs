//! A group: the threads of one tracked body, and what they have come to.
//!
//! Everything but a sample happens under the registry's lock, which orders it. A sample reads what
//! its own thread has written, and adds to sums.

use std::ptr::null_mut;

use super::interval::error;
use super::member::Member;
use super::sync::{
    Arc, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering,
};
use super::timeline::Timeline;
use super::watch::Watch;
use super::{LastSeen, Notes};

pub(super) const RELAXED: Ordering = Ordering::Relaxed;

/// A pointer to something that lives for ever, or to nothing.
pub(super) struct Link<T: 'static>(AtomicPtr<T>);

impl<T> Link<T> {
    pub(super) fn none() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    pub(super) fn get(&self) -> Option<&'static T> {
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: only `set` stores a pointer, and it takes a reference that lives for ever.
        unsafe { pointer.as_ref() }
    }

    pub(super) fn set(&self, target: Option<&'static T>) {
        let pointer = target.map_or(null_mut(), |target| std::ptr::from_ref(target).cast_mut());
        self.0.store(pointer, Ordering::Release);
    }
}

/// The threads of one tracked body, and what they have come to.
pub(crate) struct Group {
    /// Members in it, groups in it, and handles on it.
    pub(super) references: AtomicU32,
    pub(super) open: AtomicBool,
    pub(super) around: Link<Group>,
    pub(super) exact: AtomicBool,
    /// A thread of it has died, and its counters with it.
    pub(super) lost: AtomicBool,
    pub(super) allocated: AtomicU64,
    pub(super) deallocated: AtomicU64,
    pub(super) allocations: AtomicU64,
    pub(super) live: AtomicI64,
    pub(super) peak: AtomicI64,
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
    pub(super) notes: Mutex<Option<Arc<Notes>>>,
    pub(super) timeline: Timeline,
    pub(super) watch: Watch,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            references: AtomicU32::new(0),
            open: AtomicBool::new(false),
            around: Link::none(),
            exact: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            allocated: AtomicU64::new(0),
            deallocated: AtomicU64::new(0),
            allocations: AtomicU64::new(0),
            live: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            thread_peaks: AtomicI64::new(0),
            threads: AtomicU32::new(0),
            joined: std::array::from_fn(|_| AtomicU64::new(0)),
            running: AtomicU32::new(0),
            most_running: AtomicU32::new(0),
            overlap: AtomicU32::new(0),
            notes: Mutex::new(None),
            timeline: Timeline::new(),
            watch: Watch::new(),
        }
    }

    pub(super) fn is_exact(&self) -> bool {
        self.exact.load(RELAXED)
    }

    /// Where what the test says about itself goes.
    pub(crate) fn set_notes(&self, notes: Option<Arc<Notes>>) {
        *lock(&self.notes) = notes;
    }

    /// Its live bytes over time.
    pub(crate) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What is written of it while it goes on.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Takes so many live bytes for its peak, its timeline, and for whoever asks after a kill.
    pub(super) fn sampled(&self, live: i64) {
        // Most samples are below it, and to look is cheaper than to write.
        if live > self.peak.load(RELAXED) {
            self.peak.fetch_max(live, RELAXED);
        }
        self.timeline.record(live);
        self.watch.record(live, || self.seen(live));
    }

    fn seen(&self, live: i64) -> LastSeen {
        let error = error(self.timeline.interval(), self.most_running.load(RELAXED));
        let mut seen = LastSeen::default();
        seen.at_ns = self.timeline.elapsed_ns();
        seen.live_bytes = live.unsigned_abs();
        seen.error_bytes = if self.is_exact() { 0 } else { error };
        seen
    }

    /// A thread is in it from now on.
    pub(super) fn came(&self, again: bool) {
        if !again {
            change(&self.threads, |threads| threads + 1);
        }
        let running = change(&self.running, |running| running + 1);
        change(&self.most_running, |most| most.max(running));
    }

    pub(super) fn went(&self) {
        change(&self.running, |running| running - 1);
    }

    /// Whether a thread is in it now.
    pub(super) fn has_threads(&self) -> bool {
        self.running.load(RELAXED) > 0
    }

    /// Whether a thread has joined before. Those beyond the set are taken for new.
    pub(super) fn has_joined(&self, member: &Member) -> bool {
        self.joined.get(member.index / 64).is_some_and(|word| {
            let bit = 1 << (member.index % 64);
            word.fetch_or(bit, RELAXED) & bit != 0
        })
    }

    pub(super) fn forget_joined(&self, member: &Member) {
        if let Some(word) = self.joined.get(member.index / 64) {
            word.fetch_and(!(1 << (member.index % 64)), RELAXED);
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

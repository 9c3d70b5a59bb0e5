//! A member: a thread that is or was measured, by its own counters.

use std::ffi::c_void;
use std::ptr::null_mut;

use super::Notes;
use super::alive::Alive;
use super::group::{Group, Link, RELAXED, chain, is_within, lock};
use super::sync::{Arc, AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64};

/// Two counters of one thread: bytes allocated, bytes freed.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) allocated: &'static AtomicU64,
    pub(crate) deallocated: &'static AtomicU64,
}

/// Bytes allocated and freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) allocated: u64,
    pub(crate) deallocated: u64,
}

impl Moved {
    /// Allocated minus freed.
    pub(crate) fn net(self) -> i64 {
        self.allocated.wrapping_sub(self.deallocated).cast_signed()
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            allocated: self.allocated.wrapping_sub(earlier.allocated),
            deallocated: self.deallocated.wrapping_sub(earlier.deallocated),
        }
    }
}

/// A thread that is or was measured.
pub(crate) struct Member {
    pub(super) in_use: AtomicBool,
    /// Its place in the registry, and in the sets of members that groups keep.
    pub(super) index: usize,
    /// The innermost group. Written by the thread itself, or before it runs.
    pub(super) group: Link<Group>,
    /// Absent until the thread has begun, and where jemalloc does not count for it. Valid as long
    /// as the thread runs; a thread's end takes them away, under the lock.
    pub(super) allocated: Link<AtomicU64>,
    pub(super) deallocated: Link<AtomicU64>,
    /// The counters when the member was last settled.
    pub(super) settled_allocated: AtomicU64,
    pub(super) settled_deallocated: AtomicU64,
    /// Allocated minus freed when the member last sampled itself.
    pub(super) sampled: AtomicI64,
    pub(super) paused: AtomicBool,
    /// The kernel's number of the thread, once it has begun; 0 before, and where there is none.
    pub(super) thread: AtomicU32,
    pub(crate) alive: Alive,
    /// What the thread was started to do: a function and its argument, from the thread that starts
    /// it to the one that begins.
    pub(crate) errand: [AtomicPtr<c_void>; 2],
}

impl Member {
    pub(super) fn new(index: usize) -> Self {
        Self {
            in_use: AtomicBool::new(true),
            index,
            group: Link::none(),
            allocated: Link::none(),
            deallocated: Link::none(),
            settled_allocated: AtomicU64::new(0),
            settled_deallocated: AtomicU64::new(0),
            sampled: AtomicI64::new(0),
            paused: AtomicBool::new(false),
            thread: AtomicU32::new(0),
            alive: Alive::new(),
            errand: [null_mut(), null_mut()].map(AtomicPtr::new),
        }
    }

    /// Says which thread it is. By the thread itself.
    pub(crate) fn set_thread(&self, number: u32) {
        self.thread.store(number, RELAXED);
    }

    /// What its counters say; `None` where it has none.
    pub(super) fn counted(&self) -> Option<Moved> {
        Some(Moved {
            allocated: self.allocated.get()?.load(RELAXED),
            deallocated: self.deallocated.get()?.load(RELAXED),
        })
    }

    pub(super) fn set_counters(&self, counters: Option<Counters>) {
        self.allocated
            .set(counters.map(|counters| counters.allocated));
        self.deallocated
            .set(counters.map(|counters| counters.deallocated));
    }

    /// Gives what was moved since the last time to the groups. Under the lock.
    pub(super) fn settle(&self) {
        if self.paused.load(RELAXED) {
            return;
        }
        let Some(now) = self.counted() else { return };
        let moved = now.since(Moved {
            allocated: self.settled_allocated.load(RELAXED),
            deallocated: self.settled_deallocated.load(RELAXED),
        });
        self.note_settled(now);
        for group in chain(self.group.get()) {
            for (sum, more) in [
                (&group.allocated, moved.allocated),
                (&group.deallocated, moved.deallocated),
            ] {
                // As in `change`.
                sum.store(sum.load(RELAXED).wrapping_add(more), RELAXED);
            }
        }
    }

    pub(super) fn note_settled(&self, now: Moved) {
        self.settled_allocated.store(now.allocated, RELAXED);
        self.settled_deallocated.store(now.deallocated, RELAXED);
    }

    /// Forgets what was moved up to now. By the thread itself, under the lock.
    pub(super) fn start_afresh(&self) {
        if let Some(now) = self.counted() {
            self.note_settled(now);
            self.sampled.store(now.net(), RELAXED);
        }
    }

    /// Settles and samples. By the thread itself, under the lock.
    pub(super) fn account(&self) {
        self.settle();
        if let Some(now) = self.counted() {
            self.sample(now);
        }
    }

    /// [`sample`](Self::sample), unless live bytes have only fallen, by less than `small`: that is
    /// kept for the next time. This is what runs inside the allocator.
    pub(crate) fn sample_roughly(&self, now: Moved, small: u64) {
        let fall = self.sampled.load(RELAXED) - now.net();
        if !u64::try_from(fall).is_ok_and(|fall| fall < small) {
            self.sample(now);
        }
    }

    /// Adds to the groups' live bytes what this thread's have changed. By the thread itself.
    pub(crate) fn sample(&self, now: Moved) {
        if self.paused.load(RELAXED) {
            return;
        }
        let change = now.net() - self.sampled.load(RELAXED);
        if change == 0 {
            return;
        }
        self.sampled.store(now.net(), RELAXED);
        for group in chain(self.group.get()) {
            let live = group.live.fetch_add(change, RELAXED) + change;
            group.sampled(live);
        }
    }

    /// [`sample`](Self::sample), for those groups alone that asked for each allocation.
    pub(crate) fn sample_exactly(&self, is_alloc: bool, now: Moved) {
        if self.paused.load(RELAXED) || !chain(self.group.get()).any(Group::is_exact) {
            return;
        }
        // Also where the other call-back has been here first.
        self.sample(now);
        if is_alloc {
            for group in chain(self.group.get()).filter(|group| group.is_exact()) {
                group.allocations.fetch_add(1, RELAXED);
            }
        }
    }

    /// Takes from the groups what they were given too much. Under the lock.
    pub(super) fn disown(&self, moved: Moved) {
        if self.paused.load(RELAXED) {
            return;
        }
        for group in chain(self.group.get()) {
            for (sum, less) in [
                (&group.allocated, moved.allocated),
                (&group.deallocated, moved.deallocated),
            ] {
                // As in `change`.
                sum.store(sum.load(RELAXED).wrapping_sub(less), RELAXED);
            }
            group.live.fetch_sub(moved.net(), RELAXED);
        }
    }

    /// Tells the groups by how much this thread alone has peaked since it was last accounted, where
    /// live bytes cannot be sampled. By the thread itself, before it is accounted again.
    pub(crate) fn add_peak(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        for group in chain(self.group.get()) {
            group
                .peak
                .fetch_max(group.live.load(RELAXED) + bytes, RELAXED);
            group.thread_peaks.fetch_add(bytes, RELAXED);
        }
    }

    /// Whether what the thread does is not to be counted now.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(RELAXED)
    }

    /// The notes of the innermost open group that has some.
    pub(crate) fn notes(&self) -> Option<Arc<Notes>> {
        chain(self.group.get())
            .filter(|group| group.open.load(RELAXED))
            .find_map(|group| lock(&group.notes).clone())
    }

    /// Whether its group is this one, or inside it.
    pub(crate) fn is_in(&self, group: &'static Group) -> bool {
        is_within(self.group.get(), group)
    }

    /// The innermost group, unless it and all around it are closed.
    pub(crate) fn open_group(&self) -> Option<&'static Group> {
        let group = self.group.get();
        chain(group)
            .any(|group| group.open.load(RELAXED))
            .then_some(group)
            .flatten()
    }
}

/// The thread of a member is running, and has these counters.
pub(super) fn begin(member: &'static Member, counters: Option<Counters>) {
    member.set_counters(counters);
    member.start_afresh();
}

/// Gives the guard that ends the pause; none where it was paused before.
pub(super) fn pause(member: &Member) -> Option<Paused<'_>> {
    if member.paused.load(RELAXED) {
        return None;
    }
    member.account();
    member.paused.store(true, RELAXED);
    Some(Paused(member))
}

/// Ends a pause when it is dropped, under the lock.
pub(super) struct Paused<'a>(&'a Member);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        resume(self.0);
    }
}

pub(super) fn resume(member: &Member) {
    member.start_afresh();
    member.paused.store(false, RELAXED);
}

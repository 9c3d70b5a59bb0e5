//! A member: a thread that is or was measured, by its own counters.

use std::ffi::c_void;
use std::iter::successors;
use std::ptr::null_mut;

use super::alive::Alive;
use super::group::{Attachment, Group, Link, RELAXED, SampleMode, chain, lock};
use super::moved::{Counters, Moved};
use super::stack::Beside;
use super::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
use super::unmodelled::{Bytes, Flag, SignedBytes};
use super::unreported::Most;
use super::{Clock, SMALL_REALLOCATION};

/// When a thread's counters are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplePoint {
    /// Nothing is being reallocated: they say what is live.
    AtRest,
    /// jemalloc has just counted an allocation. Of a small reallocation, it will count next what that frees,
    /// which may be the same block: then that never was there twice.
    Allocated,
    /// So it may be of any reallocation.
    PerhapsAllocated,
    /// jemalloc has just counted a deallocation.
    Freed,
}

/// A thread that is or was measured.
pub(crate) struct Member {
    pub(super) in_use: AtomicBool,
    /// Its place in the registry, and in the sets of members that groups keep.
    pub(super) index: usize,
    /// The innermost group. Written by the thread itself, or before it runs.
    pub(super) group: Link<Group>,
    /// Groups that it is in beside that and those around it. As above.
    pub(super) beside: Link<Beside>,
    /// Absent until the thread has begun, and where jemalloc does not count for it. Valid as long
    /// as the thread runs; a thread's end takes them away, under the lock.
    pub(super) allocated: Link<AtomicU64>,
    pub(super) deallocated: Link<AtomicU64>,
    /// The thread may be ending, and nobody else may read its counters.
    pub(super) counters_detached: AtomicBool,
    /// The counters when the member was last flushed.
    pub(super) flushed_allocated: AtomicU64,
    pub(super) flushed_deallocated: AtomicU64,
    /// Whether it is where it was spawned, and no guard has it elsewhere.
    pub(super) is_home: Flag,
    /// Its thread has done what it was started for, and goes.
    pub(super) leaves: Flag,
    /// The thread that has started it may ask the kernel nothing, and so may this one.
    pub(super) confined: Flag,
    /// What it has moved there, of all that was flushed.
    worked_allocated: Bytes,
    worked_deallocated: Bytes,
    /// What it had moved when it last reported to its groups. Inside a reallocation that a hook has told of, that is
    /// ahead of the counters.
    reported_allocated: Bytes,
    reported_deallocated: Bytes,
    /// By how much the last report has raised what is live, until it is known whether it was there.
    pub(super) doubted: SignedBytes,
    /// The most that it has moved between two reports since it came.
    unreported: Most,
    pub(super) paused: AtomicBool,
    /// The kernel's number of the thread, once it has begun; 0 before, and where there is none.
    pub(super) thread: AtomicU32,
    pub(crate) alive: Alive,
    pub(crate) clock: Clock,
    /// What `pthread_create` was called with, from the thread that calls it to the one that begins.
    pub(crate) start_routine: AtomicPtr<c_void>,
    pub(crate) start_argument: AtomicPtr<c_void>,
}

impl Member {
    pub(super) fn new(index: usize) -> Self {
        Self {
            in_use: AtomicBool::new(true),
            index,
            group: Link::none(),
            beside: Link::none(),
            allocated: Link::none(),
            deallocated: Link::none(),
            counters_detached: AtomicBool::new(false),
            flushed_allocated: AtomicU64::new(0),
            flushed_deallocated: AtomicU64::new(0),
            is_home: Flag::new(false),
            leaves: Flag::new(false),
            confined: Flag::new(false),
            worked_allocated: Bytes::new(0),
            worked_deallocated: Bytes::new(0),
            reported_allocated: Bytes::new(0),
            reported_deallocated: Bytes::new(0),
            doubted: SignedBytes::new(0),
            unreported: Most::new(),
            paused: AtomicBool::new(false),
            thread: AtomicU32::new(0),
            alive: Alive::new(),
            clock: Clock::new(),
            start_routine: AtomicPtr::new(null_mut()),
            start_argument: AtomicPtr::new(null_mut()),
        }
    }

    /// Says which thread it is. By the thread itself.
    pub(crate) fn set_thread(&self, number: u32) {
        self.thread.store(number, RELAXED);
    }

    /// What its counters say; `None` where it has none, or only the thread itself may ask.
    fn counted_by_others(&self) -> Option<Moved> {
        if self.counters_detached.load(RELAXED) {
            return None;
        }
        self.counted()
    }

    /// What its counters say; `None` where it has none. By the thread itself.
    pub(crate) fn counted(&self) -> Option<Moved> {
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

    /// Gives what was moved since the last time to the groups, where others may know of it. Under the lock.
    pub(super) fn flush(&self) {
        if let Some(now) = self.counted_by_others() {
            self.flush_to(now);
        }
    }

    fn flush_to(&self, now: Moved) {
        if self.paused.load(RELAXED) {
            return;
        }
        let moved = now.since(Moved {
            allocated: self.flushed_allocated.load(RELAXED),
            deallocated: self.flushed_deallocated.load(RELAXED),
        });
        self.note_flushed(now);
        if self.is_home() {
            for (sum, more) in [
                (&self.worked_allocated, moved.allocated),
                (&self.worked_deallocated, moved.deallocated),
            ] {
                sum.store(sum.load(RELAXED).wrapping_add(more), RELAXED);
            }
        }
        for group in self.groups() {
            for (sum, more) in [
                (&group.allocated, moved.allocated),
                (&group.deallocated, moved.deallocated),
            ] {
                // As in `change`.
                sum.store(sum.load(RELAXED).wrapping_add(more), RELAXED);
            }
        }
    }

    /// Whether it is where it was spawned, and no guard has it elsewhere.
    pub(super) fn is_home(&self) -> bool {
        self.is_home.load(RELAXED)
    }

    /// What it has moved where it was spawned, up to when it was last flushed. Under the lock.
    pub(super) fn worked(&self) -> Moved {
        Moved {
            allocated: self.worked_allocated.load(RELAXED),
            deallocated: self.worked_deallocated.load(RELAXED),
        }
    }

    pub(super) fn note_flushed(&self, now: Moved) {
        self.flushed_allocated.store(now.allocated, RELAXED);
        self.flushed_deallocated.store(now.deallocated, RELAXED);
    }

    /// Forgets what was moved up to now. By the thread itself, under the lock.
    pub(super) fn start_afresh(&self) {
        if let Some(now) = self.counted() {
            self.note_flushed(now);
            self.note_reported(now);
        }
    }

    /// Flushes and samples. By the thread itself, under the lock.
    pub(super) fn account(&self) {
        if let Some(now) = self.counted() {
            self.flush_to(now);
            self.sample(now, SamplePoint::AtRest);
        }
    }

    /// What it had moved when it last reported to its groups.
    fn reported(&self) -> Moved {
        Moved {
            allocated: self.reported_allocated.load(RELAXED),
            deallocated: self.reported_deallocated.load(RELAXED),
        }
    }

    fn note_reported(&self, now: Moved) {
        self.reported_allocated.store(now.allocated, RELAXED);
        self.reported_deallocated.store(now.deallocated, RELAXED);
    }

    /// The most that it has moved between two reports, the time since the last among it.
    pub(super) fn unreported(&self) -> (Moved, Moved) {
        let until_now = self.counted_by_others().filter(|_| !self.is_paused());
        let until_now = until_now.map(|now| now.since(self.reported()));
        let reported = self.unreported.get();
        (reported, reported.max(until_now.unwrap_or_default()))
    }

    /// It is in other groups now, which know nothing of it yet.
    pub(super) fn forget_unreported(&self) {
        self.unreported.set(Moved::default());
    }

    /// [`sample`](Self::sample), unless live bytes have only fallen, by less than `small`: that is
    /// kept for the next time. This is what runs inside the allocator.
    pub(crate) fn sample_roughly(&self, now: Moved, look: SamplePoint, small: u64) {
        // A rise is never kept back, as the peak may be now; nor is anything while a sample is doubted, since what
        // comes next says whether that was there.
        let fall = self.reported().net() - now.net();
        let is_small = u64::try_from(fall).is_ok_and(|fall| fall < small);
        if !is_small || self.doubted.load(RELAXED) != 0 {
            self.sample(now, look);
        }
    }

    /// Adds to the groups' live bytes what this thread's have changed. By the thread itself.
    pub(crate) fn sample(&self, now: Moved, look: SamplePoint) {
        if self.paused.load(RELAXED) {
            return;
        }
        let reported = self.reported();
        let doubted = self.doubted.load(RELAXED);
        if doubted != 0 {
            self.doubted.store(0, RELAXED);
            // The same allocation may have been the first half of this: then nothing was there twice.
            let is_one = look == SamplePoint::Freed && now.allocated == reported.allocated;
            self.groups()
                .for_each(|group| group.no_more_doubt(doubted, !is_one));
        }
        self.note_reported(now);
        let since = now.since(reported);
        if let Some(before) = self.unreported.raise(since) {
            let after = before.max(since);
            self.groups()
                .for_each(|group| group.unreported(before, after));
        }
        let change = since.net();
        if change == 0 {
            return;
        }
        let doubt = match look {
            SamplePoint::PerhapsAllocated => change.max(0),
            SamplePoint::AtRest | SamplePoint::Allocated | SamplePoint::Freed => 0,
        };
        self.doubted.store(doubt, RELAXED);
        for group in self.groups() {
            group.changed(change, doubt);
            match look {
                SamplePoint::Allocated => {
                    group.may_be_twice(since.allocated, Some(SMALL_REALLOCATION as u64));
                }
                SamplePoint::PerhapsAllocated => group.may_be_twice(since.allocated, None),
                SamplePoint::AtRest | SamplePoint::Freed => {}
            }
        }
    }

    /// jemalloc has allocated a block of `bytes`, and calls a hook.
    pub(crate) fn hooked_allocated(&self, now: Moved, bytes: impl FnOnce() -> u64) {
        let mut now = now;
        // A reallocation that moves a block tells of the new one before its counters move. Nothing else that
        // allocates leaves them where they were.
        if now.allocated == self.reported_allocated.load(RELAXED) {
            now.allocated = now.allocated.wrapping_add(bytes());
        }
        self.sample(now, SamplePoint::AtRest);
        self.count(Group::is_hooked);
    }

    /// jemalloc is about to free a block of `bytes`, and calls a hook.
    pub(crate) fn hooked_freed(&self, now: Moved, bytes: u64) {
        let after = Moved {
            // Of a reallocation, the new block is in it already.
            allocated: self.reported_allocated.load(RELAXED),
            deallocated: now.deallocated.wrapping_add(bytes),
        };
        self.sample(after, SamplePoint::AtRest);
    }

    /// jemalloc has given a block a new size in its place, and calls a hook, before its counters move.
    pub(crate) fn hooked_resized(&self, now: Moved, from: u64, to: u64) {
        let after = Moved {
            allocated: now.allocated.wrapping_add(to),
            deallocated: now.deallocated.wrapping_add(from),
        };
        self.sample(after, SamplePoint::AtRest);
        self.count(Group::is_hooked);
    }

    /// jemalloc's own peak of this thread has a block of so many bytes twice.
    #[cfg(jemalloc)]
    pub(crate) fn was_twice(&self, bytes: u64) {
        if !self.is_paused() {
            self.groups().for_each(|group| group.was_twice(bytes));
        }
    }

    /// So much of what it has moved since it last reported to its groups is nobody's. By the thread itself, under the lock.
    pub(super) fn disown(&self, moved: Moved) {
        if self.paused.load(RELAXED) {
            return;
        }
        // Where somebody has flushed it meanwhile, this takes it back with the next time.
        self.note_flushed(Moved {
            allocated: self
                .flushed_allocated
                .load(RELAXED)
                .wrapping_add(moved.allocated),
            deallocated: self
                .flushed_deallocated
                .load(RELAXED)
                .wrapping_add(moved.deallocated),
        });
        let reported = self.reported();
        self.note_reported(Moved {
            allocated: reported.allocated.wrapping_add(moved.allocated),
            deallocated: reported.deallocated.wrapping_add(moved.deallocated),
        });
    }

    /// jemalloc has counted an allocation for the groups that count them so.
    pub(crate) fn count(&self, counts: impl Fn(&Group) -> bool) {
        for group in self.groups().filter(|group| counts(group)) {
            group.allocations.fetch_add(1, RELAXED);
        }
    }

    /// Whether one of its groups is looked at in such a way.
    pub(crate) fn is_looked_at(&self, so: impl Fn(&Group) -> bool) -> bool {
        !self.is_paused() && self.groups().any(so)
    }

    /// The groups that it is in, from the innermost: each once.
    pub(super) fn groups(&self) -> impl Iterator<Item = &'static Group> {
        chain(self.group.get()).chain(self.beside())
    }

    /// Those beside its own and those around that.
    pub(super) fn beside(&self) -> impl Iterator<Item = &'static Group> {
        let first = self.beside.get();
        successors(first, |beside| beside.next.get()).filter_map(|beside| beside.group.get())
    }

    /// Tells the groups by how much this thread alone has peaked since it was last accounted, where
    /// live bytes cannot be sampled. By the thread itself, before it is accounted again.
    pub(crate) fn add_peak(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let unseen = |group: &&Group| matches!(group.sample_mode(), SampleMode::Every(_));
        for group in self.groups().filter(unseen) {
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

    /// What is attached to the innermost open group that has something.
    pub(crate) fn attachment(&self) -> Option<Attachment> {
        self.groups()
            .filter(|group| group.is_open())
            .find_map(|group| lock(&group.attachment).clone())
    }

    /// Whether it is in this group, or inside it.
    pub(crate) fn is_in(&self, group: &'static Group) -> bool {
        self.groups().any(|other| std::ptr::eq(other, group))
    }

    /// The innermost group, unless it and all around it are closed; then an open one that it is in as well.
    pub(crate) fn open_group(&self) -> Option<&'static Group> {
        let group = self.group.get();
        if chain(group).any(Group::is_open) {
            return group;
        }
        self.beside().find(|group| group.is_open())
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

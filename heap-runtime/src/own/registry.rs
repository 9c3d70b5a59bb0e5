//! Who is measured: groups of threads, and what they have allocated.
//!
//! A *group* is open from the start of a tracked body to its end. A *member* is a thread that
//! belongs to a group: it runs the body, was started inside it, or joined by a guard. Groups nest,
//! and what a member does counts for its group and every group around that.
//!
//! ```text
//!            begin / join                     part / end of the thread
//!  (thread) ──────────────▶ member of a group ────────────────────────▶ (thread)
//!                                 │      ▲
//!                           pause │      │ resume: what our own code
//!                                 ▼      │ allocates is not the test's
//!                               paused ──┘
//! ```
//!
//! Two numbers are kept in two ways:
//!
//! - *Totals* are exact. jemalloc counts for each thread what it has allocated and freed. A member
//!   is *flushed* (what its counters have moved since the last time goes to its groups) whenever it
//!   joins, parts, ends, or somebody asks. All of that happens under one lock, which is never taken
//!   on the allocation path.
//! - *Live bytes*, for peak and timeline, are sampled by each member for itself, inside the
//!   allocator: with atomics alone, so without locks, allocations or waiting.
//!
//! What the lock is not:
//!
//! - Held over anything that a thread can be cancelled in: there is no I/O under it, and no lock but such as are held as
//!   shortly, the allocator's among them.
//! - Free of priority inversion. A thread under `SCHED_FIFO` may wait for one that is preempted while it holds the lock, when it
//!   starts a thread, ends or joins a test, and never when it allocates. Starting a thread and ending it is no other
//!   without us: glibc takes `stack_cache_lock` in both, and jemalloc its mutexes; none of them hands on priorities.
//! - Free for a `fork` in a signal handler that has come in the middle of it, which waits for ever: as it does for
//!   jemalloc's mutexes, before a fork. POSIX has taken `fork` from what a handler may call; `_Fork` asks nobody.
//!
//! Members and groups are never given back to the allocator, only used again. A member refers to
//! its group, and a group to the one around it, and a group is used again when nobody refers to it
//! any more: so the pointers that a sample follows are always valid. A thread that outlives its
//! test stays in the closed group, where what it does is charged to nobody but a group around.
//!
//! A member keeps a stack of the groups that it is in: those it was spawned in, and those that it
//! has joined by a guard. The last is its group. Guards may be dropped in any order, and even after
//! the thread's end: each takes out its own entry, if that is still there.

use super::group::{Group, RELAXED, SampleMode, chain, change, is_within, lock, refer, release};
use super::lists::Lists;
use super::member::{Member, begin, pause, resume};
use super::moved::{Counters, Moved};
use super::shared::{ExecutionId, Handed};
use super::stack::{Entry, Joins, Ticket, all, differing, stays};
use super::sync::{Mutex, MutexGuard};
use super::totals::GroupTotals;

/// All groups and members of the process.
pub(crate) struct Registry {
    lists: Mutex<Lists>,
}

/// A thread that is in a group.
pub(crate) struct ThreadIn {
    /// The kernel's.
    pub(crate) number: u32,
    /// Whether it has moved memory where it was spawned while other tests ran.
    pub(crate) was_beside_others: bool,
    /// Whether it has done what it was started for.
    pub(crate) leaves: bool,
}

/// The registry, locked: for `fork`, whose child must find it unlocked and whole.
pub(crate) struct Locked<'a> {
    lists: MutexGuard<'a, Lists>,
}

impl Locked<'_> {
    /// In the child of a fork: only the calling thread has come along, so only its member is left.
    /// The counters of the others are no one's memory any more. Allocates nothing.
    pub(crate) fn forget_others(&mut self, survivor: Option<&'static Member>) {
        self.lists
            .end_those(|member| survivor.is_none_or(|survivor| !std::ptr::eq(survivor, member)));
    }
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            lists: Mutex::new(Lists::default()),
        }
    }

    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked {
            lists: lock(&self.lists),
        }
    }

    /// Makes the calling thread a member, in no group yet.
    pub(crate) fn enlist(&self, counters: Option<Counters>) -> &'static Member {
        let member = lock(&self.lists).free_member();
        begin(member, counters);
        member
    }

    /// A member for a thread that `parent`, the calling thread, is about to start: it will be in
    /// the same group. `None` where there is nothing to be measured: of a thread that has outlived its test, which may
    /// work for another, there is.
    pub(crate) fn spawn(&self, parent: &'static Member) -> Option<&'static Member> {
        if parent.open_group().is_none() && !parent.is_home() {
            return None;
        }
        let mut lists = lock(&self.lists);
        // The list may have to grow, which is not what the test has allocated.
        let paused = pause(parent);
        let member = lists.free_member();
        let mut stack = lists.take_stack(member);
        let groups = parent.beside().chain(parent.group.get());
        stack.extend(groups.enumerate().map(|(at, group)| Entry {
            ticket: None,
            by_spawn: true,
            group,
            over: at > 0,
            paused_before: false,
        }));
        for entry in &stack {
            refer(Some(entry.group));
        }
        // Should it leave and come again, it is the same.
        all(&stack).for_each(|group| group.thread_came(group.has_joined(member.index)));
        lists.place(member, stack);
        drop(paused);
        Some(member)
    }

    /// The thread of `member` could not be started: it has never been.
    pub(crate) fn cancel_spawn(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        let stack = lists.take_stack(member);
        for group in all(&stack) {
            change(&group.threads, |threads| threads - 1);
        }
        lists.place(member, stack);
        lists.end(member);
    }

    /// The thread of `member` has begun, and this is it.
    pub(crate) fn begin(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        begin(member, counters);
    }

    /// The thread of `member`, which calls this, may be ending: until it wakes the member again or
    /// ends it, nobody may read its counters, which die with it.
    pub(crate) fn detach_counters(&self, member: &'static Member) {
        let _lists = lock(&self.lists);
        member.account();
        member.counters_detached.store(true, RELAXED);
    }

    /// The thread of `member`, which calls this, was not at its end. What it has moved since it
    /// dozed off is counted.
    pub(crate) fn attach_counters(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        member.set_counters(counters);
        member.counters_detached.store(false, RELAXED);
    }

    /// Of what the thread of `member`, which calls this, has moved, so much was nobody's.
    pub(crate) fn disown(&self, member: &'static Member, moved: Moved) {
        let _lists = lock(&self.lists);
        member.disown(moved);
    }

    /// The thread of `member`, which calls this, ends.
    pub(crate) fn end(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        member.account();
        lists.end(member);
    }

    /// Opens a group inside the one that `member`, the calling thread, is in. Nobody is in it yet.
    pub(crate) fn open(&self, member: &'static Member, mode: SampleMode) -> &'static Group {
        let mut lists = lock(&self.lists);
        let paused = pause(member);
        // What threads have moved up to here is of the groups that were open: this one has no part in it.
        lists.observe();
        let around = member.group.get();
        let group = lists.free_group();
        refer(Some(group));
        refer(around);
        group.around.set(around);
        group.lost.store(false, RELAXED);
        group.set_sample_mode(mode);
        // What is inside an open group is part of the same test, so only outermost ones are counted.
        let is_outermost = u32::from(!member.groups().any(Group::is_open));
        for other in lists.groups().filter(|other| other.is_open()) {
            if member.groups().any(|around| std::ptr::eq(around, other)) {
                continue;
            }
            change(&other.overlap, |overlap| overlap + is_outermost);
            let other_is_outermost = u32::from(!other.is_in_open());
            change(&group.overlap, |overlap| overlap + other_is_outermost);
        }
        group.open.store(true, RELAXED);
        lists.shared.open(group);
        drop(paused);
        group
    }

    /// Moves `member`, the calling thread, into `group`, until it parts with the ticket.
    pub(crate) fn join(
        &self,
        member: &'static Member,
        group: &'static Group,
        joins: Joins,
    ) -> Ticket {
        let mut lists = lock(&self.lists);
        member.account();
        // The stack may have to grow, which is not what the test has allocated.
        let paused_before = member.paused.swap(true, RELAXED);
        let ticket = lists.ticket();
        let mut stack = lists.take_stack(member);
        for group in differing(&stack, group) {
            group.thread_came(group.has_joined(member.index));
        }
        refer(Some(group));
        stack.push(Entry {
            ticket: Some(ticket),
            by_spawn: false,
            group,
            over: stays(&stack, joins, group),
            paused_before,
        });
        lists.place(member, stack);
        // Nothing may come between this and the body: it would be counted.
        member.start_afresh();
        member.paused.store(false, RELAXED);
        ticket
    }

    /// Moves `member`, the calling thread, back to where it was before it joined with that ticket;
    /// where it has joined another group since then, it stays there.
    pub(crate) fn part(&self, member: &'static Member, ticket: Ticket) {
        let mut lists = lock(&self.lists);
        // First of all: what follows is not the test's.
        member.account();
        let mut paused = member.paused.swap(true, RELAXED);
        let mut stack = lists.take_stack(member);
        let at = stack.iter().position(|entry| entry.ticket == Some(ticket));
        if let Some(at) = at {
            let parted = stack.remove(at);
            for group in differing(&stack, parted.group) {
                group.thread_left();
            }
            match stack.get_mut(at) {
                Some(above) => above.paused_before = parted.paused_before,
                None => paused = parted.paused_before,
            }
            lists.place(member, stack);
            release(Some(parted.group));
        } else {
            lists.place(member, stack);
        }
        member.start_afresh();
        member.paused.store(paused, RELAXED);
    }

    /// `member`, the calling thread, is in `group` from now on, as though it was spawned there, and no more in what it was
    /// spawned in. It stays where a guard has it.
    pub(crate) fn move_home(&self, member: &'static Member, group: &'static Group) {
        let mut lists = lock(&self.lists);
        let paused = pause(member);
        lists.leaves_home(member);
        let mut stack = lists.take_stack(member);
        for group in differing(&stack, group) {
            group.thread_came(group.has_joined(member.index));
        }
        refer(Some(group));
        let spawned_in = stack.iter().take_while(|entry| entry.ticket.is_none());
        let spawned_in = spawned_in.count();
        let entry = Entry {
            ticket: None,
            by_spawn: false,
            group,
            over: false,
            paused_before: false,
        };
        let mut left: Vec<Entry> = stack.splice(..spawned_in, [entry]).collect();
        while let Some(entry) = left.pop() {
            let stays = || stack.iter().chain(&left);
            for group in chain(Some(entry.group)) {
                if !stays().any(|entry| is_within(Some(entry.group), group)) {
                    group.thread_left();
                }
            }
            release(Some(entry.group));
        }
        lists.place(member, stack);
        drop(paused);
    }

    /// The threads that are in the group and have begun.
    pub(crate) fn threads_in(&self, group: &'static Group) -> Vec<ThreadIn> {
        let mut lists = lock(&self.lists);
        lists.observe();
        let threads = lists.members_in(group).map(|member| ThreadIn {
            number: member.thread.load(RELAXED),
            was_beside_others: lists.shared.was_beside_others(member),
            leaves: member.leaves.load(RELAXED),
        });
        threads.filter(|thread| thread.number != 0).collect()
    }

    /// Hands on the members whose threads are in the group.
    pub(crate) fn each_in(&self, group: &'static Group, each: impl FnMut(&'static Member)) {
        lock(&self.lists).members_in(group).for_each(each);
    }

    /// Ends the members whose threads have died without a word. Says whether there was one.
    pub(crate) fn reap(&self) -> bool {
        lock(&self.lists).reap()
    }

    /// What the group has come to now.
    pub(crate) fn totals(&self, group: &'static Group) -> GroupTotals {
        lock(&self.lists).totals(group)
    }

    /// Closes a group, and gives what it has come to, and the group itself to `last` before
    /// anybody else can use it; and whom it may have worked for that has ended.
    pub(crate) fn close<T>(
        &self,
        group: &'static Group,
        execution: Option<ExecutionId<&str>>,
        last: impl FnOnce(&'static Group, GroupTotals, Vec<Handed>) -> T,
    ) -> T {
        let mut lists = lock(&self.lists);
        let mut totals = lists.totals(group);
        group.open.store(false, RELAXED);
        // A thread that stays in it is looked at as those of the group around.
        group.hooked.store(false, RELAXED);
        group.timeline.stop();
        let (shared, handed) = lists.close(group, execution);
        totals.shared = shared;
        // Each thread that starts or ends waits for the lock, and `last` makes texts and vectors. Nobody else can have
        // the group meanwhile: it is released after that.
        drop(lists);
        let result = last(group, totals, handed);
        let _lists = lock(&self.lists);
        group.attach(None);
        release(Some(group));
        result
    }

    /// Keeps the group from being used again until it is let go.
    pub(crate) fn hold(&self, group: &'static Group) {
        let _lists = lock(&self.lists);
        refer(Some(group));
    }

    /// See [`hold`](Self::hold).
    pub(crate) fn let_go(&self, group: &'static Group) {
        let _lists = lock(&self.lists);
        release(Some(group));
    }

    /// From here on, what the calling thread allocates is our own. Says whether it was not so
    /// before; then `resume` ends it.
    pub(crate) fn pause(&self, member: &'static Member) -> bool {
        let _lists = lock(&self.lists);
        pause(member).map(std::mem::forget).is_some()
    }

    /// See [`pause`](Self::pause).
    pub(crate) fn resume(&self, member: &'static Member) {
        let _lists = lock(&self.lists);
        resume(member);
    }
}

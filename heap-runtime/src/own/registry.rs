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
//!   is *settled* (what its counters have moved since the last time goes to its groups) whenever it
//!   joins, parts, ends, or somebody asks. All of that happens under one lock, which is never taken
//!   on the allocation path.
//! - *Live bytes*, for peak and timeline, are sampled by each member for itself, inside the
//!   allocator: with atomics alone, so without locks, allocations or waiting.
//!
//! Members and groups are never given back to the allocator, only used again. A member refers to
//! its group, and a group to the one around it, and a group is used again when nobody refers to it
//! any more: so the pointers that a sample follows are always valid. A thread that outlives its
//! test stays in the closed group, where what it does is charged to nobody but a group around.
//!
//! A member keeps a stack of the groups that it is in: the one it was born into, and those that it
//! has joined by a guard. The last is its group. Guards may be dropped in any order, and even after
//! the thread's end: each takes out its own entry, if that is still there.

use super::group::{Group, Looks, RELAXED, chain, change, is_within, lock, refer, release};
use super::member::{Counters, Member, Moved, begin, pause, resume};
use super::sync::{Mutex, MutexGuard};

/// All groups and members of the process.
pub(crate) struct Registry {
    lists: Mutex<Lists>,
}

/// Every member and group that there ever was; those not in use are used again.
#[derive(Default)]
struct Lists {
    members: Vec<&'static Member>,
    groups: Vec<&'static Group>,
    /// For each member, the groups that it is in.
    stacks: Vec<Vec<Entry>>,
    tickets: u64,
}

/// A group that a member is in. It is a reference to the group.
struct Entry {
    /// None for the group that the member was born into.
    ticket: Option<Ticket>,
    group: &'static Group,
    /// Whether the member was paused when it came.
    paused_before: bool,
}

/// What a member gets when it joins a group, and parts from it with. None is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// What a group has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Totals {
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
}

/// The groups that a member with this stack is in, or no more in, by one entry more or less.
fn differing(stack: &[Entry], group: &'static Group) -> impl Iterator<Item = &'static Group> {
    chain(Some(group)).filter(|outer| {
        !stack
            .iter()
            .any(|entry| is_within(Some(entry.group), outer))
    })
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
    /// the same group. `None` where there is nothing to be measured.
    pub(crate) fn birth(&self, parent: &'static Member) -> Option<&'static Member> {
        parent.open_group()?;
        let mut lists = lock(&self.lists);
        // The list may have to grow, which is not what the test has allocated.
        let paused = pause(parent);
        let member = lists.free_member();
        let group = parent.group.get();
        if let Some(group) = group {
            lists.push(member, None, group);
        }
        member.group.set(group);
        for group in chain(group) {
            group.came(false);
        }
        member.has_said_nothing();
        drop(paused);
        Some(member)
    }

    /// The thread of `member` could not be started: it has never been.
    pub(crate) fn stillborn(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        for group in chain(member.group.get()) {
            change(&group.threads, |threads| threads - 1);
        }
        lists.end(member);
    }

    /// The thread of `member` has begun, and this is it.
    pub(crate) fn begin(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        begin(member, counters);
    }

    /// The thread of `member`, which calls this, may be ending: until it wakes the member again or
    /// ends it, nobody may read its counters, which die with it.
    pub(crate) fn doze(&self, member: &'static Member) {
        let _lists = lock(&self.lists);
        member.account();
        member.set_counters(None);
    }

    /// The thread of `member`, which calls this, was not at its end. What it has moved since it
    /// dozed off is counted.
    pub(crate) fn wake(&self, member: &'static Member, counters: Option<Counters>) {
        let _lists = lock(&self.lists);
        member.set_counters(counters);
    }

    /// Of what the thread of `member`, which calls this, has moved, so much was nobody's.
    pub(crate) fn disown(&self, member: &'static Member, moved: Moved) {
        let _lists = lock(&self.lists);
        member.account();
        member.disown(moved);
    }

    /// The thread of `member`, which calls this, ends.
    pub(crate) fn end(&self, member: &'static Member) {
        let mut lists = lock(&self.lists);
        member.account();
        lists.end(member);
    }

    /// Opens a group inside the one that `member`, the calling thread, is in. Nobody is in it yet.
    pub(crate) fn open(&self, member: &'static Member, looks: Looks) -> &'static Group {
        let mut lists = lock(&self.lists);
        let paused = pause(member);
        let around = member.group.get();
        let group = lists.free_group();
        refer(Some(group));
        refer(around);
        group.around.set(around);
        group.lost.store(false, RELAXED);
        group.set_looks(looks);
        // A group inside another is part of the same test, so only outermost ones are counted.
        for other in &lists.groups {
            if other.open.load(RELAXED) && !is_within(around, other) {
                let is_outermost = u32::from(around.is_none());
                change(&other.overlap, |overlap| overlap + is_outermost);
                let other_is_outermost = u32::from(other.around.get().is_none());
                change(&group.overlap, |overlap| overlap + other_is_outermost);
            }
        }
        group.open.store(true, RELAXED);
        drop(paused);
        group
    }

    /// Moves `member`, the calling thread, into `group`, until it parts with the ticket.
    pub(crate) fn join(&self, member: &'static Member, group: &'static Group) -> Ticket {
        let mut lists = lock(&self.lists);
        member.account();
        // The stack may have to grow, which is not what the test has allocated.
        let paused_before = member.paused.swap(true, RELAXED);
        lists.tickets += 1;
        let ticket = Ticket(lists.tickets);
        for group in differing(lists.stack(member), group) {
            group.came(group.has_joined(member));
        }
        lists.push(member, Some(ticket), group);
        if let Some(entry) = lists.stack_mut(member).last_mut() {
            entry.paused_before = paused_before;
        }
        member.group.set(Some(group));
        member.has_said_nothing();
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
        let stack = lists.stack_mut(member);
        let Some(at) = stack.iter().position(|entry| entry.ticket == Some(ticket)) else {
            return;
        };
        let parted = stack.remove(at);
        for group in differing(stack, parted.group) {
            group.went();
        }
        match stack.get_mut(at) {
            Some(above) => above.paused_before = parted.paused_before,
            None => member.paused.store(parted.paused_before, RELAXED),
        }
        member.group.set(stack.last().map(|entry| entry.group));
        member.has_said_nothing();
        release(Some(parted.group));
    }

    /// The kernel's numbers of the threads that are in the group and have begun.
    pub(crate) fn threads_in(&self, group: &'static Group) -> Vec<u32> {
        let lists = lock(&self.lists);
        let members = lists.members.iter();
        members
            .filter(|member| member.in_use.load(RELAXED) && member.is_in(group))
            .map(|member| member.thread.load(RELAXED))
            .filter(|thread| *thread != 0)
            .collect()
    }

    /// Ends the members whose threads have died without a word. Says whether there was one.
    pub(crate) fn bury(&self) -> bool {
        lock(&self.lists).bury()
    }

    /// What the group has come to now.
    pub(crate) fn totals(&self, group: &'static Group) -> Totals {
        lock(&self.lists).totals(group)
    }

    /// Closes a group, and gives what it has come to, and the group itself to `last` before
    /// anybody else can use it.
    pub(crate) fn close<T>(
        &self,
        group: &'static Group,
        last: impl FnOnce(&'static Group, Totals) -> T,
    ) -> T {
        let mut lists = lock(&self.lists);
        let totals = lists.totals(group);
        group.open.store(false, RELAXED);
        // A thread that stays in it is looked at as those of the group around.
        group.hooked.store(false, RELAXED);
        group.timeline.stop();
        drop(lists);
        let result = last(group, totals);
        let _lists = lock(&self.lists);
        group.set_notes(None);
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

impl Lists {
    /// Ends the members whose threads are no more. Their counters are no one's memory.
    fn end_those(&mut self, are_gone: impl Fn(&'static Member) -> bool) {
        for index in 0..self.members.len() {
            let Some(&member) = self.members.get(index) else {
                continue;
            };
            if member.in_use.load(RELAXED) && are_gone(member) {
                member.set_counters(None);
                self.end(member);
            }
        }
    }

    /// Ends those that have died without a word. Says whether there was one.
    fn bury(&mut self) -> bool {
        let found = std::cell::Cell::new(false);
        self.end_those(|member| {
            let died = member.allocated.get().is_some() && member.alive.has_died();
            if died {
                found.set(true);
                chain(member.group.get()).for_each(|group| group.lost.store(true, RELAXED));
            }
            died
        });
        found.get()
    }

    fn free_member(&mut self) -> &'static Member {
        let free = self
            .members
            .iter()
            .find(|member| !member.in_use.load(RELAXED));
        if let Some(member) = free {
            member.in_use.store(true, RELAXED);
            return member;
        }
        let member: &'static Member = Box::leak(Box::new(Member::new(self.members.len())));
        self.members.push(member);
        self.stacks.push(Vec::new());
        member
    }

    // Every member has a stack: both lists grow together.
    fn stack(&self, member: &Member) -> &[Entry] {
        &self.stacks[member.index]
    }

    fn stack_mut(&mut self, member: &Member) -> &mut Vec<Entry> {
        &mut self.stacks[member.index]
    }

    fn push(&mut self, member: &Member, ticket: Option<Ticket>, group: &'static Group) {
        refer(Some(group));
        self.stack_mut(member).push(Entry {
            ticket,
            group,
            paused_before: false,
        });
    }

    /// Takes a member out of all groups and frees it. Its guards, where there still are some, do
    /// nothing any more.
    fn end(&mut self, member: &'static Member) {
        member.group.set(None);
        member.set_counters(None);
        member.set_thread(0);
        member.doubted.store(0, RELAXED);
        member.paused.store(false, RELAXED);
        let stack = self.stack_mut(member);
        while let Some(entry) = stack.pop() {
            for group in differing(stack, entry.group) {
                group.went();
            }
            release(Some(entry.group));
        }
        for group in &self.groups {
            group.forget_joined(member);
        }
        member.in_use.store(false, RELAXED);
    }

    fn free_group(&mut self) -> &'static Group {
        let free = self
            .groups
            .iter()
            .find(|group| group.references.load(RELAXED) == 0);
        let group = if let Some(group) = free {
            group
        } else {
            let group: &'static Group = Box::leak(Box::new(Group::new()));
            self.groups.push(group);
            group
        };
        for counter in [&group.allocated, &group.deallocated, &group.allocations] {
            counter.store(0, RELAXED);
        }
        for unsaid in &group.unsaid {
            unsaid.clear();
        }
        for count in [
            &group.threads,
            &group.running,
            &group.most_running,
            &group.overlap,
        ] {
            count.store(0, RELAXED);
        }
        for word in &group.joined {
            word.store(0, RELAXED);
        }
        for bytes in [&group.live, &group.peak, &group.thread_peaks] {
            bytes.store(0, RELAXED);
        }
        for bytes in [&group.doubted, &group.doubted_peak] {
            bytes.store(0, RELAXED);
        }
        group.twice.store(0, RELAXED);
        group
    }

    fn totals(&mut self, group: &'static Group) -> Totals {
        self.bury();
        let running = || {
            let members = self.members.iter().copied();
            members.filter(|member| member.in_use.load(RELAXED) && member.is_in(group))
        };
        let mut threads_running = 0;
        for member in running() {
            member.settle();
            threads_running += 1;
        }
        let moved = Moved {
            allocated: group.allocated.load(RELAXED),
            deallocated: group.deallocated.load(RELAXED),
        };
        let most_running = group.most_running.load(RELAXED);
        // A thread alone has peaked as the group has.
        let thread_peaks = match most_running {
            0 | 1 => 0,
            _ => group.thread_peaks.load(RELAXED),
        };
        let peak = group.peak.load(RELAXED).max(thread_peaks).max(moved.net());
        let [peak_at_least, peak_at_most] = bounds(group, running(), peak, moved);
        Totals {
            moved,
            peak: peak.max(0).unsigned_abs(),
            peak_at_least,
            peak_at_most,
            twice: group.twice(1),
            allocations: group.allocations.load(RELAXED),
            threads: group.threads.load(RELAXED),
            threads_running,
            most_running,
            overlap: group.overlap.load(RELAXED),
            lost: group.lost.load(RELAXED),
        }
    }
}

/// How large the peak of a group is in truth, at the least and at the most.
fn bounds<'a>(
    group: &Group,
    running: impl Iterator<Item = &'a Member>,
    peak: i64,
    moved: Moved,
) -> [u64; 2] {
    let positive = |bytes: i64| bytes.max(0).unsigned_abs();
    let peak = positive(peak);
    let doubted = positive(group.doubted_peak.load(RELAXED)).max(peak);
    let threads = group.most_running.load(RELAXED);
    let [too_low, too_high] = match group.looks() {
        Looks::Hooks => [0, 0],
        Looks::Each => [0, group.twice(threads)],
        Looks::Every(_) => {
            let [rises, falls] = group.unsaid_by(running);
            // The one that has told last is right about itself, but for what it may have counted twice.
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

//! Every member and group that there ever was; those not in use are used again.

use std::cell::Cell;
use std::mem::take;

use super::group::{Group, Link, RELAXED, release};
use super::member::Member;
use super::moved::Moved;
use super::shared::{
    ExecutionId, Handed, OverlapLedger, Shared, groups_spawned_in, is_at_home, was_spawned_in,
};
use super::stack::{Beside, Entry, Ticket, beside, differing};
use super::totals::{GroupTotals, bounds};

/// See the module.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) members: Vec<&'static Member>,
    groups: Vec<&'static Group>,
    /// For each member, the groups that it is in.
    pub(super) stacks: Vec<Vec<Entry>>,
    pub(super) shared: OverlapLedger,
    /// What no member needs at the moment.
    besides: Link<Beside>,
    tickets: u64,
}

impl Lists {
    /// Ends the members whose threads are no more. Their counters are no one's memory.
    pub(super) fn end_those(&mut self, are_gone: impl Fn(&'static Member) -> bool) {
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
    pub(super) fn reap(&mut self) -> bool {
        let found = Cell::new(false);
        self.end_those(|member| {
            let died = member.allocated.get().is_some() && member.alive.has_died();
            if died {
                found.set(true);
                member
                    .groups()
                    .for_each(|group| group.lost.store(true, RELAXED));
            }
            died
        });
        found.get()
    }

    pub(super) fn free_member(&mut self) -> &'static Member {
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
        self.shared.enlist();
        member
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &'static Group> {
        self.groups.iter().copied()
    }

    /// The members whose threads are in the group, or in one inside it.
    pub(super) fn members_in(
        &self,
        group: &'static Group,
    ) -> impl Iterator<Item = &'static Member> {
        let members = self.members.iter().copied();
        members.filter(move |member| member.in_use.load(RELAXED) && member.is_in(group))
    }

    /// The stack of a member, which is to be [placed](Self::place) by it again.
    // Every member has one: both lists grow together.
    pub(super) fn take_stack(&mut self, member: &Member) -> Vec<Entry> {
        take(&mut self.stacks[member.index])
    }

    /// Puts a member into the groups of that stack, which is its own from now on. By the thread itself while it is
    /// paused, or before it runs.
    pub(super) fn place(&mut self, member: &Member, stack: Vec<Entry>) {
        let mut before = member.beside.get();
        let mut list: Option<&'static Beside> = None;
        for group in beside(&stack) {
            let one = self.free_beside();
            one.group.set(Some(group));
            one.next.set(list);
            list = Some(one);
        }
        // Two pointers that a sample reads: none comes in between, as the thread is paused or has not begun.
        member.beside.set(list);
        member.group.set(stack.last().map(|entry| entry.group));
        let is_home = stack.last().is_some_and(|entry| entry.by_spawn);
        member.is_home.store(is_home, RELAXED);
        member.forget_unreported();
        self.stacks[member.index] = stack;
        while let Some(one) = before {
            before = one.next.get();
            one.group.set(None);
            one.next.set(self.besides.get());
            self.besides.set(Some(one));
        }
    }

    fn free_beside(&mut self) -> &'static Beside {
        match self.besides.get() {
            Some(free) => {
                self.besides.set(free.next.get());
                free
            }
            None => Box::leak(Box::new(Beside::new())),
        }
    }

    /// Takes a member out of all groups and frees it. Its guards, where there still are some, do
    /// nothing any more.
    pub(super) fn end(&mut self, member: &'static Member) {
        self.leaves_home(member);
        let mut stack = self.take_stack(member);
        self.place(member, Vec::new());
        member.set_counters(None);
        member.counters_detached.store(false, RELAXED);
        member.set_thread(0);
        member.clock.forget();
        member.doubted.store(0, RELAXED);
        member.paused.store(false, RELAXED);
        member.leaves.store(false, RELAXED);
        while let Some(entry) = stack.pop() {
            for group in differing(&stack, entry.group) {
                group.thread_left();
            }
            release(Some(entry.group));
        }
        // It is empty, and has room for the next.
        self.stacks[member.index] = stack;
        // The next thread that this member stands for is another one.
        for group in &self.groups {
            group.forget_joined(member.index);
        }
        member.in_use.store(false, RELAXED);
    }

    pub(super) fn free_group(&mut self) -> &'static Group {
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
        for unreported in &group.unreported {
            unreported.clear();
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

    pub(super) fn totals(&mut self, group: &'static Group) -> GroupTotals {
        self.reap();
        self.observe();
        let mut threads_running = 0;
        for member in self.members_in(group) {
            member.flush();
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
        let [peak_at_least, peak_at_most] = bounds(group, self.members_in(group), peak, moved);
        GroupTotals {
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
            shared: Shared {
                included: Moved::default(),
                beside: self.shared.beside(group),
            },
        }
    }

    /// What all threads have moved up to now is of the groups that are open now.
    pub(super) fn observe(&mut self) {
        for (member, stack) in self.members.iter().zip(&self.stacks) {
            if member.in_use.load(RELAXED) && groups_spawned_in(stack).next().is_some() {
                member.flush();
                self.shared.observe(member, stack);
            }
        }
    }

    /// A thread ends, or is nobody's from now on. Its stack is in its place.
    pub(super) fn leaves_home(&mut self, member: &Member) {
        if let Some(stack) = self.stacks.get(member.index) {
            if groups_spawned_in(stack).next().is_some() && !is_at_home(stack) {
                self.shared.observe(member, stack);
            }
            self.shared.forget(member);
        }
    }

    /// A group is no more open. Gives what of its numbers is not known, and who may have had a part in that.
    pub(super) fn close(
        &mut self,
        group: &'static Group,
        execution: Option<ExecutionId<&str>>,
    ) -> (Shared, Vec<Handed>) {
        let (mut shared, serial) = self.shared.close(group);
        let mut handed = Vec::new();
        for (member, stack) in self.members.iter().zip(&self.stacks) {
            if !member.in_use.load(RELAXED) || !was_spawned_in(stack, group) {
                continue;
            }
            shared.included = shared.included.plus(self.shared.overlapped(member));
            if !is_at_home(stack) {
                self.shared.hand_on(member, &mut handed);
            }
        }
        let named = self.shared.named(handed);
        self.shared.remember(serial.zip(execution));
        (shared, named)
    }
}

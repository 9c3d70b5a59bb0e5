//! Every member and group that there ever was; those not in use are used again.

use std::cell::Cell;
use std::mem::take;

use super::group::{Group, Link, RELAXED, SampleMode, release};
use super::member::{Member, Moved};
use super::registry::{GroupTotals, Ticket};
use super::shared::{OverlapLedger, Shared};
use super::stack::{Beside, Entry, beside, differing};

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
        while let Some(entry) = stack.pop() {
            for group in differing(&stack, entry.group) {
                group.thread_left();
            }
            release(Some(entry.group));
        }
        // It is empty, and has room for the next.
        self.stacks[member.index] = stack;
        for group in &self.groups {
            group.forget_joined(member);
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
    let [too_low, too_high] = match group.sample_mode() {
        SampleMode::Hooks => [0, 0],
        SampleMode::Each => [0, group.twice(threads)],
        SampleMode::Every(_) => {
            let [rises, falls] = group.unreported_by(running);
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

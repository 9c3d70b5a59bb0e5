//! The groups that a member is in: a stack of them, of which the last is its group.
//!
//! A tracked body runs in what its thread is in already, and what the thread does counts for both. That goes
//! without saying where the body's group was opened there. A future may have been begun somewhere else: then the groups
//! that it is polled in are *beside* it. A handle takes the thread out of all that. What a thread was spawned in
//! does not count for a body that was begun elsewhere: it may be a pool's thread.

use super::group::{Group, Link, RELAXED, chain, is_within};

/// What a member gets when it joins a group, and parts from it with. None is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(pub(super) u64);

/// A group that a member is in. It is a reference to the group.
pub(super) struct Entry {
    /// None for a group that the member was spawned in, or has moved its home to.
    pub(super) ticket: Option<Ticket>,
    /// Whether it was spawned in it.
    pub(super) by_spawn: bool,
    pub(super) group: &'static Group,
    /// Whether the member is in the groups of the entry below too.
    pub(super) over: bool,
    /// Whether the member was paused when it came.
    pub(super) paused_before: bool,
}

/// How a thread joins a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joins {
    /// It runs a body of the group's, inside what it does already.
    Inside,
    /// It works for the group, and for nobody else meanwhile.
    Instead,
}

/// One of the groups that a member is in beside its own.
pub(super) struct Beside {
    pub(super) group: Link<Group>,
    pub(super) next: Link<Beside>,
}

impl Beside {
    pub(super) fn new() -> Self {
        Self {
            group: Link::none(),
            next: Link::none(),
        }
    }
}

/// Whether one that joins a group so, on top of that stack, stays in what it is in.
pub(super) fn stays(stack: &[Entry], joins: Joins, group: &'static Group) -> bool {
    stack.last().is_some_and(|below| {
        let comes_from_elsewhere = !is_within(Some(group), below.group);
        let was_spawned_there = below.ticket.is_none();
        joins == Joins::Inside && !(comes_from_elsewhere && was_spawned_there)
    })
}

/// The groups that the member is in beside its own and those around that, each once, and none that is closed.
pub(super) fn beside(stack: &[Entry]) -> impl Iterator<Item = &'static Group> {
    let own = stack.last().map(|entry| entry.group);
    let below = move || {
        let last_under = stack.iter().rposition(|entry| !entry.over).unwrap_or(0);
        let counting = stack.get(last_under..).unwrap_or_default();
        let groups = counting.iter().rev().skip(1);
        groups.flat_map(|entry| chain(Some(entry.group)))
    };
    below().enumerate().filter_map(move |(at, group)| {
        let is_known =
            is_within(own, group) || below().take(at).any(|other| std::ptr::eq(other, group));
        (!is_known && group.open.load(RELAXED)).then_some(group)
    })
}

/// All the groups that a member with this stack has come to, each once.
pub(super) fn all(stack: &[Entry]) -> impl Iterator<Item = &'static Group> {
    let entries = stack.iter().enumerate();
    entries.flat_map(|(at, entry)| differing(stack.get(..at).unwrap_or_default(), entry.group))
}

/// The groups that a member with this stack is in, or no more in, by one entry more or less.
pub(super) fn differing(
    stack: &[Entry],
    group: &'static Group,
) -> impl Iterator<Item = &'static Group> {
    chain(Some(group)).filter(|outer| {
        !stack
            .iter()
            .any(|entry| is_within(Some(entry.group), outer))
    })
}

//! When a thread's clock is read: where its counters are, and never under the registry's lock by the thread itself.
//!
//! ```text
//!  spawned ──▶ (its time is the groups') ──stops──▶ (nobody's, or our own) ──starts──▶ (the groups')
//! ```

use super::group::{Group, RELAXED};
use super::member::Member;
use super::this_thread::REGISTRY;
use crate::fork;
use crate::time::Amounts;

/// Whether some test of the thread's wants to know.
fn is_wanted(member: &'static Member) -> bool {
    let wants = |group: &Group| group.is_open() && group.ledger.is_wanted();
    member.groups().any(wants)
}

/// What a ledger knows a thread by.
fn number(member: &Member) -> usize {
    member.index + 1
}

/// The thread has spent so much in the groups that it is in.
fn give(member: &'static Member, spent: &Amounts) {
    for group in member.groups() {
        group.ledger.add(number(member), spent);
    }
}

/// A thread is about to be started, which is in its groups already. By the thread that starts it.
#[cfg(spawns)]
pub(super) fn spawned(member: &'static Member) {
    if is_wanted(member) && !fork::is_child() {
        member.clock.spawned();
    }
}

/// From here on, the thread's time is that of the groups that it is in. By the thread itself.
pub(super) fn starts(member: &'static Member) {
    if !member.is_paused() && is_wanted(member) && !fork::is_child() {
        member.clock.start();
    }
}

/// From here on, it is nobody's. By the thread itself, while it is still in its groups.
pub(super) fn stops(member: &'static Member) {
    if member.clock.runs() && !fork::is_child() {
        member.clock.stop(|spent| give(member, spent));
    }
}

/// That thread runs the group's body from now on; none does, where there is none.
pub(super) fn set_runner(group: &'static Group, member: Option<&'static Member>) {
    group.ledger.set_runner(member.map_or(0, number));
}

/// Asks after the threads of a group that have not stopped.
pub(super) fn look_at_others(group: &'static Group) {
    if !group.ledger.is_wanted() {
        return;
    }
    REGISTRY.each_in(group, |member| {
        let thread = member.thread.load(RELAXED);
        if member.clock.runs() && thread != 0 {
            member.clock.look(thread, |spent| give(member, spent));
        }
    });
}

//! When a thread's clock is read: where its counters are, and never under the registry's lock by the thread itself.
//!
//! ```text
//!  spawned ──▶ (its time is the groups') ──stops──▶ (nobody's, or our own) ──starts──▶ (the groups')
//! ```

use super::group::{Group, RELAXED};
use super::member::Member;
use super::this_thread::REGISTRY;
use crate::fork;
use crate::sidecar::Spent;
use crate::time::{Ask, Since};

/// Whether some test of the thread's wants to know.
fn is_wanted(member: &'static Member) -> bool {
    let wants = |group: &Group| group.is_open() && group.ledger.is_wanted();
    member.groups().any(wants)
}

/// Whether the thread is to be asked what it was made to wait for.
fn ask(member: &'static Member, ask: Ask) -> Ask {
    let wants = |group: &Group| group.is_open() && group.ledger.wants_delays();
    if ask != Ask::Never && member.groups().any(wants) {
        ask
    } else {
        Ask::Never
    }
}

/// What a ledger knows a thread by.
fn number(member: &Member) -> usize {
    member.index + 1
}

/// The thread has spent so much in the groups that it is in.
fn give(member: &'static Member, spent: &Since) {
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
pub(super) fn starts(member: &'static Member, when: Ask) {
    if !member.is_paused() && is_wanted(member) && !fork::is_child() {
        member.clock.start(ask(member, when));
    }
}

/// From here on, it is nobody's. By the thread itself, while it is still in its groups.
pub(super) fn stops(member: &'static Member, when: Ask) {
    if member.clock.runs() && !fork::is_child() {
        let ask = ask(member, when);
        member.clock.stop(ask, |spent| give(member, spent));
    }
}

/// What the threads of a group have spent on a CPU and waiting for one, up to now. None where nobody wants to know.
pub(super) fn so_far(group: &'static Group) -> Option<Spent> {
    /// A thread that ends meanwhile may be counted twice, or not at all.
    const ATTEMPTS: u32 = 4;
    let mut attempt = 1;
    loop {
        let given = group.ledger.ran()?.all;
        let mut spent = given;
        REGISTRY.each_in(group, |member| {
            let thread = member.thread.load(RELAXED);
            if let Some(since) = member.clock.peek(thread) {
                spent.add(&since);
            }
        });
        if attempt == ATTEMPTS || group.ledger.ran()?.all == given {
            return Some(spent.spent_on_a_cpu());
        }
        attempt += 1;
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
            let ask = ask(member, Ask::Always);
            member.clock.look(thread, ask, |spent| give(member, spent));
        }
    });
}

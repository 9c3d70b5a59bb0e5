//! The calling thread as a member of groups.

use std::marker::PhantomData;

use super::group::Group;
use super::member::Member;
use super::stack::{Joins, Ticket};
use super::this_thread::{self, MEMBER, REGISTRY, counters};
use super::unmeasured::unmeasured;
use super::{sampler, spending, thread_end};
use crate::time::Ask;

/// This thread's member, which it becomes with the first call.
pub(super) fn member() -> &'static Member {
    MEMBER.get().unwrap_or_else(|| {
        let member = REGISTRY.enlist(None);
        member.set_thread(this_thread::number());
        member.alive.begins();
        let ends_with_thread = thread_end::watch(member);
        REGISTRY.begin(member, counters());
        if !ends_with_thread {
            // Its samples start from here; nobody else may read the counters.
            REGISTRY.detach_counters(member);
        }
        MEMBER.set(Some(member));
        member
    })
}

/// The calling thread in a group, until this is dropped; then it goes back to where it was.
pub(super) struct Membership {
    member: &'static Member,
    ticket: Ticket,
    ask: Ask,
    // It is about the thread that made it.
    not_send: PhantomData<*const ()>,
}

/// Moves the calling thread into a group.
pub(super) fn join(group: &'static Group, joins: Joins, ask: Ask) -> Membership {
    let member = member();
    if sampler::has_to_learn() {
        unmeasured(sampler::learn);
    }
    sampler::take_thread_peak(member);
    spending::stops(member, ask);
    let membership = Membership {
        member,
        ticket: REGISTRY.join(member, group, joins),
        ask,
        not_send: PhantomData,
    };
    spending::starts(member, ask);
    membership
}

impl Drop for Membership {
    fn drop(&mut self) {
        // After the thread's last destructors, the member may be another thread's.
        if MEMBER
            .get()
            .is_some_and(|member| std::ptr::eq(member, self.member))
        {
            spending::stops(self.member, self.ask);
            sampler::take_thread_peak(self.member);
            REGISTRY.part(self.member, self.ticket);
            spending::starts(self.member, self.ask);
        }
    }
}

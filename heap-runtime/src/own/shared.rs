//! Threads that may work for another test than the one that started them: those of a pool that tests share.
//!
//! Whose work a thread does is not seen. Most end before their test does, as those of `std::thread::scope`, and are
//! taken to have worked for that, whatever ran beside it. One that is left running when its test ends may be a pool's:
//!
//! ```text
//!  test A   ├── starts a thread ──────────────────┤ leaves it
//!  test B            ├──────────────┤                                  ├──────────┤  test C
//!  thread        ──────── in A's numbers, ─────────── in nobody's, ───────────────────
//!                         while B ran perhaps B's     while C runs perhaps C's
//! ```
//!
//! | what it has moved | is |
//! |---|---|
//! | with no other test beside its own | its test's |
//! | while another ran | [included](Shared::included) in its test's numbers, and [beside](Shared::beside) those of the other |
//! | after its test's end | beside the numbers of each test that ran then |
//! | under a guard, or as nobody's for good | whose the handle is |
//!
//! B has ended, in the picture, before it is known that A leaves the thread. So A's record [names](Handed) it.

use super::group::{Group, chain, is_within};
use super::member::Member;
use super::moved::Moved;
use super::stack::Entry;

/// Of which execution of which test a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExecutionId<Name> {
    pub(crate) test_name: Name,
    pub(crate) iteration: u32,
}

/// What may be another's of a group's numbers, and the group's of what others have moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) included: Moved,
    pub(crate) beside: Moved,
}

/// An execution that had ended, and what threads have moved while it ran, which its numbers do not have.
pub(crate) type Handed = (ExecutionId<String>, Moved);

/// What threads have moved where they were spawned, by which groups were open meanwhile.
#[derive(Default)]
pub(super) struct OverlapLedger {
    open: Vec<Open>,
    /// By the member's place.
    threads: Vec<Thread>,
    /// Groups that are closed, and that a thread may turn out to have worked for.
    ended: Vec<(Serial, ExecutionId<String>)>,
    serials: Serial,
}

/// A group, each time that it opens.
pub(super) type Serial = u64;

struct Open {
    group: &'static Group,
    serial: Serial,
    beside: Moved,
}

/// A thread whose test is open.
#[derive(Default)]
struct Thread {
    /// What it had moved when it was last looked at.
    seen: Moved,
    /// What it has moved while others were open.
    overlapped: Moved,
    /// The same, while each of them was.
    beside: Vec<(Serial, Moved)>,
}

impl OverlapLedger {
    /// There is one more member.
    pub(super) fn enlist(&mut self) {
        self.threads.push(Thread::default());
    }

    /// A group is open from now on. All threads have been observed.
    pub(super) fn open(&mut self, group: &'static Group) {
        self.serials += 1;
        self.open.push(Open {
            group,
            serial: self.serials,
            beside: Moved::default(),
        });
    }

    /// What a thread has moved since it was last looked at is of the groups that are open. Allocates nothing where its
    /// own are closed.
    pub(super) fn observe(&mut self, member: &Member, stack: &[Entry]) {
        let Some(thread) = self.threads.get_mut(member.index) else {
            return;
        };
        let worked = member.worked();
        let moved = worked.since(thread.seen);
        thread.seen = worked;
        if moved == Moved::default() {
            return;
        }
        let others = self.open.iter_mut().filter(|open| {
            let mut tests = chain(Some(open.group)).filter(|group| group.is_open());
            !tests.any(|group| was_spawned_in(stack, group))
        });
        if !is_at_home(stack) {
            others.for_each(|open| open.beside = open.beside.plus(moved));
            return;
        }
        let mut is_alone = true;
        for open in others {
            is_alone = false;
            add(&mut thread.beside, open.serial, moved);
        }
        if !is_alone {
            thread.overlapped = thread.overlapped.plus(moved);
        }
    }

    /// Whether a thread has moved something while others were open than the groups that it was spawned in.
    pub(super) fn was_beside_others(&self, member: &Member) -> bool {
        let thread = self.threads.get(member.index);
        thread.is_some_and(|thread| thread.overlapped != Moved::default())
    }

    /// A thread is no more where it was spawned: what it has done for its test until then was its test's.
    pub(super) fn forget(&mut self, member: &Member) {
        if let Some(thread) = self.threads.get_mut(member.index) {
            thread.seen = member.worked();
            thread.overlapped = Moved::default();
            thread.beside.clear();
        }
    }

    /// Of a thread that its test leaves running, the groups that it may have worked for are told. Gives those that are
    /// no more open.
    pub(super) fn hand_on(&mut self, member: &Member, handed: &mut Vec<(Serial, Moved)>) {
        let Some(thread) = self.threads.get_mut(member.index) else {
            return;
        };
        thread.overlapped = Moved::default();
        for (serial, moved) in thread.beside.drain(..) {
            match self.open.iter_mut().find(|open| open.serial == serial) {
                Some(open) => open.beside = open.beside.plus(moved),
                None => add(handed, serial, moved),
            }
        }
    }

    /// What is known by now to be beside a group.
    pub(super) fn beside(&self, group: &'static Group) -> Moved {
        let open = self.open.iter();
        let mut found = open.filter(|open| std::ptr::eq(open.group, group));
        found.next().map_or(Moved::default(), |open| open.beside)
    }

    /// A group is no more open. Gives what is beside it, and which opening of it that was.
    pub(super) fn close(&mut self, group: &'static Group) -> (Shared, Option<Serial>) {
        let shared = Shared {
            included: Moved::default(),
            beside: self.beside(group),
        };
        let mut open = self.open.iter();
        let at = open.position(|open| std::ptr::eq(open.group, group));
        (shared, at.map(|at| self.open.swap_remove(at).serial))
    }

    /// What a thread has moved while others were open.
    pub(super) fn overlapped(&self, member: &Member) -> Moved {
        let thread = self.threads.get(member.index);
        thread.map_or(Moved::default(), |thread| thread.overlapped)
    }

    /// Of what was [handed on](Self::hand_on), that which is known whose it is.
    pub(super) fn named(&self, handed: Vec<(Serial, Moved)>) -> Vec<Handed> {
        let named = handed.into_iter().filter_map(|(serial, moved)| {
            let mut ended = self.ended.iter();
            let (_, execution) = ended.find(|(known, _)| *known == serial)?;
            Some((execution.clone(), moved))
        });
        named.collect()
    }

    /// A group is closed, and what it was of is kept where a thread may turn out to have worked for it.
    pub(super) fn remember(&mut self, closed: Option<(Serial, ExecutionId<&str>)>) {
        let threads = self.threads.iter();
        let mut waiting = threads.flat_map(|thread| &thread.beside);
        if let Some((serial, of)) = closed
            && waiting.any(|(other, _)| *other == serial)
        {
            let execution = ExecutionId {
                test_name: of.test_name.to_owned(),
                iteration: of.iteration,
            };
            self.ended.push((serial, execution));
        }
        if self.open.is_empty() {
            self.ended.clear();
        }
    }
}

fn add(sums: &mut Vec<(Serial, Moved)>, serial: Serial, moved: Moved) {
    match sums.iter_mut().rev().find(|(known, _)| *known == serial) {
        Some((_, sum)) => *sum = sum.plus(moved),
        None => sums.push((serial, moved)),
    }
}

/// The groups that a thread with this stack was spawned in.
pub(super) fn groups_spawned_in(stack: &[Entry]) -> impl Iterator<Item = &'static Group> {
    let entries = stack.iter().take_while(|entry| entry.by_spawn);
    entries.map(|entry| entry.group)
}

/// Whether such a thread was spawned in that group, or into one inside it.
pub(super) fn was_spawned_in(stack: &[Entry], group: &'static Group) -> bool {
    groups_spawned_in(stack).any(|born| is_within(Some(born), group))
}

/// Whether the test that such a thread was spawned in is still open.
pub(super) fn is_at_home(stack: &[Entry]) -> bool {
    groups_spawned_in(stack).any(|born| chain(Some(born)).any(Group::is_open))
}

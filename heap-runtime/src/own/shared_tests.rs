//! Threads that work for another test than the one that started them, with counters of our own.

use super::group::{Group, SampleMode};
use super::member::Member;
use super::moved::Moved;
use super::registry::Registry;
use super::registry_tests::{Thread, registry};
use super::shared::{ExecutionId, Handed, Shared};
use super::stack::{Joins, Ticket};
use super::totals::GroupTotals;

/// A test on a thread of its own.
struct Test {
    registry: &'static Registry,
    name: &'static str,
    me: Thread,
    member: &'static Member,
    group: &'static Group,
    ticket: Ticket,
}

impl Test {
    fn begin(registry: &'static Registry, name: &'static str) -> Self {
        let me = Thread::new();
        let member = registry.enlist(Some(me.counters));
        let group = registry.open(member, SampleMode::Every(1));
        let ticket = registry.join(member, group, Joins::Inside);
        Self {
            registry,
            name,
            me,
            member,
            group,
            ticket,
        }
    }

    fn starts(&self) -> (Thread, &'static Member) {
        let thread = Thread::new();
        let member = self.registry.spawn(self.member).expect("it is measured");
        self.registry.begin(member, Some(thread.counters));
        (thread, member)
    }

    fn end(self) -> (GroupTotals, Vec<Handed>) {
        self.registry.part(self.member, self.ticket);
        let execution = ExecutionId {
            test_name: self.name,
            iteration: 0,
        };
        let ended = self
            .registry
            .close(self.group, Some(execution), |_, totals, handed| {
                (totals, handed)
            });
        self.registry.end(self.member);
        ended
    }
}

fn moved(allocated: u64, deallocated: u64) -> Moved {
    Moved {
        allocated,
        deallocated,
    }
}

/// What of a test's numbers is not known: allocated and freed.
fn not_known(totals: &GroupTotals) -> [(u64, u64); 2] {
    let Shared { included, beside } = totals.shared;
    [included, beside].map(|moved| (moved.allocated, moved.deallocated))
}

const KNOWN: [(u64, u64); 2] = [(0, 0); 2];

#[test]
fn a_thread_that_its_test_leaves_may_have_worked_for_who_is_still_there() {
    let registry = registry();
    let first = Test::begin(registry, "first");
    let (pool, thread) = first.starts();
    // Nobody else was there.
    pool.allocate(1);
    let second = Test::begin(registry, "second");
    pool.allocate(100);
    pool.free(10);
    second.me.allocate(7);
    first.me.allocate(3);
    let (first, handed) = first.end();
    assert_eq!(first.moved, moved(104, 10));
    assert_eq!(not_known(&first), [(100, 10), (0, 0)]);
    assert_eq!(handed, []);
    // And nobody's test is there any more.
    pool.allocate(1000);
    let (second, handed) = second.end();
    assert_eq!(second.moved, moved(7, 0));
    assert_eq!(not_known(&second), [(0, 0), (1100, 10)]);
    assert_eq!(handed, []);
    pool.allocate(10_000);
    let third = Test::begin(registry, "third");
    assert_eq!(not_known(&third.end().0), KNOWN);
    registry.end(thread);
}

#[test]
fn who_has_ended_is_named_by_the_test_that_leaves_the_thread() {
    let registry = registry();
    let first = Test::begin(registry, "first");
    let (pool, thread) = first.starts();
    for name in ["second", "third", "idle"] {
        let other = Test::begin(registry, name);
        if name != "idle" {
            pool.allocate(100);
        }
        let (other, _) = other.end();
        assert_eq!(not_known(&other), KNOWN, "{name}");
    }
    let (first, handed) = first.end();
    assert_eq!(not_known(&first), [(200, 0), (0, 0)]);
    let named = |name: &str| {
        let execution = ExecutionId {
            test_name: name.to_owned(),
            iteration: 0,
        };
        (execution, moved(100, 0))
    };
    assert_eq!(handed, ["second", "third"].map(named));
    registry.end(thread);
}

#[test]
fn a_thread_that_ends_before_its_test_has_worked_for_that() {
    let registry = registry();
    let first = Test::begin(registry, "first");
    let second = Test::begin(registry, "second");
    for test in [&first, &second, &first] {
        let (thread, member) = test.starts();
        thread.allocate(100);
        let third = Test::begin(registry, "third");
        thread.allocate(1000);
        assert_eq!(not_known(&third.end().0), KNOWN);
        // Nor is it left to whoever has its place next.
        thread.allocate(10_000);
        registry.end(member);
    }
    for (test, allocated) in [(first, 22_200), (second, 11_100)] {
        let (totals, handed) = test.end();
        assert_eq!(totals.moved, moved(allocated, 0));
        assert_eq!(not_known(&totals), KNOWN);
        assert_eq!(handed, []);
    }
}

#[test]
fn under_a_handle_it_is_known_for_whom_a_thread_works() {
    let registry = registry();
    let first = Test::begin(registry, "first");
    let (pool, thread) = first.starts();
    let second = Test::begin(registry, "second");
    let guard = registry.join(thread, second.group, Joins::Instead);
    pool.allocate(100);
    registry.part(thread, guard);
    let (first, _) = first.end();
    assert_eq!((first.moved, not_known(&first)), (moved(0, 0), KNOWN));
    let guard = registry.join(thread, second.group, Joins::Instead);
    pool.allocate(100);
    registry.part(thread, guard);
    let (second, _) = second.end();
    assert_eq!((second.moved, not_known(&second)), (moved(200, 0), KNOWN));
    registry.end(thread);
}

#[test]
fn a_thread_that_is_nobodys_for_good_works_for_nobody() {
    let registry = registry();
    let nobodys: &'static Group = Box::leak(Box::new(Group::new()));
    let first = Test::begin(registry, "first");
    let (pool, thread) = first.starts();
    let second = Test::begin(registry, "second");
    // What it does until then is its test's, for certain.
    pool.allocate(10);
    registry.move_home(thread, nobodys);
    pool.allocate(100);
    for (test, allocated) in [(first, 10), (second, 0)] {
        let (totals, handed) = test.end();
        assert_eq!(totals.moved, moved(allocated, 0));
        assert_eq!((not_known(&totals), handed), (KNOWN, Vec::new()));
        pool.allocate(100);
    }
    registry.end(thread);
}

#[test]
fn what_a_left_thread_starts_is_left_too() {
    let registry = registry();
    let first = Test::begin(registry, "first");
    let (_, thread) = first.starts();
    first.end();
    let second = Test::begin(registry, "second");
    let other = registry.spawn(thread).expect("it may work for another");
    let counters = Thread::new();
    registry.begin(other, Some(counters.counters));
    counters.allocate(100);
    registry.end(other);
    assert_eq!(not_known(&second.end().0), [(0, 0), (100, 0)]);
    registry.end(thread);
}

#[test]
fn inside_a_test_what_is_left_is_left_to_the_test() {
    let registry = registry();
    let outer = Test::begin(registry, "outer");
    let inner = registry.open(outer.member, SampleMode::Every(1));
    let ticket = registry.join(outer.member, inner, Joins::Inside);
    let (thread, member) = outer.starts();
    let other = Test::begin(registry, "other");
    thread.allocate(100);
    registry.part(outer.member, ticket);
    let inner = registry.close(inner, None, |_, totals, handed| (totals, handed));
    assert_eq!(not_known(&inner.0), [(100, 0), (0, 0)]);
    // It is not left by the test yet.
    assert_eq!(not_known(&registry.totals(other.group)), KNOWN);
    thread.allocate(1000);
    let (outer, _) = outer.end();
    assert_eq!(not_known(&outer), [(1100, 0), (0, 0)]);
    assert_eq!(not_known(&other.end().0), [(0, 0), (1100, 0)]);
    registry.end(member);
}

//! The registry with counters of our own: without jemalloc, so that Miri can run it
//! (`cargo +nightly miri test -p heap-runtime own::`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::group::SampleMode;
use super::interval::{error, small_fall};
use super::member::{Member, SamplePoint};
use super::moved::{Counters, Moved};
use super::registry::Registry;
use super::stack::Joins;
use crate::env::SAMPLE_BYTES;

/// A thread's two counters, as jemalloc would have them.
pub(super) struct Thread {
    pub(super) counters: Counters,
}

impl Thread {
    pub(super) fn new() -> Self {
        let [allocated, deallocated] =
            [(); 2].map(|()| &*Box::leak(Box::new(AtomicU64::new(1_000_000))));
        Self {
            counters: Counters {
                allocated,
                deallocated,
            },
        }
    }

    pub(super) fn allocate(&self, bytes: u64) {
        self.counters.allocated.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn free(&self, bytes: u64) {
        self.counters
            .deallocated
            .fetch_add(bytes, Ordering::Relaxed);
    }

    fn moved(&self) -> Moved {
        Moved {
            allocated: self.counters.allocated.load(Ordering::Relaxed),
            deallocated: self.counters.deallocated.load(Ordering::Relaxed),
        }
    }

    fn sample(&self, member: &Member) {
        member.sample(self.moved(), SamplePoint::AtRest);
    }

    /// What is in the memory of a thread that has ended.
    fn is_gone(&self) {
        self.counters
            .allocated
            .store(u64::MAX / 3, Ordering::Relaxed);
    }
}

pub(super) fn registry() -> &'static Registry {
    Box::leak(Box::new(Registry::new()))
}

#[test]
fn each_level_has_its_own_and_what_is_inside() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    me.allocate(1);
    let outer = registry.open(member, SampleMode::Every(1));
    let in_outer = registry.join(member, outer, Joins::Inside);
    me.allocate(10);
    let inner = registry.open(member, SampleMode::Every(1));
    let in_inner = registry.join(member, inner, Joins::Inside);
    me.allocate(100);
    me.free(40);
    registry.part(member, in_inner);
    let inner = registry.close(inner, None, |_, totals, _| totals);
    me.allocate(1000);
    assert!(registry.pause(member));
    assert!(!registry.pause(member));
    me.allocate(10_000);
    registry.resume(member);
    registry.part(member, in_outer);
    me.allocate(100_000);
    let outer = registry.close(outer, None, |_, totals, _| totals);
    assert_eq!((inner.moved.allocated, inner.moved.deallocated), (100, 40));
    assert_eq!((outer.moved.allocated, outer.moved.deallocated), (1110, 40));
    assert_eq!((outer.threads, outer.overlap, inner.overlap), (1, 0, 0));
    registry.end(member);
}

#[test]
fn guards_may_go_in_any_order() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let registry = registry();
    for order in orders {
        let me = Thread::new();
        let member = registry.enlist(Some(me.counters));
        let groups = [(); 3].map(|()| registry.open(member, SampleMode::Every(1)));
        let mut tickets = groups.map(|group| Some(registry.join(member, group, Joins::Instead)));
        let mut expected = [0; 3];
        for place in order {
            me.allocate(7);
            let innermost = tickets.iter().rposition(Option::is_some).unwrap();
            expected[innermost] += 7;
            registry.part(member, tickets[place].take().unwrap());
        }
        me.allocate(7);
        for (group, expected) in groups.into_iter().zip(expected) {
            let totals = registry.close(group, None, |_, totals, _| totals);
            assert_eq!(totals.moved.allocated, expected, "{order:?}");
            assert_eq!((totals.threads, totals.threads_running), (1, 0));
        }
        registry.end(member);
    }
}

/// A body that was begun in one test, and runs in another.
#[test]
fn what_runs_inside_counts_for_both() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let begun_in = registry.open(member, SampleMode::Every(1));
    let in_begun = registry.join(member, begun_in, Joins::Inside);
    let body = registry.open(member, SampleMode::Every(1));
    registry.part(member, in_begun);
    let other = registry.open(member, SampleMode::Every(1));
    let in_other = registry.join(member, other, Joins::Inside);
    for round in 0..3 {
        let polled = registry.join(member, body, Joins::Inside);
        me.allocate(10);
        // Inside it, whatever is opened there is in both.
        let inner = registry.open(member, SampleMode::Every(1));
        let in_inner = registry.join(member, inner, Joins::Inside);
        me.allocate(100);
        let child = registry.spawn(member).unwrap();
        let thread = Thread::new();
        registry.begin(child, Some(thread.counters));
        thread.allocate(1000);
        thread.sample(child);
        registry.end(child);
        registry.part(member, in_inner);
        let totals = registry.close(inner, None, |_, totals, _| totals);
        assert_eq!(
            (totals.moved.allocated, totals.peak),
            (1100, 1100),
            "{round}"
        );
        assert_eq!((totals.threads, totals.threads_running), (2, 0));
        // A handle takes it out of all.
        let elsewhere = registry.open(member, SampleMode::Every(1));
        let instead = registry.join(member, elsewhere, Joins::Instead);
        me.allocate(10_000);
        registry.part(member, instead);
        registry.close(elsewhere, None, |_, _, _| ());
        registry.part(member, polled);
        me.allocate(1);
    }
    registry.part(member, in_other);
    let [begun_in, body, other] =
        [begun_in, body, other].map(|group| registry.close(group, None, |_, totals, _| totals));
    // What is opened in it is inside it, also where that is entered by a handle.
    assert_eq!(body.moved.allocated, 3 * 11_110);
    assert_eq!(begun_in.moved.allocated, 3 * 11_110);
    assert_eq!(other.moved.allocated, 3 * 1111);
    assert_eq!((body.threads, other.threads), (4, 4));
    assert_eq!((body.threads_running, other.threads_running), (0, 0));
    registry.end(member);
}

/// A thread that was spawned in one test may be a pool's: what it runs of another is not that test's.
#[test]
fn what_a_thread_is_brought_is_not_where_it_was_spawned() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let body = registry.open(member, SampleMode::Every(1));
    let home = registry.open(member, SampleMode::Every(1));
    let in_home = registry.join(member, home, Joins::Inside);
    let pools = registry.spawn(member).unwrap();
    let thread = Thread::new();
    registry.begin(pools, Some(thread.counters));
    thread.allocate(1);
    let polled = registry.join(pools, body, Joins::Inside);
    thread.allocate(10);
    registry.part(pools, polled);
    // What it opens itself is inside both that and where it was spawned.
    let inner = registry.open(pools, SampleMode::Every(1));
    let in_inner = registry.join(pools, inner, Joins::Inside);
    thread.allocate(100);
    registry.part(pools, in_inner);
    registry.end(pools);
    registry.part(member, in_home);
    let [inner, body, home] =
        [inner, body, home].map(|group| registry.close(group, None, |_, totals, _| totals));
    assert_eq!(inner.moved.allocated, 100);
    assert_eq!(body.moved.allocated, 10);
    assert_eq!(home.moved.allocated, 101);
    registry.end(member);
}

/// Only open ones count for it.
#[test]
fn a_test_inside_one_that_has_ended_overlaps_with_others() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let ended = registry.open(member, SampleMode::Every(1));
    let forgotten = registry.join(member, ended, Joins::Inside);
    let child = registry.spawn(member).unwrap();
    registry.begin(child, Some(Thread::new().counters));
    registry.close(ended, None, |_, _, _| ());
    let first = registry.open(member, SampleMode::Every(1));
    let second = registry.open(child, SampleMode::Every(1));
    let in_second = registry.join(child, second, Joins::Inside);
    let inside = registry.open(child, SampleMode::Every(1));
    let [inside, first, second] = [inside, first, second]
        .map(|group| registry.close(group, None, |_, totals, _| totals.overlap));
    assert_eq!((inside, first, second), (1, 1, 1));
    registry.part(child, in_second);
    registry.end(child);
    registry.part(member, forgotten);
    registry.end(member);
}

/// Between two rounds of its last destructors, others may not read its counters, and it may itself.
#[test]
fn a_thread_that_may_be_ending_counts_for_itself() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let outer = registry.open(member, SampleMode::Every(1));
    let in_outer = registry.join(member, outer, Joins::Inside);
    me.allocate(1);
    registry.detach_counters(member);
    me.allocate(10);
    assert_eq!(registry.totals(outer).moved.allocated, 1);
    assert!(registry.pause(member));
    me.allocate(1 << 20);
    let inner = registry.open(member, SampleMode::Every(1));
    registry.resume(member);
    let in_inner = registry.join(member, inner, Joins::Inside);
    me.allocate(100);
    registry.part(member, in_inner);
    let inner = registry.close(inner, None, |_, totals, _| totals);
    assert_eq!((inner.moved.allocated, inner.peak), (100, 100));
    registry.attach_counters(member, Some(me.counters));
    me.allocate(1000);
    assert_eq!(registry.totals(outer).moved.allocated, 1111);
    registry.part(member, in_outer);
    registry.close(outer, None, |_, _, _| ());
    registry.end(member);
}

#[test]
fn a_guard_of_a_thread_that_has_ended_does_nothing() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let group = registry.open(member, SampleMode::Every(1));
    let forgotten = registry.join(member, group, Joins::Inside);
    registry.end(member);
    me.is_gone();
    // The same place, another thread.
    let other = Thread::new();
    let again = registry.enlist(Some(other.counters));
    assert!(std::ptr::eq(member, again));
    let ticket = registry.join(again, group, Joins::Inside);
    registry.part(again, forgotten);
    other.allocate(5);
    registry.part(again, ticket);
    let totals = registry.close(group, None, |_, totals, _| totals);
    assert_eq!((totals.moved.allocated, totals.threads), (5, 2));
    registry.end(again);
}

#[test]
fn in_a_forked_child_only_the_forker_is_left() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let group = registry.open(member, SampleMode::Every(1));
    let ticket = registry.join(member, group, Joins::Inside);
    let other = Thread::new();
    let child = registry.spawn(member).unwrap();
    registry.begin(child, Some(other.counters));
    let mut locked = registry.lock();
    other.is_gone();
    locked.forget_others(Some(member));
    drop(locked);
    let totals = registry.totals(group);
    assert_eq!((totals.moved.allocated, totals.threads_running), (0, 1));
    registry.part(member, ticket);
    registry.close(group, None, |_, _, _| ());
    registry.end(member);
}

#[test]
fn many_threads_come_and_go() {
    const THREADS: u64 = if cfg!(miri) { 4 } else { 64 };
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    for round in 0..3 {
        let group = registry.open(member, SampleMode::Every(1));
        group.timeline().start();
        let ticket = registry.join(member, group, Joins::Inside);
        let children: Vec<_> = (0..THREADS)
            .map(|number| {
                let child = registry.spawn(member).unwrap();
                thread::spawn(move || {
                    let me = Thread::new();
                    registry.begin(child, Some(me.counters));
                    me.allocate(number + 10);
                    me.sample(child);
                    registry.detach_counters(child);
                    let gone = Arc::new(me);
                    registry.attach_counters(child, Some(gone.counters));
                    gone.free(number);
                    registry.end(child);
                    gone.is_gone();
                })
            })
            .collect();
        registry.totals(group);
        for child in children {
            child.join().unwrap();
        }
        let cancelled = registry.spawn(member).unwrap();
        registry.cancel_spawn(cancelled);
        registry.part(member, ticket);
        let totals = registry.close(group, None, |_, totals, _| totals);
        assert_eq!(totals.moved.net().unsigned_abs(), THREADS * 10, "{round}");
        assert_eq!(u64::from(totals.threads), THREADS + 1);
        assert_eq!(totals.threads_running, 0);
    }
    registry.end(member);
}

#[test]
fn a_thread_that_has_the_place_of_one_that_ended_is_a_stranger() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let group = registry.open(member, SampleMode::Every(1));
    let ticket = registry.join(member, group, Joins::Inside);
    let child = registry.spawn(member).unwrap();
    registry.begin(child, Some(Thread::new().counters));
    registry.end(child);

    // The test is still open, and its child's place is free.
    let other = Thread::new();
    let stranger = registry.enlist(Some(other.counters));
    assert!(std::ptr::eq(stranger, child));
    assert!(stranger.open_group().is_none());
    other.allocate(1000);
    other.sample(stranger);
    let totals = registry.totals(group);
    assert_eq!((totals.moved.allocated, totals.peak), (0, 0));
    assert_eq!((totals.threads, totals.threads_running), (2, 1));

    registry.end(stranger);
    registry.part(member, ticket);
    registry.close(group, None, |_, _, _| ());
    registry.end(member);
}

#[test]
fn every_rise_is_told_and_a_small_fall_with_what_comes_next() {
    let registry = registry();
    let me = Thread::new();
    let member = registry.enlist(Some(me.counters));
    let group = registry.open(member, SampleMode::Every(SAMPLE_BYTES));
    group.timeline().start();
    let ticket = registry.join(member, group, Joins::Inside);
    let small = small_fall(SAMPLE_BYTES);
    for (allocated, freed) in [
        (5000, 0),
        // Told: no peak may be missed for it.
        (1, 0),
        // Kept back, and so is a rise to where it was.
        (0, small - 1),
        (small - 1, 0),
        (0, small - 1),
        // Told: together they are no small fall any more.
        (0, 1),
    ] {
        me.allocate(allocated);
        me.free(freed);
        member.sample_roughly(me.moved(), SamplePoint::AtRest, small);
    }
    me.free(7);
    member.sample_roughly(me.moved(), SamplePoint::AtRest, small);
    // Told at the end, whatever it is.
    registry.part(member, ticket);
    let points = registry.close(group, None, |group, _, _| group.timeline().points());
    let live: Vec<i64> = points.into_iter().map(|(_, live)| live).collect();
    let after = 5001 - small.cast_signed();
    assert_eq!(live, [5000, 5001, after, after - 7]);
    registry.end(member);
}

#[test]
fn a_sum_of_unknown_threads_is_as_far_off_as_each_can_be() {
    // A thread alone has allocated just under the interval since it looked.
    assert_eq!(error(64_000, 1), 64_000);
    // The other may have freed as much, and just under 1,000 that it kept to itself.
    assert_eq!(error(64_000, 2), 128_000);
    // So many keep back more than the one that is right about itself could have allocated.
    assert_eq!(error(64_000, 67), 66 * 65_000);
    // Each allocation that is looked at is told.
    assert_eq!((small_fall(1), error(1, 3)), (0, 3));
}

#[test]
fn a_thread_whose_home_is_moved_is_no_more_where_it_was_spawned() {
    let registry = registry();
    let [parent, child] = [(); 2].map(|()| Thread::new());
    let member = registry.enlist(Some(parent.counters));
    let [test, other] = [(); 2].map(|()| registry.open(member, SampleMode::Every(1)));
    let ticket = registry.join(member, test, Joins::Inside);
    let born = registry.spawn(member).unwrap();
    registry.begin(born, Some(child.counters));
    child.allocate(1);
    let held = registry.join(born, test, Joins::Instead);
    child.allocate(10);
    registry.move_home(born, other);
    // A guard keeps it.
    child.allocate(100);
    registry.part(born, held);
    child.allocate(1000);
    registry.move_home(born, other);
    child.allocate(10_000);
    let back = registry.join(born, test, Joins::Instead);
    registry.part(born, back);
    let [test, other] = [test, other].map(|group| registry.totals(group));
    assert_eq!((test.moved.allocated, other.moved.allocated), (111, 11_000));
    assert_eq!((test.threads, test.threads_running), (2, 1));
    assert_eq!((other.threads, other.threads_running), (1, 1));
    registry.end(born);
    registry.part(member, ticket);
    registry.end(member);
}

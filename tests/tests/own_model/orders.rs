//! What must hold in every order.

use loom::model::Builder;
use loom::thread;

use super::group::{Group, SampleMode};
use super::member::{Member, SamplePoint};
use super::moved::{Counters, Moved};
use super::registry::Registry;
use super::stack::Joins;
use super::sync::{AtomicU64, Ordering, POINTS};
use super::timeline::TimelineRecorder;
use super::totals::GroupTotals;

/// A thread's counters.
#[derive(Clone, Copy)]
struct Thread(Counters);

impl Thread {
    fn new() -> Self {
        let counter = || &*Box::leak(Box::new(AtomicU64::new(0)));
        Self(Counters {
            allocated: counter(),
            deallocated: counter(),
        })
    }

    /// Allocates, and samples itself, as jemalloc has it do.
    fn allocate(self, member: &Member, bytes: u64) {
        let allocated = self.0.allocated.load(Ordering::Relaxed) + bytes;
        self.0.allocated.store(allocated, Ordering::Relaxed);
        let now = Moved {
            allocated,
            deallocated: self.0.deallocated.load(Ordering::Relaxed),
        };
        member.sample(now, SamplePoint::AtRest);
    }

    /// Its memory is another's.
    fn is_gone(self) {
        self.0.allocated.store(1 << 40, Ordering::Relaxed);
    }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    // Faults of this kind need two threads to be stopped at the wrong moment, seldom three.
    builder.preemption_bound = Some(2);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// The calling thread in a group that it has opened.
struct Test {
    registry: &'static Registry,
    me: Thread,
    member: &'static Member,
    group: &'static Group,
}

impl Test {
    fn open() -> Self {
        let registry: &'static Registry = Box::leak(Box::new(Registry::new()));
        let me = Thread::new();
        let member = registry.enlist(Some(me.0));
        let group = registry.open(member, SampleMode::Every(1));
        Self {
            registry,
            me,
            member,
            group,
        }
    }

    fn close(&self) -> GroupTotals {
        self.registry.close(self.group, None, |_, totals, _| totals)
    }
}

#[test]
fn what_a_thread_did_is_taken_over_once_whenever_it_ends() {
    explore(|| {
        let test = Test::open();
        let Test {
            registry,
            me,
            member,
            group,
        } = test;
        let ticket = registry.join(member, group, Joins::Inside);
        let child = registry.spawn(member).unwrap();
        let running = thread::spawn(move || {
            let thread = Thread::new();
            registry.begin(child, Some(thread.0));
            thread.allocate(child, 10);
            registry.detach_counters(child);
            thread.0.allocated.store(30, Ordering::Relaxed);
            registry.attach_counters(child, Some(thread.0));
            registry.end(child);
            thread.is_gone();
        });
        me.allocate(member, 100);
        let before = registry.totals(group);
        running.join().unwrap();
        registry.part(member, ticket);
        let after = test.close();
        assert!([100, 110, 130].contains(&before.moved.allocated));
        assert_eq!(after.moved.allocated, 130);
        assert_eq!((after.threads, after.threads_running), (2, 0));
        assert!((100..=130).contains(&after.peak));
    });
}

#[test]
fn a_thread_that_outlives_its_test_is_charged_to_no_other() {
    explore(|| {
        let test = Test::open();
        let Test {
            registry,
            me,
            member,
            group,
        } = test;
        let ticket = registry.join(member, group, Joins::Inside);
        let child = registry.spawn(member).unwrap();
        let running = thread::spawn(move || {
            let thread = Thread::new();
            registry.begin(child, Some(thread.0));
            thread.allocate(child, 10);
            registry.end(child);
            thread.is_gone();
        });
        registry.part(member, ticket);
        let first = test.close();
        // In the same space, where the child has left it.
        let second = registry.open(member, SampleMode::Every(1));
        let ticket = registry.join(member, second, Joins::Inside);
        me.allocate(member, 100);
        registry.part(member, ticket);
        let second = registry.close(second, None, |_, totals, _| totals);
        running.join().unwrap();
        assert!([0, 10].contains(&first.moved.allocated));
        assert!(first.threads_running <= 1);
        assert_eq!((second.moved.allocated, second.peak), (100, 100));
        assert_eq!((second.threads, second.threads_running), (1, 0));
    });
}

#[test]
fn a_place_that_is_free_again_is_one_threads_alone() {
    explore(|| {
        let test = Test::open();
        let Test {
            registry,
            member,
            group,
            ..
        } = test;
        let ticket = registry.join(member, group, Joins::Inside);
        let first = registry.spawn(member).unwrap();
        let running = thread::spawn(move || {
            let thread = Thread::new();
            registry.begin(first, Some(thread.0));
            thread.allocate(first, 10);
            registry.end(first);
            thread.is_gone();
        });
        // Perhaps where the first has just ended; this one is never started.
        let second = registry.spawn(member).unwrap();
        registry.cancel_spawn(second);
        let third = registry.spawn(member).unwrap();
        let thread = Thread::new();
        registry.begin(third, Some(thread.0));
        running.join().unwrap();
        registry.end(third);
        registry.part(member, ticket);
        let totals = test.close();
        assert_eq!(totals.moved.allocated, 10);
        assert_eq!((totals.threads, totals.threads_running), (3, 0));
    });
}

#[test]
fn a_thread_from_outside_joins_while_the_test_ends() {
    explore(|| {
        let test = Test::open();
        let Test {
            registry,
            member,
            group,
            ..
        } = test;
        let ticket = registry.join(member, group, Joins::Inside);
        registry.hold(group);
        let running = thread::spawn(move || {
            let thread = Thread::new();
            let other = registry.enlist(Some(thread.0));
            let ticket = registry.join(other, group, Joins::Instead);
            thread.allocate(other, 10);
            registry.part(other, ticket);
            registry.let_go(group);
            thread.allocate(other, 5);
            registry.end(other);
            thread.is_gone();
        });
        registry.part(member, ticket);
        let totals = test.close();
        running.join().unwrap();
        assert!([0, 10].contains(&totals.moved.allocated));
        assert!(totals.threads <= 2);
    });
}

#[test]
fn a_timeline_has_whole_points_only() {
    explore(|| {
        let timeline: &'static TimelineRecorder = Box::leak(Box::new(TimelineRecorder::new()));
        timeline.set_every_bytes(1);
        timeline.start();
        let other = thread::spawn(move || {
            timeline.add(7);
            timeline.add(8);
        });
        timeline.add(5);
        timeline.add(6);
        timeline.stop();
        let points = timeline.points();
        assert!(points.len() <= POINTS);
        assert!(points.iter().all(|(_, live)| (5..=8).contains(live)));
        other.join().unwrap();
        // One that could not be stopped has none, before and after.
        assert_eq!(timeline.points(), points);
    });
}

#[test]
fn a_timeline_loses_no_peak_between_two_points() {
    explore(|| {
        let timeline: &'static TimelineRecorder = Box::leak(Box::new(TimelineRecorder::new()));
        timeline.start();
        // With one point more than there is room for, every second sample passes.
        (0..=POINTS).for_each(|_| timeline.add(1));
        let other = thread::spawn(move || timeline.add(9));
        timeline.add(2);
        other.join().unwrap();
        timeline.add(3);
        timeline.add(3);
        timeline.stop();
        let peak = timeline.points().into_iter().map(|(_, live)| live).max();
        assert_eq!(peak, Some(9));
    });
}

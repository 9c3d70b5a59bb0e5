//! Futures and closures that are handed to other threads together with their test.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll, Waker};
use std::thread;

use heap_runtime::{Handle, current, heap_tracked, nobody};

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("moves_about", moves_about),
    ("nests", nests),
    ("two_at_once", two_at_once),
    ("wraps", wraps),
    ("for_good", for_good),
];

pub(crate) const MIB: usize = 1 << 20;

pub(crate) fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

pub(crate) fn holds(bytes: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(bytes))
}

type Job = Box<dyn FnOnce() + Send>;
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A thread that was there before any test. After each job it allocates what is nobody's.
struct Older {
    jobs: SyncSender<Job>,
    done: Receiver<()>,
}

impl Older {
    fn start() -> Self {
        let (jobs, to_do) = sync_channel::<Job>(1);
        let (say, done) = sync_channel(1);
        thread::spawn(move || {
            for job in to_do {
                // Of a panic, somebody has told already.
                let _ = catch_unwind(AssertUnwindSafe(job));
                leak(16 * MIB);
                say.send(()).unwrap();
            }
        });
        Self { jobs, done }
    }

    fn does(&self, job: impl FnOnce() + Send + 'static) {
        self.jobs.send(Box::new(job)).unwrap();
        self.done.recv().unwrap();
    }
}

/// What is leaked, in pages; boxes and channels are below one.
#[track_caller]
fn pages(bytes: i64, expected: usize) {
    let expected = i64::try_from(expected).unwrap();
    assert!(
        (expected..expected + 4096).contains(&bytes),
        "{bytes} for {expected}"
    );
}

/// Leaks a page each time that it is polled, and is never done.
async fn leaks_at_each_poll() {
    let held = holds(64 << 10);
    std::future::poll_fn(|_| {
        leak(4096);
        Poll::Pending::<()>
    })
    .await;
    drop(held);
}

fn poll(task: &mut Task) {
    let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

#[heap_tracked]
fn polls_on(threads: &[Older; 3]) {
    let mut task: Task = Box::pin(current().instrument(leaks_at_each_poll()));
    let (give, take) = sync_channel::<Task>(1);
    for older in threads.iter().take(2) {
        let give = give.clone();
        older.does(move || {
            poll(&mut task);
            give.send(task).unwrap();
        });
        task = take.recv().unwrap();
    }
    let [.., last] = threads;
    last.does(move || drop(task));
}

fn moves_about() {
    polls_on(&[(); 3].map(|()| Older::start()));
}

#[test]
fn a_future_is_the_tests_wherever_it_is_polled_and_dropped() {
    let ran = Child::of("moves_about").run();
    let own = ran.own("polls_on");
    pages(own.allocated_bytes.cast_signed(), (64 << 10) + 2 * 4096);
    pages(own.retained_bytes, 2 * 4096);
    assert_eq!((own.threads, own.threads_running), (4, 0));
}

#[heap_tracked]
fn leaves_and_comes_back(older: &Older) {
    let test = current();
    let inside = test.instrument(async {
        leak(8192);
        nobody()
            .instrument(async {
                leak(4 * MIB);
                // What is no test's does not lead back into one.
                current().instrument(async { leak(4 * MIB) }).await;
            })
            .await;
        leak(4096);
    });
    older.does(move || {
        let mut inside = Box::pin(inside);
        let mut context = Context::from_waker(Waker::noop());
        assert!(inside.as_mut().poll(&mut context).is_ready());
    });
}

fn nests() {
    leaves_and_comes_back(&Older::start());
}

#[test]
fn of_futures_inside_each_other_the_innermost_counts() {
    let ran = Child::of("nests").run();
    pages(ran.own("leaves_and_comes_back").retained_bytes, 8192 + 4096);
}

#[heap_tracked]
fn one(older: &Older) {
    let one = current();
    older.does(move || other(&one));
    leak(4096);
}

/// On a thread of its own, it is a test beside the other.
#[heap_tracked]
fn other(one: &Handle) {
    let other = current();
    let both = one.instrument(async {
        leak(8192);
        other.instrument(async { leak(16_384) }).await;
        leak(32_768);
    });
    let mut both = Box::pin(both);
    let mut context = Context::from_waker(Waker::noop());
    assert!(both.as_mut().poll(&mut context).is_ready());
    leak(65_536);
}

fn two_at_once() {
    one(&Older::start());
}

#[test]
fn each_of_two_tests_has_its_part_of_a_future() {
    let ran = Child::of("two_at_once").run();
    assert_eq!(ran.only("one").heap.overlap, Some(1));
    pages(ran.own("one").retained_bytes, 4096 + 8192 + 32_768);
    pages(ran.own("other").retained_bytes, 16_384 + 65_536);
}

#[heap_tracked]
fn wraps_jobs(older: &Older) {
    let test = current();
    let held = holds(MIB);
    older.does(test.wrap(|| leak(4096)));
    let uncalled = test.wrap(move || drop(held));
    older.does(move || drop(uncalled));
    let held = holds(MIB);
    older.does(test.wrap(move || {
        leak(8192);
        if held.is_empty() {
            std::panic::resume_unwind(Box::new(held.len()));
        }
    }));
    assert_eq!(test.wrap(|| 42)(), 42);
}

fn wraps() {
    wraps_jobs(&Older::start());
}

#[test]
fn a_closure_is_the_tests_called_dropped_or_panicking() {
    let ran = Child::of("wraps").run();
    let own = ran.own("wraps_jobs");
    pages(own.retained_bytes, 4096 + 8192);
    pages(own.allocated_bytes.cast_signed(), 2 * MIB + 4096 + 8192);
    assert_eq!((own.threads, own.threads_running), (2, 0));
}

#[heap_tracked]
fn threads_that_leave(stop: Receiver<()>) {
    let (say, left) = sync_channel(1);
    let test = current();
    let leaves = thread::spawn(move || {
        leak(4096);
        nobody().enter_for_good();
        leak(MIB);
        {
            let _in_the_test = test.enter();
            leak(8192);
            // Who holds a guard stays until that is dropped.
            nobody().enter_for_good();
            leak(16_384);
        }
        leak(MIB);
        drop(test);
        // What such a thread starts is nobody's, too.
        thread::spawn(|| leak(MIB)).join().unwrap();
        say.send(()).unwrap();
        assert!(stop.recv().is_err());
    });
    left.recv().unwrap();
    drop(leaves);
}

#[heap_tracked]
fn a_thread_that_comes(older: &Older) {
    let test = current();
    older.does(move || {
        test.enter_for_good();
        leak(4096);
        nobody().wrap(|| leak(MIB))();
        leak(8192);
        nobody().enter_for_good();
    });
}

fn for_good() {
    let (run, stop) = sync_channel(1);
    threads_that_leave(stop);
    a_thread_that_comes(&Older::start());
    drop(run);
}

#[test]
fn a_thread_leaves_and_comes_for_good() {
    let ran = Child::of("for_good").run();
    let own = ran.own("threads_that_leave");
    pages(own.retained_bytes, 4096 + 8192 + 16_384);
    assert_eq!((own.threads, own.threads_running), (2, 0));
    let own = ran.own("a_thread_that_comes");
    pages(own.retained_bytes, 4096 + 8192);
    assert_eq!((own.threads, own.threads_running), (2, 0));
}

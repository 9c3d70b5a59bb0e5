//! Tests inside tests, and beside them, wherever they were begun.

use std::ffi::c_void;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::{Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use heap_runtime::heap_tracked;

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("after_its_test", || {
        let mut worker = None;
        leaves_a_worker(&mut worker);
        beside(&worker.unwrap(), || ());
    }),
    ("after_a_forgotten_guard", || {
        beside(&start_worker(), forgets_a_guard);
    }),
    ("begun_elsewhere", begun_elsewhere),
    ("polled_by_a_pool", polled_by_a_pool),
    ("in_a_late_destructor", in_a_late_destructor),
];

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

type Job = Box<dyn FnOnce() + Send>;

/// Starts a thread that does what it is given, for as long as the sender lives.
fn start_worker() -> mpsc::Sender<Job> {
    let (sender, jobs) = mpsc::channel::<Job>();
    thread::spawn(move || jobs.iter().for_each(|job| job()));
    sender
}

/// Has it do something, and waits until that is done.
fn have_done(worker: &mpsc::Sender<Job>, job: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel::<()>();
    let job = move || {
        job();
        drop(done);
    };
    worker.send(Box::new(job)).unwrap();
    assert!(is_done.recv().is_err());
}

#[heap_tracked]
fn leaves_a_worker(to: &mut Option<mpsc::Sender<Job>>) {
    *to = Some(start_worker());
}

#[heap_tracked]
fn forgets_a_guard() {
    let handle: &'static heap_runtime::Handle = Box::leak(Box::new(heap_runtime::current()));
    std::mem::forget(handle.enter());
}

#[heap_tracked]
fn first(meanwhile: &dyn Fn()) {
    meanwhile();
}

#[heap_tracked]
fn second() {
    leak(4096);
}

/// A body on that thread, and one here while it runs.
fn beside(worker: &mpsc::Sender<Job>, before: fn()) {
    let (begun, has_begun) = mpsc::channel::<()>();
    let (end, ends) = mpsc::channel::<()>();
    let here = thread::spawn(move || {
        has_begun.recv().unwrap();
        second();
        end.send(()).unwrap();
    });
    have_done(worker, move || {
        before();
        first(&|| {
            begun.send(()).unwrap();
            ends.recv().unwrap();
        });
    });
    here.join().unwrap();
}

#[test]
fn a_test_on_a_thread_of_one_that_has_ended_overlaps_with_others() {
    for subject in ["after_its_test", "after_a_forgotten_guard"] {
        let ran = Child::of(subject).times(20).run();
        for name in ["first", "second"] {
            for sidecar in ran.of(name) {
                assert_eq!(sidecar.heap.overlap, Some(1), "{subject}: {name}");
            }
        }
    }
}

type Begun<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Pending once, and leaks 4,096 bytes here and on a thread of its own each time that it is polled.
#[heap_tracked]
async fn comes_again() {
    let mut polls = 0;
    std::future::poll_fn(move |_| {
        leak(4096);
        thread::spawn(|| leak(4096)).join().unwrap();
        polls += 1;
        if polls < 3 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

fn poll(begun: &mut Begun) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    begun.as_mut().poll(&mut context).is_ready()
}

#[heap_tracked]
fn begins(to: &mut Option<Begun>) {
    let mut begun: Begun = Box::pin(comes_again());
    assert!(!poll(&mut begun));
    *to = Some(begun);
}

#[heap_tracked]
fn goes_on(begun: &mut Begun) {
    assert!(!poll(begun));
    leak(4096);
}

#[heap_tracked]
fn ends(begun: &mut Begun) {
    assert!(poll(begun));
}

fn begun_elsewhere() {
    let mut begun = None;
    begins(&mut begun);
    let mut begun = begun.unwrap();
    goes_on(&mut begun);
    ends(&mut begun);
}

/// What a future does that was begun in one test and is polled in others is in those that it is polled in.
#[test]
fn a_future_is_in_the_tests_that_it_is_polled_in() {
    let ran = Child::of("begun_elsewhere").times(20).run();
    let pages = |name: &str| -> Vec<i64> {
        let of = ran.of(name).into_iter();
        of.map(|sidecar| sidecar.heap.own.unwrap().retained_bytes / 4096)
            .collect()
    };
    assert!(pages("comes_again").iter().all(|pages| *pages == 6));
    // Its future's box was made in the first, and is freed by nobody's.
    assert!(pages("begins").iter().all(|pages| *pages == 2));
    assert!(pages("goes_on").iter().all(|pages| *pages == 3));
    assert!(pages("ends").iter().all(|pages| *pages == 2));
    for sidecar in ran.of("goes_on") {
        assert_eq!(sidecar.heap.own.unwrap().threads, 2);
    }
}

/// What was begun outside is brought to a thread of this test.
#[heap_tracked]
fn has_a_pool(mut begun: Begun<'static>) {
    let pool = start_worker();
    have_done(&pool, move || {
        assert!(!poll(&mut begun));
        assert!(poll(&mut begun));
    });
}

fn polled_by_a_pool() {
    let mut begun: Begun = Box::pin(comes_again());
    assert!(!poll(&mut begun));
    has_a_pool(begun);
}

/// A thread may be a pool's, and the test that started it need not be the one that has it work.
#[test]
fn a_future_that_a_thread_is_brought_is_not_where_that_was_born() {
    let ran = Child::of("polled_by_a_pool").times(20).run();
    for sidecar in ran.of("comes_again") {
        assert_eq!(sidecar.heap.own.unwrap().retained_bytes, 6 * 4096);
    }
    for sidecar in ran.of("has_a_pool") {
        let own = sidecar.heap.own.unwrap();
        assert!(own.allocated_bytes < 4096, "{own:?}");
    }
}

/// A key that was made after our own: in each round, its destructor runs after ours.
fn late_key() -> libc::pthread_key_t {
    extern "C" fn ended(_: *mut c_void) {
        heap_runtime::track("in_the_destructor", || leak(4096));
        leak(4096);
    }
    static KEY: Mutex<Option<libc::pthread_key_t>> = Mutex::new(None);
    *KEY.lock().unwrap().get_or_insert_with(|| {
        let mut key = 0;
        // SAFETY: the key is written, and the destructor takes any value.
        let code = unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) };
        assert_eq!(code, 0);
        key
    })
}

#[heap_tracked]
fn around_a_destructor() {
    let child = thread::spawn(|| {
        // SAFETY: the key's destructor takes any value.
        let code = unsafe { libc::pthread_setspecific(late_key(), std::ptr::dangling()) };
        assert_eq!(code, 0);
    });
    child.join().unwrap();
}

fn in_a_late_destructor() {
    // The first tracked test makes our key.
    second();
    late_key();
    around_a_destructor();
}

#[test]
fn a_test_in_a_late_destructor_has_its_numbers_and_the_one_around_too() {
    let ran = Child::of("in_a_late_destructor").times(20).run();
    let of = ran.sidecars.iter();
    let inner: Vec<_> = of
        .filter(|sidecar| sidecar.test_name == "in_the_destructor")
        .collect();
    assert_eq!(inner.len(), 20);
    for sidecar in inner {
        let own = sidecar.heap.own.unwrap();
        assert_eq!((own.allocated_bytes, own.retained_bytes), (4096, 4096));
        assert_eq!(own.peak_bytes, Some(4096));
    }
    for sidecar in ran.of("around_a_destructor") {
        let own = sidecar.heap.own.unwrap();
        assert_eq!(own.retained_bytes, 2 * 4096);
        assert_eq!((own.threads, own.threads_running), (2, 0));
    }
}

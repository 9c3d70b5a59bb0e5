//! The threads of tokio and rayon.

use std::future::poll_fn;
use std::hint::black_box;
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;

use heap_runtime::heap_tracked;
use tokio::runtime::Builder;
use tokio::sync::mpsc as channel;

use crate::child::{Child, own};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("tokio_workers", tokio_workers),
    ("tokio_one_thread", tokio_one_thread),
    ("async_body", async_body_on_tokio),
    ("rayon_pool", rayon_pool),
    ("older_pool", older_pool),
];

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

async fn hand_buffers_around() {
    let (sender, mut receiver) = channel::channel(4);
    for number in 0..4_usize {
        let sender = sender.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                sender.send(vec![1_u8; 5000 * (number + 1)]).await.unwrap();
            }
        });
    }
    drop(sender);
    let freed = tokio::spawn(async move {
        while let Some(buffer) = receiver.recv().await {
            drop(black_box(buffer));
        }
    });
    freed.await.unwrap();
}

/// What is made once for the process, by std and tokio, is made in the warm-up.
#[heap_tracked(warmup = 1)]
fn tokio_workers() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(hand_buffers_around());
}

#[test]
fn buffers_that_move_between_workers_are_all_freed() {
    let ran = Child::of("tokio_workers").thousand_times_in_noise().run();
    ran.each_of_thousand("tokio_workers", |own| {
        own.retained_bytes == 0
            && own.allocated_bytes >= 10 * (5000 + 10_000 + 15_000 + 20_000)
            && (own.threads, own.threads_running) == (3, 0)
    });
}

#[heap_tracked(warmup = 1)]
fn tokio_one_thread() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        hand_buffers_around().await;
        tokio::task::spawn_blocking(|| leak(4096)).await.unwrap();
    });
}

#[test]
fn a_blocking_thread_is_counted() {
    let ran = Child::of("tokio_one_thread").times(100).run();
    for sidecar in ran.of("tokio_one_thread") {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, 4096);
        assert_eq!((own.threads, own.threads_running), (2, 0));
    }
}

/// A tracked body that a runtime from outside moves from thread to thread.
#[heap_tracked]
async fn async_body() {
    for _ in 0..10 {
        leak(4096);
        come_again().await;
    }
}

/// Lets the runtime go on elsewhere. Tokio's own would have to keep a list.
async fn come_again() {
    let mut again = true;
    poll_fn(|context| {
        if std::mem::take(&mut again) {
            context.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

#[heap_tracked]
async fn async_body_around() {
    async_body().await;
}

fn async_body_on_tokio() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        // Twice, so that neither stays where it began.
        let [first, second] = [(); 2].map(|()| tokio::spawn(async_body_around()));
        first.await.unwrap();
        second.await.unwrap();
    });
}

#[test]
fn an_async_body_is_counted_wherever_it_runs() {
    let ran = Child::of("async_body").times(100).run();
    for name in ["async_body", "async_body_around"] {
        for sidecar in ran.of(name) {
            let own = own(sidecar);
            assert_eq!(
                (own.allocated_bytes, own.retained_bytes),
                (40_960, 40_960),
                "{name}"
            );
            assert!((1..=3).contains(&own.threads), "{name}: {}", own.threads);
            assert_eq!(own.threads_running, 0, "{name}");
        }
    }
}

#[heap_tracked(warmup = 1)]
fn rayon_pool() {
    rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build_scoped(rayon::ThreadBuilder::run, |pool| {
            pool.broadcast(|_| leak(4096));
        })
        .unwrap();
}

#[test]
fn a_pool_built_inside_is_counted() {
    let ran = Child::of("rayon_pool").times(100).run();
    for sidecar in ran.of("rayon_pool") {
        let own = own(sidecar);
        assert_eq!(own.threads, 4);
        // Rayon's threads free what they share after the pool is gone, so what is kept varies.
        assert!(own.allocated_bytes >= 3 * 4096);
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// A pool of one thread that was there before any test.
struct Pool(mpsc::Sender<Job>);

impl Pool {
    fn new() -> Self {
        let (sender, jobs) = mpsc::channel::<Job>();
        thread::spawn(move || jobs.iter().for_each(|job| job()));
        Self(sender)
    }
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

#[heap_tracked]
fn on_an_older_pool() {
    let (done, wait) = mpsc::channel();
    let test = heap_runtime::current();
    let job = move || {
        for _ in 0..2 {
            let inside = test.enter();
            leak(4096);
            drop(inside);
            leak(1000);
        }
        drop(test);
        done.send(()).unwrap();
    };
    let sent = POOL.lock().unwrap().as_ref().unwrap().0.clone();
    sent.send(Box::new(job)).unwrap();
    wait.recv().unwrap();
}

#[heap_tracked(exact)]
fn exactly_on_an_older_pool() {
    // Not a channel: who waits at one allocates, perhaps between the two checkpoints.
    let done = Arc::new(Barrier::new(2));
    let wait = Arc::clone(&done);
    let test = heap_runtime::current();
    let sent = POOL.lock().unwrap().as_ref().unwrap().0.clone();
    let job: Job = Box::new(move || {
        let inside = test.enter();
        heap_runtime::checkpoint("before");
        leak(24);
        heap_runtime::checkpoint("after");
        drop(inside);
        drop(test);
        done.wait();
    });
    sent.send(job).unwrap();
    wait.wait();
}

fn older_pool() {
    *POOL.lock().unwrap() = Some(Pool::new());
    on_an_older_pool();
    exactly_on_an_older_pool();
}

#[test]
fn a_pool_from_before_the_test_joins_by_a_handle() {
    let ran = Child::of("older_pool").run();
    let own = ran.own("on_an_older_pool");
    assert_eq!((own.threads, own.threads_running), (2, 0));
    // Between two leaks of the test's, there were some of nobody's. What the channels have is freed.
    assert!(own.allocated_bytes >= 2 * 4096 && own.retained_bytes < 3 * 4096);

    // That thread is older than the call-back for each allocation, and has learnt of it.
    let checkpoints = &ran.only("exactly_on_an_older_pool").heap.checkpoints;
    let [before, after] = [0, 1].map(|at| checkpoints[at].own.as_ref().unwrap());
    assert_eq!(after.allocated_bytes - before.allocated_bytes, 32);
    assert_eq!(after.allocations.unwrap() - before.allocations.unwrap(), 1);
}

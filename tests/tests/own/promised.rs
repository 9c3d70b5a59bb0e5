//! What clean tests keep under `max_retained = 0`, where a runtime or the harness has a part in them.

use std::hint::black_box;

use heap_runtime::heap_tracked;
use tokio::runtime::Builder;

use crate::child::{Child, own, rounds};
use crate::retained::each_retained;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("on_one_thread", on_one_thread),
    ("on_one_thread_unwarmed", on_one_thread_unwarmed),
    ("on_two_threads", on_two_threads),
    ("on_two_threads_unwarmed", on_two_threads_unwarmed),
    ("on_two_threads_and_leaks", on_two_threads_and_leaks),
    ("runtimes_in_a_crowd", || {
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(on_two_threads);
            }
        });
    }),
];

async fn spawn_some(leaks: bool) {
    let tasks: Vec<_> = (0..8_usize)
        .map(|number| {
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                if leaks && number == 7 {
                    std::mem::forget(black_box(Box::new(1_u64)));
                }
                black_box(vec![1_u8; 100 * (number + 1)]).len()
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    tokio::task::spawn_blocking(|| drop(black_box(vec![1_u8; 1000])))
        .await
        .unwrap();
}

// As `#[tokio::test]` makes them.
#[heap_tracked(warmup = 1, max_retained = 0)]
fn on_one_thread() {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(spawn_some(false));
}

#[heap_tracked(max_retained = 0)]
fn on_one_thread_unwarmed() {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(spawn_some(false));
}

#[heap_tracked(warmup = 1, max_retained = 0)]
fn on_two_threads() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(spawn_some(false));
}

#[heap_tracked(max_retained = 0)]
fn on_two_threads_unwarmed() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(spawn_some(false));
}

#[heap_tracked(warmup = 1)]
fn on_two_threads_and_leaks() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(spawn_some(true));
}

#[test]
fn a_runtime_keeps_nothing_of_a_warmed_test() {
    for (name, kept) in [
        ("on_one_thread", 0),
        ("on_two_threads", 0),
        ("on_two_threads_and_leaks", 8),
    ] {
        let times = rounds(10);
        each_retained(&Child::of(name).times(times).run(), name, kept);
        each_retained(&Child::of(name).times(times).in_noise().run(), name, kept);
    }
    let ran = Child::of("runtimes_in_a_crowd").times(rounds(1)).run();
    each_retained(&ran, "on_two_threads", 0);
}

/// Tokio's, for a thread that it blocks, as long as that lives: each test of a harness has one of its own.
const PARKER: i64 = 48;

#[test]
fn what_a_runtime_keeps_of_a_test_that_is_not_warmed_is_said_to_be_its() {
    for name in ["on_one_thread_unwarmed", "on_two_threads_unwarmed"] {
        let ran = Child::of(name).run();
        let sidecar = ran.only(name);
        assert_eq!(own(sidecar).retained_bytes, PARKER, "{name}");
        let message = &sidecar.failure.as_ref().unwrap().message;
        assert!(message.contains("as by an async runtime"), "{message}");
        assert!(message.contains("`warmup = 1` excludes it"), "{message}");
    }
}

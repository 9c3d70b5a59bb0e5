//! Overlap, exclusive tests, and tracked functions inside others.

use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::thread;

use heap_runtime::heap_tracked;
use heap_sidecar::{FailureKind, Outcome, Sidecar};

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("outer", || on_main(outer)),
    ("warms_up_around_exclusive", || {
        on_main(warms_up_around_exclusive);
    }),
    ("two_async_on_one_thread", || {
        on_main(two_async_on_one_thread);
    }),
    ("on_a_thread_of_its_own", || {
        thread::spawn(inner_exclusive).join().unwrap();
    }),
    ("around_an_exclusive_one", || {
        on_main(around_an_exclusive_one);
    }),
    ("warms_up_around_what_it_is_not", || {
        on_main(warms_up_around_what_it_is_not);
    }),
    ("forgets_on_its_thread", || {
        on_main(|| {
            forget_one();
            inner();
            inner_exclusive();
        });
    }),
    ("forgets_on_a_thread_that_ends", || {
        on_main(forget_one);
        on_main(inner);
        on_main(inner_exclusive);
    }),
];

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[heap_tracked(exclusive)]
fn outer() {
    leak(64);
    inner();
    leak(64);
    inner_exclusive();
}

#[heap_tracked]
fn inner() {
    leak(4096);
    thread::spawn(|| leak(8192)).join().unwrap();
}

#[heap_tracked(exclusive)]
fn inner_exclusive() {
    leak(16_384);
}

#[test]
fn a_nested_test_has_numbers_of_its_own_and_is_in_its_callers() {
    let ran = Child::of("outer").times(20).run();
    let [outer, inner, exclusive] = ["outer", "inner", "inner_exclusive"].map(|name| ran.of(name));
    for ((outer, inner), exclusive) in outer.iter().zip(inner).zip(exclusive) {
        let own = [*outer, inner, exclusive].map(crate::child::own);
        assert_eq!(
            own.map(|own| own.retained_bytes),
            [128 + 4096 + 8192 + 16_384, 4096 + 8192, 16_384]
        );
        assert_eq!(own.map(|own| own.threads), [2, 2, 1]);
        // They are parts of one test, which is alone.
        for sidecar in [*outer, inner, exclusive] {
            assert_eq!(sidecar.heap.overlap, Some(0));
        }
        let asked = [
            outer.heap.exclusive,
            inner.heap.exclusive,
            exclusive.heap.exclusive,
        ];
        assert_eq!(asked, [true, false, true]);
    }
}

/// Tests that are running.
static RUNNING: AtomicU32 = AtomicU32::new(0);
/// Tests that have seen another.
static SEEN: AtomicU32 = AtomicU32::new(0);

struct Running;

impl Running {
    fn alone() -> Self {
        let running = Self::beside_others();
        for _ in 0..200 {
            assert_eq!(RUNNING.load(Ordering::SeqCst), 1);
            thread::yield_now();
        }
        running
    }

    fn beside_others() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}

#[heap_tracked(exclusive)]
#[test]
#[ignore = "run by exclusive_tests_are_alone"]
fn exclusive_one() {
    let _running = Running::alone();
}

#[heap_tracked(exclusive)]
#[test]
#[ignore = "run by exclusive_tests_are_alone"]
fn exclusive_two() {
    let _running = Running::alone();
    inner_exclusive();
}

#[heap_tracked(exclusive)]
#[test]
#[ignore = "run by exclusive_tests_are_alone"]
#[should_panic(expected = "on purpose")]
fn exclusive_panics() {
    let _running = Running::alone();
    panic!("on purpose");
}

#[heap_tracked]
fn on_a_global_pool() {
    leak(64);
}

#[heap_tracked(exclusive)]
#[test]
#[ignore = "run by exclusive_tests_are_alone"]
fn exclusive_with_a_global_pool() {
    let _running = Running::alone();
    rayon::broadcast(|_| on_a_global_pool());
}

/// Two that go on only together.
fn meet() {
    let _running = Running::beside_others();
    SEEN.fetch_add(1, Ordering::SeqCst);
    while SEEN.load(Ordering::SeqCst) < 2 {
        thread::yield_now();
    }
}

#[heap_tracked]
#[test]
#[ignore = "run by tests_that_overlap_say_so"]
fn meets_another() {
    meet();
}

#[heap_tracked]
#[test]
#[ignore = "run by tests_that_overlap_say_so"]
fn meets_the_other() {
    meet();
}

#[test]
fn exclusive_tests_are_alone() {
    for _ in 0..10 {
        let ran = Child::of_tests(&[
            "turns::exclusive_one",
            "turns::exclusive_two",
            "turns::exclusive_panics",
            "turns::exclusive_with_a_global_pool",
        ])
        .env("RAYON_NUM_THREADS", "3")
        .run();
        assert!(ran.status.success(), "{}", ran.said);
        for name in ["exclusive_one", "exclusive_two", "exclusive_panics"] {
            let heap = &ran.only(name).heap;
            assert_eq!((heap.overlap, heap.exclusive), (Some(0), true), "{name}");
        }
        assert_eq!(ran.of("on_a_global_pool").len(), 3);
    }
}

/// Not beside exclusive ones: who waits for a turn that comes after one of theirs, while the other
/// waits for it, waits for ever.
#[test]
fn tests_that_overlap_say_so() {
    let ran = Child::of_tests(&["turns::meets_another", "turns::meets_the_other"]).run();
    assert!(ran.status.success(), "{}", ran.said);
    for name in ["meets_another", "meets_the_other"] {
        let heap = &ran.only(name).heap;
        assert_eq!((heap.overlap, heap.exclusive), (Some(1), false), "{name}");
    }
}

/// With one test thread, the harness runs tests on its main thread.
fn on_main(run: fn()) {
    let main = thread::Builder::new().name("main".into());
    main.spawn(run).unwrap().join().unwrap();
}

#[heap_tracked(exclusive, warmup = 1)]
fn warms_up_around_exclusive() {
    inner_exclusive();
    inner();
}

#[test]
fn what_a_warm_up_calls_does_not_wait_for_it() {
    let ran = Child::of("warms_up_around_exclusive").run();
    assert!(ran.status.success(), "{}", ran.said);
    for inner in ran.of("inner_exclusive") {
        assert!(inner.heap.exclusive);
    }
    assert_eq!(ran.of("inner_exclusive").len(), 2);
    let own = ran.own("warms_up_around_exclusive");
    assert_eq!(own.retained_bytes, 16_384 + 4096 + 8192);
}

#[heap_tracked(exclusive)]
async fn exclusive_async() {
    // Often enough that one beside it has its turn in between, in whatever order they are polled.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[heap_tracked]
async fn other_async() {
    tokio::task::yield_now().await;
}

fn two_async_on_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let other = tokio::task::spawn_local(other_async());
        let exclusive = tokio::task::spawn_local(exclusive_async());
        other.await.unwrap();
        exclusive.await.unwrap_err();
        // Nor does one that begins beside it leave it alone.
        let exclusive = tokio::task::spawn_local(exclusive_async());
        let other = tokio::task::spawn_local(other_async());
        other.await.unwrap();
        exclusive.await.unwrap_err();
        // By itself it is.
        exclusive_async().await;
    });
}

/// The test says that it is not exclusive, and why.
#[track_caller]
fn is_refused(sidecar: &Sidecar, why: &str) {
    assert!(!sidecar.heap.exclusive);
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    let failure = sidecar.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Error);
    let start = format!("{} is not exclusive: {why}", sidecar.test_name);
    assert!(failure.message.starts_with(&start), "{}", failure.message);
}

#[test]
fn two_async_bodies_on_one_thread_do_not_wait_for_each_other() {
    let ran = Child::of("two_async_on_one_thread").run();
    assert!(ran.status.success(), "{}", ran.said);
    let exclusive = ran.of("exclusive_async");
    is_refused(exclusive[0], "another tracked test ran at the same time");
    is_refused(exclusive[1], "another tracked test ran at the same time");
    assert!(exclusive[2].heap.exclusive);
    let overlaps: Vec<_> = exclusive
        .iter()
        .map(|sidecar| sidecar.heap.overlap)
        .collect();
    assert_eq!(overlaps, [Some(1), Some(1), Some(0)]);
}

#[heap_tracked]
fn around_an_exclusive_one() {
    inner_exclusive();
}

#[heap_tracked(warmup = 1)]
fn warms_up_around_what_it_is_not() {
    inner_exclusive();
}

#[test]
fn a_test_that_cannot_be_exclusive_says_so() {
    let ran = Child::of("on_a_thread_of_its_own").run();
    is_refused(
        ran.only("inner_exclusive"),
        "it runs on a thread that is neither",
    );
    for around in ["around_an_exclusive_one", "warms_up_around_what_it_is_not"] {
        let ran = Child::of(around).run();
        is_refused(ran.only("inner_exclusive"), "it runs inside a tracked test");
        assert_eq!(ran.only(around).outcome, Some(Outcome::Failed));
    }
}

/// Begins a future of each kind, and forgets it before its end.
fn forget_one() {
    for begun in [
        Box::pin(other_async()) as Pin<Box<dyn Future<Output = ()>>>,
        Box::pin(exclusive_async()),
    ] {
        let mut begun = std::mem::ManuallyDrop::new(begun);
        let context = &mut Context::from_waker(Waker::noop());
        assert!(begun.as_mut().poll(context).is_pending());
    }
}

#[test]
fn a_future_that_is_forgotten_keeps_no_turn() {
    for name in ["forgets_on_its_thread", "forgets_on_a_thread_that_ends"] {
        let ran = Child::of(name).run();
        assert!(ran.status.success(), "{}", ran.said);
        assert_eq!(ran.only("inner").outcome, Some(Outcome::Passed));
        let exclusive = ran.only("inner_exclusive");
        assert_eq!(exclusive.outcome, Some(Outcome::Passed));
        assert!(exclusive.heap.exclusive);
    }
}

//! Pools that tests share: those of rayon and tokio, by their recipes in the guide.

use std::rc::Rc;
use std::sync::{Barrier, LazyLock};
use std::thread;

use heap_runtime::{current, heap_tracked, nobody};
use heap_sidecar::OwnTier;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, block_in_place, spawn_local, yield_now};

use crate::carried::{MIB, holds, leak};
use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("shared_rayon", shared_rayon),
    ("shared_tokio", shared_tokio),
    ("tasks", tasks),
];

/// All that pools and runtimes take for themselves.
const THEIRS: usize = 100_000;

/// Whether so much was allocated, and what a pool took for it.
#[track_caller]
fn allocated(own: &OwnTier, bytes: usize) {
    let allocated = usize::try_from(own.allocated_bytes).unwrap();
    assert!(
        (bytes..bytes + THEIRS).contains(&allocated),
        "{bytes}: {own:?}"
    );
}

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    ThreadPoolBuilder::new()
        .num_threads(3)
        .start_handler(|_| nobody().enter_for_good())
        .build()
        .unwrap()
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(|| nobody().enter_for_good())
        .build()
        .unwrap()
});

/// The first to need the pool starts it, and is there for as long as the other works on it.
#[heap_tracked(max_allocated = "100 KB")]
fn starts(pool: fn(), both: &Barrier) {
    pool();
    both.wait();
    both.wait();
}

#[heap_tracked]
fn works_on_rayon() {
    let test = current();
    POOL.install(test.wrap(|| leak(32 * MIB)));
    POOL.install(|| {
        (0..32)
            .into_par_iter()
            .for_each_init(|| test.enter(), |_in_the_test, _| leak(MIB));
    });
}

#[heap_tracked]
fn works_on_tokio() {
    RUNTIME.block_on(async {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                RUNTIME.spawn(current().instrument(async {
                    for _ in 0..8 {
                        leak(MIB);
                        yield_now().await;
                    }
                }))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // On a thread that the runtime starts for it, inside this test.
        let job = current().wrap(|| leak(32 * MIB));
        RUNTIME.spawn_blocking(job).await.unwrap();
    });
}

fn side_by_side(pool: fn(), works: fn()) {
    let both = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| starts(pool, &both));
        both.wait();
        scope.spawn(works).join().unwrap();
        both.wait();
    });
}

fn shared_rayon() {
    side_by_side(|| POOL.install(|| ()), works_on_rayon);
}

fn shared_tokio() {
    side_by_side(|| RUNTIME.block_on(async {}), works_on_tokio);
}

#[test]
fn work_on_a_shared_pool_is_the_tests_that_gives_it() {
    for (subject, works) in [
        ("shared_rayon", "works_on_rayon"),
        ("shared_tokio", "works_on_tokio"),
    ] {
        let ran = Child::of(subject).run();
        let starts = ran.only("starts");
        assert_eq!(starts.heap.overlap, Some(1), "{}", ran.said);
        allocated(ran.own("starts"), 0);
        assert_eq!(ran.own("starts").threads_running, 0);
        assert_eq!(starts.budgets[0].held, Some(true));
        allocated(ran.own(works), 64 * MIB);
    }
}

/// On a runtime that was there before. Of each, a mebibyte comes and goes.
#[heap_tracked]
fn is_selected() {
    let waits = current().instrument(async {
        let _held = holds(MIB);
        std::future::pending::<()>().await;
    });
    let is_there = current().instrument(async {
        yield_now().await;
        drop(holds(MIB));
    });
    let selected = RUNTIME.spawn(async {
        tokio::select! {
            biased;
            () = waits => unreachable!("it is never done"),
            () = is_there => {}
        }
        leak(MIB);
    });
    RUNTIME.block_on(selected).unwrap();
}

#[heap_tracked]
fn stays_local() {
    let test = current();
    let local = RUNTIME.spawn_blocking(move || {
        let set = LocalSet::new();
        let task = test.instrument(async {
            let held = Rc::new(holds(MIB));
            yield_now().await;
            drop(held);
        });
        RUNTIME.block_on(set.run_until(async { spawn_local(task).await.unwrap() }));
        leak(MIB);
    });
    RUNTIME.block_on(local).unwrap();
}

#[heap_tracked]
fn blocks_in_place() {
    let blocks = RUNTIME.spawn(current().instrument(async {
        // Another thread takes over what else there is to do, which is not this test's.
        block_in_place(|| {
            drop(holds(MIB));
            RUNTIME
                .block_on(RUNTIME.spawn(async { leak(MIB) }))
                .unwrap();
        });
    }));
    RUNTIME.block_on(blocks).unwrap();
}

static TWO: Barrier = Barrier::new(2);

#[heap_tracked]
fn panics_inside() {
    let panics = RUNTIME.spawn(current().instrument(async {
        let _held = holds(MIB);
        yield_now().await;
        std::panic::resume_unwind(Box::new(()));
    }));
    let panicked = RUNTIME.block_on(panics).unwrap_err();
    assert!(panicked.is_panic());
    // The threads have left the test, both of them.
    let tasks = [(); 2].map(|()| {
        RUNTIME.spawn(async {
            TWO.wait();
            leak(MIB);
        })
    });
    for task in tasks {
        RUNTIME.block_on(task).unwrap();
    }
}

#[heap_tracked]
fn is_aborted() {
    let (say, holding) = tokio::sync::oneshot::channel();
    let waits = RUNTIME.spawn(current().instrument(async {
        let _held = holds(MIB);
        say.send(()).unwrap();
        std::future::pending::<()>().await;
    }));
    RUNTIME.block_on(holding).unwrap();
    waits.abort();
    let cancelled = RUNTIME.block_on(waits).unwrap_err();
    assert!(cancelled.is_cancelled());
}

fn tasks() {
    RUNTIME.block_on(async {});
    is_selected();
    stays_local();
    blocks_in_place();
    panics_inside();
    is_aborted();
}

#[test]
fn a_task_is_the_tests_however_it_runs_and_ends() {
    let ran = Child::of("tasks").times(20).run();
    for (name, mebibytes) in [
        ("is_selected", 2),
        ("stays_local", 1),
        ("blocks_in_place", 1),
        ("panics_inside", 1),
        ("is_aborted", 1),
    ] {
        let all = ran.of(name);
        assert_eq!(all.len(), 20, "{name}: {}", ran.said);
        for sidecar in all {
            let own = crate::child::own(sidecar);
            allocated(own, mebibytes * MIB);
            // The runtime's own: what it keeps for a task goes with whichever thread is last.
            assert!(
                own.retained_bytes.unsigned_abs() < THEIRS as u64,
                "{name}: {own:?}"
            );
            // The one that takes over is started from the test's.
            let most = u32::from(name == "blocks_in_place");
            assert!(own.threads_running <= most, "{name}");
        }
    }
}

//! Pools that tests share: those of rayon and tokio, by their recipes in the guide.

use std::rc::Rc;
use std::sync::{Barrier, LazyLock};
use std::thread;

use heap_runtime::{current, heap_tracked, nobody};
use heap_sidecar::{Limit, Outcome, OwnTier, SharedThreads, Sidecar};
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
    ("plain_outlived", plain_outlived),
    ("plain_outlives", plain_outlives),
    ("plain_left", plain_left),
    ("own_threads", own_threads),
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

/// A pool as programs have them: of whoever needs it first.
static PLAIN: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(2).build().unwrap());

#[heap_tracked(max_allocated = "4 MiB", max_peak = "128 MiB")]
fn starts_plain(started: &Barrier, worked: Option<&Barrier>) {
    PLAIN.install(|| ());
    started.wait();
    if let Some(worked) = worked {
        worked.wait();
    }
}

#[heap_tracked(max_allocated = "4 MiB", max_retained = "100 KB", max_peak = "128 MiB")]
fn works_plain() {
    PLAIN.install(|| leak(64 * MIB));
}

/// Works, and is there for longer than who has started the pool.
#[heap_tracked(max_allocated = "4 MiB", max_retained = "100 KB", max_peak = "128 MiB")]
fn works_plain_and_waits(worked: &Barrier, ended: &Barrier) {
    PLAIN.install(|| leak(64 * MIB));
    worked.wait();
    ended.wait();
}

/// Who works has ended when it comes out that the pool is left.
fn plain_outlives() {
    let [started, worked] = [(); 2].map(|()| Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| starts_plain(&started, Some(&worked)));
        started.wait();
        scope.spawn(works_plain).join().unwrap();
        worked.wait();
    });
}

/// Who works is still there.
fn plain_outlived() {
    let [started, worked, ended] = [(); 3].map(|()| Barrier::new(2));
    thread::scope(|scope| {
        let starts = scope.spawn(|| starts_plain(&started, Some(&worked)));
        started.wait();
        let works = scope.spawn(|| works_plain_and_waits(&worked, &ended));
        starts.join().unwrap();
        ended.wait();
        works.join().unwrap();
    });
}

/// Who works comes later.
fn plain_left() {
    let started = Barrier::new(2);
    thread::scope(|scope| {
        let starts = scope.spawn(|| starts_plain(&started, None));
        started.wait();
        starts.join().unwrap();
        scope.spawn(works_plain).join().unwrap();
    });
}

/// What a limit's number is between, in MiB.
fn mebibytes(own: &OwnTier, limit: Limit) -> (i64, i64) {
    let (least, most) = limit.bounds(own).unwrap();
    (least >> 20, most >> 20)
}

#[test]
fn whose_work_a_shared_pool_did_is_not_known_where_nobody_says() {
    for (subject, works, was_beside) in [
        ("plain_outlives", "works_plain", true),
        ("plain_outlived", "works_plain_and_waits", true),
        ("plain_left", "works_plain", false),
    ] {
        let ran = Child::of(subject).times(1).run();
        let [starts, works] = [ran.only("starts_plain"), ran.only(works)];
        let held = |sidecar: &Sidecar| -> Vec<_> {
            let budgets = sidecar.budgets.iter();
            budgets.map(|budget| (budget.limit, budget.held)).collect()
        };
        for sidecar in [starts, works] {
            assert_eq!(
                sidecar.outcome,
                Some(Outcome::Passed),
                "{subject}: {sidecar:?}"
            );
            for budget in &sidecar.budgets {
                let note = budget.note.as_deref();
                let is_not_known = note == Some(SharedThreads::NOTE);
                assert_eq!(budget.held.is_none(), is_not_known, "{subject}: {budget:?}");
            }
        }
        let least = crate::child::own(works);
        assert!(
            least.allocated_bytes < THEIRS as u64,
            "{subject}: {least:?}"
        );
        assert_eq!(mebibytes(least, Limit::MaxAllocated), (0, 64), "{subject}");
        assert_eq!(mebibytes(least, Limit::MaxRetained).1, 64, "{subject}");
        let mut all = held(works);
        all.sort();
        // Both bounds are below the one, and on either side of the others.
        assert_eq!(
            all,
            [
                (Limit::MaxPeak, Some(true)),
                (Limit::MaxRetained, None),
                (Limit::MaxAllocated, None)
            ],
            "{subject}"
        );
        let most = crate::child::own(starts);
        let allocated = mebibytes(most, Limit::MaxAllocated);
        let mut all = held(starts);
        all.sort();
        if was_beside {
            assert_eq!(allocated, (0, 64), "{subject}: {most:?}");
            assert_eq!(
                all,
                [(Limit::MaxPeak, Some(true)), (Limit::MaxAllocated, None)]
            );
        } else {
            assert_eq!(allocated, (0, 0), "{subject}: {most:?}");
            assert_eq!(most.shared, None, "{subject}");
        }
    }
}

/// As most tests are: with threads of their own, beside others.
#[heap_tracked(max_allocated = "100 MiB", max_retained = "100 MiB")]
fn has_threads(others: &Barrier) {
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                others.wait();
                leak(MIB);
                drop(holds(8 * MIB));
                others.wait();
            });
        }
    });
    let pool = ThreadPoolBuilder::new().num_threads(2);
    pool.build_scoped(rayon::ThreadBuilder::run, |pool| {
        pool.broadcast(|_| leak(MIB));
    })
    .unwrap();
}

fn own_threads() {
    let others = Barrier::new(12);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| has_threads(&others));
        }
    });
}

#[test]
fn beside_other_tests_a_tests_own_threads_are_its_own() {
    let ran = Child::of("own_threads").times(50).run();
    let all = ran.of("has_threads");
    assert_eq!(all.len(), 200, "{}", ran.said);
    let mut overlapped = 0;
    for sidecar in all {
        let own = crate::child::own(sidecar);
        assert_eq!(own.shared, None, "{own:?}");
        assert!(sidecar.heap.shared_with.is_empty());
        assert!(
            sidecar
                .budgets
                .iter()
                .all(|budget| budget.held == Some(true))
        );
        allocated(own, (3 + 24 + 2) * MIB);
        overlapped += sidecar.heap.overlap.unwrap();
    }
    assert!(overlapped >= 200, "{overlapped}");
}

//! Arenas that were made by hand: what they free at once, no thread has freed.

use std::ffi::{CStr, c_uint};
use std::hint::black_box;
use std::ptr::null_mut;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::Outcome;
use tikv_jemalloc_ctl::raw;
use tikv_jemalloc_sys::{MALLOCX_ALIGN, dallocx, mallctl, mallocx};

use crate::child::{Child, own};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("large_by_hand", || each_way(4 << 20)),
    ("small_by_hand", || each_way(3000)),
    ("reused_by_hand", || {
        let arena = create();
        destroy(arena);
        // The number is given again, and the count of arenas does not move.
        for exact in [false, true] {
            frees_at_once(exact, &|| {
                let again = create();
                assert_eq!(again, arena);
                allocate(again, 4 << 20);
                destroy(again);
            });
        }
    }),
    ("made_before_by_hand", || {
        let arena = create();
        allocate(arena, 2 << 20);
        allocate(arena, 100);
        frees_at_once(false, &|| reset(arena));
        plain();
        destroy(arena);
        plain();
    }),
    ("bound_to_one_by_hand", || {
        let arena = create();
        frees_at_once(false, &|| {
            let before = bind(arena);
            std::mem::forget(black_box(Vec::<u8>::with_capacity(4 << 20)));
            bind(before);
            flush();
            destroy(arena);
        });
    }),
    ("untouched_by_hand", || {
        let full = create();
        allocate(full, 1 << 20);
        plain();
        makes_an_arena();
        warms_up_by_hand();
        caches_by_hand();
    }),
    ("beside_by_hand", || {
        plain();
        says_where();
    }),
];

fn each_way(bytes: usize) {
    for exact in [false, true] {
        frees_at_once(exact, &|| {
            let arena = create();
            for _ in 0..5 {
                allocate(arena, bytes);
            }
            reset(arena);
            destroy(arena);
        });
        let arena = create();
        frees_at_once(exact, &|| {
            allocate(arena, bytes);
            reset(arena);
        });
        // What one test has made, another frees.
        allocate(arena, bytes);
        frees_at_once(exact, &|| destroy(arena));
    }
}

fn frees_at_once(exact: bool, work: &dyn Fn()) {
    if exact {
        frees_at_once_exactly(work);
    } else {
        frees_at_once_sampled(work);
    }
}

#[heap_tracked(max_retained = "64 KiB", max_peak = "1 KiB", max_allocated = "1 KiB")]
fn frees_at_once_sampled(work: &dyn Fn()) {
    heap_runtime::checkpoint("before");
    work();
    heap_runtime::checkpoint("after");
}

#[heap_tracked(exact, max_retained = "64 KiB", max_allocations = 0)]
fn frees_at_once_exactly(work: &dyn Fn()) {
    heap_runtime::checkpoint("before");
    work();
    heap_runtime::checkpoint("after");
}

#[heap_tracked(max_retained = "8 KiB")]
fn plain() {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

/// As long as nothing is in it, it can free nothing.
#[heap_tracked(max_retained = "8 KiB")]
fn makes_an_arena() {
    create();
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

/// What is done in a warm-up is not measured.
#[heap_tracked(warmup = 1, max_retained = "8 KiB")]
fn warms_up_by_hand() {
    static ARENA: std::sync::OnceLock<c_uint> = std::sync::OnceLock::new();
    ARENA.get_or_init(|| {
        let arena = create();
        allocate(arena, 1 << 20);
        arena
    });
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

/// Caches of one's own, and jemalloc's own arenas by their numbers: all of that is counted.
#[heap_tracked(max_retained = "8 KiB")]
fn caches_by_hand() {
    let cache: c_uint = read(c"tcache.create");
    let in_cache = c_int((cache + 2) << 8);
    let in_first = c_int(1 << 20);
    // SAFETY: each block is given back once, and the cache is used no more after it.
    unsafe {
        let blocks = [in_cache, in_first].map(|flags| (mallocx(3000, flags), flags));
        for (block, flags) in blocks {
            dallocx(block, flags);
        }
    }
    write(c"tcache.flush", cache);
    write(c"tcache.destroy", cache);
    for command in [c"arena.0.purge", c"arena.0.decay"] {
        assert_eq!(run(command), 0);
    }
    // They are jemalloc's, and it does not let them be reset.
    assert_ne!(run(c"arena.0.reset"), 0);
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
}

/// What was not disturbed up to a checkpoint is told there.
#[heap_tracked]
fn says_where() {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(4096)));
    heap_runtime::checkpoint("before");
    let arena = create();
    allocate(arena, 1 << 20);
    heap_runtime::checkpoint("after");
    destroy(arena);
}

fn c_int(flags: c_uint) -> i32 {
    i32::try_from(flags).unwrap()
}

fn read(name: &CStr) -> c_uint {
    // SAFETY: what is read so gives a number of that type.
    unsafe { raw::read(name.to_bytes_with_nul()) }.unwrap()
}

fn write(name: &CStr, value: c_uint) {
    // SAFETY: what is written so takes a number of that type.
    unsafe { raw::write(name.to_bytes_with_nul(), value) }.unwrap();
}

fn run(command: &CStr) -> i32 {
    // SAFETY: it takes and gives nothing.
    unsafe { mallctl(command.as_ptr(), null_mut(), null_mut(), null_mut(), 0) }
}

fn of_arena(arena: c_uint, verb: &str) {
    let command = std::ffi::CString::new(format!("arena.{arena}.{verb}")).unwrap();
    assert_eq!(run(&command), 0, "{command:?}");
}

fn create() -> c_uint {
    read(c"arenas.create")
}

fn reset(arena: c_uint) {
    of_arena(arena, "reset");
}

fn destroy(arena: c_uint) {
    of_arena(arena, "destroy");
}

fn flush() {
    assert_eq!(run(c"thread.tcache.flush"), 0);
}

/// Puts the calling thread into an arena, and gives the one that it was in.
fn bind(arena: c_uint) -> c_uint {
    let before = read(c"thread.arena");
    write(c"thread.arena", arena);
    before
}

/// A block in that arena, and in no cache, which would have to be flushed before a reset.
fn allocate(arena: c_uint, bytes: usize) {
    const NO_CACHE: c_uint = 1 << 8;
    let flags = c_int(((arena + 1) << 20) | NO_CACHE) | MALLOCX_ALIGN(64);
    // SAFETY: the block goes with its arena.
    assert!(!unsafe { mallocx(bytes, flags) }.is_null());
}

#[test]
fn what_an_arena_frees_at_once_breaks_no_budget_and_is_told_as_no_number() {
    for subject in [
        "large_by_hand",
        "small_by_hand",
        "reused_by_hand",
        "made_before_by_hand",
        "bound_to_one_by_hand",
    ] {
        let ran = Child::of(subject).run();
        let all = ran.sidecars.iter();
        let freed = all.filter(|sidecar| sidecar.test_name.contains("frees_at_once"));
        let mut times = 0;
        for sidecar in freed {
            times += 1;
            assert_eq!(sidecar.outcome, Some(Outcome::Passed), "{subject}");
            assert_eq!(sidecar.heap.own, None, "{subject}");
            assert_eq!(sidecar.heap.timeline, None, "{subject}");
            let reason = sidecar.heap.reason.as_deref().unwrap();
            assert!(reason.contains("arena.N.destroy"), "{reason}");
            for budget in &sidecar.budgets {
                assert_eq!((budget.held, budget.actual), (None, None), "{subject}");
            }
            assert_eq!(sidecar.heap.checkpoints[1].own, None, "{subject}");
        }
        assert!(times > 0, "{subject}: {}", ran.said);
    }
}

#[test]
fn arenas_in_which_nothing_happens_take_no_number_away() {
    let ran = Child::of("untouched_by_hand").run();
    for name in [
        "plain",
        "makes_an_arena",
        "warms_up_by_hand",
        "caches_by_hand",
    ] {
        let sidecar = ran.only(name);
        let reason = sidecar.heap.reason.as_deref().unwrap_or_default();
        assert!(!reason.contains("arena"), "{name}: {reason}");
        assert_eq!(own(sidecar).retained_bytes, 4096, "{name}");
    }
    let ran = Child::of("made_before_by_hand").run();
    for sidecar in ran.of("plain") {
        assert_eq!(own(sidecar).retained_bytes, 4096);
    }
}

#[test]
fn a_checkpoint_before_has_its_numbers() {
    let ran = Child::of("beside_by_hand").run();
    let checkpoints = &ran.only("says_where").heap.checkpoints;
    let retained = checkpoints
        .iter()
        .map(|at| at.own.as_ref().map(|own| own.retained_bytes));
    assert_eq!(retained.collect::<Vec<_>>(), [Some(4096), None]);
    assert_eq!(own(ran.only("plain")).retained_bytes, 4096);
}

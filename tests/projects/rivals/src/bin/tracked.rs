//! `#[heap_tracked]`: jemalloc alone, and its call-back.

use std::fs;
use std::path::PathBuf;

use heap_runtime::{Allocator, Handle, Test, allocator, heap_tracked};
use rivals::{Contender, Figures, arenas, live, sampled};

heap_runtime::use_jemalloc!();

struct Tracked;

thread_local! {
    static HANDLE: Handle = heap_runtime::current();
}

#[heap_tracked]
fn load<F: FnOnce()>(work: F) {
    work();
}

impl Contender for Tracked {
    fn prove_live() {
        assert!(live::jemalloc() && allocator() == Allocator::Jemalloc);
    }

    fn run(work: impl FnOnce()) {
        load(work);
    }

    // The own tier of the test that `run` has begun is entered and left once more.
    fn measure_nothing() {
        HANDLE.with(|handle| drop(std::hint::black_box(handle.enter())));
    }

    // As a test whose budget is on it has it: the peak to the byte.
    fn measure(work: impl FnOnce()) -> Figures {
        Test::new("known").exact().run(work);
        let folder = PathBuf::from(std::env::var_os("HEAP_SIDECAR_DIR").unwrap());
        let (mut sidecars, unreadable) = heap_sidecar::read_run(&folder).unwrap();
        assert!(unreadable.is_empty() && sidecars.len() == 1);
        fs::remove_dir_all(&folder).unwrap();
        let own = sidecars.remove(0).heap.own.unwrap();
        Figures {
            allocated: Some(own.allocated_bytes),
            retained: Some(own.retained_bytes),
            peak: own.peak_bytes,
        }
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let count = || arguments[2].parse().unwrap();
    match arguments[1].as_str() {
        "collect" => {
            Tracked::prove_live();
            arenas::compare(count());
        }
        "counters" => {
            Tracked::prove_live();
            arenas::read_counters(count());
        }
        name @ ("samples" | "clock" | "locked") => {
            let threads = arguments[3].parse().unwrap();
            let sample = |value| heap_runtime::samples("value", value);
            load(|| sampled::values(name, sample, count(), threads));
        }
        "locks" => arenas::lock_twice(count()),
        _ => {
            if std::env::var_os("EMPTY_CALL_BACK").is_some() {
                call_back_for_nothing();
            }
            rivals::main::<Tracked>();
        }
    }
}

/// Has jemalloc call back each 64 KiB of a thread's traffic, as tracking does.
fn call_back_for_nothing() {
    #[repr(C)]
    struct ThreadEvent {
        call_back: extern "C" fn(bool, u64, u64),
        interval: u64,
        is_alloc_only: bool,
    }
    extern "C" fn nothing(_is_alloc: bool, _allocated: u64, _deallocated: u64) {}
    let event = ThreadEvent {
        call_back: nothing,
        interval: 64 << 10,
        is_alloc_only: false,
    };
    // SAFETY: the layout is that of jemalloc 5.3's `user_hook_object_t`.
    unsafe { tikv_jemalloc_ctl::raw::write(b"experimental.hooks.thread_event\0", event) }
        .expect("jemalloc has a place for it");
}

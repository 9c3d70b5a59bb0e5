//! `#[heap_tracked]`: jemalloc alone, and its call-back.

use std::fs;
use std::path::PathBuf;

use heap_runtime::{Allocator, Handle, Test, allocator, heap_tracked, sidecar};
use rivals::{Contender, Figures, arenas, live};

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
        let (mut sidecars, unreadable) = sidecar::read_run(&folder).unwrap();
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
        _ => rivals::main::<Tracked>(),
    }
}

//! dhat, which is around the system's allocator.

use std::hint::black_box;

use dhat::{HeapStats, Profiler};
use rivals::{Contender, Figures, live};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

struct Dhat;

fn profiler() -> Profiler {
    Profiler::builder().testing().build()
}

impl Contender for Dhat {
    fn prove_live() {
        let _profiler = profiler();
        assert!(live::moves(|| HeapStats::get().total_blocks));
    }

    fn run(work: impl FnOnce()) {
        let _profiler = profiler();
        work();
    }

    fn measure_nothing() {
        black_box((HeapStats::get(), HeapStats::get()));
    }

    // A profiler for each measurement: its peak is that since it was made.
    fn measure(work: impl FnOnce()) -> Figures {
        let _profiler = profiler();
        work();
        let stats = HeapStats::get();
        Figures {
            allocated: Some(stats.total_bytes),
            retained: Some(stats.curr_bytes as i64),
            peak: Some(stats.max_bytes as u64),
        }
    }
}

fn main() {
    rivals::main::<Dhat>();
}

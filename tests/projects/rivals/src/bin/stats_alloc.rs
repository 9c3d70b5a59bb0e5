//! stats_alloc, around jemalloc.

use std::hint::black_box;
use std::mem::MaybeUninit;

use rivals::{Contender, Figures, live};
use stats_alloc::{Region, StatsAlloc};
use tikv_jemallocator::Jemalloc;

// SAFETY: six atomic integers, for which zero is a value, and an allocator without a size. The
// `const` constructor for allocators other than the system's needs a nightly compiler.
static STATS: StatsAlloc<Jemalloc> = unsafe { MaybeUninit::zeroed().assume_init() };

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Jemalloc> = &STATS;

struct Stats;

impl Contender for Stats {
    fn prove_live() {
        assert!(live::jemalloc() && live::moves(|| STATS.stats().allocations as u64));
    }

    fn measure_nothing() {
        black_box(Region::new(&STATS).change());
    }

    fn measure(work: impl FnOnce()) -> Figures {
        let region = Region::new(&STATS);
        work();
        let change = region.change();
        let [allocated, freed] = [change.bytes_allocated, change.bytes_deallocated];
        Figures {
            allocated: Some(allocated as u64),
            retained: Some(allocated as i64 - freed as i64),
            peak: None,
        }
    }
}

fn main() {
    rivals::main::<Stats>();
}

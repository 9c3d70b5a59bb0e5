//! densa-alloc, around jemalloc.

use densa_alloc::CountingAllocator;
use rivals::{Contender, Figures, live};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: CountingAllocator<Jemalloc> = CountingAllocator::new(Jemalloc);

struct Densa;

impl Contender for Densa {
    fn prove_live() {
        assert!(live::jemalloc() && densa_alloc::is_active());
    }

    fn measure_nothing() {
        std::hint::black_box(densa_alloc::measure(|| ()));
    }

    fn measure(work: impl FnOnce()) -> Figures {
        let ((), stats) = densa_alloc::measure(work);
        Figures {
            allocated: Some(stats.bytes_allocated),
            ..Figures::default()
        }
    }
}

fn main() {
    rivals::main::<Densa>();
}

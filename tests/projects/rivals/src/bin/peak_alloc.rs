//! peak_alloc, which is around the system's allocator.

use peak_alloc::PeakAlloc;
use rivals::{Contender, Figures, live};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

struct Peak;

impl Contender for Peak {
    fn prove_live() {
        assert!(live::glibc() && live::moves(|| ALLOCATOR.current_usage() as u64));
    }

    fn measure_nothing() {
        ALLOCATOR.reset_peak_usage();
        std::hint::black_box(ALLOCATOR.peak_usage());
    }

    fn measure(work: impl FnOnce()) -> Figures {
        ALLOCATOR.reset_peak_usage();
        let before = ALLOCATOR.current_usage();
        work();
        Figures {
            peak: Some(ALLOCATOR.peak_usage().saturating_sub(before) as u64),
            retained: Some(ALLOCATOR.current_usage() as i64 - before as i64),
            allocated: None,
        }
    }
}

fn main() {
    rivals::main::<Peak>();
}

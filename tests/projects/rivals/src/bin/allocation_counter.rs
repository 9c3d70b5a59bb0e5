//! allocation-counter, which brings its own allocator around the system's.

use std::hint::black_box;

use rivals::{Contender, Figures, live};

struct Counter;

impl Contender for Counter {
    fn prove_live() {
        let info = allocation_counter::measure(|| drop(black_box(Box::new(1_u8))));
        assert!(live::glibc() && info.count_total == 1);
    }

    // Outside of `measure` it counts nothing.
    fn run(work: impl FnOnce()) {
        allocation_counter::measure(work);
    }

    fn measure_nothing() {
        black_box(allocation_counter::measure(|| ()));
    }

    fn measure(work: impl FnOnce()) -> Figures {
        let info = allocation_counter::measure(work);
        Figures {
            allocated: Some(info.bytes_total),
            retained: Some(info.bytes_current),
            peak: Some(info.bytes_max),
        }
    }
}

fn main() {
    rivals::main::<Counter>();
}

//! Work whose figures are known beforehand, measured while neighbours allocate.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::{Contender, Figures};

const TRIALS: usize = 200;
/// A size class of jemalloc's, so that requested and usable bytes are the same.
const BLOCK: usize = 8192;
const BLOCKS: usize = 16;
/// What a thread costs in itself: its name, its packet, its stack's bookkeeping.
const THREAD: u64 = 8192;

/// Prints how many figures were wrong, out of how many, with so many neighbours: on the measured
/// thread alone, and with the same work on a thread that it starts.
pub fn count_wrong<C: Contender>(neighbours: usize) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..neighbours {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box(vec![1_u8; 48 << 10]);
                    thread::yield_now();
                }
            });
        }
        let mut counts = Counts::default();
        for _ in 0..TRIALS {
            counts.judge("own", &C::measure(|| drop(work())), 0);
            let on_a_thread = || thread::scope(|scope| drop(scope.spawn(work).join().unwrap()));
            counts.judge("child", &C::measure(on_a_thread), THREAD);
        }
        stop.store(true, Ordering::Relaxed);
        counts.print();
    });
}

/// Keeps each block but the first until the end, and leaves nothing.
fn work() -> Vec<Box<[u8]>> {
    // A size class too.
    let mut blocks = Vec::with_capacity(BLOCK / size_of::<Box<[u8]>>());
    for _ in 0..BLOCKS {
        blocks.push(black_box(vec![1; BLOCK]).into_boxed_slice());
    }
    thread::yield_now();
    blocks
}

#[derive(Default)]
struct Counts {
    own: [usize; 2],
    child: [usize; 2],
}

impl Counts {
    fn judge(&mut self, what: &str, figures: &Figures, slack: u64) {
        let known = u64::try_from((BLOCKS + 1) * BLOCK).unwrap();
        let right = |figure: u64| (known..=known + slack).contains(&figure);
        let [wrong, of] = if what == "own" {
            &mut self.own
        } else {
            &mut self.child
        };
        let mut count = |is_right: Option<bool>| {
            *of += usize::from(is_right.is_some());
            *wrong += usize::from(is_right == Some(false));
        };
        count(figures.allocated.map(right));
        count(figures.peak.map(right));
        // A thread's handle may be freed a moment later.
        let left = i64::try_from(slack).unwrap();
        count(figures.retained.map(|bytes| (0..=left).contains(&bytes)));
    }

    fn print(&self) {
        for (name, [wrong, of]) in [("own", self.own), ("child", self.child)] {
            println!("{name}_wrong {wrong}");
            println!("{name}_of {of}");
        }
    }
}

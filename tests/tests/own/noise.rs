//! Neighbours that allocate and free as fast as they can.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use heap_runtime::heap_tracked;

/// Eight threads, half of them tracked tests of their own.
pub(crate) struct Noise {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Noise {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..8)
            .map(|number| {
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    give_way();
                    if number % 2 == 0 {
                        neighbour(&stop);
                    } else {
                        allocate_until(&stop);
                    }
                })
            })
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// They take every moment of every CPU that is not asked for by the subject, which would else wait
/// for eight turns of theirs at each of its own.
fn give_way() {
    let id = libc::id_t::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
    // SAFETY: it takes numbers alone.
    let code = unsafe { libc::setpriority(libc::PRIO_PROCESS, id, 10) };
    assert_eq!(code, 0);
}

#[heap_tracked]
fn neighbour(stop: &AtomicBool) {
    allocate_until(stop);
}

fn allocate_until(stop: &AtomicBool) {
    let mut held: Vec<Vec<u8>> = vec![Vec::new(); 64];
    let mut random = 88_172_645_463_325_252_u64;
    while !stop.load(Ordering::Relaxed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let place = usize::try_from(random % 64).unwrap();
        let bytes = usize::try_from(random >> 49).unwrap();
        held[place] = black_box(Vec::with_capacity(bytes));
    }
}

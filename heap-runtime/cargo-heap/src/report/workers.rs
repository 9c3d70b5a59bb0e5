//! Work that all CPUs do together.

use std::num::NonZero;
use std::thread;

/// Calls it on this thread and on so many others that each CPU has one, `most` in all, and comes back when all have. They
/// take from what they share until nothing is left.
pub(crate) fn on_all_cpus(most: usize, work: impl Fn() + Sync) {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(most);
    thread::scope(|scope| {
        for _ in 1..threads {
            // This one works anyway, where the host has no more threads to give.
            if thread::Builder::new().spawn_scoped(scope, &work).is_err() {
                break;
            }
        }
        work();
    });
}

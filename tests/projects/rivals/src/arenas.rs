//! One snapshot of the process, three ways, with more or fewer arenas.

use std::hint::black_box;
use std::time::Instant;

use tikv_jemalloc_ctl::{arenas, epoch, raw, stats};

/// Prints the time of one bare advance of the epoch, of `collect`, of both halves of a naive
/// snapshot by name, and of the cache's flush: medians, by turns.
pub fn compare(count: usize) {
    for _ in 1..count {
        // SAFETY: the name gives an unsigned.
        let _: u32 = unsafe { raw::read(b"arenas.create\0") }.unwrap();
    }
    let advance = epoch::mib().unwrap();
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..500 {
        let mut take = |at: usize, work: &dyn Fn()| {
            let start = Instant::now();
            work();
            times[at].push(u64::try_from(start.elapsed().as_nanos()).unwrap());
        };
        take(0, &|| {
            black_box(advance.advance().unwrap());
        });
        take(1, &|| {
            black_box(heap_runtime::collect());
        });
        take(2, &|| {
            epoch::advance().unwrap();
            black_box((
                stats::active::read().unwrap(),
                stats::allocated::read().unwrap(),
                stats::resident::read().unwrap(),
                stats::mapped::read().unwrap(),
                arenas::narenas::read().unwrap(),
            ));
        });
        take(3, &flush);
    }
    for (name, mut times) in ["epoch", "collect", "naive", "flush"]
        .into_iter()
        .zip(times)
    {
        times.sort_unstable();
        println!("{name} {}", times[times.len() / 2]);
    }
}

/// Gives the calling thread's cached blocks back.
pub(crate) fn flush() {
    // SAFETY: a command: it takes no value and gives none.
    unsafe {
        tikv_jemalloc_sys::mallctl(
            c"thread.tcache.flush".as_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
        );
    }
}

/// Prints the time of a thousand reads of both of jemalloc's counters for a thread.
pub fn read_counters(count: usize) {
    use tikv_jemalloc_ctl::thread::{allocatedp, deallocatedp};
    let (allocated, deallocated) = (allocatedp::read().unwrap(), deallocatedp::read().unwrap());
    let nanoseconds = crate::clock::of_process(|| {
        for _ in 0..black_box(count) {
            black_box(black_box(&allocated).get() - black_box(&deallocated).get());
        }
    });
    println!("ns {nanoseconds}");
}

/// Prints the time of taking and giving back a lock that nobody else takes, so many times twice.
pub fn lock_twice(count: usize) {
    let lock = std::sync::Mutex::new(());
    let nanoseconds = crate::clock::of_process(|| {
        for _ in 0..black_box(count) {
            drop(black_box(&lock).lock());
            drop(black_box(&lock).lock());
        }
    });
    println!("ns {nanoseconds}");
}

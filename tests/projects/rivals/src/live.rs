//! Proofs that an allocator is the one that serves the program.

use std::hint::black_box;

use tikv_jemalloc_ctl::thread;

/// An allocation by Rust's global allocator moves jemalloc's counter of this thread.
pub fn jemalloc() -> bool {
    let counter = thread::allocatedp::read().unwrap();
    moves(|| counter.get())
}

/// An allocation by Rust's global allocator is glibc's.
pub fn glibc() -> bool {
    // SAFETY: it takes nothing and gives numbers.
    !jemalloc() && moves(|| unsafe { libc::mallinfo2() }.uordblks as u64)
}

/// An allocation, held, moves what `counter` reads.
pub fn moves(counter: impl Fn() -> u64) -> bool {
    let before = counter();
    let block = black_box(vec![1_u8; 1 << 14]);
    let after = counter();
    drop(block);
    before != after
}

//! jemalloc is Rust's allocator and C's: what C reallocates, nobody sees.

use heap_runtime::heap_tracked;
use std::hint::black_box;

heap_runtime::use_jemalloc!();

#[heap_tracked(max_peak = "120 MiB")]
#[test]
fn both_shrink() {
    // SAFETY: the block is used no more after it is freed.
    unsafe {
        let block = libc::malloc(100 << 20);
        let half = libc::realloc(black_box(block), 50 << 20);
        assert_eq!(half, block);
        libc::free(half);
    }
    let mut bytes = Vec::<u8>::with_capacity(90 << 20);
    let before = bytes.as_ptr();
    bytes.shrink_to(45 << 20);
    assert_eq!(black_box(&bytes).as_ptr(), before);
}

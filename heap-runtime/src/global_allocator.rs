//! jemalloc as Rust's global allocator: what `use_jemalloc!` makes.
//!
//! Each function is one of jemalloc's own. A large `realloc` alone has something beside it: while it runs,
//! this thread says so. jemalloc counts the new size of a block before it takes off the old one, and calls
//! back in between: also where the block has stayed in its place, and was never there twice.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_int;

use tikv_jemalloc_sys as ffi;

use crate::jemalloc::{SMALL_REALLOCATION, begin_reallocation, end_reallocation};
use crate::own;

/// jemalloc, called by Rust.
#[derive(Debug, Clone, Copy)]
pub struct Jemalloc;

/// The alignment of what `malloc` gives: that of the largest of C's types, or less.
const ALIGNMENT: usize = 2 * size_of::<usize>();

/// What jemalloc has to be told of a block beside its size.
const fn flags(layout: Layout, size: usize) -> c_int {
    if layout.align() <= ALIGNMENT && layout.align() <= size {
        0
    } else {
        ffi::MALLOCX_ALIGN(layout.align())
    }
}

// `inline(always)`: without it, each of these would be one call more in a build that is not optimised.
#[expect(clippy::inline_always, reason = "see above")]
// SAFETY: these are jemalloc's functions, and what they are given goes by the caller's layout alone: a
// block is freed with the size and the alignment that it was made with.
unsafe impl GlobalAlloc for Jemalloc {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: the caller's layout is not empty.
        unsafe {
            match flags(layout, size) {
                0 => ffi::malloc(size),
                flags => ffi::mallocx(size, flags),
            }
        }
        .cast()
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: the caller's layout is not empty.
        unsafe {
            match flags(layout, size) {
                0 => ffi::calloc(1, size),
                flags => ffi::mallocx(size, flags | ffi::MALLOCX_ZERO),
            }
        }
        .cast()
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let size = layout.size();
        // SAFETY: the caller's block is one of ours, of that layout.
        unsafe { ffi::sdallocx(block.cast(), size, flags(layout, size)) }
    }

    #[inline(always)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller has promised.
        unsafe {
            if size < SMALL_REALLOCATION {
                reallocate(block, layout, size)
            } else {
                reallocate_seen(block, layout, size)
            }
        }
    }
}

#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
unsafe fn reallocate(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: the caller's block is one of ours, of that layout, and the new size is not 0.
    unsafe {
        match flags(layout, size) {
            0 => ffi::realloc(block.cast(), size),
            flags => ffi::rallocx(block.cast(), size, flags),
        }
    }
    .cast()
}

/// [`reallocate`], while this thread says so.
#[inline(never)]
unsafe fn reallocate_seen(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    begin_reallocation();
    // SAFETY: as the caller has promised.
    let moved = unsafe { reallocate(block, layout, size) };
    let noticed = end_reallocation();
    let in_place = moved == block;
    if noticed || in_place {
        own::reallocated(noticed, in_place.then(|| size.min(layout.size())));
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_those_of_the_alignment() {
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        assert_eq!(flags(layout(24, 8), 24), 0);
        assert_eq!(flags(layout(4, 8), 4), ffi::MALLOCX_ALIGN(8));
        assert_eq!(flags(layout(64, 64), 64), ffi::MALLOCX_ALIGN(64));
        assert_eq!(flags(layout(64, 16), 8), ffi::MALLOCX_ALIGN(16));
    }

    /// Each function with blocks of many sizes and alignments: what is in them is kept, and zeroed memory
    /// is zero.
    #[test]
    fn blocks_of_any_layout_come_and_go() {
        for align in [1, 2, 8, 16, 64, 4096, 1 << 21] {
            for size in [1, 3, 8, 24, 100, 4000, 20_000, 3 << 20] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the layout is not empty, and each block is used within its size and freed
                // with the layout that it has then.
                unsafe {
                    let block = Jemalloc.alloc_zeroed(layout);
                    assert!(block.addr().is_multiple_of(align));
                    assert!((0..size).all(|at| block.add(at).read() == 0));
                    block.add(size - 1).write(7);
                    let larger = Layout::from_size_align(2 * size + 1, align).unwrap();
                    let block = Jemalloc.realloc(block, layout, larger.size());
                    assert!(block.addr().is_multiple_of(align));
                    assert_eq!(block.add(size - 1).read(), 7);
                    let block = Jemalloc.realloc(block, larger, size);
                    assert_eq!(block.add(size - 1).read(), 7);
                    Jemalloc.dealloc(block, layout);
                    let block = Jemalloc.alloc(layout);
                    assert!(block.addr().is_multiple_of(align));
                    Jemalloc.dealloc(block, layout);
                }
            }
        }
    }
}

//! A block that is given one size after the other, and what was live of it at the most: known by whether it moved.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::hint::black_box;
use std::ptr::null_mut;

/// An alignment, and the sizes that a block of it gets, in that order.
pub type Sizes = (usize, &'static [usize]);

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// What no number may be wrong about.
pub const KINDS: &[Sizes] = &[
    // Shrinks in its place.
    (1, &[100 * MIB, 50 * MIB]),
    (8, &[32 * MIB, 31 * MIB, 10 * MIB, MIB, 64 * KIB]),
    // Grows, in its place where what comes after it is free.
    (
        8,
        &[
            64 * KIB,
            128 * KIB,
            256 * KIB,
            MIB,
            3 * MIB,
            10 * MIB,
            33 * MIB,
        ],
    ),
    (
        1,
        &[
            10 * MIB,
            10 * MIB + 4096,
            10 * MIB + 8192,
            11 * MIB,
            14 * MIB,
        ],
    ),
    // The same size class again.
    (1, &[5 * MIB, 5 * MIB - 1, 5 * MIB - 4000, 5 * MIB]),
    (1, &[100, 110, 97]),
    (16, &[14_000, 14_336, 13_000]),
    // From one kind of class to another, and back.
    (
        8,
        &[
            100,
            5000,
            20_000,
            100,
            MIB,
            100,
            8 * MIB,
            16 * KIB,
            15 * KIB,
        ],
    ),
    // Huge.
    (8, &[2048 * MIB, 700 * MIB, 512 * MIB, MIB]),
    // Aligned to more than their class is.
    (4096, &[8 * MIB, 4 * MIB, 12 * MIB, 5000]),
    (2 * MIB, &[9 * MIB, 4 * MIB, 3 * MIB, 12 * MIB]),
    (64, &[100, 1000, 70_000, 3000, 3001]),
];

/// What a block has come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The most that was live.
    pub peak: u64,
    /// How often it was made or given a size.
    pub times: u64,
    /// How often that left it in its place.
    pub in_place: u64,
}

impl Known {
    /// So much was live.
    pub fn live(&mut self, bytes: u64) {
        self.peak = self.peak.max(bytes);
    }
}

/// What allocates, reallocates and frees.
pub trait Allocates {
    /// A block of that layout.
    fn make(layout: Layout) -> *mut u8;
    /// That block with another size.
    ///
    /// # Safety
    ///
    /// The block was made by this, with that layout.
    unsafe fn resize(block: *mut u8, layout: Layout, size: usize) -> *mut u8;
    /// Takes the block back.
    ///
    /// # Safety
    ///
    /// As of `resize`.
    unsafe fn free(block: *mut u8, layout: Layout);
}

/// Rust's global allocator.
#[derive(Debug)]
pub struct Global;

impl Allocates for Global {
    fn make(layout: Layout) -> *mut u8 {
        // SAFETY: no layout here is empty.
        unsafe { alloc(layout) }
    }

    unsafe fn resize(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller has promised; no size here is 0.
        unsafe { realloc(block, layout, size) }
    }

    unsafe fn free(block: *mut u8, layout: Layout) {
        // SAFETY: as the caller has promised.
        unsafe { dealloc(block, layout) }
    }
}

/// Gives a block those sizes, and frees it.
///
/// # Panics
///
/// Where there is no memory.
#[must_use]
pub fn through<A: Allocates>((align, sizes): Sizes, class: impl Fn(Layout) -> u64) -> Known {
    let layout = |size| Layout::from_size_align(size, align).expect("an alignment");
    let mut known = Known::default();
    let mut block = null_mut();
    let mut before: Option<Layout> = None;
    for size in sizes {
        let now = layout(*size);
        let Some(old) = before.replace(now) else {
            block = A::make(now);
            assert!(!block.is_null());
            known.live(class(now));
            known.times += 1;
            continue;
        };
        // SAFETY: the block was made with that layout.
        let moved = black_box(unsafe { A::resize(block, old, *size) });
        assert!(!moved.is_null());
        if moved == block {
            known.live(class(old).max(class(now)));
            known.in_place += 1;
        } else {
            // For a moment, both are there.
            known.live(class(old) + class(now));
        }
        known.times += 1;
        block = moved;
    }
    if let Some(layout) = before {
        // SAFETY: the block was made with that layout.
        unsafe { A::free(block, layout) };
    }
    known
}

/// What jemalloc takes for a layout.
///
/// # Panics
///
/// Where the layout has no class.
#[must_use]
pub fn class(layout: Layout) -> u64 {
    let flags = tikv_jemalloc_sys::MALLOCX_ALIGN(layout.align());
    // SAFETY: it computes, and touches nothing.
    let class = unsafe { tikv_jemalloc_sys::nallocx(layout.size(), flags) };
    u64::try_from(class).expect("a size")
}

/// Has the tracked test say what is known of it.
pub fn say(known: &Known) {
    for (name, number) in [
        ("known_peak", known.peak),
        ("known_times", known.times),
        ("known_in_place", known.in_place),
    ] {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        heap_runtime::metric(name, number as f64);
    }
}

/// What a tracked test has said.
///
/// # Panics
///
/// Where it has not.
#[must_use]
pub fn said(sidecar: &heap_runtime::sidecar::Sidecar) -> Known {
    let number = |name: &str| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was a u64"
        )]
        let number = sidecar.metrics[name] as u64;
        number
    };
    Known {
        peak: number("known_peak"),
        times: number("known_times"),
        in_place: number("known_in_place"),
    }
}

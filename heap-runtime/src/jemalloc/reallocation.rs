//! Where a thread is with regard to `realloc`, for call-backs that come in the middle of one.

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;
use std::hint::black_box;

use super::readings::SMALL_REALLOCATION;

/// Where a thread is with regard to `realloc`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Outside,
    Inside,
    /// Inside, and somebody wants to know when it is over.
    Noticed,
    /// Outside, and no `realloc` has been seen since this was set.
    Unseen,
}

thread_local! {
    /// Without a destructor: it is there at any moment of a thread's life.
    static STAGE: Cell<Stage> = const { Cell::new(Stage::Outside) };
}

// `inline(always)`: this is on the allocation path, also in a build that is not optimised.
/// The calling thread is in a reallocation from now on.
#[expect(clippy::inline_always, reason = "see above")]
#[inline(always)]
pub(crate) fn begin_reallocation() {
    STAGE.set(Stage::Inside);
}

/// It is over. Says whether somebody has [noticed](await_reallocation) it.
#[expect(clippy::inline_always, reason = "see above")]
#[inline(always)]
pub(crate) fn end_reallocation() -> bool {
    STAGE.replace(Stage::Outside) == Stage::Noticed
}

/// Whether the calling thread is in a reallocation that is seen. Then `own::reallocated` will be called with
/// that. For jemalloc's call-backs.
pub(crate) fn await_reallocation() -> bool {
    let inside = matches!(STAGE.get(), Stage::Inside | Stage::Noticed);
    if inside {
        STAGE.set(Stage::Noticed);
    }
    inside
}

/// Whether Rust's global allocator is [`Jemalloc`](crate::global_allocator::Jemalloc), as it is: then no reallocation of Rust's is missed.
pub(super) fn probe_is_seen() -> bool {
    let layout = Layout::new::<[u8; 64]>();
    STAGE.set(Stage::Unseen);
    // SAFETY: the layout is not empty, and what is allocated with it is freed with that of its new size.
    unsafe {
        // Unseen by the optimiser, which may leave out an allocation that nobody uses.
        let mut block = black_box(alloc(layout));
        if !block.is_null() {
            let larger = Layout::new::<[u8; SMALL_REALLOCATION]>();
            let moved = black_box(realloc(block, layout, larger.size()));
            if moved.is_null() {
                dealloc(block, layout);
            } else {
                block = moved;
                dealloc(block, larger);
            }
        }
    }
    STAGE.replace(Stage::Outside) != Stage::Unseen
}

//! Threads that have ended without a word, and what cannot be known since.

use std::sync::atomic::{AtomicBool, Ordering};

use super::this_thread::REGISTRY;
use crate::fork;
use crate::jemalloc::{ByHand, arenas_by_hand};

/// Whether a thread of this process is known to have died with its counters, which jemalloc's statistics
/// would be read from, too.
pub(crate) fn has_lost_a_thread() -> bool {
    // In a fork the others are gone anyway, and our own may not be there to ask.
    if !fork::is_child() && REGISTRY.reap() {
        LOST.store(true, Ordering::Relaxed);
    }
    LOST.load(Ordering::Relaxed)
}

static LOST: AtomicBool = AtomicBool::new(false);

/// Why a number is missing that such a thread had a part in.
pub(crate) const LOST_A_THREAD: &str = "a thread of this process has ended by the system call `exit`, and its \
     counters are gone with its memory";

/// A group has lost a thread.
pub(super) fn note_lost_thread() {
    LOST.store(true, Ordering::Relaxed);
}

/// What has happened in arenas made by hand up to now. A thread that has died without a word is still in jemalloc's
/// lists, which the statistics are summed up by.
pub(super) fn arenas_by_hand_now() -> Option<ByHand> {
    arenas_by_hand(|| !has_lost_a_thread())
}

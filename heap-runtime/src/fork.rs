//! A fork of a process that tracks tests: nothing of ours is waited for in it.
//!
//! Its only thread is the one that forked. What another had locked, or was making for the first time,
//! stays so for ever. So whoever comes in from outside asks here first, before anything is locked; the registry
//! alone is made ready for a fork, because threads that are born in one go through it.
//!
//! A process that has tracked nothing may fork as it likes: each of its children is one of its own.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::process::process_id;

/// The process that was here first; 0 before.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// No process has it: -1, as the C library says it.
const REFUSED: u32 = u32::MAX;

/// In a process namespace of its own, a fork may have the number of its parent.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Whether this process is a fork of one that had been here before. If nobody had, this one has now.
pub(crate) fn is_child() -> bool {
    let this = process_id();
    // The number is not told to a thread that may not ask for it, and that is no fork.
    if this == REFUSED {
        return FORKED.load(Ordering::Relaxed);
    }
    let owner = match OWNER.load(Ordering::Relaxed) {
        0 => {
            // Two threads may be first at once: both have the same number, and who loses finds it there.
            let first = OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed);
            first.err().unwrap_or(this)
        }
        owner => owner,
    };
    owner != this || FORKED.load(Ordering::Relaxed)
}

/// This process has been forked just now, by its only thread.
#[cfg_attr(
    not(spawns),
    expect(dead_code, reason = "spawned threads are what forks are prepared for")
)]
pub(crate) fn note_child() {
    FORKED.store(true, Ordering::Relaxed);
}

/// Says, once, that a fork leaves no sidecars.
pub(crate) fn say_untracked() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        // With stderr closed there is nobody left to tell.
        let _ = std::io::stderr().write_all(
            b"heap_tracked: this process is a fork of one that tracks tests: what it tracks itself \
              leaves no sidecar\n",
        );
    }
}

/// What is there, or is made now. Where another thread was making it at the time of the fork, each caller
/// gets its own.
pub(crate) fn get_or_make<T>(there: &'static OnceLock<T>, make: impl FnOnce() -> T) -> &'static T {
    match there.get() {
        Some(value) => value,
        None if is_child() => Box::leak(Box::new(make())),
        None => there.get_or_init(make),
    }
}

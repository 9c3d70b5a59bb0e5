//! What a hook of panics allocates is not the test's, and what it does to the host is no sign of why the test
//! failed.
//!
//! Where `RUST_BACKTRACE` asks for a backtrace, std's hook reads the symbols of the whole program and
//! keeps them: 43 MiB for a test binary with debug information, on whichever test panics first. The process is
//! larger then, and a cgroup with little room has been stopped at its limit. So the host of a test that a
//! panic ends is the host as it was before the hook. What the process has more from there on, in the test that
//! panicked and in those after it, is told apart ([`toll`]).

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::panicking;

use heap_sidecar::host;

use crate::env::Settings;
use crate::fork;
use crate::formatted::After;
use crate::jemalloc;
use crate::kernel;
use crate::notes;
use crate::own;
use crate::snapshot::{self, process_heap};
use crate::toll::{self, ProcessState};

/// From the first call on, the hook of panics runs unmeasured. One that is set later is measured again,
/// unless it calls the one that it has taken.
///
/// std has no way to do both at once: a hook that another thread sets between the two is lost. It is a moment
/// of the first tracked test alone.
pub(crate) fn exclude_hook_allocations() {
    static ONCE: Once = Once::new();
    // A thread that panics may not touch hooks: the next test does it.
    if !panicking() {
        ONCE.call_once(|| {
            let hook = take_hook();
            set_hook(Box::new(move |panic| {
                if IS_QUIET.get() {
                    return;
                }
                if kernel::is_confined() {
                    own::unmeasured(|| hook(panic));
                } else {
                    own::unmeasured(|| {
                        read_host();
                        let watched = Watched::begin();
                        let before = allocated();
                        hook(panic);
                        let took = allocated().zip(before);
                        let took = took.map(|(after, before)| after.saturating_sub(before));
                        let reads_symbols = took.is_none_or(|took| took > MIN_SYMBOL_BYTES);
                        READS_SYMBOLS.store(reads_symbols, Ordering::Relaxed);
                        if let Some(watched) = watched {
                            watched.end(reads_symbols);
                        }
                    });
                }
            }));
        });
    }
}

thread_local! {
    /// Whether a panic of this thread is nobody's business.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Asks std what it may answer by a panic, of which nobody is told: it is none of the test's.
pub(crate) fn quietly<T>(ask: impl FnOnce() -> T) -> Option<T> {
    IS_QUIET.set(true);
    let answer = catch_unwind(AssertUnwindSafe(ask)).ok();
    IS_QUIET.set(false);
    answer
}

/// What this thread has allocated so far, where jemalloc counts.
fn allocated() -> Option<u64> {
    let (allocated, _) = jemalloc::thread_counters()?;
    Some(allocated.load(Ordering::Relaxed))
}

/// A hook that allocates more has read symbols. One that only prints the message takes some hundred bytes, and
/// leaves the host as it was: to read that takes longer.
const MIN_SYMBOL_BYTES: u64 = 1 << 20;

/// Whether the next call of the hook has to be taken for one that reads symbols, as the first.
static READS_SYMBOLS: AtomicBool = AtomicBool::new(true);

/// A hook that may read symbols, and the process before it.
struct Watched(ProcessState);

/// Whether there is one. What another thread's panic brings at the same time is in it.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

impl Watched {
    fn begin() -> Option<Self> {
        // In a fork, locks may be held for ever.
        if !READS_SYMBOLS.load(Ordering::Relaxed) || fork::is_child() {
            return None;
        }
        let is_first = !IS_WATCHED.swap(true, Ordering::Relaxed);
        is_first.then(|| Self(process_state()))
    }

    fn end(self, reads_symbols: bool) {
        if reads_symbols {
            toll::add(&self.0, &process_state());
        }
        IS_WATCHED.store(false, Ordering::Relaxed);
    }
}

/// What the whole process has, and what of it is resident.
fn process_state() -> ProcessState {
    ProcessState {
        heap: process_heap(snapshot::Freshness::Now),
        resident: host::resident(),
    }
}

/// Notes how the host is, for the test that this thread is in, and that this panic may end.
fn read_host() {
    // In a fork, our locks may be held by threads that it does not have.
    if fork::is_child() {
        return;
    }
    if let (Ok(settings), Some(notes)) = (Settings::get(), notes::current()) {
        let reads_symbols = READS_SYMBOLS.load(Ordering::Relaxed);
        notes.set_before_hook(reads_symbols.then(|| After::read(settings)));
    }
}

/// Hands what was noted of the host on to the test around one that has thrown, and which the same panic may
/// end.
pub(crate) fn pass_to_outer(before_hook: Option<After>) {
    if let Some(around) = notes::current() {
        around.set_before_hook(before_hook);
    }
}

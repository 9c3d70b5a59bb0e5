//! The end of a thread, as jemalloc sees it.
//!
//! Whoever puts hooks in or takes them out has jemalloc mark every thread: its next call of jemalloc looks at what
//! has changed. A thread that ends without one is not taken off jemalloc's list of threads: its destructor (`tsd_cleanup`,
//! up to 5.3.1) knows nothing of that mark. The list then leads through the memory of a thread that is gone, perhaps in a circle,
//! and the next one to go through it never comes back.
//!
//! So who comes after that destructor calls jemalloc, which takes the mark away, and has the destructor called once more.

use std::ptr::from_ref;
use std::sync::OnceLock;

use super::control::thread_counters;

/// Where jemalloc keeps what it has of a thread.
struct TsdKey {
    /// The key whose destructor is jemalloc's.
    key: libc::pthread_key_t,
    /// From the key's value to the counter of what the thread has allocated.
    offset: usize,
}

static TSD_KEY: OnceLock<Option<TsdKey>> = OnceLock::new();

/// Finds out the key, which jemalloc does not tell. Once, by a thread that jemalloc counts for.
pub(crate) fn prepare_for_exits() {
    TSD_KEY.get_or_init(find);
}

fn find() -> Option<TsdKey> {
    /// glibc's.
    const KEYS: libc::pthread_key_t = 1024;
    /// More than there is of a thread.
    const LARGEST: usize = 4 << 10;
    let (counter, _) = thread_counters()?;
    let counter = from_ref(counter).addr();
    let candidates = (0..KEYS).filter_map(|key| {
        // SAFETY: glibc gives null for a key that there is not.
        let value = unsafe { libc::pthread_getspecific(key) }.addr();
        let offset = counter.checked_sub(value)?;
        (offset < LARGEST).then_some(TsdKey { key, offset })
    });
    // The counter lies in it, so that nothing else can begin in between.
    candidates.min_by_key(|tsd_key| tsd_key.offset)
}

/// Whether it is known how jemalloc is told of ends.
pub(crate) fn handles_thread_exits() -> bool {
    TSD_KEY.get().is_some_and(Option::is_some)
}

/// Whether jemalloc is to be told of the end of the calling thread. Asked before its destructors.
pub(crate) fn needs_exit_call() -> bool {
    let tsd_key = TSD_KEY.get().and_then(Option::as_ref);
    // SAFETY: the key is jemalloc's, which is never given back.
    tsd_key.is_some_and(|tsd_key| !unsafe { libc::pthread_getspecific(tsd_key.key) }.is_null())
}

/// After jemalloc's destructor, in the calling thread's own: has it called again, where it has done nothing. Says
/// whether it was so.
pub(crate) fn rerun_exit() -> bool {
    let Some(tsd_key) = TSD_KEY.get().and_then(Option::as_ref) else {
        return false;
    };
    // Takes the mark away. Where the destructor has done its work, this has it called again by itself.
    let Some((counter, _)) = thread_counters() else {
        return false;
    };
    // SAFETY: the key is jemalloc's, and the value is that which it had: its destructor is called with it in the
    // next round.
    unsafe {
        if !libc::pthread_getspecific(tsd_key.key).is_null() {
            return false;
        }
        let value = from_ref(counter).wrapping_byte_sub(tsd_key.offset);
        libc::pthread_setspecific(tsd_key.key, value.cast()) == 0
    }
}

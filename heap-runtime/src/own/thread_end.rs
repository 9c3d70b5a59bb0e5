//! The end of a thread, after the last of its destructors that can be waited for.
//!
//! A destructor of a `pthread` key runs after all of Rust's and C++'s thread-locals. Keys'
//! destructors run in rounds for as long as there are values, four at most: a value that is set
//! again in each round is there in the last.
//!
//! In each round the keys' destructors run in the order of the keys' numbers, and a new key gets the lowest
//! that is free. So ours is one of a high number, which comes after those of any program that has fewer.
//!
//! Which round is the last cannot be seen by a thread that was first seen in the middle of them. So
//! between two rounds nobody may read the thread's counters, which die with it.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::from_ref;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use super::member::Member;
use super::this_thread::{MEMBER, REGISTRY, counters};
use super::{sampler, spending};
use crate::time::Ask;

/// `PTHREAD_DESTRUCTOR_ITERATIONS` of POSIX, and of glibc. A sanitizer ends with the thread too, in the
/// last round and before us: what is compiled for it must not run after that.
const MAX_ROUNDS: u32 = if cfg!(sanitizer) { 3 } else { 4 };

thread_local! {
    static ROUND: Cell<u32> = const { Cell::new(0) };
}

/// So many numbers come before ours: half of what POSIX and glibc have. The other half stays free for
/// whoever makes a key meanwhile.
const KEYS_BEFORE_OURS: usize = 511;

/// The key, where the system has one left.
fn key() -> Option<libc::pthread_key_t> {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut made = [0; KEYS_BEFORE_OURS + 1];
        let mut count = 0;
        for key in &mut made {
            // SAFETY: the key is written before it is read, and the destructor takes what `watch` sets.
            if unsafe { libc::pthread_key_create(key, Some(ended)) } != 0 {
                break;
            }
            count += 1;
        }
        let (last, others) = made.get_mut(..count)?.split_last_mut()?;
        // A number that somebody has given back meanwhile may be lower than those before.
        for other in others {
            if *other > *last {
                std::mem::swap(other, last);
            }
            // SAFETY: the key was made here, and no thread has set it.
            unsafe { libc::pthread_key_delete(*other) };
        }
        Some(*last)
    })
}

/// Does once what `watch` needs, so that no thread pays for it in the middle of a test. Says
/// whether ends of threads can be seen at all: nothing can be measured without.
pub(super) fn prepare() -> bool {
    key().is_some()
}

/// Ends the calling thread's membership with the thread. Says whether it will: where not, nobody
/// may be told of the thread's counters, which would be read after its end.
pub(super) fn watch(member: &'static Member) -> bool {
    let Some(key) = key().filter(|_| ROUND.get() < MAX_ROUNDS) else {
        return false;
    };
    // SAFETY: the key is ours, and the member lives for ever.
    let code = unsafe { libc::pthread_setspecific(key, from_ref(member).cast()) };
    code == 0
}

/// What stands for a thread that nobody measures.
#[cfg(spawns)]
static UNTRACKED: u8 = 0;

/// The calling thread has done what it was started for. Where nobody measures it, jemalloc may still need to be told
/// of its end.
#[cfg(spawns)]
pub(super) fn watch_untracked() {
    if MEMBER.get().is_none()
        && crate::jemalloc::needs_exit_call()
        && let Some(key) = key()
    {
        // SAFETY: the key is ours. Where there is no memory for it, the thread ends as in any other program.
        unsafe { libc::pthread_setspecific(key, from_ref(&UNTRACKED).cast()) };
    }
}

unsafe extern "C" fn ended(value: *mut c_void) {
    #[cfg(spawns)]
    if from_ref(&UNTRACKED).cast() == value.cast_const() {
        if crate::jemalloc::rerun_exit() {
            watch_untracked();
        }
        return;
    }
    // SAFETY: `watch` has set it, from a reference that lives for ever.
    let member: &'static Member = unsafe { &*value.cast::<Member>() };
    let round = ROUND.get() + 1;
    ROUND.set(round);
    member.leaves.store(true, Ordering::Relaxed);
    sampler::take_thread_peak(member);
    // Wakes it where it dozes since the last round.
    REGISTRY.attach_counters(member, counters());
    #[cfg(spawns)]
    crate::jemalloc::rerun_exit();
    if watch(member) {
        return REGISTRY.detach_counters(member);
    }
    spending::stops(member, Ask::Always);
    MEMBER.set(None);
    member.alive.ends();
    REGISTRY.end(member);
}

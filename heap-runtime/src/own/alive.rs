//! Whether the thread of a member is there still, also where it has not said that it ends.
//!
//! A thread may end by the system call `exit`. Then no destructor of it runs, and its counters, which are in
//! its own memory, are gone with that as soon as somebody has joined it. What the kernel tells of such an
//! end is that who held a robust mutex has died; it does so before the thread can be joined.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use libc::{
    EOWNERDEAD, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_ROBUST, c_int, pthread_mutex_t,
    pthread_mutexattr_t,
};

// Not every version of the crate libc has them.
// SAFETY: these are their signatures, by POSIX.
unsafe extern "C" {
    fn pthread_mutexattr_setrobust(attributes: *mut pthread_mutexattr_t, robust: c_int) -> c_int;
    fn pthread_mutex_consistent(mutex: *mut pthread_mutex_t) -> c_int;
}

/// Held by the thread of a member for as long as it lives.
pub(crate) struct Alive(UnsafeCell<pthread_mutex_t>);

// SAFETY: it is used by the functions for mutexes alone, and made anew only while nobody else can have it.
unsafe impl Sync for Alive {}
// SAFETY: as above; it never moves once it was locked, as members live for ever where they are.
unsafe impl Send for Alive {}

impl Alive {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(PTHREAD_MUTEX_INITIALIZER))
    }

    /// The calling thread is the member's from now on, before anybody is told of its counters.
    pub(crate) fn begins(&self) {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the attributes are made before they are used, and given back. Of the mutex, who had
        // it before has ended, and nobody asks for it before there are counters.
        unsafe {
            libc::pthread_mutexattr_init(attributes.as_mut_ptr());
            pthread_mutexattr_setrobust(attributes.as_mut_ptr(), PTHREAD_MUTEX_ROBUST);
            libc::pthread_mutex_init(self.0.get(), attributes.as_ptr());
            libc::pthread_mutexattr_destroy(attributes.as_mut_ptr());
            libc::pthread_mutex_lock(self.0.get());
        }
    }

    /// The calling thread, which is the member's, ends and says so.
    pub(crate) fn ends(&self) {
        // SAFETY: it is a mutex, and where the calling thread does not hold it, as in a fork, it is
        // left alone.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }

    /// Whether it has died without a word. Said once.
    pub(crate) fn has_died(&self) -> bool {
        // SAFETY: it is a mutex, given back where it was got.
        unsafe {
            match libc::pthread_mutex_trylock(self.0.get()) {
                0 => {
                    libc::pthread_mutex_unlock(self.0.get());
                    false
                }
                EOWNERDEAD => {
                    pthread_mutex_consistent(self.0.get());
                    libc::pthread_mutex_unlock(self.0.get());
                    true
                }
                _ => false,
            }
        }
    }
}

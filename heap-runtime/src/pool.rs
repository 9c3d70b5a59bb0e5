//! What is made for one test and used again by another.
//!
//! A harness starts a thread for each test, and a thread's cache of jemalloc's begins empty: the first
//! block of a size makes it fetch a whole row of such blocks, and the flush before a snapshot sends
//! them back. For blocks of some kilobytes that is more work than all that is done with them.
//! A small block that is the only one of its size is no better: a page is faulted in for it, and when the
//! thread ends, jemalloc gives the page back to the kernel, which interrupts every other CPU.

use std::mem::take;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At most so many are kept. There are as many as tests have run at once.
const CAPACITY: usize = 64;

/// Values that nobody needs at the moment. It allocates nothing of its own.
pub(crate) struct Pool<T>(Mutex<[Option<T>; CAPACITY]>);

impl<T> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new([const { None }; CAPACITY]))
    }

    fn lock(&self) -> MutexGuard<'_, [Option<T>; CAPACITY]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that was given back, where there is one.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().iter_mut().find_map(Option::take)
    }

    /// Keeps it for another test, where there is place.
    pub(crate) fn give(&self, value: T) {
        let rest = match self.lock().iter_mut().find(|place| place.is_none()) {
            Some(place) => place.replace(value),
            None => Some(value),
        };
        // After the lock: what it frees is not to be waited for.
        drop(rest);
    }
}

/// A value of a pool's, which goes back to it when this is dropped.
pub(crate) struct Lent<T: Default + 'static> {
    value: T,
    pool: &'static Pool<T>,
}

impl<T: Default> Pool<T> {
    /// One that was given back, as it was then, or a new one.
    pub(crate) fn lend(&'static self) -> Lent<T> {
        Lent {
            value: self.take().unwrap_or_default(),
            pool: self,
        }
    }
}

impl<T: Default> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Default> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Default> Drop for Lent<T> {
    fn drop(&mut self) {
        self.pool.give(take(&mut self.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_given_back_is_taken_again_and_the_rest_is_freed() {
        let pool = Pool::new();
        assert_eq!(pool.take(), None);
        let values: Vec<Arc<usize>> = (0..CAPACITY + 3).map(Arc::new).collect();
        for value in &values {
            pool.give(Arc::clone(value));
        }
        let kept = |value: &&Arc<usize>| Arc::strong_count(value) == 2;
        assert_eq!(values.iter().filter(kept).count(), CAPACITY);
        let mut taken: Vec<usize> = std::iter::from_fn(|| pool.take())
            .map(|value| *value)
            .collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..CAPACITY).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_lent_comes_back_when_it_is_dropped() {
        static POOL: Pool<Vec<u8>> = Pool::new();
        let mut lent = POOL.lend();
        lent.push(7);
        assert_eq!(POOL.take(), None);
        drop(lent);
        assert_eq!(*POOL.lend(), [7]);
        assert_eq!(POOL.take(), Some(vec![7]));
        assert!(POOL.lend().is_empty());
    }
}

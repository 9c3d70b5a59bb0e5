//! What is made for one test and used again by another.
//!
//! A harness starts a thread for each test, and a thread's cache of jemalloc's begins empty: the first
//! block of a size makes it fetch a whole row of such blocks, and the flush before a snapshot sends
//! them back. For blocks of some kilobytes that is more work than all that is done with them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many as tests have run at once, and no more than that.
const MOST: usize = 64;

/// Values that nobody needs at the moment. It allocates nothing of its own.
pub(crate) struct Pool<T>(Mutex<[Option<T>; MOST]>);

impl<T> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new([const { None }; MOST]))
    }

    fn lock(&self) -> MutexGuard<'_, [Option<T>; MOST]> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_given_back_is_taken_again_and_the_rest_is_freed() {
        let pool = Pool::new();
        assert_eq!(pool.take(), None);
        let values: Vec<Arc<usize>> = (0..MOST + 3).map(Arc::new).collect();
        for value in &values {
            pool.give(Arc::clone(value));
        }
        let kept = |value: &&Arc<usize>| Arc::strong_count(value) == 2;
        assert_eq!(values.iter().filter(kept).count(), MOST);
        let mut taken: Vec<usize> = std::iter::from_fn(|| pool.take())
            .map(|value| *value)
            .collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..MOST).collect::<Vec<_>>());
    }
}

//! A reading that is dear is taken by one thread for all that want one.
//!
//! ```text
//!  A asks ── takes the 1st ─────────┐
//!      B asks ── waits ─────────────┤ takes the 2nd ───┐
//!          C asks ── waits ─────────┤ waits ───────────┤ has B's: it began after both had asked
//!                                 D asks ── waits ─────┘ takes the 3rd
//! ```
//!
//! However many ask at once, each waits for no more than two readings, and no reading is taken that nobody
//! has asked for. Who is alone takes its own, at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How old a reading may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// No earlier than it was asked for.
    Now,
    /// Or so long before.
    UpTo(Duration),
}

pub(super) struct SharedReading<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// How many readings have been begun.
    begun: u64,
    is_reading: bool,
    /// How many wait for a reading to be over.
    asleep: usize,
    last: Option<Last<T>>,
}

struct Last<T> {
    /// Which it is, from 1.
    number: u64,
    /// When it began.
    at: Instant,
    reading: T,
}

impl<T: Copy> SharedReading<T> {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                begun: 0,
                is_reading: false,
                asleep: 0,
                last: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// A reading of that moment: somebody else's, or one that is taken now.
    pub(super) fn get(&self, freshness: Freshness, read: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        // One that is being taken may have begun before.
        let first = state.begun + 1;
        loop {
            if let Some(last) = &state.last {
                let is_young =
                    matches!(freshness, Freshness::UpTo(age) if last.at.elapsed() <= age);
                if is_young || last.number >= first {
                    return last.reading;
                }
            }
            if !state.is_reading {
                break;
            }
            state.asleep += 1;
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
        state.begun += 1;
        state.is_reading = true;
        let number = state.begun;
        drop(state);
        let over = Over(self);
        let at = Instant::now();
        let reading = read();
        self.lock().last = Some(Last {
            number,
            at,
            reading,
        });
        drop(over);
        reading
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the next one read when it is dropped, by a panic too.
struct Over<'a, T: Copy>(&'a SharedReading<T>);

impl<T: Copy> Drop for Over<'_, T> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_reading = false;
        // It is a system call, whether anybody waits or not.
        if state.asleep > 0 {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, mpsc};
    use std::thread;

    #[test]
    fn who_is_alone_reads_for_itself_unless_it_may_be_an_earlier_one() {
        let shared = SharedReading::new();
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            reads.get()
        };
        assert_eq!(shared.get(Freshness::UpTo(Duration::MAX), read), 1);
        assert_eq!(shared.get(Freshness::UpTo(Duration::MAX), read), 1);
        assert_eq!(shared.get(Freshness::Now, read), 2);
        // Aged by hand: how long this thread is kept waiting is not for a test to rely on.
        let an_hour = Duration::from_secs(3600);
        shared.lock().last.as_mut().unwrap().at -= an_hour;
        assert_eq!(shared.get(Freshness::UpTo(an_hour / 2), read), 3);
        assert_eq!(shared.get(Freshness::UpTo(an_hour), read), 3);
    }

    #[test]
    fn those_who_ask_during_a_reading_share_the_next() {
        const ASKING: u32 = 8;
        let shared = Arc::new(SharedReading::new());
        let reads = Arc::new(AtomicU32::new(0));
        let (reading, is_reading) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel();
        let first = {
            let (shared, reads) = (Arc::clone(&shared), Arc::clone(&reads));
            thread::spawn(move || {
                shared.get(Freshness::Now, || {
                    reading.send(()).unwrap();
                    goes_on.recv().unwrap();
                    reads.fetch_add(1, Ordering::Relaxed) + 1
                })
            })
        };
        is_reading.recv().unwrap();
        let others: Vec<_> = (0..ASKING)
            .map(|_| {
                let (shared, reads) = (Arc::clone(&shared), Arc::clone(&reads));
                thread::spawn(move || {
                    shared.get(Freshness::Now, || reads.fetch_add(1, Ordering::Relaxed) + 1)
                })
            })
            .collect();
        while shared.lock().asleep < ASKING as usize {
            thread::yield_now();
        }
        go_on.send(()).unwrap();
        assert_eq!(first.join().unwrap(), 1);
        for other in others {
            assert_eq!(other.join().unwrap(), 2);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_reading_that_panics_keeps_nobody_waiting() {
        let shared = SharedReading::new();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            shared.get(Freshness::Now, || panic!("it cannot be read"))
        }));
        assert!(panicked.is_err());
        assert_eq!(shared.get(Freshness::UpTo(Duration::MAX), || 7), 7);
    }
}

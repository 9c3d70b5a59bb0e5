//! The CPU time of several threads, which any of them can look at.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use super::clock::thread_cpu_time;
use super::taken::{Taken, beyond_a_round};

/// What each thread of a group says that it has used: its own word, given whenever it goes round its loop. Who does not
/// run says nothing, and uses nothing.
#[derive(Debug)]
pub struct Account {
    nanos_of: Vec<AtomicU64>,
    taken: AtomicU64,
    longest_taken: AtomicU64,
}

/// The account at one moment, since its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The CPU time of each thread, what was taken of it included, as the kernel counts it.
    pub times: Vec<Duration>,
    /// What was taken of all of it.
    pub taken: Taken,
}

impl Account {
    /// Of so many threads.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self {
            nanos_of: (0..threads).map(|_| AtomicU64::new(0)).collect(),
            taken: AtomicU64::new(0),
            longest_taken: AtomicU64::new(0),
        }
    }

    /// The calling thread, which is the one of this index, begins. What it took to get here was no round of its loop.
    pub fn begin(&self, index: usize) {
        self.nanos_of[index].store(nanos(thread_cpu_time()), SeqCst);
    }

    /// The calling thread has gone round its loop. What was taken comes first, so that nobody ever sees it as used.
    pub fn round(&self, index: usize) {
        let time = nanos(thread_cpu_time());
        let round = Duration::from_nanos(time - self.nanos_of[index].load(SeqCst));
        let taken = nanos(beyond_a_round(round));
        if taken > 0 {
            self.taken.fetch_add(taken, SeqCst);
            self.longest_taken.fetch_max(taken, SeqCst);
        }
        self.nanos_of[index].store(time, SeqCst);
    }

    /// The CPU time of one thread.
    #[must_use]
    pub fn time_of(&self, index: usize) -> Duration {
        Duration::from_nanos(self.nanos_of[index].load(SeqCst))
    }

    /// What all of them have used, without what was taken.
    #[must_use]
    pub fn used(&self) -> Duration {
        let taken = self.taken.load(SeqCst);
        let all: u64 = self.nanos_of.iter().map(|time| time.load(SeqCst)).sum();
        Duration::from_nanos(all.saturating_sub(taken))
    }

    /// What was taken from them so far.
    #[must_use]
    pub fn taken(&self) -> Taken {
        Taken {
            total: Duration::from_nanos(self.taken.load(SeqCst)),
            longest: Duration::from_nanos(self.longest_taken.load(SeqCst)),
        }
    }

    /// All of it. While others run, each figure is of a slightly different moment.
    #[must_use]
    pub fn balance(&self) -> Balance {
        Balance {
            times: (0..self.nanos_of.len())
                .map(|index| self.time_of(index))
                .collect(),
            taken: self.taken(),
        }
    }
}

impl Balance {
    /// What came about since an earlier one. The longest stretch may have been before: what was taken then is not paid
    /// back at the beginning.
    #[must_use]
    pub fn since(&self, base: &Self) -> Self {
        Self {
            times: self
                .times
                .iter()
                .zip(&base.times)
                .map(|(end, begin)| end.saturating_sub(*begin))
                .collect(),
            taken: Taken {
                total: self.taken.total.saturating_sub(base.taken.total),
                longest: self.taken.longest,
            },
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

//! Threads that are moved from CPU to CPU, and look all the time where they are.
//!
//! ```text
//!  driver   settled = MOVING   sched_setaffinity   settled = cpu        waits: how much do all use until they answer?
//!  worker   looks: settled before and after is the same CPU? then it must be there ──▶ answers with that CPU
//! ```
//!
//! Every other worker sleeps between its looks, so that masks change of threads that run, that wait and that sleep.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::thread::{Pid, gettid, sched_getcpu, sched_setaffinity};

use super::account::Account;
use super::cpu::only;

/// The longest that a scheduler may let one thread run while others wait.
const TURN: Duration = Duration::from_millis(25);

/// Stands for "being moved now": any CPU may be seen.
const MOVING: usize = usize::MAX;

/// Threads that are about to be moved.
#[derive(Debug)]
pub struct Herd {
    cpus: Vec<usize>,
    workers: Vec<Worker>,
    account: Account,
    stop: AtomicBool,
}

#[derive(Debug)]
struct Worker {
    thread: AtomicI32,
    settled: AtomicUsize,
    answered: AtomicUsize,
    looks: AtomicUsize,
    elsewhere: AtomicUsize,
}

impl Herd {
    /// Two workers for each of these CPUs.
    #[must_use]
    pub fn new(cpus: &[usize]) -> Self {
        let workers: Vec<_> = (0..2 * cpus.len())
            .map(|_| Worker {
                thread: AtomicI32::new(0),
                settled: AtomicUsize::new(MOVING),
                answered: AtomicUsize::new(MOVING),
                looks: AtomicUsize::new(0),
                elsewhere: AtomicUsize::new(0),
            })
            .collect();
        Self {
            cpus: cpus.to_vec(),
            account: Account::new(workers.len() + 1),
            workers,
            stop: AtomicBool::new(false),
        }
    }

    /// A turn of each of them and of the driver, at the longest.
    #[must_use]
    pub fn turn(&self) -> Duration {
        TURN * u32::try_from(self.workers.len() + 1).unwrap_or(u32::MAX)
    }

    /// Moves all of them so many times. The longest that it took until all had answered, in CPU time of them all: while
    /// others have the machine, it does not count.
    ///
    /// # Errors
    ///
    /// What the kernel answers.
    pub fn drive(&self, rounds: usize) -> io::Result<Duration> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.workers.len())
                .map(|index| scope.spawn(move || self.work(index)))
                .collect();
            let driver = scope.spawn(|| {
                let worst = self.move_all(rounds);
                self.stop.store(true, SeqCst);
                worst
            });
            let panicked = |_| io::Error::other("a thread panicked");
            let worst = driver.join().map_err(panicked)?;
            for thread in threads {
                thread.join().map_err(panicked)?;
            }
            worst
        })
    }

    /// All the CPU time that they have had.
    #[must_use]
    pub fn used(&self) -> Duration {
        self.account.used()
    }

    /// Whether more than half of that was taken by who has the machine below, so that nobody can tell who waited for whom.
    #[must_use]
    pub fn was_mostly_taken(&self) -> bool {
        let taken = self.account.taken().total;
        taken > self.account.used()
    }

    /// How often they looked where they are when that was settled, and how often they were elsewhere.
    #[must_use]
    pub fn looks(&self) -> (usize, usize) {
        let sum = |of: fn(&Worker) -> &AtomicUsize| {
            self.workers
                .iter()
                .map(|worker| of(worker).load(SeqCst))
                .sum()
        };
        (sum(|worker| &worker.looks), sum(|worker| &worker.elsewhere))
    }

    fn work(&self, index: usize) {
        let worker = &self.workers[index];
        self.account.begin(index);
        worker.thread.store(gettid().as_raw_nonzero().get(), SeqCst);
        while !self.stop.load(SeqCst) {
            self.account.round(index);
            let before = worker.settled.load(SeqCst);
            let seen = sched_getcpu();
            // Only if its mask was settled all the while does it say where it must be.
            if before != MOVING && worker.settled.load(SeqCst) == before {
                worker.looks.fetch_add(1, SeqCst);
                worker
                    .elsewhere
                    .fetch_add(usize::from(seen != before), SeqCst);
                worker.answered.store(before, SeqCst);
            }
            if index % 2 == 1 {
                thread::sleep(Duration::from_micros(100));
            }
        }
    }

    fn move_all(&self, rounds: usize) -> io::Result<Duration> {
        let own = self.workers.len();
        self.account.begin(own);
        let mut worst = Duration::ZERO;
        for round in 0..rounds {
            for (index, worker) in self.workers.iter().enumerate() {
                self.account.round(own);
                let thread = loop {
                    if let Some(thread) = Pid::from_raw(worker.thread.load(SeqCst)) {
                        break thread;
                    }
                    self.account.round(own);
                };
                let cpu = self.cpus[(round + index) % self.cpus.len()];
                worker.settled.store(MOVING, SeqCst);
                sched_setaffinity(Some(thread), &only(cpu))?;
                worker.answered.store(MOVING, SeqCst);
                worker.settled.store(cpu, SeqCst);
            }
            let before = self.account.used();
            while self
                .workers
                .iter()
                .any(|worker| worker.answered.load(SeqCst) == MOVING)
            {
                self.account.round(own);
            }
            worst = worst.max(self.account.used().saturating_sub(before));
        }
        Ok(worst)
    }
}

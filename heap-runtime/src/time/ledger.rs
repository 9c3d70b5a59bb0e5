//! What the threads of a test have spent, gathered as they say so.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::amounts::Amounts;
use super::clock::Since;
use super::delays::Summed;
use super::taskstats;
use super::why::Why;

/// See the module.
pub(crate) struct Ledger {
    is_wanted: AtomicBool,
    wants_delays: AtomicBool,
    /// The thread that runs the body now, by a number of its own; 0 where none does.
    runner: AtomicUsize,
    ran: Mutex<Ran>,
}

/// What was spent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    /// By all threads.
    pub(crate) all: Amounts,
    /// By the thread that ran the body, while it did.
    pub(crate) body: Amounts,
    /// What they were made to wait for, likewise.
    pub(crate) all_delays: Summed,
    pub(crate) body_delays: Summed,
}

impl Ran {
    const NOTHING: Self = Self {
        all: Amounts::NONE,
        body: Amounts::NONE,
        all_delays: Summed::unknown(Why::Unwanted),
        body_delays: Summed::unknown(Why::Unwanted),
    };

    fn set_delays(&mut self, delays: Summed) {
        self.all_delays = delays;
        self.body_delays = delays;
    }
}

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            is_wanted: AtomicBool::new(false),
            wants_delays: AtomicBool::new(false),
            runner: AtomicUsize::new(0),
            ran: Mutex::new(Ran::NOTHING),
        }
    }

    /// Begins anew. Nobody is in it yet.
    pub(crate) fn open(&self, is_wanted: bool) {
        let mut nothing = Ran::NOTHING;
        if is_wanted {
            let had = taskstats::is_to_be_had();
            nothing.set_delays(had.map_or_else(Summed::unknown, |()| Summed::nothing()));
            self.wants_delays.store(had.is_ok(), Ordering::Relaxed);
        } else {
            self.wants_delays.store(false, Ordering::Relaxed);
        }
        *self.lock() = nothing;
        self.runner.store(0, Ordering::Relaxed);
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Ran> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the kernel counts what threads are made to wait for, and tells it.
    pub(crate) fn wants_delays(&self) -> bool {
        self.wants_delays.load(Ordering::Relaxed)
    }

    /// The test ends: what the kernel has counted only for a part of it is not known.
    pub(crate) fn close(&self) {
        let counted = self.wants_delays.swap(false, Ordering::Relaxed);
        if !self.is_wanted() {
            return;
        }
        let why = match (counted, taskstats::is_on()) {
            (true, Ok(false)) => Why::SwitchedOff,
            (true, Err(why)) => why,
            (false, Ok(true)) if self.lock().all_delays.is_off() => Why::SwitchedOn,
            _ => return,
        };
        self.lock().set_delays(Summed::unknown(why));
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// That thread runs the body, until it is said of another, or of none (0).
    pub(crate) fn set_runner(&self, thread: usize) {
        self.runner.store(thread, Ordering::Relaxed);
    }

    /// That thread has spent so much.
    pub(crate) fn add(&self, thread: usize, spent: &Since) {
        let runs_body = self.runner.load(Ordering::Relaxed) == thread;
        let mut ran = self.lock();
        ran.all.add(&spent.amounts);
        if runs_body {
            ran.body.add(&spent.amounts);
        }
        if let Some(delays) = spent.delays.as_ref().filter(|_| self.wants_delays()) {
            ran.all_delays.add(delays);
            if runs_body {
                ran.body_delays.add(delays);
            }
        }
    }

    /// What was spent so far. None where nobody wants to know.
    pub(crate) fn ran(&self) -> Option<Ran> {
        let ran = *self.lock();
        self.is_wanted().then_some(ran)
    }
}

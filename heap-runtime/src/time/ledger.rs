//! What the threads of a test have spent, gathered as they say so.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::amounts::Amounts;

/// See the module.
pub(crate) struct Ledger {
    is_wanted: AtomicBool,
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
}

impl Ran {
    const NOTHING: Self = Self {
        all: Amounts::NONE,
        body: Amounts::NONE,
    };
}

impl Ledger {
    pub(crate) const fn new() -> Self {
        Self {
            is_wanted: AtomicBool::new(false),
            runner: AtomicUsize::new(0),
            ran: Mutex::new(Ran::NOTHING),
        }
    }

    /// Begins anew. Nobody is in it yet.
    pub(crate) fn open(&self, is_wanted: bool) {
        *self.ran.lock().unwrap_or_else(PoisonError::into_inner) = Ran::NOTHING;
        self.runner.store(0, Ordering::Relaxed);
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    /// That thread runs the body, until it is said of another, or of none (0).
    pub(crate) fn set_runner(&self, thread: usize) {
        self.runner.store(thread, Ordering::Relaxed);
    }

    /// That thread has spent so much.
    pub(crate) fn add(&self, thread: usize, spent: &Amounts) {
        let runs_body = self.runner.load(Ordering::Relaxed) == thread;
        let mut ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        ran.all.add(spent);
        if runs_body {
            ran.body.add(spent);
        }
    }

    /// What was spent so far. None where nobody wants to know.
    pub(crate) fn ran(&self) -> Option<Ran> {
        let ran = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_wanted().then_some(*ran)
    }
}

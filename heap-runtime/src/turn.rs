//! Whose turn it is to run: an exclusive test runs alone among the tracked tests of its process.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

static STATE: Mutex<State> = Mutex::new(State {
    holders: Vec::new(),
    exclusive: false,
    waiting: 0,
    asleep: 0,
});
static CHANGED: Condvar = Condvar::new();

struct State {
    /// The threads that took the turns of the tests that run.
    holders: Vec<ThreadId>,
    /// The one that runs is exclusive.
    exclusive: bool,
    /// Exclusive tests that wait: new others let them go first, or they might wait for ever.
    waiting: usize,
    /// Tests of either kind that are to be woken when a turn is given back.
    asleep: usize,
}

/// A test's turn, given back when it is dropped, by a panic too.
pub(crate) struct Turn {
    exclusive: bool,
    holder: ThreadId,
}

/// Waits for the turn of a test that the harness has started by itself. None for a test inside one
/// that has its turn already, such as one that warms up: it would wait for itself.
pub(crate) fn take(exclusive: bool) -> Option<Turn> {
    let holder = thread::current().id();
    let mut state = lock();
    if state.holders.contains(&holder) {
        return None;
    }
    if exclusive {
        state.waiting += 1;
        while !state.holders.is_empty() {
            state = wait(state);
        }
        state.waiting -= 1;
        state.exclusive = true;
    } else {
        while state.exclusive || state.waiting > 0 {
            state = wait(state);
        }
    }
    state.holders.push(holder);
    Some(Turn { exclusive, holder })
}

impl Turn {
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = lock();
        if let Some(at) = state.holders.iter().position(|id| *id == self.holder) {
            state.holders.swap_remove(at);
        }
        state.exclusive = false;
        // It is a system call, whether anybody waits or not.
        if state.asleep > 0 {
            CHANGED.notify_all();
        }
    }
}

/// Whether the calling thread is one that a harness runs the test on: it bears the test's name, or
/// is the main thread.
///
/// Only there may a test wait for its turn. Any other thread works for a test that runs already, of
/// a pool perhaps, and that test may be waiting for it.
pub(crate) fn is_harness_thread(test_name: &str) -> bool {
    thread::current()
        .name()
        .is_some_and(|name| name == test_name || name == "main")
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(mut state: MutexGuard<'static, State>) -> MutexGuard<'static, State> {
    state.asleep += 1;
    let mut state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
    state.asleep -= 1;
    state
}

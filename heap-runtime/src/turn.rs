//! Whose turn it is to run: an exclusive test runs alone among the tracked tests of its process.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

static STATE: Mutex<State> = Mutex::new(State {
    running: 0,
    exclusive: false,
    waiting: 0,
});
static CHANGED: Condvar = Condvar::new();

struct State {
    /// Tests that have a turn.
    running: usize,
    /// The one that runs is exclusive.
    exclusive: bool,
    /// Exclusive tests that wait: new others let them go first, or they might wait for ever.
    waiting: usize,
}

/// A test's turn, given back when it is dropped, by a panic too.
pub(crate) struct Turn {
    exclusive: bool,
}

/// Waits for the turn of a test that the harness has started by itself.
pub(crate) fn take(exclusive: bool) -> Turn {
    let mut state = lock();
    if exclusive {
        state.waiting += 1;
        while state.running > 0 {
            state = wait(state);
        }
        state.waiting -= 1;
        state.exclusive = true;
    } else {
        while state.exclusive || state.waiting > 0 {
            state = wait(state);
        }
    }
    state.running += 1;
    Turn { exclusive }
}

impl Turn {
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = lock();
        state.running -= 1;
        state.exclusive = false;
        CHANGED.notify_all();
    }
}

/// Whether the calling thread is one that a harness runs the test on: it bears the test's name, or
/// is the main thread.
///
/// Only there may a test wait for its turn. Any other thread works for a test that runs already, of
/// a pool perhaps, and that test may be waiting for it.
pub(crate) fn is_harness_thread(test_name: &str) -> bool {
    std::thread::current()
        .name()
        .is_some_and(|name| name == test_name || name == "main")
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait(state: MutexGuard<'static, State>) -> MutexGuard<'static, State> {
    CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner)
}

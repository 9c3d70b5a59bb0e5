//! Whose turn it is to run: an exclusive test runs alone among the tracked tests of its process.
//!
//! Who waits for a turn must be sure that no test waits for it. That is so on the threads that a harness runs
//! its tests on, and on no other: any other may work for a test that runs already, a pool's perhaps. So an
//! exclusive test on another thread, or inside a test that is not exclusive, is told that it cannot be.
//!
//! A future has its turn from its first poll to its end, and may never come to an end: whoever holds it may
//! forget it. Its turn ends with the thread that it began on, which for the usual harnesses is with its test;
//! it is taken from it where it was not polled for [`MAX_IDLE`] and others wait; and it keeps nobody on its own
//! thread from having one. Should it run all the same beside an exclusive test, that test is told.

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::notes;
use crate::own;
use crate::panics::quietly;
use crate::test::Test;

/// A future that nobody has polled for so long does not keep others waiting any more.
const MAX_IDLE: Duration = Duration::from_secs(60);

static TURNS: Turns = Turns::new();

/// What has its turn: a body that is called, or a future that is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Body,
    Future,
}

/// Why an exclusive test is none.
type Refusal = &'static str;

const NO_HARNESS: Refusal = "it runs on a thread that is neither the main thread nor named after the test, \
     and a wait for its turn there might never end: run it on the harness's thread, for instance with \
     `--test-threads=1`";
const INSIDE: Refusal =
    "it runs inside a tracked test that is not exclusive: write `exclusive` there";
const NOT_ALONE: Refusal =
    "another tracked test ran at the same time, on its thread or as a future that had begun before";
const LOST: Refusal = "its future was not polled for a long time, or the thread that it began on has ended, \
     so other tests were allowed to run";

/// A test's turn, given back when it is dropped, by a panic too.
pub(crate) struct Turn {
    /// Absent where it has none of its own.
    held: Option<Held>,
    /// Whether it is to be exclusive, and whether it can.
    exclusive: Option<Result<(), Refusal>>,
}

struct Held {
    turns: &'static Turns,
    id: u64,
    /// Twice the polls of a future; one less while it is polled.
    polls: Option<Arc<AtomicU64>>,
    /// What had run when it began, itself included.
    runs: u64,
}

/// Waits for the turn of a test that a harness has started by itself. A test on another thread, or inside
/// another test, has no turn of its own.
pub(crate) fn take(test: &Test<'_>, kind: Kind) -> Turn {
    let exclusive = test.exclusive;
    let without = |can: Result<(), Refusal>| Turn {
        held: None,
        exclusive: exclusive.then_some(can),
    };
    if own::is_measured() {
        let around = notes::current();
        let is_alone = exclusive && around.is_some_and(|around| around.is_exclusive());
        return without(if is_alone { Ok(()) } else { Err(INSIDE) });
    }
    if !is_harness_thread(test.name()) {
        return without(Err(NO_HARNESS));
    }
    match TURNS.take(exclusive, kind, MAX_IDLE) {
        Taken::Turn(held) => Turn {
            held: Some(held),
            exclusive: exclusive.then_some(Ok(())),
        },
        Taken::Inside { exclusive: true } => without(Ok(())),
        Taken::Inside { exclusive: false } => without(Err(INSIDE)),
    }
}

/// Whether the calling thread is one that a harness runs the test on: it bears the test's name, or
/// is the main thread. A thread has no name any more in its last destructors, where std panics if it is asked.
fn is_harness_thread(test_name: &str) -> bool {
    let is_one = |name: &str| name == test_name || name == "main";
    quietly(|| thread::current().name().is_some_and(is_one)).unwrap_or(false)
}

/// A thread, told from all others that there were. std's own numbers are gone before the thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ThreadId(u64);

impl ThreadId {
    fn of_this_one() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        thread_local! {
            static THIS: Cell<u64> = const { Cell::new(0) };
        }
        if THIS.get() == 0 {
            THIS.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        Self(THIS.get())
    }
}

impl Turn {
    /// Whether the test is exclusive, as far as is known.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.refusal().is_none() && self.exclusive.is_some()
    }

    /// Why a test that is to be exclusive is not, as far as is known. It may turn out until it ends.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match (self.exclusive?, &self.held) {
            (Err(refusal), _) => Some(refusal),
            (Ok(()), None) => None,
            (Ok(()), Some(held)) => held.disturbance(),
        }
    }

    /// Says that a future runs, until the guard is dropped.
    pub(crate) fn poll(&self) -> Option<Polled<'_>> {
        let held = self.held.as_ref()?;
        let polls = held.polls.as_deref()?;
        held.turns.runs.fetch_add(1, Ordering::Relaxed);
        polls.fetch_add(1, Ordering::Relaxed);
        Some(Polled(polls))
    }
}

/// A future that is being polled.
pub(crate) struct Polled<'a>(&'a AtomicU64);

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Held {
    fn disturbance(&self) -> Option<Refusal> {
        let polls = self.polls.as_ref();
        let own = polls.map_or(0, |polls| polls.load(Ordering::Relaxed).div_ceil(2));
        if self
            .turns
            .runs
            .load(Ordering::Relaxed)
            .wrapping_sub(self.runs)
            != own
        {
            Some(NOT_ALONE)
        } else if !self.turns.has(self.id) {
            Some(LOST)
        } else {
            None
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.turns.remove(|holder| holder.id == self.id);
    }
}

/// What comes of it to ask for a turn.
enum Taken {
    Turn(Held),
    /// This thread's test has a turn already, an exclusive one or not, and warms up.
    Inside {
        exclusive: bool,
    },
}

struct Turns {
    state: Mutex<State>,
    changed: Condvar,
    /// How often anything that has, or had, a turn of its own has run: a body once, a future with each poll.
    runs: AtomicU64,
}

struct State {
    /// The turns of the tests that run.
    holders: Vec<Holder>,
    next_id: u64,
    /// Exclusive tests that wait: new others let them go first, or they might wait for ever.
    waiting: usize,
    /// Tests of either kind that are to be woken when a turn is given back.
    asleep: usize,
}

struct Holder {
    id: u64,
    /// The thread that took it.
    thread: ThreadId,
    exclusive: bool,
    /// As in [`Held`].
    polls: Option<Arc<AtomicU64>>,
}

impl Holder {
    /// Where it stands, if it is a future that is not being polled.
    fn idle_at(&self) -> Option<(u64, u64)> {
        let polls = self.polls.as_ref()?.load(Ordering::Relaxed);
        polls.is_multiple_of(2).then_some((self.id, polls))
    }
}

impl Turns {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                holders: Vec::new(),
                next_id: 0,
                waiting: 0,
                asleep: 0,
            }),
            changed: Condvar::new(),
            runs: AtomicU64::new(0),
        }
    }

    fn take(&'static self, exclusive: bool, kind: Kind, patience: Duration) -> Taken {
        let thread = ThreadId::of_this_one();
        let mut state = self.lock();
        let here = state
            .holders
            .iter()
            .filter(|holder| holder.thread == thread);
        if let Some(body) = here.clone().find(|holder| holder.polls.is_none()) {
            let exclusive = body.exclusive;
            return Taken::Inside { exclusive };
        }
        // Futures run by turns on it, or are forgotten, and it is no use to wait for either.
        let is_free = here.count() == 0;
        if exclusive {
            state.waiting += 1;
            state = self.wait(state, thread, patience, |state| {
                state.holders.iter().any(|holder| holder.thread != thread)
            });
            state.waiting -= 1;
        } else if is_free {
            state = self.wait(state, thread, patience, |state| {
                state.waiting > 0 || state.holders.iter().any(|holder| holder.exclusive)
            });
        }
        let id = state.next_id;
        state.next_id += 1;
        let polls = (kind == Kind::Future).then(Arc::default);
        let runs = match kind {
            Kind::Body => self.runs.fetch_add(1, Ordering::Relaxed) + 1,
            Kind::Future => self.runs.load(Ordering::Relaxed),
        };
        state.holders.push(Holder {
            id,
            thread,
            exclusive,
            polls: polls.clone(),
        });
        drop(state);
        if kind == Kind::Future {
            self.give_back_with_thread(thread);
        }
        Taken::Turn(Held {
            turns: self,
            id,
            polls,
            runs,
        })
    }

    /// Waits for as long as `must` says, but for no future that is forgotten.
    fn wait(
        &self,
        mut state: MutexGuard<'static, State>,
        thread: ThreadId,
        patience: Duration,
        must: impl Fn(&State) -> bool,
    ) -> MutexGuard<'static, State> {
        while must(&state) {
            let others = state
                .holders
                .iter()
                .filter(|holder| holder.thread != thread);
            let before: Vec<_> = others.filter_map(Holder::idle_at).collect();
            state.asleep += 1;
            let waited = self.changed.wait_timeout(state, patience);
            let (woken, result) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.asleep -= 1;
            if result.timed_out() {
                let is_forgotten = |holder: &Holder| {
                    let at = holder.idle_at();
                    at.is_some_and(|at| before.contains(&at))
                };
                state.holders.retain(|holder| !is_forgotten(holder));
            }
        }
        state
    }

    /// Gives the turns of this thread's futures back when it ends.
    fn give_back_with_thread(&'static self, thread: ThreadId) {
        struct End(&'static Turns, ThreadId);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.remove(|holder| holder.thread == self.1);
            }
        }
        thread_local! {
            static END: OnceCell<End> = const { OnceCell::new() };
        }
        // A thread that ends already has no more tests. There is one of `self` for each thread.
        let _ = END.try_with(|end| {
            end.get_or_init(|| End(self, thread));
        });
    }

    fn has(&self, id: u64) -> bool {
        self.lock().holders.iter().any(|holder| holder.id == id)
    }

    fn remove(&self, is_over: impl Fn(&Holder) -> bool) {
        let mut state = self.lock();
        state.holders.retain(|holder| !is_over(holder));
        // It is a system call, whether anybody waits or not.
        if state.asleep > 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::mpsc;

    fn turns() -> &'static Turns {
        Box::leak(Box::new(Turns::new()))
    }

    fn taken(taken: Taken) -> Held {
        match taken {
            Taken::Turn(held) => held,
            Taken::Inside { .. } => panic!("it has no turn of its own"),
        }
    }

    /// Runs with a future that has its turn on a thread that lives meanwhile.
    fn beside_a_future(turns: &'static Turns, exclusive: bool, run: impl FnOnce(&Held)) {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let future = turns.take(exclusive, Kind::Future, Duration::MAX);
            begun.send(taken(future)).expect("it is awaited");
            let _ended = ends.recv();
        });
        run(&begins.recv().expect("it begins"));
        drop(end);
        thread.join().expect("it does not panic");
    }

    #[test]
    fn a_future_that_is_not_polled_keeps_nobody_waiting_for_long() {
        for exclusive in [false, true] {
            let turns = turns();
            beside_a_future(turns, exclusive, |future| {
                let next = taken(turns.take(!exclusive, Kind::Body, Duration::ZERO));
                assert!(turns.has(next.id) && !turns.has(future.id));
            });
        }
    }

    #[test]
    fn a_future_that_is_polled_does() {
        let turns = turns();
        beside_a_future(turns, false, |future| {
            // As while it is polled.
            let polls = future.polls.as_ref().expect("it is a future");
            polls.fetch_add(1, Ordering::Relaxed);
            let (waiting, is_over) = (&AtomicU64::new(0), &AtomicU64::new(0));
            thread::scope(|scope| {
                let next = scope.spawn(move || {
                    waiting.store(1, Ordering::SeqCst);
                    let next = taken(turns.take(true, Kind::Body, Duration::ZERO));
                    assert_eq!(is_over.load(Ordering::SeqCst), 1);
                    drop(next);
                });
                while waiting.load(Ordering::SeqCst) == 0 || turns.lock().waiting == 0 {
                    thread::yield_now();
                }
                assert!(turns.has(future.id));
                is_over.store(1, Ordering::SeqCst);
                polls.fetch_add(1, Ordering::Relaxed);
                next.join().expect("it got its turn");
            });
        });
    }

    #[test]
    fn the_turns_of_a_threads_futures_end_with_it() {
        let turns = turns();
        let future = thread::spawn(|| taken(turns.take(true, Kind::Future, Duration::MAX)));
        let future = future.join().expect("it got its turn");
        assert!(!turns.has(future.id));
        assert_eq!(future.disturbance(), Some(LOST));
    }
}

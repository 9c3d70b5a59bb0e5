//! One thread's time, from reading to reading.
//!
//! How long a thread has waited for a CPU stands in a file, which is dear to open, and no longer than the thread
//! was off the CPU. So the file is read where it is worth it: when the thread has been off the CPU for so long
//! ([`WORTH_ASKING_NS`]) since it was last read that it takes a tenth of that at the most, and the wait is known to
//! within what the thread was off the CPU since.
//!
//! ```text
//!  read: 40 us            not read                    read: 900 us
//!  ───┼──────────────────────┼────────────────────────────┼──────▶
//!     off the CPU: 0         off: 90 us                   off: 1,300 us
//!                            waited: 40 to 130 us
//! ```
//!
//! A thread that is born in a test has not waited before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::amounts::{Amounts, Count};
use super::delayed::{Ask, Delayed};
use super::delays::Portion;
use super::{reading, taskstats};

/// The first reading of a thread's file takes some 30 us, and others 6.
const WORTH_ASKING_NS: u64 = 250_000;

/// Where a thread's time has gone since it last said so.
pub(crate) struct Clock {
    /// Whether the thread's time is somebody's now.
    runs: AtomicBool,
    /// Whether what is in `state` is of this thread.
    is_known: AtomicBool,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct State {
    at: Amounts,
    /// When the thread was born, where that was seen.
    born_ns: u64,
    /// How long it had been off the CPU by then.
    off_ns: u64,
    waited: Option<Waited>,
    delayed: Delayed,
}

/// What has come to a thread since its clock was read last.
pub(crate) struct Since {
    pub(crate) amounts: Amounts,
    /// Where it was asked.
    pub(crate) delays: Option<Portion>,
}

/// What a thread had waited for a CPU in all, when it had been off the CPU for so long.
#[derive(Clone, Copy)]
struct Waited {
    ns: u64,
    off_ns: u64,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self {
            runs: AtomicBool::new(false),
            is_known: AtomicBool::new(false),
            state: Mutex::new(State::NEW),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the thread's time is somebody's.
    pub(crate) fn runs(&self) -> bool {
        self.runs.load(Ordering::Acquire)
    }

    /// A thread is about to be started, and all its time is somebody's.
    #[cfg(spawns)]
    pub(crate) fn spawned(&self) {
        let mut state = State::NEW;
        state.born_ns = reading::now_ns();
        state.at.set(Count::Wall, Some(state.born_ns));
        state.waited = Some(Waited { ns: 0, off_ns: 0 });
        state.delayed = Delayed::spawns_at(state.born_ns);
        *self.state() = state;
        self.is_known.store(true, Ordering::Relaxed);
        self.runs.store(true, Ordering::Release);
    }

    /// From here on, the calling thread's time is somebody's.
    pub(crate) fn start(&self, ask: Ask) {
        let mut state = self.state();
        if !self.is_known.swap(true, Ordering::Relaxed) {
            *state = State::NEW;
        }
        // First, so that what that takes is not in it.
        let prove = taskstats::proved_of_this_thread;
        state.delayed.starts(ask, reading::now_ns(), prove);
        let now = reading::of_this_thread();
        state.starts(&now, || reading::run_delay_of_this_thread(&now));
        self.runs.store(true, Ordering::Release);
    }

    /// From here on, it is nobody's. Gives what it has come to, before anybody can see that it has stopped.
    pub(crate) fn stop(&self, ask: Ask, give: impl FnOnce(&Since)) {
        let mut state = self.state();
        let now = reading::of_this_thread();
        let amounts = state.goes_on(&now, || reading::run_delay_of_this_thread(&now));
        let read = taskstats::of_this_thread;
        let delays = state.delayed.goes_on(ask, reading::now_ns(), read);
        give(&Since { amounts, delays });
        self.runs.store(false, Ordering::Release);
    }

    /// Gives what the time of another thread, of that number, has come to, where that can still be asked.
    pub(crate) fn look(&self, thread: u32, ask: Ask, give: impl FnOnce(&Since)) {
        let mut state = self.state();
        // It may have stopped meanwhile, and said so itself.
        if let Some(reading) = reading::of_another(thread).filter(|_| self.runs()) {
            let amounts = state.goes_on(&reading.now, || reading.run_delay_ns);
            let read = || taskstats::of(thread);
            let delays = state.delayed.goes_on(ask, reading::now_ns(), read);
            give(&Since { amounts, delays });
        }
    }

    /// What the time of another thread, of that number, has come to since it was read last, on a CPU and waiting for one. It
    /// is not read by that.
    pub(crate) fn peek(&self, thread: u32) -> Option<Amounts> {
        if !self.runs() || thread == 0 {
            return None;
        }
        let mut state = *self.state();
        let now = reading::cpu_of_another(thread)?;
        Some(state.goes_on(&now, || reading::run_delay_of_another(thread)))
    }

    /// The thread is gone. Waits for nobody: in a fork, who looked may not be there any more.
    pub(crate) fn forget(&self) {
        self.runs.store(false, Ordering::Release);
        self.is_known.store(false, Ordering::Relaxed);
    }
}

impl State {
    const NEW: Self = Self {
        at: Amounts::NONE,
        born_ns: 0,
        off_ns: 0,
        waited: None,
        delayed: Delayed::NEW,
    };

    /// How long the thread has been off the CPU since it was born, or since some moment before.
    fn off_ns(&self, now: &Amounts) -> u64 {
        let wall = now.get(Count::Wall).unwrap_or(0);
        wall.saturating_sub(self.born_ns)
            .saturating_sub(now.get(Count::Cpu).unwrap_or(0))
            .max(self.off_ns)
    }

    /// What it has waited, as it was last asked; it is asked again where that is worth it.
    fn waited(&mut self, off_ns: u64, ask: impl FnOnce() -> Option<u64>) -> Option<Waited> {
        let is_recent = |waited: &Waited| off_ns - waited.off_ns < WORTH_ASKING_NS;
        let recent = self.waited.filter(is_recent);
        self.waited = recent.or_else(|| ask().map(|ns| Waited { ns, off_ns }));
        self.waited
    }

    fn starts(&mut self, now: &Amounts, ask: impl FnOnce() -> Option<u64>) {
        self.off_ns = self.off_ns(now);
        self.waited(self.off_ns, ask);
        self.at = *now;
    }

    /// What has come since the last reading.
    fn goes_on(&mut self, now: &Amounts, ask: impl FnOnce() -> Option<u64>) -> Amounts {
        let off_ns = self.off_ns(now);
        // It has waited no longer than that.
        let off_since = off_ns - self.off_ns;
        let before = self.waited;
        let unasked = before.map_or(0, |before| self.off_ns - before.off_ns);
        let after = before.and_then(|_| self.waited(off_ns, ask));
        self.off_ns = off_ns;
        let mut since = self.at.advance(now);
        let waited = before.zip(after).map(|(before, after)| {
            if before.off_ns == after.off_ns {
                return (0, off_since);
            }
            let waited = after.ns.saturating_sub(before.ns);
            (waited.min(off_since), unasked.min(off_since))
        });
        since.set(Count::RunDelay, waited.map(|(ns, _)| ns));
        since.set(Count::RunDelayError, waited.map(|(_, error)| error));
        since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A reading of a thread that was born at 0, and has run and been off the CPU for so long.
    fn after(ran_ns: u64, off_ns: u64) -> Amounts {
        let mut now = Amounts::NONE;
        now.set(Count::Wall, Some(ran_ns + off_ns));
        now.set(Count::Cpu, Some(ran_ns));
        now
    }

    fn born() -> State {
        State {
            waited: Some(Waited { ns: 0, off_ns: 0 }),
            ..State::NEW
        }
    }

    fn run_delay(since: &Amounts) -> [Option<u64>; 2] {
        [since.get(Count::RunDelay), since.get(Count::RunDelayError)]
    }

    fn not_asked() -> Option<u64> {
        panic!("it is not worth it")
    }

    #[test]
    fn a_thread_that_was_hardly_off_the_cpu_is_not_asked() {
        let since = born().goes_on(&after(5 * MS, 90_000), not_asked);
        assert_eq!(run_delay(&since), [Some(0), Some(90_000)]);
        assert_eq!(since.get(Count::Cpu), Some(5 * MS));
    }

    #[test]
    fn what_it_waited_is_asked_and_exact() {
        let since = born().goes_on(&after(MS, 10 * MS), || Some(3 * MS));
        assert_eq!(run_delay(&since), [Some(3 * MS), Some(0)]);
        let since = born().goes_on(&after(MS, 10 * MS), || None);
        assert_eq!(run_delay(&since), [None, None]);
    }

    #[test]
    fn the_parts_of_a_life_keep_within_their_error() {
        // Its true waits up to each reading: what it was off the CPU is more.
        let lives = [
            (0, 0),
            (100_000, 60_000),
            (200_000, 60_000),
            (2 * MS, MS),
            (2 * MS + 9, MS),
        ];
        let mut state = born();
        for pair in lives.windows(2) {
            let [(off_before, before), (off, waited)] = [pair[0], pair[1]];
            let since = state.goes_on(&after(off, off), || Some(waited));
            let [Some(ns), Some(error)] = run_delay(&since) else {
                panic!("it is known");
            };
            let truth = waited - before;
            assert!(
                ns.abs_diff(truth) <= error,
                "{ns} within {error} of {truth}"
            );
            assert!(ns <= off - off_before);
        }
    }

    #[test]
    fn what_lies_between_two_parts_is_in_neither() {
        let mut state = State::NEW;
        state.starts(&after(MS, 5 * MS), || Some(2 * MS));
        let since = state.goes_on(&after(3 * MS, 6 * MS), || Some(2 * MS + 7));
        assert_eq!(
            (since.get(Count::Cpu), run_delay(&since)),
            (Some(2 * MS), [Some(7), Some(0)])
        );
        state.starts(&after(9 * MS, 20 * MS), || Some(11 * MS));
        let since = state.goes_on(&after(10 * MS, 21 * MS), || Some(12 * MS));
        assert_eq!(since.get(Count::Cpu), Some(MS));
        assert_eq!(run_delay(&since), [Some(MS), Some(0)]);
    }

    #[test]
    fn a_thread_whose_start_could_not_be_asked_has_no_wait() {
        let mut state = State::NEW;
        state.starts(&after(MS, 5 * MS), || None);
        let since = state.goes_on(&after(2 * MS, 6 * MS), || Some(MS));
        assert_eq!(run_delay(&since), [None, None]);
    }

    #[test]
    fn a_clock_that_is_forgotten_is_another_threads() {
        let clock = Clock::new();
        clock.start(Ask::Never);
        assert!(clock.runs());
        clock.forget();
        assert!(!clock.runs());
        let not_given = |_: &Since| panic!("it has stopped");
        clock.look(std::process::id(), Ask::Never, not_given);
    }
}

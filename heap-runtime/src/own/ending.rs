//! Threads that are ending when their test does.
//!
//! `std::thread::scope` returns, and a channel is closed, when the closures of threads have come to
//! their ends; the threads themselves have not. What they still free is the test's, which is measured
//! too early by as much. So the end of a test waits for those threads of its own that seem to be ending:
//!
//! | a thread that is there still | is taken to be |
//! |---|---|
//! | ready to run, and has run for less than [`MAX_END_CPU`] since | ending: on a loaded machine it waits for its turn |
//! | ready to run, and has run for longer, or in more than [`MAX_END_TURNS`] turns | at work |
//! | any, and its first function has returned, or std has said that its closure has | ending |
//! | asleep in wait for a lock | ending, for as long as [`MAX_DOUBT`]: who holds the lock may wait for its turn |
//! | asleep otherwise, and has been, [`MAX_ASLEEP_LOOKS`] times in a row | waiting for work |
//! | any, and it has moved memory beside [other tests](super::shared) | ending, for as long as [`MAX_DOUBT`]: were it left, it would not be known whose that was |
//!
//! That takes no longer than [`MAX_WAIT`] after the last thread that has come further, [`MAX_WAITS`] in all, and nothing
//! where no thread is left.

use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use super::group::Group;
use super::this_thread::REGISTRY;

/// A thread's end takes some 50 us of a CPU; the kernel counts in its ticks, of 10 ms at most.
const MAX_END_CPU: Duration = Duration::from_millis(25);

/// Who ends gives way for a lock now and then, or is made to; who looks again and again whether there is
/// something to do gives way each time.
const MAX_END_TURNS: u64 = 50;

/// Where the kernel does not say what a thread waits for, it may be a lock, which is given back before so many looks as
/// a rule. We sleep between them, and whoever has slept comes before those that have run: on a machine with much to do,
/// who holds the lock may have had no turn by then.
const MAX_ASLEEP_LOOKS: u32 = 8;

/// Who holds a lock that is waited for has had its turn by then, also on a machine with much to do.
const MAX_DOUBT: Duration = Duration::from_millis(250);

/// Far longer than a thread waits for its turn among hundreds.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Of hundreds that end, one has its turn after the other.
const MAX_WAITS: Duration = Duration::from_secs(10);

/// Most threads are gone before so many turns of others.
const FIRST_YIELDS: u32 = 16;

/// Between two looks: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const MAX_PAUSE: Duration = Duration::from_millis(1);

/// Waits for the threads of the group that are ending.
pub(super) fn wait_for(group: &'static Group) {
    for _ in 0..FIRST_YIELDS {
        if !group.has_threads() {
            return;
        }
        yield_now();
    }
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut seen: Vec<Seen> = Vec::new();
    let mut last_step = start;
    while last_step.elapsed() < MAX_WAIT && start.elapsed() < MAX_WAITS {
        let threads = REGISTRY.threads_in(group);
        let count = seen.len();
        seen.retain(|seen| threads.iter().any(|thread| thread.number == seen.thread));
        let mut one_has_come_further = seen.len() < count;
        let mut one_is_ending = false;
        let in_doubt = start.elapsed() < MAX_DOUBT;
        for thread in threads {
            let index = seen.iter().position(|seen| seen.thread == thread.number);
            let index = index.unwrap_or_else(|| {
                seen.push(Seen::new(thread.number));
                seen.len() - 1
            });
            let seen = &mut seen[index];
            let ran = seen.last;
            if seen.may_be_ending(thread.leaves, in_doubt) {
                one_is_ending = true;
                one_has_come_further |= seen.last != ran;
            }
            one_is_ending |= thread.was_beside_others && in_doubt;
        }
        if !one_is_ending {
            return;
        }
        if one_has_come_further {
            last_step = Instant::now();
        }
        sleep(pause);
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// A thread that is there still, by the kernel's number.
struct Seen {
    thread: u32,
    /// What it had run for at the first look.
    began: Option<Ran>,
    last: Option<Ran>,
    asleep: u32,
}

impl Seen {
    fn new(thread: u32) -> Self {
        Self {
            thread,
            began: None,
            last: None,
            asleep: 0,
        }
    }

    /// Looks at it. What it waits for counts while there is `doubt`.
    fn may_be_ending(&mut self, leaves: bool, doubt: bool) -> bool {
        let (state, ran) = (platform::state(self.thread), platform::ran(self.thread));
        let is_where_it_was = ran == self.last;
        self.last = ran;
        let began = *self.began.get_or_insert(ran.unwrap_or_default());
        match state {
            // It has ended, and said nothing of it.
            None => false,
            Some(_) if leaves => true,
            Some(State::Ready) => {
                self.asleep = 0;
                let ran = ran.unwrap_or_default();
                ran.time.saturating_sub(began.time) < MAX_END_CPU
                    && ran.turns.saturating_sub(began.turns) < MAX_END_TURNS
            }
            Some(State::Asleep) => {
                self.asleep = if is_where_it_was { self.asleep + 1 } else { 1 };
                self.asleep < MAX_ASLEEP_LOOKS || (doubt && platform::waits_for_a_lock(self.thread))
            }
        }
    }
}

#[cfg_attr(not(proc_fs), expect(dead_code, reason = "nobody can be asked"))]
enum State {
    /// On a CPU, waiting for one, or for a disk.
    Ready,
    Asleep,
}

/// How long, and in how many turns, a thread has run.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Ran {
    time: Duration,
    turns: u64,
}

#[cfg(proc_fs)]
mod platform {
    use std::fs::read_to_string;
    use std::time::Duration;

    use super::{Ran, State};

    /// None where it is no more.
    pub(super) fn state(thread: u32) -> Option<State> {
        let stat = read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
        // Its name is in brackets, and may have some.
        let (_, rest) = stat.rsplit_once(") ")?;
        match rest.as_bytes().first()? {
            b'R' | b'D' => Some(State::Ready),
            b'Z' | b'X' | b'x' => None,
            _ => Some(State::Asleep),
        }
    }

    /// Whether it sleeps until another thread gives a lock back: as the mutexes of std and of the C library have it, which
    /// jemalloc uses too, where somebody waits. A condition variable may look like one at times. Not where the kernel
    /// does not say.
    pub(super) fn waits_for_a_lock(thread: u32) -> bool {
        /// The value of a futex that is held, and waited for.
        const CONTENDED: libc::c_long = 2;
        let call = read_to_string(format!("/proc/self/task/{thread}/syscall"));
        let Ok(call) = call else { return false };
        let mut words = call.split_ascii_whitespace();
        let number = words.next().and_then(|word| word.parse().ok());
        if number != Some(libc::SYS_futex) {
            return false;
        }
        let arguments =
            words.map(|word| libc::c_long::from_str_radix(word.strip_prefix("0x")?, 16).ok());
        let [_, operation, value] = arguments.flatten().take(3).collect::<Vec<_>>()[..] else {
            return false;
        };
        let waits = [libc::FUTEX_WAIT, libc::FUTEX_WAIT_BITSET].map(libc::c_long::from);
        value == CONTENDED
            && waits.contains(&(operation & libc::c_long::from(libc::FUTEX_CMD_MASK)))
    }

    /// None where the kernel does not count.
    pub(super) fn ran(thread: u32) -> Option<Ran> {
        let counted = read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
        let mut numbers = counted.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        let (time, _waited, turns) = (next()?, next()?, next()?);
        Some(Ran {
            time: Duration::from_nanos(time),
            turns,
        })
    }
}

#[cfg(not(proc_fs))]
mod platform {
    use super::{Ran, State};

    /// Nobody knows: the turns that others had are all that is waited for.
    pub(super) fn state(_: u32) -> Option<State> {
        None
    }

    pub(super) fn ran(_: u32) -> Option<Ran> {
        None
    }

    pub(super) fn waits_for_a_lock(_: u32) -> bool {
        false
    }
}

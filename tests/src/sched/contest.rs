//! Threads that want the same CPU, and what each of them got.
//!
//! ```text
//!  contenders   0 ──┐ pinned, spinning as SCHED_OTHER
//!               1 ──┤
//!            last ──┴─ all arrived: sets the policies, its own first, takes the base ─┬─ span used up: takes the end
//!  phase            GATHER                                                            RUN                        DONE
//! ```
//!
//! Each contender publishes its own CPU time whenever it goes round its loop. They share one CPU, so while one reads
//! the figures the others stand still, and a figure is at most one round old. All of them spin from the base to the end:
//! they compete during the whole span. The span is CPU time of the contenders together, but for what was [`Taken`] of it, so
//! load from outside makes it last longer but does not change who is owed what. The contenders are threads of one process, thus of one
//! cgroup and one autogroup, where their weights count against each other.
//!
//! A contender of a real-time policy cannot hold the CPU for ever: it ends the contest itself when the span is used up, at the
//! latest when it has used the whole span alone, and it looks at the wall clock in each round.

use std::io;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::thread::{Pid, gettid};

use super::account::{Account, Balance};
use super::clock::now;
use super::cpu::{OwnedCpu, pin_this_thread};
use super::policy::Policy;
use super::refusal::{Allowed, Refusal};
use super::taken::Taken;

/// Longer than any contest takes on a machine that gives the suite a twentieth of a CPU.
const PATIENCE: Duration = Duration::from_secs(20);

const GATHER: u8 = 0;
const RUN: u8 = 1;
const DONE: u8 = 2;

/// A contest that is about to run.
#[derive(Debug)]
pub struct Contest<'a> {
    cpu: &'a OwnedCpu,
    span: Duration,
    policies: Vec<Policy>,
    every_round: fn(),
    enter: Vec<&'a (dyn Entry + 'a)>,
}

/// What a contender does once, by itself, before it competes; such as going into a cgroup.
pub trait Entry: Sync + std::fmt::Debug {
    /// Does it for the calling thread.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    fn enter(&self) -> Allowed<()>;
}

/// What came of a contest.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The CPU time that each contender got, in the order of the policies.
    pub got: Vec<Duration>,
    /// How often the CPU went from one contender to another.
    pub handovers: usize,
    /// How often any contender went round its loop.
    pub rounds: usize,
    /// The wall time of the span.
    pub wall: Duration,
    /// What of the contenders' CPU time they did not have. The longest stretch may have been before the span: it is not
    /// paid back at its beginning.
    pub taken: Taken,
}

impl Outcome {
    /// The part of all the contenders' CPU time that one of them got, from 0 to 1.
    #[must_use]
    pub fn share(&self, contender: usize) -> f64 {
        self.got[contender].as_secs_f64() / self.got.iter().sum::<Duration>().as_secs_f64()
    }

    /// The CPU time that the contenders used.
    #[must_use]
    pub fn used(&self) -> Duration {
        let got: Duration = self.got.iter().sum();
        got.saturating_sub(self.taken.total)
    }

    /// How far a contender is from what it is owed, if it is owed `weight` parts of `of`.
    #[must_use]
    pub fn debt(&self, contender: usize, weight: u32, of: u32) -> Duration {
        let owed = self.got.iter().sum::<Duration>() * weight / of;
        owed.abs_diff(self.got[contender])
    }
}

impl<'a> Contest<'a> {
    /// Contenders with these policies on this CPU, until they have used `span` of CPU time together.
    ///
    /// The strongest contender must be the last: it is the one that sets all policies, and a stronger one would keep it from
    /// doing so.
    #[must_use]
    pub fn new(cpu: &'a OwnedCpu, span: Duration, policies: &[Policy]) -> Self {
        Self {
            cpu,
            span,
            policies: policies.to_vec(),
            every_round: || {},
            enter: Vec::new(),
        }
    }

    /// Has each contender do this in each round.
    #[must_use]
    pub fn every_round(mut self, act: fn()) -> Self {
        self.every_round = act;
        self
    }

    /// Has the contenders enter these, in the order of the policies, before they compete.
    #[must_use]
    pub fn entering(mut self, entries: &[&'a (dyn Entry + 'a)]) -> Self {
        self.enter = entries.to_vec();
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn run(&self) -> Allowed<Outcome> {
        if let Err(refusal) = Policy::inherited_is_normal()? {
            return Ok(Err(refusal));
        }
        let ring = Ring {
            contest: self,
            account: Account::new(self.policies.len()),
            threads: self.policies.iter().map(|_| AtomicI32::new(0)).collect(),
            arrived: AtomicUsize::new(0),
            phase: AtomicU8::new(GATHER),
            holder: AtomicUsize::new(usize::MAX),
            handovers: AtomicUsize::new(0),
            rounds: AtomicUsize::new(0),
            give_up: now() + PATIENCE,
            base: OnceLock::new(),
            end: Mutex::new(None),
        };
        let answers: Vec<Allowed<()>> = thread::scope(|scope| {
            let ring = &ring;
            let threads: Vec<_> = (0..self.policies.len())
                .map(|index| scope.spawn(move || ring.contend(index)))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(io::Error::other("a contender panicked")))
                })
                .collect()
        });
        for answer in answers {
            if let Err(refusal) = answer? {
                return Ok(Err(refusal));
            }
        }
        let end = ring.end.into_inner().map_err(poisoned)?;
        let (Some((base, _)), Some(end)) = (ring.base.into_inner(), end) else {
            return Ok(Err(Refusal::new(format!(
                "host too busy: {} contenders did not get {:?} of CPU {} in {PATIENCE:?}",
                self.policies.len(),
                self.span,
                self.cpu.number(),
            ))));
        };
        Ok(Ok(end.since(&base)))
    }
}

fn poisoned<T>(_: PoisonError<T>) -> io::Error {
    io::Error::other("a contender panicked")
}

#[derive(Debug)]
struct Ring<'a> {
    contest: &'a Contest<'a>,
    account: Account,
    /// The kernel's number of each contender while it is there, else 0.
    threads: Vec<AtomicI32>,
    arrived: AtomicUsize,
    phase: AtomicU8,
    holder: AtomicUsize,
    handovers: AtomicUsize,
    rounds: AtomicUsize,
    give_up: Duration,
    /// The figures at the base, and what was used by then.
    base: OnceLock<(Figures, Duration)>,
    end: Mutex<Option<Figures>>,
}

/// The figures of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Figures {
    balance: Balance,
    handovers: usize,
    rounds: usize,
    at: Duration,
}

impl Figures {
    fn since(&self, base: &Self) -> Outcome {
        let Balance { times, taken } = self.balance.since(&base.balance);
        Outcome {
            got: times,
            handovers: self.handovers - base.handovers,
            rounds: self.rounds - base.rounds,
            wall: self.at.saturating_sub(base.at),
            taken,
        }
    }
}

impl Ring<'_> {
    /// One contender, from its first to its last instruction.
    fn contend(&self, index: usize) -> Allowed<()> {
        let answer = self.compete(index);
        // However it ends: those whom this contender may have starved must see it and end as well.
        self.phase.store(DONE, SeqCst);
        for thread in self.threads.iter().filter_map(number_of) {
            Policy::forget(thread);
        }
        // The number may be another thread's soon.
        self.threads[index].store(0, SeqCst);
        answer
    }

    fn compete(&self, index: usize) -> Allowed<()> {
        pin_this_thread(self.contest.cpu.number())?;
        if let Some(entry) = self.contest.enter.get(index)
            && let Err(refusal) = entry.enter()?
        {
            return Ok(Err(refusal));
        }
        self.threads[index].store(gettid().as_raw_nonzero().get(), SeqCst);
        self.account.begin(index);
        let last = index + 1 == self.threads.len();
        self.arrived.fetch_add(1, SeqCst);
        loop {
            self.account.round(index);
            if self.holder.swap(index, SeqCst) != index {
                self.handovers.fetch_add(1, SeqCst);
            }
            self.rounds.fetch_add(1, SeqCst);
            match self.phase.load(SeqCst) {
                GATHER => {
                    if last && self.arrived.load(SeqCst) == self.threads.len() {
                        if let Err(refusal) = self.set_policies()? {
                            return Ok(Err(refusal));
                        }
                        let base = (self.figures(), self.account.used());
                        self.base.get_or_init(|| base);
                        self.phase.store(RUN, SeqCst);
                    }
                }
                RUN => {
                    let before = self.base.get().map_or(Duration::ZERO, |(_, used)| *used);
                    if self.account.used().saturating_sub(before) >= self.contest.span {
                        let end = self.figures();
                        self.end.lock().map_err(poisoned)?.get_or_insert(end);
                        return Ok(Ok(()));
                    }
                }
                _ => return Ok(Ok(())),
            }
            if now() > self.give_up {
                return Ok(Ok(()));
            }
            (self.contest.every_round)();
        }
    }

    /// Its own first: from then on nobody takes the CPU away between this and the base.
    fn set_policies(&self) -> Allowed<()> {
        for (thread, &policy) in self.threads.iter().zip(&self.contest.policies).rev() {
            if policy == Policy::NORMAL {
                continue;
            }
            if let Some(thread) = number_of(thread)
                && let Err(refusal) = policy.apply(thread)?
            {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    /// Reads until two readings agree, so that none of the others ran in between.
    fn figures(&self) -> Figures {
        let read = |at| Figures {
            balance: self.account.balance(),
            handovers: self.handovers.load(SeqCst),
            rounds: self.rounds.load(SeqCst),
            at,
        };
        loop {
            let at = now();
            let first = read(at);
            if first == read(at) {
                return first;
            }
        }
    }
}

fn number_of(thread: &AtomicI32) -> Option<Pid> {
    Pid::from_raw(thread.load(SeqCst))
}

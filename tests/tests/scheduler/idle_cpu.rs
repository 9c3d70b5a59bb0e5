//! A wake-up while another CPU has nothing to do.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric, skip};
use heap_tests::sched::clock::{now, since};
use heap_tests::sched::cpu::{AllCpus, allowed_cpus, isolated_cpus, pin_this_thread};
use heap_tests::sched::figures::{count, micros, percentile};
use heap_tests::sched::machine::{others_were_busy, use_of};
use heap_tests::sched::policy::Policy;
use heap_tests::sched::promise::in_charge;
use heap_tests::sched::refusal::Allowed;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};
use rustix::thread::gettid;

/// How many wake-ups are measured, and for how long it is tried.
const WAKE_UPS: usize = 200;
const AT_MOST: Duration = Duration::from_millis(1500);

/// With fewer samples a median is worth nothing.
const ENOUGH: usize = 20;

/// How long the waker goes on spinning for one wake-up.
const LATEST: Duration = Duration::from_millis(200);

/// Long enough that the sleeper is asleep again, and its CPU idle.
const PAUSE: Duration = Duration::from_micros(300);

/// After this a sleeper looks whether it is over.
const NAP: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// A thread that wakes another, and spins on its own CPU until the other has run.
#[derive(Debug, Default)]
struct Pair {
    word: AtomicU32,
    answer: AtomicU32,
    arrived_at: AtomicU64,
}

impl Pair {
    const END: u32 = u32::MAX;

    /// The latencies of wake-ups of a sleeper with this policy, which may run on these CPUs.
    fn latencies(&self, waker: usize, sleeper: (Policy, Option<usize>)) -> Allowed<Vec<Duration>> {
        thread::scope(|scope| {
            let asleep = scope.spawn(|| self.sleep(sleeper));
            let awake = scope.spawn(|| {
                let latencies = pin_this_thread(waker).and_then(|()| self.wake());
                self.word.store(Self::END, SeqCst);
                futex::wake(&self.word, Flags::PRIVATE, 1)?;
                latencies
            });
            let panicked = |_| io::Error::other("a thread panicked");
            let latencies = awake.join().map_err(panicked)?;
            match asleep.join().map_err(panicked)?? {
                Ok(()) => Ok(Ok(latencies?)),
                Err(refusal) => Ok(Err(refusal)),
            }
        })
    }

    fn sleep(&self, (policy, cpu): (Policy, Option<usize>)) -> Allowed<()> {
        if let Some(cpu) = cpu {
            pin_this_thread(cpu)?;
        }
        if let Err(refusal) = policy.apply(gettid())? {
            self.answer.store(Self::END, SeqCst);
            return Ok(Err(refusal));
        }
        let mut seen = 0;
        loop {
            match futex::wait(&self.word, Flags::PRIVATE, seen, Some(&NAP)) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
                Err(error) => return Err(error.into()),
            }
            let word = self.word.load(SeqCst);
            if word == Self::END {
                return Ok(Ok(()));
            }
            if word != seen {
                let arrived = u64::try_from(now().as_nanos()).map_err(io::Error::other)?;
                self.arrived_at.store(arrived, SeqCst);
                self.answer.store(word, SeqCst);
                seen = word;
            }
        }
    }

    fn wake(&self) -> io::Result<Vec<Duration>> {
        let mut latencies = Vec::with_capacity(WAKE_UPS);
        let began = now();
        let mut round = 0;
        while latencies.len() < WAKE_UPS && since(began) < AT_MOST {
            spin_until(now() + PAUSE, || false);
            round += 1;
            let sent = now();
            self.word.store(round, SeqCst);
            // Else it was not asleep yet.
            let was_asleep = futex::wake(&self.word, Flags::PRIVATE, 1)? == 1;
            let answered = || matches!(self.answer.load(SeqCst), answer if answer == round || answer == Self::END);
            let in_time = spin_until(sent + LATEST, answered);
            if self.answer.load(SeqCst) == Self::END {
                return Ok(latencies);
            }
            if !in_time {
                // It gets the waker's CPU, if it gets no other.
                latencies.push(LATEST);
                while !answered() {
                    thread::yield_now();
                }
            } else if was_asleep {
                let arrived = Duration::from_nanos(self.arrived_at.load(SeqCst));
                latencies.push(arrived.saturating_sub(sent));
            }
        }
        Ok(latencies)
    }
}

/// Spins until then, or until something holds; and whether it did.
fn spin_until(then: Duration, holds: impl Fn() -> bool) -> bool {
    loop {
        if holds() {
            return true;
        }
        if now() >= then {
            return false;
        }
        std::hint::spin_loop();
    }
}

/// A thread that is woken while a CPU is idle runs there soon, though the one that woke it goes on running.
///
/// How soon is soon on this machine is asked of a real-time thread on another CPU, which is none of a BPF scheduler's
/// business: where CPUs are emulated, a wake-up across CPUs takes long in itself.
#[heap_tracked]
#[test]
fn a_wake_up_finds_an_idle_cpu() -> io::Result<()> {
    let _cpus = AllCpus::acquire()?;
    let cpus = allowed_cpus()?;
    let [waker, other, ..] = cpus[..] else {
        skip("needs two CPUs, and this process may use one");
        return Ok(());
    };
    if !isolated_cpus().is_empty() {
        skip("the kernel wakes nobody up on its isolated CPUs");
        return Ok(());
    }
    or_skip!(Policy::inherited_is_normal()?);
    let floor = match Pair::default().latencies(waker, (Policy::Fifo(1), Some(other)))? {
        Ok(mut latencies) if latencies.len() >= ENOUGH => Some(percentile(&mut latencies, 50)),
        // Without the permission, it is only known that no machine is that slow.
        _ => None,
    };
    let before = use_of(&cpus)?;
    let charge = in_charge();
    let began = now();
    let mut latencies = or_skip!(Pair::default().latencies(waker, (Policy::NORMAL, None))?);
    let wall = since(began);
    let busy: Duration = use_of(&cpus)?
        .iter()
        .zip(&before)
        .map(|(end, begin)| end.since(*begin).busy)
        .sum();
    // The waker had a CPU all the while.
    let outside = busy.saturating_sub(wall);
    assert_eq!(charge, in_charge(), "the scheduler in charge did not last");
    metric("outside_us", micros(outside));
    metric("wake_ups", count(latencies.len()));
    if latencies.is_empty() {
        skip("host too busy: the sleeper was never asleep in time");
        return Ok(());
    }
    let p50 = percentile(&mut latencies, 50);
    metric("wakeup_p50_us", micros(p50));
    metric("wakeup_p99_us", micros(percentile(&mut latencies, 99)));
    let most = match floor {
        Some(floor) => {
            metric("floor_p50_us", micros(floor));
            Duration::from_millis(2) + floor * 4
        }
        None => Duration::from_millis(10),
    };
    if p50 > most && others_were_busy(outside, wall) {
        skip(format!(
            "host too busy: others had {outside:?} of the CPUs in {wall:?}"
        ));
        return Ok(());
    }
    assert!(
        p50 <= most,
        "half of {} wake-ups took {p50:?} or more, allowed are {most:?} ({floor:?} for a real-time thread), while others \
         had {outside:?} of {} CPUs in {wall:?}",
        latencies.len(),
        cpus.len(),
    );
    Ok(())
}

//! How soon a thread runs after it was woken.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, label, metric};
use heap_tests::sched::clock::{now, since, switches};
use heap_tests::sched::cpu::OwnedCpu;
use heap_tests::sched::figures::{count, micros, percentile};
use heap_tests::sched::kernel::{granule, runnable_threads};
use heap_tests::sched::pinned::pair;
use heap_tests::sched::policy::Policy;
use heap_tests::sched::refusal::Refusal;
use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};
use rustix::thread::{ClockId, clock_nanosleep_absolute, gettid};

/// How many wake-ups are measured where the host is idle.
const WAKE_UPS: usize = 2000;

/// How long it is tried where the host is busy.
const AT_MOST: Duration = Duration::from_secs(1);

/// With fewer samples a 99th percentile is only the largest one.
const ENOUGH: usize = 100;

/// After this a waiter looks whether its wake-up was lost.
const LOST: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};

/// How long it may take until all are asleep; shorter than the first of them sleeps.
const ASLEEP: Duration = Duration::from_secs(20);

/// What the two ends of a futex saw.
#[derive(Debug, Default)]
struct WakeUps {
    /// From just before `FUTEX_WAKE` until the sleeper ran.
    latencies: Vec<Duration>,
    /// How often the kernel told the waker that it woke somebody.
    sent: usize,
    /// How often the sleeper had run when the waker's call came back.
    at_once: usize,
    /// How often the sleeper waited in vain although the word had changed.
    lost: usize,
}

/// A sleeper of this policy and a waker of the normal one, both on this CPU.
fn wake_ups(cpu: &OwnedCpu, sleeper: Policy) -> io::Result<Result<WakeUps, Refusal>> {
    const END: u32 = u32::MAX;
    // The sleeper waits for `word` to change, and answers with `seen`.
    let (word, seen) = (AtomicU32::new(0), AtomicU32::new(0));
    let sent_at = AtomicU64::new(0);
    let sleep = || {
        let answer = sleeper.apply(gettid());
        let mut result = WakeUps::default();
        if !matches!(answer, Ok(Ok(()))) {
            seen.store(END, SeqCst);
            futex::wake(&seen, Flags::PRIVATE, 1)?;
            return answer.map(|refused| refused.map(|()| result));
        }
        let mut expected = 0;
        loop {
            let woken = futex::wait(&word, Flags::PRIVATE, expected, Some(&LOST));
            let arrived = now();
            let value = word.load(SeqCst);
            match woken {
                Ok(()) if value != expected && value != END => {
                    let sent = Duration::from_nanos(sent_at.load(SeqCst));
                    result.latencies.push(arrived.saturating_sub(sent));
                }
                Err(Errno::TIMEDOUT) if value != expected => result.lost += 1,
                // It was not asleep yet when the word changed, or was woken for nothing; the loop looks again.
                Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
                Err(error) => return Err(error.into()),
            }
            if value == END {
                return Ok(Ok(result));
            }
            if value != expected {
                expected = value;
                seen.store(value, SeqCst);
                futex::wake(&seen, Flags::PRIVATE, 1)?;
            }
        }
    };
    let wake = || {
        let mut result = WakeUps::default();
        let give_up = now() + AT_MOST;
        let mut round = 0;
        while result.sent < WAKE_UPS && now() < give_up {
            // Gives the sleeper the time to go to sleep.
            thread::yield_now();
            round += 1;
            let nanos = u64::try_from(now().as_nanos()).map_err(io::Error::other)?;
            sent_at.store(nanos, SeqCst);
            word.store(round, SeqCst);
            let woken = futex::wake(&word, Flags::PRIVATE, 1)?;
            result.sent += woken;
            result.at_once += usize::from(woken == 1 && seen.load(SeqCst) == round);
            loop {
                let value = seen.load(SeqCst);
                if value == round {
                    break;
                }
                if value == END {
                    return Ok(result);
                }
                match futex::wait(&seen, Flags::PRIVATE, value, Some(&LOST)) {
                    Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        word.store(END, SeqCst);
        futex::wake(&word, Flags::PRIVATE, 1)?;
        Ok(result)
    };
    let (sleeper, waker) = pair(cpu, sleep, wake)?;
    Ok(sleeper.map(|sleeper| WakeUps {
        latencies: sleeper.latencies,
        lost: sleeper.lost,
        ..waker
    }))
}

/// No wake-up is lost, and each comes before the CPU could have served everybody else twice over.
#[heap_tracked]
#[test]
fn futex_wake_ups_arrive() -> io::Result<()> {
    let cpu = OwnedCpu::acquire()?;
    let before = runnable_threads();
    let began = now();
    let mut result = or_skip!(wake_ups(&cpu, Policy::NORMAL)?);
    let took = since(began);
    let rivals = before.max(runnable_threads());
    assert_eq!(result.lost, 0, "wake-ups lost, of {}", result.sent);
    assert_eq!(
        result.latencies.len(),
        result.sent,
        "each thread that the kernel said to have woken must have run",
    );
    if result.sent < ENOUGH {
        let reason = format!("host too busy: {} wake-ups in {AT_MOST:?}", result.sent);
        heap_runtime::skip(&reason);
        return Ok(());
    }
    let p50 = percentile(&mut result.latencies, 50);
    metric("wakeup_p50_us", micros(p50));
    metric(
        "wakeup_p99_us",
        micros(percentile(&mut result.latencies, 99)),
    );
    metric(
        "wake_ups_per_second",
        count(result.sent) / took.as_secs_f64(),
    );
    // Were all runnable threads of the machine on this CPU, each would run for a granule before the sleeper's turn.
    let most = (granule() * rivals * 2).max(Duration::from_millis(100));
    assert!(
        p50 <= most,
        "half of the wake-ups took over {most:?}: {p50:?}"
    );
    Ok(())
}

/// A real-time sleeper runs before the thread that woke it runs on.
#[heap_tracked(labels(policy = "fifo"))]
#[test]
fn fifo_preempts_its_waker() -> io::Result<()> {
    let cpu = OwnedCpu::acquire()?;
    let mut result = or_skip!(wake_ups(&cpu, Policy::Fifo(1))?);
    assert_eq!(result.lost, 0, "wake-ups lost, of {}", result.sent);
    if result.sent < ENOUGH {
        let reason = format!("host too busy: {} wake-ups in {AT_MOST:?}", result.sent);
        heap_runtime::skip(&reason);
        return Ok(());
    }
    let at_once = count(result.at_once) / count(result.sent);
    metric("at_once", at_once);
    metric(
        "wakeup_p50_us",
        micros(percentile(&mut result.latencies, 50)),
    );
    metric(
        "wakeup_p99_us",
        micros(percentile(&mut result.latencies, 99)),
    );
    // Throttling may keep one part in twenty of the CPU's time from real-time threads.
    assert!(
        at_once >= 0.95,
        "the sleeper ran at once in {} of {} cases only: {at_once}",
        result.at_once,
        result.sent,
    );
    Ok(())
}

/// One call wakes every sleeper of a futex, and each of them runs.
#[heap_tracked]
#[test]
fn one_call_wakes_all() -> io::Result<()> {
    const SLEEPERS: usize = 50;
    let word = AtomicU32::new(0);
    let ran = AtomicU32::new(0);
    let woken = thread::scope(|scope| {
        for _ in 0..SLEEPERS {
            scope.spawn(|| {
                let woken = futex::wait(&word, Flags::PRIVATE, 0, Some(&LOST));
                ran.fetch_add(u32::from(woken.is_ok()), SeqCst);
            });
        }
        // A wake-up by requeueing on the spot: no other call tells how many sleep without waking them.
        let give_up = now() + ASLEEP;
        loop {
            let asleep = futex::requeue(&word, Flags::PRIVATE, 0, i32::MAX.cast_unsigned(), &word);
            match asleep {
                Ok(count) if count >= SLEEPERS => break,
                Ok(_) if now() > give_up => break,
                Ok(_) => thread::yield_now(),
                Err(error) => return Err(io::Error::from(error)),
            }
        }
        word.store(1, SeqCst);
        let began = now();
        let woken = futex::wake(&word, Flags::PRIVATE, i32::MAX.cast_unsigned())?;
        metric("wake_all_us", micros(since(began)));
        Ok(woken)
    })?;
    assert_eq!(woken, SLEEPERS, "how many one call has woken");
    assert_eq!(
        ran.into_inner() as usize,
        SLEEPERS,
        "how many of the woken have run",
    );
    Ok(())
}

/// Each byte through a pair of pipes needs a switch there and one back: two threads on one CPU cannot cheat.
#[heap_tracked]
#[test]
fn pipes_switch_between_two_threads() -> io::Result<()> {
    const ROUNDS: usize = 5000;
    let cpu = OwnedCpu::acquire()?;
    let (mut here_in, mut there_out) = io::pipe()?;
    let (mut there_in, mut here_out) = io::pipe()?;
    let player = move || {
        let began = now();
        let before = switches()?;
        let mut times = Vec::with_capacity(ROUNDS);
        // One round also where the second is over before it begins.
        while times.is_empty() || times.len() < ROUNDS && since(began) < AT_MOST {
            let sent = u8::try_from(times.len() % 251).map_err(io::Error::other)?;
            let start = now();
            here_out.write_all(&[sent])?;
            let mut back = [0];
            here_in.read_exact(&mut back)?;
            times.push(since(start));
            assert_eq!(back[0], sent, "a byte came back wrong");
        }
        Ok((times, since(began), switches()? - before))
    };
    let partner = move || {
        let before = switches()?;
        let mut byte = [0];
        // The end is the player's closing of its pipe.
        while there_in.read(&mut byte)? == 1 {
            there_out.write_all(&byte)?;
        }
        Ok(switches()? - before)
    };
    let ((mut times, took, mine), theirs) = pair(&cpu, player, partner)?;
    let rounds = times.len();
    assert!(
        mine >= rounds && theirs >= rounds,
        "{rounds} rounds on one CPU with only {mine} and {theirs} switches",
    );
    metric(
        "pipe_switches_per_second",
        2.0 * count(rounds) / took.as_secs_f64(),
    );
    metric("pipe_round_p50_us", micros(percentile(&mut times, 50)));
    metric("pipe_round_p99_us", micros(percentile(&mut times, 99)));
    Ok(())
}

/// A sleep until a moment never ends before it.
#[heap_tracked]
#[test]
fn a_sleeper_is_never_early() -> io::Result<()> {
    let mut late = Vec::new();
    for step in 1..=100_u32 {
        let target = now() + Duration::from_micros(u64::from(step) * 50);
        let until = Timespec::try_from(target).map_err(io::Error::other)?;
        clock_nanosleep_absolute(ClockId::Monotonic, &until)?;
        let woke = now();
        assert!(woke >= target, "woke at {woke:?}, not at {target:?}");
        late.push(woke.saturating_sub(target));
    }
    label("clock", "monotonic");
    metric("oversleep_p50_us", micros(percentile(&mut late, 50)));
    metric("oversleep_p99_us", micros(percentile(&mut late, 99)));
    Ok(())
}

//! How much a thread gets at most.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric};
use heap_tests::sched::cgroup::CpuGroup;
use heap_tests::sched::clock::{now, since, tick};
use heap_tests::sched::contest::Contest;
use heap_tests::sched::cpu::{MachineLock, OwnedCpu, allowed_cpus};
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::kernel::{real_time_limit, slowest_speed};
use heap_tests::sched::policy::Policy;
use heap_tests::sched::promise::Promise;
use heap_tests::sched::refusal::{Allowed, Refusal};
use heap_tests::sched::taken::{Spinning, Taken};
use rustix::thread::gettid;

const PERIOD: Duration = Duration::from_millis(100);

/// A tenth of one CPU: so little that a busy host has it to give.
const TENTH: Duration = Duration::from_millis(10);

/// The tests of `SCHED_DEADLINE` share the machine's one account of reserved bandwidth.
const DEADLINE_ACCOUNT: &str = "deadline";

/// A group with a tenth of a CPU needs at least ten times its CPU time.
#[heap_tracked]
#[test]
fn a_quota_throttles_its_cgroup() -> io::Result<()> {
    or_skip!(Promise::Bandwidth.holds());
    let cpu = OwnedCpu::acquire()?;
    let group = or_skip!(CpuGroup::create()?);
    or_skip!(group.limit(TENTH, PERIOD)?);
    let contest = Contest::new(&cpu, TENTH * 6, &[Policy::NORMAL]).entering(&[&group]);
    let outcome = or_skip!(contest.run()?);
    let throttled = group.throttled()?;
    let used = outcome.got[0];
    metric("cpu_us", micros(used));
    metric("wall_us", micros(outcome.wall));
    metric("throttled_periods", count(throttled.periods));
    metric("throttled_us", micros(throttled.time));
    // The first and the last period need not be whole, throttling waits for a tick, and what was taken last is not paid.
    let paid = used.saturating_sub(TENTH * 2 + tick() + outcome.taken.longest);
    let least = PERIOD.mul_f64(paid.as_secs_f64() / TENTH.as_secs_f64());
    assert!(
        outcome.wall >= least,
        "{used:?} of CPU within {:?}, less than {least:?}; {throttled:?}, {:?}",
        outcome.wall,
        outcome.taken,
    );
    if throttled.periods == 0 {
        // As slow as the quota would have made it, but by the load of others.
        heap_runtime::skip("host too busy: the group never got as much as its quota");
        return Ok(());
    }
    assert!(
        throttled.time > Duration::ZERO,
        "held back, but for no time: {throttled:?}",
    );
    Ok(())
}

/// A reservation is kept in both directions: not much more, and not much less.
#[heap_tracked(labels(policy = "deadline"))]
#[test]
fn a_deadline_thread_gets_its_bandwidth() -> io::Result<()> {
    const PERIODS: u32 = 5;
    let _account = MachineLock::wait(DEADLINE_ACCOUNT)?;
    let reservation = Policy::Deadline {
        runtime: TENTH,
        period: PERIOD,
    };
    // Not pinned: the kernel takes deadline threads only if they may run on all CPUs of their root domain.
    let spin = move || -> Allowed<(Duration, Duration, Taken)> {
        if let Err(refusal) = reservation.apply(gettid())? {
            return Ok(Err(refusal));
        }
        let began = now();
        let mut spinning = Spinning::begin();
        let used = loop {
            let used = spinning.round();
            if used >= TENTH * PERIODS {
                break used;
            }
        };
        Ok(Ok((used, since(began), spinning.taken())))
    };
    let answer = thread::spawn(spin)
        .join()
        .unwrap_or_else(|panic| resume_unwind(panic));
    let (used, wall, taken) = or_skip!(answer?);
    metric("cpu_us", micros(used));
    metric("wall_us", micros(wall));
    metric("bandwidth", used.as_secs_f64() / wall.as_secs_f64());
    // The first and the last period need not be whole, throttling waits for a tick, and what was taken last is not paid.
    let speed = slowest_speed();
    let paid = used.saturating_sub((TENTH * 2 + tick()).div_f64(speed) + taken.longest);
    let least = PERIOD.mul_f64(paid.as_secs_f64() / TENTH.as_secs_f64() * speed);
    assert!(
        wall >= least,
        "{used:?} of CPU within {wall:?}, less than {least:?}; {taken:?}"
    );
    // The kernel promises its part of a CPU that is there. Two thirds of them may be gone to a hypervisor; what that took
    // in one piece is paid for with ten times as long a wait.
    let most = PERIOD * (PERIODS + 2) * 3 + taken.longest * 10;
    assert!(
        wall <= most,
        "{used:?} of CPU took {wall:?}, more than {most:?}; {taken:?}"
    );
    Ok(())
}

/// The kernel admits no more than it can keep: nine tenths of a CPU go into each CPU once.
#[heap_tracked(labels(policy = "deadline"))]
#[test]
fn more_deadlines_than_cpus_are_refused() -> io::Result<()> {
    if real_time_limit()?.is_none_or(|(runtime, period)| runtime > period.mul_f64(0.96)) {
        heap_runtime::skip("sched_rt_runtime_us leaves all of the CPU to real-time threads");
        return Ok(());
    }
    let cpus = allowed_cpus()?.len();
    if cpus > 64 {
        heap_runtime::skip(format!("would start a thread for each of {cpus} CPUs"));
        return Ok(());
    }
    let _account = MachineLock::wait(DEADLINE_ACCOUNT)?;
    // The kernel returns bandwidth at the end of the period, so a short one leaves nothing behind for the next test.
    let period = Duration::from_millis(1);
    let greedy = Policy::Deadline {
        runtime: period * 9 / 10,
        period,
    };
    let answers = thread::scope(|scope| {
        // Dropped at the end of this closure, which ends the threads before the scope waits for them.
        let mut releases = Vec::new();
        (0..=cpus)
            .map(|_| {
                let (release, held) = mpsc::channel::<()>();
                let (tell, hear) = mpsc::channel();
                releases.push(release);
                scope.spawn(move || {
                    // Neither answer matters: both ends go away only when the test is over.
                    let _ = tell.send(greedy.apply(gettid()));
                    // Asleep, it holds its bandwidth and uses none.
                    let _ = held.recv();
                });
                hear.recv().map_err(io::Error::other)?
            })
            .collect::<io::Result<Vec<_>>>()
    })?;
    let admitted = answers.iter().filter(|answer| answer.is_ok()).count();
    metric("admitted", count(admitted));
    if admitted == 0 {
        // Not one: the permission is missing, or others hold the bandwidth. The reason says which.
        let refused: Result<Vec<()>, Refusal> = answers.into_iter().collect();
        or_skip!(refused);
        return Ok(());
    }
    assert!(
        admitted <= cpus,
        "{admitted} threads of nine tenths of a CPU were admitted to {cpus} CPUs: {answers:?}",
    );
    Ok(())
}

//! Who comes first.

use std::io;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric};
use heap_tests::sched::contest::{Contest, Outcome};
use heap_tests::sched::cpu::OwnedCpu;
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::kernel::{fair_tolerance, real_time_limit, round_robin_quantum};
use heap_tests::sched::policy::Policy;
use heap_tests::sched::promise::Promise;
use heap_tests::sched::taken::Taken;

/// CPU time of both contenders together. A real-time thread holds its CPU no longer than this.
const SPAN: Duration = Duration::from_millis(400);

/// The most that real-time throttling hands to the fair class in the span.
///
/// It is the part of each period that real-time threads may not use. A span lies in at most one period more than
/// fit into it, as it need not begin with one. The wall time counts, because the CPU's period goes on while a hypervisor
/// or a stronger thread has the CPU.
fn handed_down(outcome: &Outcome) -> io::Result<Duration> {
    let Some((runtime, period)) = real_time_limit()? else {
        return Ok(Duration::ZERO);
    };
    let kept = period.saturating_sub(runtime);
    Ok(kept.mul_f64(1.0 + outcome.wall.as_secs_f64() / period.as_secs_f64()))
}

/// A real-time thread runs as long as it likes, but for what throttling keeps for the others.
#[heap_tracked(labels(policy = "fifo"))]
#[test]
fn fifo_starves_other() -> io::Result<()> {
    let cpu = OwnedCpu::acquire()?;
    let outcome = or_skip!(Contest::new(&cpu, SPAN, &[Policy::NORMAL, Policy::Fifo(1)]).run()?);
    let most = handed_down(&outcome)? + fair_tolerance(outcome.taken) / 4 + outcome.taken.longest;
    metric("share_of_fifo", outcome.share(1));
    metric("other_us", micros(outcome.got[0]));
    assert!(
        outcome.got[0] <= most,
        "SCHED_OTHER got more than the {most:?} that throttling explains: {outcome:?}",
    );
    Ok(())
}

/// The higher of two priorities has the CPU alone: throttling holds both back.
#[heap_tracked(labels(policy = "fifo"))]
#[test]
fn fifo_obeys_priority() -> io::Result<()> {
    let cpu = OwnedCpu::acquire()?;
    let contest = Contest::new(&cpu, SPAN / 4, &[Policy::Fifo(1), Policy::Fifo(2)]);
    let outcome = or_skip!(contest.run()?);
    metric("low_us", micros(outcome.got[0]));
    // It is off the CPU from the base on. What it last published may be one round of its loop old.
    assert!(
        outcome.got[0] < Duration::from_millis(1),
        "priority 1 ran beside priority 2: {outcome:?}",
    );
    Ok(())
}

/// Peers of one priority do not share: who has the CPU keeps it until it yields, and then it passes each time.
#[heap_tracked(labels(policy = "fifo"))]
#[test]
fn fifo_passes_the_cpu_on_yield_only() -> io::Result<()> {
    let cpu = OwnedCpu::acquire()?;
    let contest = || Contest::new(&cpu, SPAN / 8, &[Policy::Fifo(1); 2]);
    let kept = or_skip!(contest().run()?);
    let passed = or_skip!(contest().every_round(std::thread::yield_now).run()?);
    let per_round = count(passed.handovers) / count(passed.rounds);
    metric("handovers_without_yield", count(kept.handovers));
    metric("handovers_per_yield", per_round);
    // One is possible at the end of a throttling period, which puts the queue in order anew.
    assert!(kept.handovers <= 1, "a FIFO peer was preempted: {kept:?}");
    // Each yield passes the CPU. A stronger thread of the kernel may interrupt, but does not change the order.
    assert!(
        per_round > 0.99,
        "only {per_round} of all yields passed the CPU: {passed:?}",
    );
    Ok(())
}

/// Round robin is FIFO with a quantum: peers are never further apart than one.
#[heap_tracked(labels(policy = "rr"))]
#[test]
fn round_robin_takes_turns() -> io::Result<()> {
    let quantum = round_robin_quantum()?;
    // Two turns each, so that the CPU has to come back.
    let span = quantum * 4;
    if span > Duration::from_secs(1) {
        heap_runtime::skip(format!("a quantum of {quantum:?} makes this too long"));
        return Ok(());
    }
    let cpu = OwnedCpu::acquire()?;
    let outcome = or_skip!(Contest::new(&cpu, span, &[Policy::RoundRobin(1); 2]).run()?);
    let apart = outcome.got[0].abs_diff(outcome.got[1]);
    metric("apart_us", micros(apart));
    metric("handovers", count(outcome.handovers));
    // A turn is counted in ticks. It ends at one, so it may be longer by that, for which the fair tolerance holds four and
    // more; and while the CPU is taken there are none.
    let most = quantum + fair_tolerance(Taken::default()) + outcome.taken.total;
    assert!(
        apart <= most,
        "{apart:?} apart, allowed are {most:?}: {outcome:?}"
    );
    Ok(())
}

/// An idle thread has weight 3 against 1024. It is not starved, but it gets next to nothing.
#[heap_tracked(labels(policy = "idle"))]
#[test]
fn idle_gets_only_the_rest() -> io::Result<()> {
    or_skip!(Promise::Nice.holds());
    let cpu = OwnedCpu::acquire()?;
    let outcome = or_skip!(Contest::new(&cpu, SPAN, &[Policy::Idle, Policy::NORMAL]).run()?);
    let most = SPAN * 3 / 1027 + fair_tolerance(outcome.taken);
    metric("share_of_idle", outcome.share(0));
    metric("idle_us", micros(outcome.got[0]));
    assert!(
        outcome.got[0] <= most,
        "SCHED_IDLE got more than {most:?}: {outcome:?}",
    );
    Ok(())
}

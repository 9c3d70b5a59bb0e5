//! Who gets how much of a CPU.

use std::io;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric};
use heap_tests::sched::cgroup::CpuGroup;
use heap_tests::sched::contest::{Contest, Outcome};
use heap_tests::sched::cpu::OwnedCpu;
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::kernel::{fair_tolerance, granule};
use heap_tests::sched::policy::Policy;
use heap_tests::sched::promise::Promise;
use heap_tests::sched::refusal::Allowed;

/// Long enough that the tolerance is a small part of each share, also with a tick of 10 ms.
const SPAN: Duration = Duration::from_millis(400);

/// A contest that was disturbed once by what nobody counts, such as an emulated CPU that stood still, is fought again. A
/// scheduler that does not heed weights loses each time.
const TRIES: u32 = 3;

/// Fights it until each contender gets what its weight owes it, or has not so often.
fn fair(contest: &Contest<'_>, weights: &[u32]) -> Allowed<Outcome> {
    for _ in 1..TRIES {
        let outcome = contest.run()?;
        if outcome
            .as_ref()
            .map_or(true, |outcome| unfair(outcome, weights).is_none())
        {
            return Ok(outcome);
        }
    }
    contest.run()
}

/// The contender that did not get what its weight owes it, within the scheduler's granularity, and how far it is off.
fn unfair(outcome: &Outcome, weights: &[u32]) -> Option<(usize, Duration)> {
    let all = weights.iter().sum();
    let debts = weights.iter().enumerate();
    debts
        .map(|(contender, &weight)| (contender, outcome.debt(contender, weight, all)))
        .find(|(_, debt)| *debt > fair_tolerance(outcome.taken))
}

/// Asserts that each contender got what its weight owes it.
fn assert_weights(outcome: &Outcome, weights: &[u32]) {
    if let Some((contender, debt)) = unfair(outcome, weights) {
        let (weight, all): (u32, u32) = (weights[contender], weights.iter().sum());
        let tolerance = fair_tolerance(outcome.taken);
        panic!(
            "in each of {TRIES} tries, somebody was off its share, in the last contender {contender} with \
             {weight}/{all} by {debt:?}, allowed are {tolerance:?}: {outcome:?}",
        );
    }
}

/// Equal weights, equal shares.
#[heap_tracked]
#[test]
fn two_spinners_share_one_cpu() -> io::Result<()> {
    or_skip!(Promise::Nice.holds());
    let cpu = OwnedCpu::acquire()?;
    let contest = Contest::new(&cpu, SPAN, &[Policy::NORMAL; 2]);
    let outcome = or_skip!(fair(&contest, &[1, 1])?);
    metric("share", outcome.share(0));
    metric("debt_us", micros(outcome.debt(0, 1, 2)));
    metric("handovers", count(outcome.handovers));
    assert_weights(&outcome, &[1, 1]);
    Ok(())
}

/// The same with more spinners than any small machine has CPUs.
#[heap_tracked]
#[test]
fn eight_spinners_share_one_cpu() -> io::Result<()> {
    or_skip!(Promise::Nice.holds());
    let cpu = OwnedCpu::acquire()?;
    let contest = Contest::new(&cpu, SPAN * 2, &[Policy::NORMAL; 8]);
    let outcome = or_skip!(fair(&contest, &[1; 8])?);
    let shares = || (0..8).map(|contender| outcome.share(contender));
    metric("smallest_share", shares().fold(1.0, f64::min));
    metric("largest_share", shares().fold(0.0, f64::max));
    assert_weights(&outcome, &[1; 8]);
    Ok(())
}

/// The kernel's weights are 1024 for nice 0 and 335 for nice 5 (`sched_prio_to_weight`).
#[heap_tracked]
#[test]
fn nice_5_gets_335_parts_to_1024() -> io::Result<()> {
    or_skip!(Promise::Nice.holds());
    let cpu = OwnedCpu::acquire()?;
    let contest = Contest::new(&cpu, SPAN, &[Policy::Nice(5), Policy::NORMAL]);
    let outcome = or_skip!(fair(&contest, &[335, 1024])?);
    metric("share_of_nice_5", outcome.share(0));
    metric("debt_us", micros(outcome.debt(0, 335, 335 + 1024)));
    assert_weights(&outcome, &[335, 1024]);
    Ok(())
}

/// Groups have weights as threads do: a group of weight 50 gets a third against one of weight 100.
#[heap_tracked]
#[test]
fn half_the_group_weight_gets_a_third() -> io::Result<()> {
    or_skip!(Promise::GroupWeight.holds());
    let cpu = OwnedCpu::acquire()?;
    let half = or_skip!(CpuGroup::create()?);
    or_skip!(half.weigh(50)?);
    let whole = or_skip!(half.sibling()?);
    or_skip!(whole.weigh(100)?);
    let contest = Contest::new(&cpu, SPAN, &[Policy::NORMAL; 2]).entering(&[&half, &whole]);
    let outcome = or_skip!(fair(&contest, &[1, 2])?);
    metric("share_of_the_half", outcome.share(0));
    metric("debt_us", micros(outcome.debt(0, 1, 3)));
    assert_weights(&outcome, &[1, 2]);
    Ok(())
}

/// A yield is an offer to the other: the CPU changes hands far more often than the slices alone would have it.
#[heap_tracked]
#[test]
fn yield_passes_the_cpu() -> io::Result<()> {
    or_skip!(Promise::Yield.holds());
    let cpu = OwnedCpu::acquire()?;
    let long = SPAN / 8;
    // A yield also offers the CPU to everybody else on it, for a slice each time: on a busy host a long span would take
    // many seconds. One granule passes until the one who is ahead at the start has something to yield to; the rest is
    // for thousands of yields.
    let short = granule() + Duration::from_millis(2);
    let without = or_skip!(Contest::new(&cpu, long, &[Policy::NORMAL; 2]).run()?);
    let with = or_skip!(
        Contest::new(&cpu, short, &[Policy::NORMAL; 2])
            .every_round(std::thread::yield_now)
            .run()?
    );
    let per_second = |outcome: &Outcome| count(outcome.handovers) / outcome.used().as_secs_f64();
    metric(
        "handovers_per_cpu_second_without_yield",
        per_second(&without),
    );
    metric("handovers_per_cpu_second_with_yield", per_second(&with));
    // Without yields there is about one handover per slice; with them it may be each round.
    assert!(
        per_second(&with) > 10.0 * per_second(&without),
        "yielding changed little: {without:?}, {with:?}",
    );
    Ok(())
}

//! Threads that all want to run, on all the CPUs that they may have: none starves, none gets much more than its equals, and
//! no CPU idles meanwhile.
//!
//! These hold for every scheduler, so they are asked of a BPF scheduler as well. What is judged is what the kernel counted
//! of the test's own threads: see [`crew`](heap_tests::sched::crew).

use std::io;
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric, skip};
use heap_tests::sched::cgroup::throttled_periods_of_this_process;
use heap_tests::sched::cpu::{AllCpus, isolated_cpus};
use heap_tests::sched::crew::{Crew, Outcome};
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::refusal::Refusal;

/// The longest that a scheduler may let one thread run while others wait: the default slice of `sched_ext`, 20 ms, and a tick
/// or two. The kernel's own fair class takes turns of a few milliseconds.
const TURN: Duration = Duration::from_millis(25);

/// So many that who waits for a turn of each waits far longer than a turn.
const MANY: usize = 16;

/// How much CPU time the others may use while one waits: two turns of each of them.
fn longest_wait_of(crew: &Crew) -> Duration {
    TURN * crew.size() * 2
}

/// Asserts that nobody waited longer than that, unless it may have been for others than the crew.
fn nobody_starves(crew: &Crew, outcome: &Outcome) -> Result<(), Refusal> {
    let most = longest_wait_of(crew);
    let longest = outcome.longest_wait();
    metric("longest_wait_us", micros(longest.time));
    metric("longest_wait_others_us", micros(longest.others));
    if longest.others <= most {
        return Ok(());
    }
    outcome.had_the_machine()?;
    panic!(
        "a thread was runnable for {:?} in which the others used {:?} of CPU, more than {most:?}: {outcome:?}",
        longest.time, longest.others,
    );
}

/// Every thread that wants to run gets its turn, however many others want to.
#[heap_tracked]
#[test]
fn no_runnable_thread_starves() -> io::Result<()> {
    let _cpus = AllCpus::acquire()?;
    let crew = Crew::new(MANY, TURN * 3)?;
    let outcome = or_skip!(crew.run()?);
    or_skip!(nobody_starves(&crew, &outcome));
    Ok(())
}

/// Threads that give the CPU away as soon as they have it get it back all the same, each of them.
#[heap_tracked]
#[test]
fn threads_that_only_yield_all_go_on() -> io::Result<()> {
    let _cpus = AllCpus::acquire()?;
    let crew = Crew::new(MANY, TURN * 3)?.every_round(thread::yield_now);
    let outcome = or_skip!(crew.run()?);
    let fewest = outcome.members.iter().map(|member| member.rounds).min();
    metric("fewest_rounds", count(fewest.unwrap_or_default()));
    or_skip!(nobody_starves(&crew, &outcome));
    Ok(())
}

/// Threads that sleep and wake go on as well, and so does the scheduler: one that loses a thread is thrown out by the
/// kernel's watchdog, which the crew sees.
#[heap_tracked]
#[test]
fn threads_that_come_and_go_are_all_served() -> io::Result<()> {
    let _cpus = AllCpus::acquire()?;
    let nap = || thread::sleep(Duration::from_micros(200));
    let crew = Crew::new(MANY, Duration::from_millis(4))?.every_round(nap);
    let outcome = or_skip!(crew.run()?);
    metric("wall_us", micros(outcome.wall));
    or_skip!(nobody_starves(&crew, &outcome));
    Ok(())
}

/// How far the one is from its equal share that is furthest from it, and how far it may be.
fn furthest_from_equal(crew: &Crew, outcome: &Outcome) -> (Duration, Duration) {
    let mean = outcome.got() / crew.size();
    let furthest = (outcome.members.iter())
        .map(|member| member.got.abs_diff(mean))
        .max()
        .unwrap_or_default();
    metric(
        "furthest_from_equal",
        furthest.as_secs_f64() / mean.as_secs_f64(),
    );
    metric("outside_us", micros(outcome.outside()));
    // Threads of one load cannot be moved in halves. Whoever had a CPU while it was taken is charged for it.
    (furthest, mean / 2 + outcome.taken.longest * 2)
}

/// Equal threads get equal time, over all CPUs together.
#[heap_tracked]
#[test]
fn equal_threads_get_equal_time() -> io::Result<()> {
    /// A balancer works in its own time: what it has not come to once, it may the next time. One that favours a thread
    /// does so each time.
    const TRIES: u32 = 3;
    let _cpus = AllCpus::acquire()?;
    let crew = Crew::new(4, Duration::from_millis(200))?.for_stretches(6);
    let mut outcome = or_skip!(crew.run()?);
    let (mut furthest, mut most) = furthest_from_equal(&crew, &outcome);
    for _ in 1..TRIES {
        if furthest <= most {
            break;
        }
        outcome = or_skip!(crew.run()?);
        (furthest, most) = furthest_from_equal(&crew, &outcome);
    }
    if furthest > most {
        or_skip!(outcome.had_the_machine());
    }
    assert!(
        furthest <= most,
        "in each of {TRIES} tries, one thread was far from its share, in the last {furthest:?}, allowed are {most:?}: \
         {outcome:?}",
    );
    Ok(())
}

/// No CPU idles while more threads want to run than there are CPUs.
#[heap_tracked]
#[test]
fn no_cpu_idles_while_threads_wait() -> io::Result<()> {
    let isolated = isolated_cpus();
    if !isolated.is_empty() {
        skip(format!(
            "the kernel balances nothing onto the CPUs {isolated:?}"
        ));
        return Ok(());
    }
    let _cpus = AllCpus::acquire()?;
    let before = throttled_periods_of_this_process()?;
    let outcome = or_skip!(Crew::new(4, Duration::from_millis(200))?.run()?);
    let throttled = throttled_periods_of_this_process()?.saturating_sub(before);
    if throttled > 0 {
        skip(format!(
            "the cgroup of this process was held back in {throttled} periods"
        ));
        return Ok(());
    }
    let busy: Duration = outcome.cpus.iter().map(|cpu| cpu.busy).sum();
    if busy < outcome.used() / 2 {
        skip(format!(
            "/proc/stat counts {busy:?} where {:?} were used",
            outcome.used()
        ));
        return Ok(());
    }
    let idlest = outcome.cpus.iter().map(|cpu| cpu.idle).max();
    let idlest = idlest.unwrap_or_default();
    metric("idle_us", micros(idlest));
    metric("wall_us", micros(outcome.wall));
    // The unit is 10 ms, at both ends. At the end of the time, the first members may have ended already.
    let most = outcome.wall / 5 + Duration::from_millis(20);
    assert!(
        idlest <= most,
        "a CPU was idle for {idlest:?} of {:?}, allowed are {most:?}, while threads waited: {outcome:?}",
        outcome.wall,
    );
    Ok(())
}

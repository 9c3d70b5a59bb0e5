//! Threads that come and go.

use std::collections::HashSet;
use std::hint::black_box;
use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric};
use heap_tests::sched::clock::{now, since, thread_cpu_time};
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::refusal::allowed;
use rustix::thread::gettid;

const THREADS: usize = 1000;

/// How many of them live at the same time.
const AT_ONCE: usize = 20;

/// How long a joined thread may still be listed, on a machine that gives the suite a twentieth of a CPU.
const LEAVING: Duration = Duration::from_secs(20);

/// Address space of one stack.
const STACK: usize = 2 << 20;

/// A thousand threads run, end, leave the process, and give back their stacks.
///
/// Other tests start threads and map memory in this process meanwhile, so this counts only what is surely its own: the
/// numbers of its threads, and the places of their stacks. What all its stacks together can still occupy is as many
/// stacks as there were different places.
#[heap_tracked]
#[test]
fn a_thousand_threads_end_and_leave_nothing() -> io::Result<()> {
    let began = now();
    let mut numbers = Vec::with_capacity(THREADS);
    let mut stacks = HashSet::new();
    for _ in 0..THREADS / AT_ONCE {
        let mut threads = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
            let started = thread::Builder::new().stack_size(STACK).spawn(|| {
                let on_the_stack = black_box(0_u8);
                let place = &raw const on_the_stack;
                (gettid(), place.addr() / STACK)
            });
            threads.push(or_skip!(allowed("starting a thread", started)?));
        }
        for thread in threads {
            let (number, stack) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            numbers.push(number);
            stacks.insert(stack);
        }
    }
    let took = since(began);
    assert_eq!(numbers.len(), THREADS, "each thread has run");
    let started: HashSet<_> = numbers
        .iter()
        .map(|number| number.as_raw_nonzero())
        .collect();
    metric("threads_per_second", count(THREADS) / took.as_secs_f64());
    metric("different_stacks", count(stacks.len()));
    metric("stack_places_bytes", count(stacks.len() * STACK));
    metric("different_numbers", count(started.len()));

    // Joined means that its memory may be reused. The kernel takes it off the list of threads a moment later.
    let joined = now();
    for number in started {
        let task = format!("/proc/self/task/{number}");
        while Path::new(&task).exists() {
            assert!(
                since(joined) < LEAVING,
                "thread {number} is still there {LEAVING:?} after it was joined",
            );
            thread::yield_now();
        }
    }
    // Were no stack ever given back, each thread would have one at a place of its own.
    assert!(
        stacks.len() <= THREADS / 4,
        "{} different stacks for {AT_ONCE} threads at a time",
        stacks.len(),
    );
    Ok(())
}

/// A thread's CPU time dies with it, but the process keeps the sum: nothing that ran is forgotten.
#[heap_tracked]
#[test]
fn the_process_keeps_the_time_of_its_dead() {
    const EACH: Duration = Duration::from_millis(2);
    let before = process_cpu_time();
    let mut used = Duration::ZERO;
    for _ in 0..10 {
        used += thread::spawn(|| {
            let mut time = Duration::ZERO;
            while time < EACH {
                time = thread_cpu_time();
            }
            time
        })
        .join()
        .unwrap_or_else(|panic| resume_unwind(panic));
    }
    let counted = process_cpu_time().saturating_sub(before);
    metric("counted_us", micros(counted));
    assert!(counted >= used, "{used:?} used, {counted:?} counted");
}

fn process_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

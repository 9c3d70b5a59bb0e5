//! Where a thread runs.

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use heap_runtime::{heap_tracked, metric, skip};
use heap_tests::sched::clock::thread_cpu_time;
use heap_tests::sched::cpu::{AllCpus, allowed_cpus, cpus_of, only, pin_this_thread};
use heap_tests::sched::figures::{count, micros};
use heap_tests::sched::herd::Herd;
use heap_tests::sched::machine::{others_were_busy, use_of};
use heap_tests::sched::promise::in_charge;
use rustix::io::Errno;
use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The CPUs to try: all of a small machine, some of a large one.
fn some_cpus() -> io::Result<Vec<usize>> {
    Ok(allowed_cpus()?.into_iter().take(8).collect())
}

/// A thread that asks all the time where it is, while two more on each CPU give the balancer a reason to move it.
#[heap_tracked]
#[test]
fn a_pinned_thread_is_never_seen_elsewhere() -> io::Result<()> {
    /// CPU time for each thread: several slices, so that the balancer sees it more than once.
    const EACH: Duration = Duration::from_millis(20);
    let cpus = some_cpus()?;
    let looks: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = cpus
            .iter()
            .flat_map(|&cpu| [cpu; 3])
            .map(|cpu| {
                scope.spawn(move || {
                    pin_this_thread(cpu)?;
                    // To be born and pinned may have taken longer than all that follows.
                    let base = thread_cpu_time();
                    let (mut looks, mut elsewhere) = (0_usize, 0_usize);
                    loop {
                        looks += 1;
                        elsewhere += usize::from(sched_getcpu() != cpu);
                        if thread_cpu_time().saturating_sub(base) >= EACH {
                            return Ok((looks, elsewhere));
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect::<io::Result<_>>()
    })?;
    metric("looks", count(looks.iter().map(|(looks, _)| looks).sum()));
    assert!(
        looks.iter().all(|&(_, elsewhere)| elsewhere == 0),
        "(looks, of them off the mask) of three threads on each of the CPUs {cpus:?}: {looks:?}",
    );
    Ok(())
}

/// Once `sched_setaffinity` has returned, a running thread is on its new CPU.
#[heap_tracked]
#[test]
fn a_running_thread_moves_with_its_mask() -> io::Result<()> {
    const MOVES: usize = 50;
    /// Stands for "being moved now": any CPU may be seen.
    const MOVING: usize = usize::MAX;
    let cpus = some_cpus()?;
    if cpus.len() < 2 {
        skip("needs two CPUs to move between, and this process may use one");
        return Ok(());
    }
    let settled = AtomicUsize::new(MOVING);
    let stop = AtomicBool::new(false);
    let runner_id = AtomicI32::new(0);
    let seen_after = AtomicUsize::new(0);
    thread::scope(|scope| {
        let runner = scope.spawn(|| {
            runner_id.store(gettid().as_raw_nonzero().get(), SeqCst);
            let mut checked = 0_usize;
            while !stop.load(SeqCst) {
                let before = settled.load(SeqCst);
                let seen = sched_getcpu();
                // Only if the mask was settled all the while does it say where the thread must be.
                if before != MOVING && settled.load(SeqCst) == before {
                    assert_eq!(
                        seen, before,
                        "seen off the mask, after {checked} looks on it"
                    );
                    seen_after.store(before, SeqCst);
                    checked += 1;
                }
            }
            checked
        });
        let moves = (|| {
            let thread = loop {
                if let Some(id) = Pid::from_raw(runner_id.load(SeqCst)) {
                    break id;
                }
                thread::yield_now();
            };
            for cpu in cpus.iter().copied().cycle().take(MOVES) {
                settled.store(MOVING, SeqCst);
                sched_setaffinity(Some(thread), &only(cpu))?;
                seen_after.store(MOVING, SeqCst);
                settled.store(cpu, SeqCst);
                // The runner's word that it has looked at its place there; a panic of it ends the wait as well.
                while seen_after.load(SeqCst) != cpu && !runner.is_finished() {
                    thread::yield_now();
                }
            }
            Ok(())
        })();
        stop.store(true, SeqCst);
        let checked = runner.join().unwrap_or_else(|panic| resume_unwind(panic));
        metric("looks", count(checked));
        moves
    })
}

/// Threads that run, wait and sleep are moved by the dozen. Each is soon on its new CPU, and on no other.
#[heap_tracked]
#[test]
fn affinity_is_obeyed_while_it_changes() -> io::Result<()> {
    const ROUNDS: usize = 12;
    let _cpus = AllCpus::acquire()?;
    let cpus = some_cpus()?;
    if cpus.len() < 2 {
        skip("needs two CPUs to move between, and this process may use one");
        return Ok(());
    }
    let charge = in_charge();
    let herd = Herd::new(&cpus);
    let before = use_of(&cpus)?;
    let worst = herd.drive(ROUNDS)?;
    let busy: Duration = use_of(&cpus)?
        .iter()
        .zip(&before)
        .map(|(end, begin)| end.since(*begin).busy)
        .sum();
    let (looks, elsewhere) = herd.looks();
    metric("looks", count(looks));
    metric("longest_move_us", micros(worst));
    assert_eq!(
        charge,
        in_charge(),
        "the scheduler in charge did not last; until all moved threads were seen, all of them used {worst:?} of CPU",
    );
    assert_eq!(elsewhere, 0, "looks off the mask, of {looks}");
    // Two turns for each of them, as long as a scheduler's may be, and for the one that drives them.
    let most = herd.turn() * 2;
    let outside = busy.saturating_sub(herd.used());
    let unknown = others_were_busy(outside, herd.used()) || herd.was_mostly_taken();
    if worst > most && unknown {
        skip(format!(
            "host too busy: others had {outside:?} of the CPUs, or who has the machine below"
        ));
        return Ok(());
    }
    assert!(
        worst <= most,
        "a moved thread was not seen on its new CPU while all of them used {worst:?} of CPU, allowed are {most:?}",
    );
    Ok(())
}

/// A new thread may run exactly where the one that started it may.
#[heap_tracked]
#[test]
fn a_new_thread_inherits_the_mask() -> io::Result<()> {
    for cpu in some_cpus()? {
        let child = thread::spawn(move || {
            pin_this_thread(cpu)?;
            let child = thread::spawn(|| Ok((sched_getaffinity(None)?, sched_getcpu())));
            child.join().unwrap_or_else(|panic| resume_unwind(panic))
        });
        let answer: io::Result<(CpuSet, usize)> =
            child.join().unwrap_or_else(|panic| resume_unwind(panic));
        let (mask, seen) = answer?;
        assert_eq!(cpus_of(&mask), [cpu], "the mask of a child of CPU {cpu}");
        assert_eq!(seen, cpu, "where a child of CPU {cpu} is");
    }
    Ok(())
}

/// A mask without a CPU that exists is refused, and leaves the old one as it was.
#[heap_tracked]
#[test]
fn a_mask_without_cpus_is_refused() -> io::Result<()> {
    let (before, refused, after) = thread::spawn(|| {
        let before = sched_getaffinity(None)?;
        let refused = sched_setaffinity(None, &CpuSet::new());
        io::Result::Ok((before, refused, sched_getaffinity(None)?))
    })
    .join()
    .unwrap_or_else(|panic| resume_unwind(panic))?;
    assert_eq!(refused, Err(Errno::INVAL));
    assert_eq!(cpus_of(&before), cpus_of(&after));
    Ok(())
}

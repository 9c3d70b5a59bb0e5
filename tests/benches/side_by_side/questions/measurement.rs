//! What one measurement costs.

use crate::Ask;
use crate::contender::{Rivals, figures};
use crate::finding::Finding;
use crate::rounds::{by_turns, number};

const COUNT: usize = 1_000_000;
const ROUNDS: usize = 15;

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let mut findings = vec![counters(rivals), scope(rivals)];
    findings.extend([1, 8, 64].map(|arenas| collect(rivals, arenas)));
    findings
}

fn counters(rivals: &mut Rivals) -> Finding {
    let times = by_turns(ROUNDS, &["tracked"], |contender| {
        each(rivals, contender, "counters")
    });
    Finding::new("both counters of a thread, read", "ns")
        .side("jemalloc's pointers", times[0])
        .at_most(times[0].median, 5.0)
}

fn scope(rivals: &mut Rivals) -> Finding {
    let sides = [
        "allocation_counter",
        "tracked",
        "densa_alloc",
        "stats_alloc",
        "alloc_tracker",
        "peak_alloc",
        "dhat",
    ];
    let times = by_turns(ROUNDS, &sides, |contender| {
        each(rivals, contender, "nothing")
    });
    let locks = by_turns(ROUNDS, &["tracked"], |contender| {
        each(rivals, contender, "locks")
    });
    let ours = times[1].median;
    Finding::new("a scope entered and left", "ns")
        .sides(sides.into_iter().zip(times))
        .side("a lock taken and given back twice", locks[0])
        .at_most(ours, 200.0)
        .note(
            "tracked: a thread joins and leaves a test's own tier, each under a lock, as others read what it has \
             allocated meanwhile",
        )
}

fn each(rivals: &mut Rivals, contender: &str, work: &str) -> f64 {
    figures(&mut rivals.program(contender, work, COUNT))["ns"] / number(COUNT as u64)
}

/// By turns inside one process, which has so many arenas.
fn collect(rivals: &mut Rivals, arenas: usize) -> Finding {
    let sides = ["epoch", "collect", "naive", "flush"];
    let mut readings = sides.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        let figures = figures(&mut rivals.program("tracked", "collect", arenas));
        for (readings, side) in readings.iter_mut().zip(sides) {
            readings.push(figures[side]);
        }
    }
    let times = readings.map(crate::rounds::Spread::of);
    let [epoch, collect, _, flush] = times.map(|spread| spread.median);
    Finding::new(format!("a snapshot, {arenas} arenas"), "ns")
        .sides(sides.into_iter().zip(times))
        .at_most(collect / epoch, 1.05)
        .note(format!(
            "without the flush of the thread's cache, which makes it right: {:.4}",
            (collect - flush) / epoch
        ))
}

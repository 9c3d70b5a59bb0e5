//! What tracking costs where memory is allocated.

use crate::Ask;
use crate::callgrind;
use crate::contender::{ALLOCATORS, Rivals, figures};
use crate::finding::Finding;
use crate::rounds::{Spread, by_turns, number};

/// Each load, how many allocations it makes, and how many pairs of readings decide on it.
const LOADS: [(&str, usize, usize); 4] = [
    ("churn", 1_000_000, 41),
    ("growth", 3_000_000, 41),
    ("threads", 1_000_000, 41),
    ("handover", 400_000, 41),
];
/// dhat takes a thousand times as long.
const SLOW: [(&str, usize); 1] = [("dhat", 100)];
/// For callgrind: a fiftieth of the time's.
const FEWER: usize = 10;

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (load, count, rounds) in LOADS {
        findings.push(ours(rivals, load, count, rounds));
        findings.push(theirs(rivals, load, count));
        // With several threads, who waits for whom changes what is executed.
        if callgrind::is_here() && ["churn", "growth"].contains(&load) {
            findings.extend(instructions(rivals, load, count / FEWER));
        } else if !callgrind::is_here() {
            findings.push(Finding::skipped(load, "instructions need valgrind"));
        }
    }
    findings
}

/// The same program with tracking and without, by pairs: the limit is within what two programs differ by
/// only because their code lies elsewhere.
fn ours(rivals: &mut Rivals, load: &str, count: usize, rounds: usize) -> Finding {
    let mut ratios = Vec::with_capacity(rounds);
    let mut both = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let mut times = [0.0; 2];
        for turn in 0..2 {
            let side = (turn + round) % 2;
            times[side] = time(rivals, "tracked", ["0", "1"][side], load, count);
            both[side].push(times[side]);
        }
        ratios.push(times[1] / times[0]);
    }
    let ratio = Spread::of(ratios);
    let [bare, tracked] = both.map(Spread::of);
    Finding::new(format!("{load}: CPU time"), "ns each")
        .sides([("HEAP_TRACK=0", bare), ("heap_tracked", tracked)])
        .at_most(tracked.median / bare.median, 1.01)
        .note(format!(
            "the ratios of {rounds} pairs: median {:.4}, {:.3}..{:.3}; of the two least times {:.4}",
            ratio.median,
            ratio.min,
            ratio.max,
            tracked.min / bare.min
        ))
}

fn theirs(rivals: &mut Rivals, load: &str, count: usize) -> Finding {
    let times = by_turns(7, &ALLOCATORS, |contender| {
        time(rivals, contender, "1", load, count)
    });
    Finding::new(format!("{load}: CPU time, all"), "ns each")
        .sides(ALLOCATORS.into_iter().zip(times))
        .note("allocation_counter, peak_alloc and dhat are around glibc's allocator: set them against `system`")
}

fn time(rivals: &mut Rivals, contender: &str, track: &str, load: &str, count: usize) -> f64 {
    let slower = SLOW
        .iter()
        .find(|(name, _)| *name == contender)
        .map_or(1, |(_, by)| *by);
    let count = count / slower;
    let figures = figures(
        rivals
            .program(contender, load, count)
            .env("HEAP_TRACK", track),
    );
    figures["ns"] / number(count as u64)
}

fn instructions(rivals: &mut Rivals, load: &str, count: usize) -> Vec<Finding> {
    let sides = [
        "bare",
        "tracked",
        "densa_alloc",
        "stats_alloc",
        "alloc_tracker",
    ];
    let folder = heap_tests::scratch::folder();
    let counts = sides.map(|contender| {
        let mut command = rivals.program(contender, load, count);
        command.env("HEAP_SIDECAR_DIR", folder.path());
        callgrind::count(&command)
    });
    let finding = |at: usize, what: &str, limit: Option<f64>| {
        let of = counts.map(|count| number(count[at]));
        let finding = Finding::new(format!("{load}: instructions, {what}"), "instructions")
            .sides(sides.into_iter().zip(of.map(Spread::exactly)));
        match limit {
            Some(limit) => finding.at_most(of[1] / of[0], limit),
            None => finding,
        }
    };
    vec![
        finding(1, "outside call-backs", Some(1.001)),
        finding(0, "all", None),
    ]
}

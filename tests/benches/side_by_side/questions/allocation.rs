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
/// only because their code lies elsewhere. And with a call-back that does nothing, which is what jemalloc
/// itself takes of it.
fn ours(rivals: &mut Rivals, load: &str, count: usize, rounds: usize) -> Finding {
    let mut ratios = [Vec::with_capacity(rounds), Vec::with_capacity(rounds)];
    let mut sides = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..rounds {
        let mut times = [0.0; 3];
        for turn in 0..3 {
            let side = (turn + round) % 3;
            let track = ["0", "call-back", "1"][side];
            times[side] = time(rivals, "tracked", track, load, count);
            sides[side].push(times[side]);
        }
        ratios[0].push(times[1] / times[0]);
        ratios[1].push(times[2] / times[0]);
    }
    let [empty, tracked] = ratios.map(Spread::of);
    let names = ["HEAP_TRACK=0", "an empty call-back", "heap_tracked"];
    Finding::new(format!("{load}: CPU time"), "ns each")
        .sides(names.into_iter().zip(sides.map(Spread::of)))
        .at_most(tracked.median, 1.01)
        .note(format!(
            "decided by the median of the ratios of {rounds} pairs, {:.3}..{:.3}; that of a call-back that returns at \
             once, each 64 KiB too: {:.4}",
            tracked.min, tracked.max, empty.median
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
    let mut command = rivals.program(contender, load, count);
    if track == "call-back" {
        command.env("HEAP_TRACK", "0").env("EMPTY_CALL_BACK", "1");
    } else {
        command.env("HEAP_TRACK", track);
    }
    figures(&mut command)["ns"] / number(count as u64)
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

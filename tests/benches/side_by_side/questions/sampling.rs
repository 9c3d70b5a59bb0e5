//! What each distance between two samples costs a loop that does nothing but allocate and free: what
//! the default of `HEAP_SAMPLE_BYTES` was chosen by.

use crate::Ask;
use crate::contender::{Rivals, figures};
use crate::finding::Finding;
use crate::rounds::{by_turns, number};

const KIB: [usize; 6] = [4, 8, 16, 32, 64, 128];
const COUNT: usize = 1_000_000;

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let sides: Vec<Option<usize>> = [None].into_iter().chain(KIB.map(Some)).collect();
    let times = by_turns(15, &sides, |kib| {
        let mut command = rivals.program("tracked", "churn", COUNT);
        // There is no way to take a call-back out again, so each is a process of its own.
        match kib {
            Some(kib) => command.env("HEAP_SAMPLE_BYTES", format!("{kib} KiB")),
            None => command.env("HEAP_TRACK", "0"),
        };
        figures(&mut command)["ns"] / number(COUNT as u64)
    });
    let names = sides.iter().map(|kib| match kib {
        Some(kib) => format!("each {kib} KiB"),
        None => "without".into(),
    });
    let finding = Finding::new("64 bytes, sampled", "ns each");
    vec![
        names
            .zip(times)
            .fold(finding, |finding, (name, time)| finding.side(name, time)),
    ]
}

//! What a value of `samples` costs, on one thread and on four at once, beside a reading of the clock that such a value
//! comes of, and a list behind a lock, which is what a test does by hand.

use crate::Ask;
use crate::contender::{Rivals, figures};
use crate::finding::Finding;
use crate::rounds::{by_turns, number};

const SIDES: [&str; 3] = ["samples", "clock", "locked"];
const COUNT: usize = 1_000_000;

pub(crate) fn ask(_ask: &Ask, rivals: &mut Rivals) -> Vec<Finding> {
    let mut on_threads = |threads: &str| {
        let times = by_turns(9, &SIDES, |side| {
            let mut command = rivals.program("tracked", side, COUNT);
            figures(command.arg(threads))["ns"] / number(COUNT as u64)
        });
        Finding::new(format!("a value sampled, {threads} thread(s)"), "ns each")
            .sides(SIDES.into_iter().zip(times))
    };
    vec![on_threads("1"), on_threads("4")]
}

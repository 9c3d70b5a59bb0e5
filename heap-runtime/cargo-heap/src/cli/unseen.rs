//! Memory that became resident in a test and is not the allocator's, for people.

use super::quantity::bytes;
use super::run_table::name;
use crate::report::Row;
use heap_sidecar::Sidecar;

/// It in one line. Other tests that ran meanwhile may have brought it.
pub(super) fn words(sidecar: &Sidecar) -> Option<String> {
    let words = sidecar.unseen()?.words(sidecar.heap.c_allocator);
    Some(match sidecar.heap.overlap {
        Some(others @ 1..) => format!("{words}; {others} other tracked test(s) ran beside it"),
        _ => words,
    })
}

/// The tests that had the most of it, in one line: no number of theirs has it, and no budget either.
pub(super) fn doubt(rows: &[Row], several: bool) -> Option<String> {
    const NAMED: usize = 3;
    let mut unseen: Vec<(u64, &Row)> = rows
        .iter()
        .filter_map(|row| Some((row.unseen_bytes?, row)))
        .collect();
    unseen.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let count = unseen.len();
    if count == 0 {
        return None;
    }
    let named = unseen.iter().take(NAMED).map(|(unseen, row)| {
        let beside = match row.overlap {
            Some(1..) => " (others ran beside it)",
            _ => "",
        };
        format!("{} {}{beside}", name(row, several), bytes(*unseen))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if count > NAMED { ", ..." } else { "" };
    Some(format!(
        "{count} test(s) with memory that is not the allocator's, and in no number of theirs (`cargo heap show`): {named}{more}"
    ))
}

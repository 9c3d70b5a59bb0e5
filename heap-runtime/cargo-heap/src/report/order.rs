//! Orders of rows.

use std::cmp::{Ordering, Reverse};
use std::ops::Range;

use super::attempts::Attempts;
use super::row::Row;

/// What rows are sorted by. Numbers come the largest first, and what was not measured last.
///
/// ```
/// use cargo_heap::report::{Order, Run};
///
/// let mut run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// Order::Peak.sort(&mut run.rows);
/// let peaks: Vec<_> = run.rows.iter().map(|row| row.own_peak_bytes).collect();
/// assert!(peaks.is_sorted_by(|one, next| one >= next), "{peaks:?}");
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
#[non_exhaustive]
pub enum Order {
    /// Killed, failed, running, skipped, passed; then by name.
    #[default]
    Outcome,
    /// Package, binary, test.
    Name,
    /// When they started.
    Start,
    /// How long they ran.
    Time,
    /// Own peak; of a test that was killed, what it is at least.
    Peak,
    /// Own retained bytes.
    Retained,
    /// Own allocated bytes.
    Allocated,
    /// Process difference.
    Process,
}

impl Order {
    /// Sorts rows.
    pub fn sort(self, rows: &mut [Row]) {
        // A row is more than a kilobyte: each is moved once, not as often as it is compared.
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| self.compare_all(&rows[*a], &rows[*b]));
        put_in(order, rows);
    }

    /// Sorts rows by what their tests stand as: that execution first, and behind it the others of the
    /// test. Gives where each test begins and ends.
    pub(crate) fn sort_tests(
        self,
        rows: &mut [Row],
        is_first: impl Fn(&Row) -> bool,
    ) -> Vec<Range<usize>> {
        let mut tests = Attempts::of(rows);
        tests.sort_by(|a, b| {
            let (a, b) = (&rows[a.decides], &rows[b.decides]);
            (is_first(b).cmp(&is_first(a))).then_with(|| self.compare_all(a, b))
        });
        let mut order = Vec::with_capacity(rows.len());
        let mut places = Vec::with_capacity(tests.len());
        for test in tests {
            let start = order.len();
            order.push(test.decides);
            order.extend(test.others);
            places.push(start..order.len());
        }
        put_in(order, rows);
        places
    }

    fn compare_all(self, a: &Row, b: &Row) -> Ordering {
        self.compare(a, b).then_with(|| by_name(a, b))
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self {
            Self::Outcome => a.state.cmp(&b.state),
            Self::Name => Ordering::Equal,
            Self::Start => a.started_at.cmp(&b.started_at),
            Self::Time => Reverse(a.duration_ns).cmp(&Reverse(b.duration_ns)),
            Self::Peak => Reverse(a.peak_or_least()).cmp(&Reverse(b.peak_or_least())),
            Self::Retained => Reverse(a.own_retained_bytes).cmp(&Reverse(b.own_retained_bytes)),
            Self::Allocated => Reverse(a.own_allocated_bytes).cmp(&Reverse(b.own_allocated_bytes)),
            Self::Process => Reverse(a.process_allocated_delta_bytes)
                .cmp(&Reverse(b.process_allocated_delta_bytes)),
        }
    }
}

/// Moves the rows to where `order` has them: at each place, the row that was at the one it names.
fn put_in(mut order: Vec<usize>, rows: &mut [Row]) {
    for place in 0..rows.len() {
        // Where what belongs here was has been filled since, it has gone on to where that came from.
        let mut from = order[place];
        while from < place {
            from = order[from];
        }
        order[place] = from;
        rows.swap(place, from);
    }
}

fn by_name(a: &Row, b: &Row) -> Ordering {
    let place = |row| -> (_, _, _, _) { (Row::key(row), row.turn(), &row.shard, &row.run_id) };
    place(a).cmp(&place(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::calm;

    #[test]
    fn every_row_comes_to_its_place() {
        for length in 0..50_u64 {
            // Each number below `length` once, and mixed.
            let mut rows: Vec<Row> = (0..length)
                .map(|at| {
                    let peak = (at * 17 + 5) % length.max(1);
                    let mut row = calm(&format!("t{:02}", at * 23 % 50));
                    row.own_peak_bytes = (peak > 3).then_some(peak);
                    row
                })
                .collect();
            for order in [Order::Name, Order::Peak] {
                let mut expected = rows.clone();
                expected.sort_by(|a, b| order.compare(a, b).then_with(|| a.test.cmp(&b.test)));
                order.sort(&mut rows);
                assert_eq!(rows, expected, "{order:?} of {length}");
            }
        }
    }
}

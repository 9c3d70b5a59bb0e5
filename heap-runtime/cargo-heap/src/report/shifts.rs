//! What has shifted between two runs, beside what a comparison of their baselines tells.

use std::collections::BTreeMap;

use super::change::{Change, Kind};
use super::compare::Comparison;
use super::spread::{Difference, Spreads};

impl Comparison {
    /// The same with what differs from run to run by itself, times and metrics, and with what the runs were made
    /// with: of two runs, of which a baseline has none of it.
    #[must_use]
    pub fn with(mut self, base: &Spreads, new: &Spreads) -> Self {
        self.differences = Difference::all_of(base, new);
        let mut places: BTreeMap<[String; 3], usize> = BTreeMap::new();
        for (place, change) in self.changes.iter().enumerate() {
            let key = [&change.package, &change.binary, &change.test].map(String::clone);
            places.insert(key, place);
        }
        for ((package, binary, test), state, shifted) in base.shifts(new) {
            let key = [package, binary, test].map(str::to_owned);
            let place = *places.entry(key.clone()).or_insert_with(|| {
                let [package, binary, test] = key;
                self.unchanged = self.unchanged.saturating_sub(1);
                self.changes.push(Change {
                    package,
                    binary,
                    test,
                    kind: Kind::Changed,
                    base_state: Some(state),
                    new_state: Some(state),
                    moved: Vec::new(),
                    shifted: Vec::new(),
                });
                self.changes.len() - 1
            });
            let change = &mut self.changes[place];
            // Of several executions, some may have ended otherwise.
            if change.base_state == change.new_state {
                change.shift(shifted);
            }
        }
        self.changes.sort_by(|a, b| {
            let place = |change: &Change| change.kind != Kind::Regression;
            place(a).cmp(&place(b)).then_with(|| a.key().cmp(&b.key()))
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{calm, killed};
    use crate::report::{Baseline, Run, State, Tolerance};

    /// A run whose test took so many milliseconds, once each, and measured as many.
    fn run(times: &[u32]) -> Run {
        let mut run = Run::default();
        for (iteration, ms) in (0..).zip(times) {
            let mut row = calm("t");
            row.state = State::Passed;
            row.iteration = iteration;
            row.duration_ns = Some(u64::from(*ms) * 1_000_000);
            row.metrics = Some(BTreeMap::from([("wakeup_p99_us".into(), f64::from(*ms))]));
            run.rows.push(row);
        }
        run
    }

    fn compared(base: &Run, new: &Run) -> Comparison {
        let [before, after] = [base, new].map(|run| Baseline::of(&run.rows));
        let comparison = Comparison::of(&before, &after, Tolerance::default());
        let comparison = comparison.expect("they are of one allocator");
        comparison.with(&Spreads::of(base), &Spreads::of(new))
    }

    #[test]
    fn what_is_slower_beyond_its_own_spread_is_a_regression() {
        let base = run(&[13, 12, 14, 13, 40, 13]);
        let slower = compared(&base, &run(&[70, 68, 75, 71, 69, 70]));
        assert_eq!(slower.changes[0].kind, Kind::Regression);
        let shifts = &slower.changes[0].shifted;
        assert_eq!((shifts.len(), shifts[0].base.readings), (2, 6));
        assert!(shifts[0].certain && slower.has_regression());
        assert_eq!(slower.unchanged, 0);
        let faster = compared(&run(&[70, 68, 75, 71, 69, 70]), &base);
        assert_eq!(faster.changes[0].kind, Kind::Improvement);
        // As far apart as they spread by themselves.
        let noisy = compared(
            &run(&[20, 60, 30, 50, 40, 25]),
            &run(&[35, 65, 30, 55, 45, 28]),
        );
        assert_eq!((noisy.changes.len(), noisy.unchanged), (0, 1));
    }

    #[test]
    fn what_ran_beside_an_exact_test_is_not_slower() {
        let base = run(&[13, 12, 14, 13, 40, 13]);
        let mut new = run(&[70, 68, 75, 71, 69, 70]);
        for row in &mut new.rows {
            row.beside_exact = true;
            row.metrics = None;
        }
        let beside = compared(&base, &new);
        assert!(!beside.has_regression(), "{:?}", beside.changes);
        let shifted = beside.changes.iter().flat_map(|change| &change.shifted);
        assert_eq!(shifted.count(), 0);
    }

    #[test]
    fn few_readings_are_told_and_decide_nothing() {
        let one = compared(&run(&[13]), &run(&[70]));
        let change = &one.changes[0];
        assert_eq!((change.kind, change.shifted.len()), (Kind::Changed, 2));
        assert!(change.shifted.iter().all(|shift| !shift.certain));
        assert!(!one.has_regression());
        // Of a metric, less is named than of a time.
        let metric = compared(&run(&[41]), &run(&[60]));
        let shifts = metric.changes[0].shifted.iter();
        let metrics: Vec<Option<&str>> = shifts.map(|shift| shift.metric.as_deref()).collect();
        assert_eq!(metrics, [Some("wakeup_p99_us")]);
        assert_eq!(compared(&run(&[13]), &run(&[14])).changes, []);
    }

    #[test]
    fn what_runs_were_made_with_is_named_also_where_a_test_was_killed() {
        let with = |ops: &str, limit| {
            let mut row = killed("t");
            row.sched_ext_before = Some(ops.into());
            row.cgroup_max_bytes = limit;
            let mut run = Run::default();
            run.rows.push(row);
            run
        };
        let differ = compared(&with("none", Some(64 << 20)), &with("simple_fifo", None));
        let told: Vec<String> = differ.differences.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["scheduler was the kernel's own, and is simple_fifo"]);
        let same = compared(&with("none", None), &with("none", None));
        assert_eq!(same.differences, []);
    }
}

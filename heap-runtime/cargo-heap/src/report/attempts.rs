//! The executions of one test, taken together: nextest's attempts and stress rounds, and iterations.
//!
//! What a run came to is counted in tests, as the harness counts. A test stands as the execution that
//! decides: one of its last attempt, where it has failed for good.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::row::{Row, TestKey};
use super::state::State;

/// A test of one run. The source file tells a library from a program of the same name.
type TestOfRun<'a> = (&'a str, TestKey<'a>, &'a str);

/// The executions of a test, by their places among rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// The one that the test stands as.
    pub(crate) decides: usize,
    /// The others, by attempt, round and iteration.
    pub(crate) others: Vec<usize>,
    /// The executions that failed or were killed, and that a later attempt has made good.
    pub(crate) made_good: usize,
}

impl Attempts {
    /// The tests that these are executions of, in the order of the first of each.
    pub(crate) fn of<R: Borrow<Row>>(rows: &[R]) -> Vec<Self> {
        let again = executed_again(rows);
        let mut tests = Vec::with_capacity(rows.len());
        let mut repeated: HashMap<TestOfRun<'_>, (usize, Vec<usize>)> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            let test = test(row.borrow());
            if again.contains(&test) {
                let place = tests.len();
                let (_, executions) = repeated.entry(test).or_insert((place, Vec::new()));
                executions.push(index);
                if executions.len() > 1 {
                    continue;
                }
            }
            tests.push(Self {
                decides: index,
                others: Vec::new(),
                made_good: 0,
            });
        }
        for (place, executions) in repeated.into_values() {
            tests[place] = together(rows, executions);
        }
        tests
    }
}

fn test(row: &Row) -> TestOfRun<'_> {
    (&row.run_id, row.key(), &row.source_file)
}

/// The tests that have been executed more than once. In most runs that is none: then nothing has to be
/// kept of a million of them.
fn executed_again<R: Borrow<Row>>(rows: &[R]) -> HashSet<TestOfRun<'_>> {
    rows.iter()
        .map(Borrow::borrow)
        .filter(|row| row.turn() != (1, None, 0) || row.shard.is_some())
        .map(test)
        .collect()
}

/// Whether one of these executions of a test in one round failed, and no later attempt has made it good.
pub(super) fn is_bad_for_good<'a>(executions: impl Iterator<Item = &'a Row>) -> bool {
    let mut round = Round::default();
    executions.for_each(|row| round.add(row));
    round.is_bad()
}

/// Of the executions of one test.
fn together<R: Borrow<Row>>(rows: &[R], mut executions: Vec<usize>) -> Attempts {
    let row = |index: usize| rows[index].borrow();
    executions.sort_by_key(|index| (row(*index).turn(), &row(*index).shard));
    let mut rounds: BTreeMap<_, Round> = BTreeMap::new();
    for index in &executions {
        let row = row(*index);
        rounds.entry(round(row)).or_default().add(row);
    }
    let made_good = rounds.values().map(Round::made_good).sum();
    let for_good =
        |row: &Row| row.state.is_bad() && rounds.get(&round(row)).is_some_and(Round::is_bad);
    // Of those that failed, what the last attempt came to; else what needs the most attention.
    let failed = executions.iter().copied().filter(|i| for_good(row(*i)));
    let failed = failed.min_by_key(|i| (u32::MAX - row(*i).attempt, row(*i).state));
    let others = executions
        .iter()
        .copied()
        .filter(|i| !row(*i).state.is_bad());
    let others = others.min_by_key(|i| (row(*i).state, u32::MAX - row(*i).attempt));
    let decides = failed.or(others).unwrap_or(executions[0]);
    executions.retain(|index| *index != decides);
    Attempts {
        decides,
        others: executions,
        made_good,
    }
}

/// What an attempt is repeated in: what was good in another round or shard makes nothing good.
fn round(row: &Row) -> (Option<u32>, Option<&str>) {
    (row.stress_index, row.shard.as_deref())
}

/// One round of a stress run, or all that there is.
#[derive(Default)]
struct Round {
    attempts: BTreeMap<u32, Ended>,
}

/// How the executions of one attempt ended.
#[derive(Default)]
struct Ended {
    bad: usize,
    well: usize,
}

impl Round {
    fn add(&mut self, row: &Row) {
        let attempt = self.attempts.entry(row.attempt).or_default();
        match row.state {
            State::Killed | State::Failed => attempt.bad += 1,
            State::Passed | State::Skipped => attempt.well += 1,
            // It makes nothing good yet, and nothing worse.
            State::Running => {}
        }
    }

    /// How many bad executions a later attempt has made good: each that ends well, itself or in attempts
    /// after it, one of the attempt before. An attempt may have several, such as those of a helper that
    /// is called by several tests; which of them is repeated in the next is not known, as their
    /// iterations are counted anew.
    fn made_good(&self) -> usize {
        let (mut all, mut ends_well) = (0, 0);
        for attempt in self.attempts.values().rev() {
            let made_good = attempt.bad.min(ends_well);
            all += made_good;
            ends_well = attempt.well + made_good;
        }
        all
    }

    fn is_bad(&self) -> bool {
        let bad: usize = self.attempts.values().map(|attempt| attempt.bad).sum();
        bad > self.made_good()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::calm;

    fn row(attempt: u32, stress_index: Option<u32>, iteration: u32, state: State) -> Row {
        Row {
            attempt,
            iteration,
            state,
            stress_index,
            ..calm("t")
        }
    }

    fn decides(rows: &[Row]) -> (usize, State, usize) {
        let tests = Attempts::of(rows);
        assert_eq!(tests.len(), 1, "{tests:?}");
        assert_eq!(1 + tests[0].others.len(), rows.len());
        let decides = tests[0].decides;
        (decides, rows[decides].state, tests[0].made_good)
    }

    #[test]
    fn the_last_attempt_decides() {
        let first = row(1, None, 0, State::Killed);
        let second = row(2, None, 0, State::Failed);
        let third = row(3, None, 0, State::Passed);
        let two = [second.clone(), first.clone()];
        assert_eq!(decides(&two), (0, State::Failed, 0));
        assert_eq!(decides(&[first, third, second]), (1, State::Passed, 2));
        let skipped = [
            row(1, None, 0, State::Failed),
            row(2, None, 0, State::Skipped),
        ];
        assert_eq!(decides(&skipped), (1, State::Skipped, 1));
    }

    #[test]
    fn a_round_that_failed_is_not_made_good_by_another() {
        let rows = [
            row(1, Some(0), 0, State::Passed),
            row(1, Some(1), 0, State::Failed),
            row(2, Some(1), 0, State::Passed),
            row(1, Some(2), 0, State::Failed),
            row(3, Some(0), 0, State::Passed),
        ];
        assert_eq!(decides(&rows), (3, State::Failed, 1));
    }

    #[test]
    fn the_same_test_of_two_shards_is_one_and_either_may_fail() {
        let mut rows = [
            row(1, None, 0, State::Failed),
            row(2, None, 0, State::Passed),
        ];
        rows[0].shard = Some("1/2".into());
        rows[1].shard = Some("2/2".into());
        assert_eq!(decides(&rows), (0, State::Failed, 0));
    }

    #[test]
    fn of_iterations_that_end_well_the_one_that_needs_attention_decides() {
        let rows = [
            row(1, None, 0, State::Passed),
            row(1, None, 1, State::Skipped),
            row(1, None, 2, State::Passed),
        ];
        assert_eq!(decides(&rows), (1, State::Skipped, 0));
        let running = [
            row(1, None, 0, State::Passed),
            row(1, None, 1, State::Running),
        ];
        assert_eq!(decides(&running), (1, State::Running, 0));
    }

    #[test]
    fn tests_of_other_runs_binaries_and_files_are_others() {
        let mut rows = vec![calm("t"); 5];
        rows[1].run_id = "another".into();
        rows[2].binary = "another".into();
        // `src/lib.rs` and `src/main.rs` of one name.
        rows[3].source_file = "another".into();
        rows[3].iteration = 1;
        rows[4].attempt = 2;
        let tests = Attempts::of(&rows);
        let executions = tests.iter().map(|test| 1 + test.others.len());
        let executions: Vec<usize> = executions.collect();
        assert_eq!(executions, [2, 1, 1, 1]);
        assert_eq!((tests[0].decides, &*tests[0].others), (4, &[0][..]));
    }
}

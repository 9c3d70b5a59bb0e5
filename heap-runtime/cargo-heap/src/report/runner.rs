//! What the runner has said of tests. Its word counts: it may fail a test for a process that it left
//! behind, or let one pass that it has stopped. Where a sidecar says otherwise, both are known.

use std::collections::HashMap;

use heap_sidecar::Outcome;
use serde::{Deserialize, Serialize};

use super::attempts::is_bad_for_good;
use super::end::End;
use super::row::{Row, TestKey};
use super::state::State;

/// What the runner said of a test, in one round of it.
///
/// ```
/// use cargo_heap::report::{Run, RunnerVerdict, State};
///
/// let mut run = Run::read(&["docs/runs/tuesday"], |_, _| ())?;
/// let mut verdict = RunnerVerdict::of(&run.rows[0]);
/// assert_eq!((verdict.test.as_str(), run.rows[0].state), ("it_never_ends", State::Killed));
/// // A runner may stop it, and let it pass all the same.
/// verdict.outcome = heap_sidecar::Outcome::Passed;
/// let otherwise = run.hear(vec![verdict]);
/// assert_eq!(otherwise.len(), 1);
/// let passed = run.rows.iter().find(|row| row.test == "it_never_ends").expect("it is there");
/// assert_eq!((passed.state, passed.sidecar_state), (State::Passed, Some(State::Killed)));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct RunnerVerdict {
    /// The run, as the runner calls it.
    pub run_id: String,
    /// The package.
    pub package: String,
    /// The test binary.
    pub binary: String,
    /// The test.
    pub test: String,
    /// The source file, which tells a library from a program of the same name.
    pub source_file: String,
    /// The round of a stress run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress_index: Option<u32>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the processes of its attempts ended, of those of which it said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<Ended>,
}

/// How the process of an attempt ended.
///
/// ```
/// use cargo_heap::report::{End, Ended};
///
/// let ended: Ended = serde_json::from_str(r#"{ "attempt": 2, "end": { "signal": 11 } }"#)?;
/// assert_eq!((ended.attempt, ended.end), (2, End::Signal(11)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Ended {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How.
    pub end: End,
}

impl Ended {
    pub(crate) fn new(attempt: u32, end: End) -> Self {
        Self { attempt, end }
    }
}

/// Run, test, source file and round.
type Heard<'a> = (&'a str, TestKey<'a>, &'a str, Option<u32>);

impl RunnerVerdict {
    /// On the test of an execution: that it ended as it says.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        let (run_id, (package, binary, test), source_file, stress_index) = heard(row);
        Self {
            run_id: run_id.to_owned(),
            package: package.to_owned(),
            binary: binary.to_owned(),
            test: test.to_owned(),
            source_file: source_file.to_owned(),
            stress_index,
            outcome: match row.state {
                State::Passed => Outcome::Passed,
                State::Skipped => Outcome::Skipped,
                _ => Outcome::Failed,
            },
            message: None,
            ends: Vec::new(),
        }
    }

    fn key(&self) -> Heard<'_> {
        let test = (&*self.package, &*self.binary, &*self.test);
        (&self.run_id, test, &self.source_file, self.stress_index)
    }
}

fn heard(row: &Row) -> Heard<'_> {
    let run_id = row.runner_run_id.as_deref().unwrap_or(&row.run_id);
    (run_id, row.key(), &row.source_file, row.stress_index)
}

/// Has executions stand as the runner says. Gives the verdicts that are not what they said themselves, or say
/// more: how a process ended.
pub(super) fn hear(rows: &mut [Row], verdicts: Vec<RunnerVerdict>) -> Vec<RunnerVerdict> {
    let mut of_verdict: Vec<Vec<usize>> = vec![Vec::new(); verdicts.len()];
    let places: HashMap<Heard<'_>, usize> = verdicts
        .iter()
        .enumerate()
        .map(|(place, verdict)| (verdict.key(), place))
        .collect();
    for (index, row) in rows.iter().enumerate() {
        if let Some(place) = places.get(&heard(row)) {
            of_verdict[*place].push(index);
        }
    }
    let verdicts = verdicts.into_iter().zip(of_verdict);
    verdicts
        .filter_map(|(mut verdict, executions)| {
            verdict
                .ends
                .retain(|ended| learn(rows, &executions, *ended));
            let says_more = !verdict.ends.is_empty();
            (judge(rows, executions, &verdict) || says_more).then_some(verdict)
        })
        .collect()
}

/// Whether an execution of that attempt did not end by itself: then that is how its process did.
fn learn(rows: &mut [Row], executions: &[usize], ended: Ended) -> bool {
    let mut is_news = false;
    for index in executions {
        let row = &mut rows[*index];
        let state = row.sidecar_state.unwrap_or(row.state);
        if row.attempt == ended.attempt && state == State::Killed {
            row.end = Some(ended.end);
            is_news = true;
        }
    }
    is_news
}

/// Whether the executions of a test have come to stand otherwise.
fn judge(rows: &mut [Row], mut executions: Vec<usize>, verdict: &RunnerVerdict) -> bool {
    // The last attempt first: it is the one that the runner judges.
    executions.sort_by_key(|index| (u32::MAX - rows[*index].attempt, rows[*index].iteration));
    let is_bad = |rows: &[Row]| is_bad_for_good(executions.iter().map(|index| &rows[*index]));
    let was_bad = is_bad(rows);
    match verdict.outcome {
        Outcome::Failed if !was_bad => {
            if let Some(last) = executions.first() {
                overrule(&mut rows[*last], State::Failed, verdict);
            }
        }
        Outcome::Passed => {
            for index in &executions {
                if !is_bad(rows) {
                    break;
                }
                if rows[*index].state.is_bad() {
                    overrule(&mut rows[*index], State::Passed, verdict);
                }
            }
        }
        _ => {}
    }
    !executions.is_empty() && is_bad(rows) != was_bad
}

fn overrule(row: &mut Row, state: State, verdict: &RunnerVerdict) {
    row.sidecar_state = Some(row.state);
    row.state = state;
    row.runner_message.clone_from(&verdict.message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::calm;

    fn row(attempt: u32, state: State) -> Row {
        Row {
            attempt,
            state,
            ..calm("t")
        }
    }

    fn heard(mut rows: Vec<Row>, outcome: Outcome) -> (usize, Vec<(State, Option<State>)>) {
        let mut verdict = RunnerVerdict::of(&rows[0]);
        verdict.outcome = outcome;
        let mut other = verdict.clone();
        other.run_id = "another".into();
        other.outcome = match outcome {
            Outcome::Passed => Outcome::Failed,
            _ => Outcome::Passed,
        };
        let otherwise = hear(&mut rows, vec![verdict, other]).len();
        let states = rows.iter().map(|row| (row.state, row.sidecar_state));
        (otherwise, states.collect())
    }

    #[test]
    fn the_last_attempt_is_judged() {
        use State::{Failed, Killed, Passed};
        let flaky = || vec![row(1, Failed), row(2, Passed)];
        let as_they_were = vec![(Failed, None), (Passed, None)];
        assert_eq!(heard(flaky(), Outcome::Passed), (0, as_they_were));
        let failed = vec![(Failed, None), (Failed, Some(Passed))];
        assert_eq!(heard(flaky(), Outcome::Failed), (1, failed));
        let stopped = || vec![row(1, Failed), row(2, Killed)];
        let passed = vec![(Failed, None), (Passed, Some(Killed))];
        assert_eq!(heard(stopped(), Outcome::Passed), (1, passed));
        let as_they_were = vec![(Failed, None), (Killed, None)];
        assert_eq!(heard(stopped(), Outcome::Failed), (0, as_they_were));
    }

    #[test]
    fn a_run_that_is_called_otherwise_is_meant_by_the_runners_name() {
        let mut rows = vec![row(1, State::Passed)];
        rows[0].runner_run_id = Some("uuid".into());
        let mut verdict = RunnerVerdict::of(&rows[0]);
        assert_eq!(verdict.run_id, "uuid");
        verdict.outcome = Outcome::Failed;
        verdict.message = Some("it left a process".into());
        assert_eq!(hear(&mut rows, vec![verdict.clone()]), [verdict]);
        assert_eq!(rows[0].state, State::Failed);
        assert_eq!(rows[0].runner_message.as_deref(), Some("it left a process"));
    }

    #[test]
    fn the_end_of_a_process_is_its_attempts_where_that_was_killed() {
        let mut rows = vec![row(1, State::Killed), row(2, State::Failed)];
        let mut verdict = RunnerVerdict::of(&rows[1]);
        verdict.ends = [(1, End::Signal(9)), (2, End::Exit(101)), (3, End::TimedOut)]
            .map(|(attempt, end)| Ended::new(attempt, end))
            .into();
        let kept = hear(&mut rows, vec![verdict]);
        assert_eq!(kept[0].ends, [Ended::new(1, End::Signal(9))]);
        let ends = rows.iter().map(|row| row.end).collect::<Vec<_>>();
        assert_eq!(ends, [Some(End::Signal(9)), None]);
    }
}

//! The other executions that one is judged among.

use std::collections::HashMap;

use super::end::End;
use super::row::{Row, TestKey};
use super::run::Run;
use super::run_pressure::RunPressure;
use super::state::State;

/// Run, package and binary.
type BinaryKey<'a> = (&'a str, &'a str, &'a str);

/// What of all rows has to be known to judge one, worked out once.
///
/// With more runs there is more to judge by:
///
/// ```
/// use cargo_heap::report::{Context, Diagnosis, Run};
///
/// let both = Run::read(&["docs/runs/monday", "docs/runs/tuesday"], |_, _| ())?;
/// let context = Context::of_run(&both);
/// let killed = Diagnosis::of(&both.rows[0], &context);
/// for caveat in &killed.caveats {
///     println!("? {caveat}");
/// }
/// assert!(killed.caveats[0].starts_with("it was killed"));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// By run, package and binary: the largest own peak of each test, the smallest first.
    peaks_of_binary: HashMap<BinaryKey<'a>, Vec<(u64, &'a str)>>,
    /// By test, its largest own peak in each run.
    peaks_of_test: HashMap<TestKey<'a>, HashMap<&'a str, u64>>,
    /// By run, what has been read when: the executions by their start.
    by_start: HashMap<&'a str, Vec<&'a Row>>,
    /// By process.
    largest_of_process: HashMap<(&'a str, u32), &'a Row>,
    killed_of_process: HashMap<(&'a str, u32), usize>,
    /// By run, the readings around it, or around each of the commands that it came of.
    around: HashMap<&'a str, Vec<&'a RunPressure>>,
}

impl<'a> Context<'a> {
    /// The context of all executions of a run, and of the readings around it.
    #[must_use]
    pub fn of_run(run: &'a Run) -> Self {
        let mut context = Self::of(&run.rows);
        for pressure in &run.pressure {
            let around = context.around.entry(&pressure.run_id).or_default();
            around.push(pressure);
        }
        context
    }

    /// The context of these executions, of one run or of several.
    #[must_use]
    pub fn of(rows: &'a [Row]) -> Self {
        let mut context = Self {
            peaks_of_binary: HashMap::new(),
            peaks_of_test: HashMap::new(),
            by_start: HashMap::new(),
            largest_of_process: HashMap::new(),
            killed_of_process: HashMap::new(),
            around: HashMap::new(),
        };
        for row in rows {
            context.add(row);
        }
        for (key, peaks) in &context.peaks_of_test {
            for (run, peak) in peaks {
                let binary = (*run, key.0, key.1);
                let all = context.peaks_of_binary.entry(binary).or_default();
                all.push((*peak, key.2));
            }
        }
        for peaks in context.peaks_of_binary.values_mut() {
            peaks.sort_unstable();
        }
        for rows in context.by_start.values_mut() {
            rows.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        }
        context
    }

    fn add(&mut self, row: &'a Row) {
        let process = (row.run_id.as_str(), row.pid);
        if let Some(peak) = row.own_peak_bytes {
            let runs = self.peaks_of_test.entry(row.key()).or_default();
            let largest = runs.entry(&row.run_id).or_default();
            *largest = peak.max(*largest);
        }
        if let Some(peak) = row.peak_or_least() {
            let largest = self.largest_of_process.entry(process).or_insert(row);
            if largest.peak_or_least() < Some(peak) {
                *largest = row;
            }
        }
        if row.state == State::Killed {
            *self.killed_of_process.entry(process).or_default() += 1;
        }
        self.by_start.entry(&row.run_id).or_default().push(row);
    }

    /// The first reading of the run that was taken after a test was killed. The same process was
    /// killed with it, so another's tests only.
    pub(super) fn after_killed(&self, row: &Row) -> Option<&'a Row> {
        if row.state != State::Killed {
            return None;
        }
        let rows = self.by_start.get(row.run_id.as_str())?;
        let from = rows.partition_point(|other| other.started_at <= row.started_at);
        rows[from..]
            .iter()
            .find(|other| other.pid != row.pid)
            .copied()
    }

    /// The readings around the run of a test that was killed, where the last was taken after that.
    pub(super) fn around_killed(&self, row: &Row) -> Option<&'a RunPressure> {
        let around = self.around.get(row.run_id.as_str())?;
        let mut around = around.iter().copied();
        around.find(|around| row.state == State::Killed && around.is_around(&row.started_at))
    }

    /// The signal by which somebody ended the run, where that is what ended this test: of what was killed, it was
    /// the last that ran.
    pub(super) fn interrupted(&self, row: &Row) -> Option<End> {
        let interrupted = self.around_killed(row)?.interrupted.as_ref()?;
        let was_running = *row.started_at <= *interrupted.at && self.after_killed(row).is_none();
        was_running.then_some(End::Signal(interrupted.signal))
    }

    pub(super) fn killed_with(&self, row: &Row) -> usize {
        self.killed_of_process
            .get(&(row.run_id.as_str(), row.pid))
            .map_or(0, |count| count.saturating_sub(1))
    }

    pub(super) fn largest_of_process(&self, row: &Row) -> Option<&'a Row> {
        self.largest_of_process
            .get(&(row.run_id.as_str(), row.pid))
            .copied()
    }

    /// The median of the own peaks of the other tests of the same binary and run, and how many
    /// those are.
    pub(super) fn median_peak_of_siblings(&self, row: &Row) -> Option<(u64, usize)> {
        let binary = (
            row.run_id.as_str(),
            row.package.as_str(),
            row.binary.as_str(),
        );
        let peaks: Vec<u64> = self
            .peaks_of_binary
            .get(&binary)?
            .iter()
            .filter(|(_, test)| *test != row.test)
            .map(|(peak, _)| *peak)
            .collect();
        // The upper one of two in the middle: rather not large than large.
        Some((*peaks.get(peaks.len() / 2)?, peaks.len()))
    }

    /// The largest own peak of the same test in other runs, and how many those are.
    pub(super) fn largest_peak_of_history(&self, row: &Row) -> Option<(u64, usize)> {
        let others = self.peaks_of_test.get(&row.key())?.iter();
        let others: Vec<u64> = others
            .filter(|(run, _)| **run != row.run_id)
            .map(|(_, peak)| *peak)
            .collect();
        Some((*others.iter().max()?, others.len()))
    }
}

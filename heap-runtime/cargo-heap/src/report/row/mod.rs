//! One execution of a test, as one flat row.

mod columns;

use std::path::Path;

use super::record::{Heap, Record};
use super::state::State;
use columns::Always;
pub use columns::{Column, Row};
use heap_sidecar::{Budget, HeapDelta, OwnTier, PeakSource, ProcessTier, ReadError, Status};

impl Row {
    /// Reads the row of the sidecar in a file, as things stand now.
    ///
    /// # Errors
    ///
    /// As [`heap_sidecar::read`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        Self::read_with(path.as_ref()).map(|(row, _)| row)
    }

    /// Package, binary and test: what is the same test in every run.
    #[must_use]
    pub fn key(&self) -> TestKey<'_> {
        (&self.package, &self.binary, &self.test)
    }

    /// What nextest's attempts belong to: a test in one round and shard of a run. An attempt may have several
    /// executions, such as those of a helper that is tracked and called by several tests; which of them
    /// is repeated in the next is not known, as their iterations are counted anew.
    pub(super) fn round(&self) -> (&str, TestKey<'_>, Option<u32>, Option<&str>) {
        let shard = self.shard.as_deref();
        (&self.run_id, self.key(), self.stress_index, shard)
    }

    /// Which execution of its test in the run this is: attempt, stress index, iteration.
    #[must_use]
    pub fn turn(&self) -> (u32, Option<u32>, u32) {
        (self.attempt, self.stress_index, self.iteration)
    }

    /// Budgets that did not hold.
    pub fn broken_budgets(&self) -> impl Iterator<Item = &Budget> {
        self.budgets
            .iter()
            .flatten()
            .filter(|budget| budget.held == Some(false))
    }

    /// Pressure on memory: the higher of the two readings of PSI `some` over 10 s, in percent. Of a
    /// test that was killed, there is the one before.
    #[must_use]
    pub fn pressure(&self) -> Option<f64> {
        self.psi_some_avg10_before
            .into_iter()
            .chain(self.psi_some_avg10)
            .max_by(f64::total_cmp)
    }

    /// What the own peak is at least, in bytes, where the end of the test was not recorded, but a
    /// checkpoint was or what was last seen of it: the test was killed, or still runs.
    #[must_use]
    pub fn own_peak_at_least(&self) -> Option<u64> {
        if self.own_peak_bytes.is_some() {
            return None;
        }
        self.checkpoint_least_peak_bytes
            .max(self.last_seen_least_bytes())
    }

    /// The own peak, or what it is at least.
    pub(crate) fn peak_or_least(&self) -> Option<u64> {
        self.own_peak_bytes.or(self.own_peak_at_least())
    }

    /// What was live at least when it was last seen.
    fn last_seen_least_bytes(&self) -> Option<u64> {
        let error = self.last_seen_error_bytes.unwrap_or(0);
        Some(self.last_seen_live_bytes?.saturating_sub(error))
    }

    pub(super) fn of(record: Record) -> Self {
        let (state, heap_reason) = (State::of(&record), why_missing(&record));
        let mut row = Self::unmeasured(Always {
            state,
            run_id: record.run_id,
            package: record.package,
            binary: record.binary,
            test: record.test_name,
            attempt: record.attempt,
            iteration: record.iteration,
            source_file: record.source.file,
            source_line: record.source.line,
            runner: record.runner,
            pid: record.pid,
            started_at: record.started_at,
            allocator: record.heap.allocator,
            exclusive: record.heap.exclusive,
            beside_exact: record.heap.beside_exact,
        });
        row.shard = record.shard;
        row.runner_run_id = record.runner_run_id;
        row.parent_pid = record.parent.map(|parent| parent.pid);
        row.heap_reason = heap_reason;
        row.stress_index = record.stress_index;
        row.duration_ns = record.duration_ns;
        (row.failure_kind, row.failure_message) = record
            .failure
            .map(|failure| (failure.kind, failure.message))
            .unzip();
        row.skip_reason = record.skip_reason;
        row.labels = Some(record.labels).filter(|labels| !labels.is_empty());
        row.metrics = Some(record.metrics).filter(|metrics| !metrics.is_empty());
        row.samples = Some(record.samples).filter(|samples| !samples.is_empty());
        row.descriptions = Some(record.descriptions).filter(|all| !all.is_empty());
        row.budgets = Some(record.budgets).filter(|budgets| !budgets.is_empty());
        row.set_heap(record.heap);
        row.set_time(record.time);
        row.set_host(&record.host_before, &record.host);
        row.set_waits(&record.host_before, &record.host);
        row.set_cgroup(
            &record.host_before.cgroup_memory,
            &record.host.cgroup_memory,
        );
        row
    }

    fn set_heap(&mut self, heap: Heap) {
        self.c_allocator = heap.c_allocator;
        let (own, process) = (heap.own, heap.process.as_ref());
        self.own_peak_bytes = own.and_then(|own| own.peak_bytes);
        self.own_peak_error_bytes = own.and_then(|own| own.peak_error_bytes);
        self.own_peak_source = own.and_then(|own| own.peak_source);
        self.own_retained_bytes = own.map(|own| own.retained_bytes);
        self.own_allocated_bytes = own.map(|own| own.allocated_bytes);
        self.own_deallocated_bytes = own.map(|own| own.deallocated_bytes);
        self.own_allocations = own.and_then(|own| own.allocations);
        self.own_threads = own.map(|own| own.threads);
        self.own_threads_running = own.map(|own| own.threads_running);
        self.own_shared = own.and_then(|own| own.shared);
        let checkpoint = heap.checkpoints.into_iter().last();
        let so_far = checkpoint.as_ref().and_then(|checkpoint| checkpoint.own);
        self.checkpoint_at_ns = checkpoint.as_ref().map(|checkpoint| checkpoint.at_ns);
        self.checkpoint_label = checkpoint.map(|checkpoint| checkpoint.label);
        self.checkpoint_peak_bytes = so_far.and_then(|own| own.peak_bytes);
        self.checkpoint_least_peak_bytes = so_far.map(least_peak);
        self.checkpoint_retained_bytes = so_far.map(|own| own.retained_bytes);
        self.checkpoint_allocated_bytes = so_far.map(|own| own.allocated_bytes);
        // All zero until there was something to see.
        let seen = heap.last_seen.filter(|seen| seen.live_bytes > 0);
        self.last_seen_at_ns = seen.map(|seen| seen.at_ns);
        self.last_seen_live_bytes = seen.map(|seen| seen.live_bytes);
        self.last_seen_error_bytes = seen.map(|seen| seen.error_bytes);
        self.process_allocated_delta_bytes = moved(process, |delta| delta.allocated_bytes);
        self.process_resident_delta_bytes = moved(process, |delta| delta.resident_bytes);
        let unseen = process.and_then(|process| process.unseen(None, own.as_ref()));
        self.unseen_bytes = unseen.map(|unseen| unseen.bytes);
        self.panic_rss_bytes = heap.panic_rss_bytes;
        self.panic_peak_rss_bytes = heap.panic_peak_rss_bytes;
        self.overlap = heap.overlap;
    }
}

/// Package, binary and test.
pub type TestKey<'a> = (&'a str, &'a str, &'a str);

/// By how much the process's heap has moved, without what the hooks of panics did.
fn moved(process: Option<&ProcessTier>, part: fn(&HeapDelta) -> Option<i64>) -> Option<i64> {
    let process = process?;
    let panics = process.panics.and_then(|panics| part(&panics.delta));
    Some(part(&process.delta)?.saturating_sub(panics.unwrap_or(0)))
}

/// Why a tier is missing.
fn why_missing(record: &Record) -> Option<String> {
    let unwritten = record.status == Status::Running && record.end().is_some();
    let unwritten = unwritten.then(|| "its finished record could not be written".into());
    record.heap.reason.clone().or(unwritten)
}

/// What the peak is at least: what was live at the end was live, and the peak is known but for its
/// error; of several threads that peaked at different moments, the sum of their peaks says nothing.
fn least_peak(own: OwnTier) -> u64 {
    let seen = match own.peak_source {
        Some(PeakSource::ThreadPeak) if own.threads > 1 => 0,
        _ => own.peak_bytes.unwrap_or(0),
    };
    let certain = seen.saturating_sub(own.peak_error_bytes.unwrap_or(0));
    certain.max(own.retained_bytes.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::end::End;

    #[test]
    fn a_peak_is_at_least_what_is_certain() {
        let own = |peak_source, threads, retained_bytes| {
            let mut own = OwnTier::default();
            own.peak_bytes = Some(1000);
            own.peak_error_bytes = Some(100);
            own.peak_source = Some(peak_source);
            own.threads = threads;
            own.retained_bytes = retained_bytes;
            own
        };
        assert_eq!(least_peak(own(PeakSource::ThreadEvent, 2, -5)), 900);
        assert_eq!(least_peak(own(PeakSource::ThreadEvent, 2, 950)), 950);
        assert_eq!(least_peak(own(PeakSource::ThreadPeak, 1, 10)), 900);
        assert_eq!(least_peak(own(PeakSource::ThreadPeak, 2, 10)), 10);
        assert_eq!(least_peak(OwnTier::default()), 0);
    }

    #[test]
    fn the_columns_are_the_keys_of_a_row_in_their_order() {
        let mut row = crate::report::sample::full();
        // What only the runner can say.
        row.sidecar_state = Some(State::Passed);
        row.runner_message = Some("it left a process".into());
        row.end = Some(End::Signal(6));
        let json = serde_json::to_string(&row).unwrap();
        // A row that has everything has every column.
        let mut from = 0;
        for column in Row::COLUMNS {
            let key = format!("\"{}\":", column.name);
            let at = json[from..].find(&key);
            from += at.unwrap_or_else(|| panic!("{key} after {from} in {json}"));
        }
        assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
    }
}

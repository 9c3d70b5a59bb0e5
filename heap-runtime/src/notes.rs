//! The sidecar in the making, and what a test says in it about itself while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use heap_sidecar::Redaction;

use crate::env::Settings;
use crate::fork;
use crate::formatted::After;
use crate::kernel;
use crate::own::{self, Own};
use crate::pool::Pool;
use crate::process::process_id;
use crate::record::{MAX_ENTRIES, Record, say_full};
use crate::sampled::Sampled;
use crate::sidecar::{Better, Checkpoint, Description, Failure, File, bounded, to_line};

/// One execution's sidecar so far. Shared with the test's threads.
pub(crate) struct Notes {
    /// Absent once the end has been reached: a thread that outlives the test is too late.
    record: Mutex<Option<Record>>,
    file: OnceLock<File>,
    /// Values that are not in the record yet.
    sampled: Sampled,
    own: Own,
    /// The process whose test it is. A fork of it has a copy, which nobody writes, and whose lock may be
    /// held for ever.
    pid: u32,
}

/// Notes of tests that have ended.
static ENDED: Pool<Arc<Notes>> = Pool::new();

impl Notes {
    pub(crate) fn begin(record: Record, own: Own) -> Arc<Self> {
        let pid = record.sidecar.pid;
        // `end` has kept it for that: nobody else has it.
        if let Some(mut notes) = ENDED.take()
            && let Some(begun) = Arc::get_mut(&mut notes)
        {
            let kept = begun.record.get_mut();
            *kept.unwrap_or_else(PoisonError::into_inner) = Some(record);
            begun.own = own;
            begun.pid = pid;
            return notes;
        }
        Arc::new(Self {
            record: Mutex::new(Some(record)),
            file: OnceLock::new(),
            sampled: Sampled::default(),
            own,
            pid,
        })
    }

    /// Lets another test have its place, unless a thread of this one still has it.
    pub(crate) fn end(mut notes: Arc<Self>) {
        if let Some(ended) = Arc::get_mut(&mut notes) {
            ended.file.take();
            ended.sampled.clear();
            ENDED.give(notes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the record, unless the end has been reached.
    pub(crate) fn edit<T>(&self, edit: impl FnOnce(&mut Record) -> T) -> Option<T> {
        self.lock().as_mut().map(edit)
    }

    /// The record as it is at the end; there are no notes after it.
    pub(crate) fn take(&self) -> Option<Record> {
        let mut record = self.lock().take()?;
        record.take_samples(&self.sampled);
        record.summarize_samples();
        Some(record)
    }

    /// Where the sidecar is. Absent where none can be written.
    pub(crate) fn file(&self) -> Option<&File> {
        self.file.get()
    }

    /// Says where the sidecar is, once.
    pub(crate) fn set_file(&self, file: File) {
        self.file.get_or_init(|| file);
    }

    /// Says how the host was before the hook of a panic, where it may be otherwise after it.
    pub(crate) fn set_before_hook(&self, host: Option<After>) {
        self.edit(|record| record.before_hook = host);
    }

    /// Whether its test is exclusive, as far as is known.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.edit(|record| record.sidecar.heap.exclusive)
            .unwrap_or(false)
    }

    pub(crate) fn own(&self) -> Own {
        self.own
    }

    fn checkpoint(&self, label: String) {
        let (own, at_ns) = self.own.so_far();
        let mut checkpoint = Checkpoint::new(label, at_ns, own);
        checkpoint.time = self.own.spent_so_far();
        let said = self.edit(|record| {
            record.take_samples(&self.sampled);
            record.add_checkpoint(checkpoint)
        });
        let said = said.flatten();
        // On the disk at once: it may be the last thing that is known of this test. Without a lock, as
        // another thread of the test's is not to wait for a disk. Where this fails, so does the end, and
        // says so.
        let file = self.file().filter(|_| !kernel::is_confined());
        if let (Some((mark, said)), Some(file)) = (said, file) {
            let mut line = Vec::new();
            to_line(&said, &mut line);
            let _ = file.store.append(&mark, &line);
            // It has ended meanwhile, and removed the file, perhaps before this line was in it.
            if self.lock().is_none() {
                file.store.remove(&mark);
            }
        }
    }
}

/// Names, keys and values are cut after so many bytes: a sidecar must stay one that its reader
/// takes.
const MAX_TEXT: usize = 512;

/// Puts a value into a map that may be full, and into another: what is not on the disk yet.
fn insert<V: Clone>([map, pending]: [&mut BTreeMap<String, V>; 2], key: &str, value: V) {
    let key = bounded(key, MAX_TEXT);
    if map.len() < MAX_ENTRIES || map.contains_key(&key) {
        pending.insert(key.clone(), value.clone());
        map.insert(key, value);
    } else {
        say_full("labels and metrics");
    }
}

/// The notes of the test that the calling thread is in.
pub(crate) fn current() -> Option<Arc<Notes>> {
    own::current_attachment()?.downcast().ok()
}

/// Hands the notes of the calling thread's test to `note`, if there is one.
fn with_current(note: impl FnOnce(&Notes)) {
    if fork::is_child() {
        return;
    }
    // What is noted is ours, not the test's. A text that the test has allocated is the test's to
    // free, so it is copied in here, and never moved.
    own::unmeasured(|| {
        if let Some(notes) = current().filter(|notes| notes.pid == process_id()) {
            note(&notes);
        }
    });
}

/// What is not to be recorded.
fn redaction() -> Option<&'static Redaction> {
    Some(&Settings::get().ok()?.redact).filter(|redaction| !redaction.is_empty())
}

/// Whether what a test calls so is to be recorded.
fn is_recorded(of: &str, key: &str) -> bool {
    redaction().is_none_or(|redaction| !redaction.leaves_out(&format!("{of}.{key}")))
}

fn note(edit: impl FnOnce(&mut Record)) {
    with_current(|notes| {
        notes.edit(edit);
    });
}

/// Records a number that the test has measured, such as a latency, in its sidecar.
///
/// The unit belongs in the name, as in `wakeup_p99_us`. The last value of a name counts. A value
/// that is not finite cannot be written as JSON and is left out. Outside a tracked test, nothing
/// happens.
///
/// ```standalone_crate
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "metric", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// use std::time::Duration;
///
/// heap_runtime::track("wakes_up", || {
///     let latency = Duration::from_micros(41);
///     heap_runtime::metric("wakeup_p99_us", latency.as_secs_f64() * 1e6);
/// });
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// assert_eq!(sidecars[0].metrics["wakeup_p99_us"], 41.0);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn metric(name: impl AsRef<str>, value: f64) {
    let name = name.as_ref();
    if value.is_finite() && is_recorded("metrics", name) {
        note(|record| {
            let maps = [&mut record.sidecar.metrics, &mut record.pending.metrics];
            insert(maps, name, value);
        });
    }
}

/// Records one of many values of a name, such as the latency of each of a million wake-ups.
///
/// They are kept as a histogram of bounded size, in which a value is within a 64th of what it was, with their
/// number, their least and their largest: [`Samples`](crate::sidecar::Samples). All of the test's threads may call this,
/// and two histograms can be added up, of attempts, shards and runs. A call takes some 0.1 µs; its time is not in the
/// test's. The unit belongs in the name, or into [`describe`]. A value that is not finite is counted as such, and in
/// nothing else. Outside a tracked test, nothing happens.
///
/// ```standalone_crate
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "samples", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// heap_runtime::track("wakes_up_often", || {
///     for latency in 1..=1000 {
///         heap_runtime::samples("wakeup_us", f64::from(latency));
///     }
/// });
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// let wakeups = &sidecars[0].samples["wakeup_us"];
/// assert_eq!((wakeups.count, wakeups.max), (1000, Some(1000.0)));
/// let p99 = wakeups.quantile(0.99).expect("there are values");
/// assert!((p99 - 990.0).abs() <= 990.0 * wakeups.relative_error);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn samples(name: impl AsRef<str>, value: f64) {
    let name = name.as_ref();
    if !is_recorded("samples", name) {
        return;
    }
    with_current(|notes| {
        if name.len() <= MAX_TEXT {
            notes.sampled.record(name, value);
        } else {
            notes.sampled.record(&bounded(name, MAX_TEXT), value);
        }
    });
}

/// Says what a metric or the samples of that name are: their unit, and which values are better.
///
/// It may stand before them or after. The last word on a name counts. Outside a tracked test, nothing happens.
///
/// ```standalone_crate
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "describe", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// use heap_runtime::sidecar::Better;
///
/// heap_runtime::track("moves_messages", || {
///     heap_runtime::describe("messages", "1/s", Better::Higher);
///     heap_runtime::metric("messages", 1.5e6);
/// });
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// assert_eq!(sidecars[0].descriptions["messages"].better, Better::Higher);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn describe(name: impl AsRef<str>, unit: impl AsRef<str>, better: Better) {
    let (name, unit) = (name.as_ref(), unit.as_ref());
    if !is_recorded("metrics", name) || !is_recorded("samples", name) {
        return;
    }
    note(|record| {
        let maps = [
            &mut record.sidecar.descriptions,
            &mut record.pending.descriptions,
        ];
        insert(
            maps,
            name,
            Description::new(bounded(unit, MAX_TEXT), better),
        );
    });
}

/// Records a label that is known only at run time, beside those of the attribute.
///
/// The last value of a key counts, also over one of the attribute. Outside a tracked test, nothing
/// happens.
///
/// ```standalone_crate
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "label", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// heap_runtime::track("uses_every_cpu", || {
///     let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
///     heap_runtime::label("cpus", cpus.to_string());
/// });
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// assert!(sidecars[0].labels["cpus"].parse::<u32>()? > 0);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn label(key: impl AsRef<str>, value: impl AsRef<str>) {
    let (key, value) = (key.as_ref(), value.as_ref());
    if !is_recorded("labels", key) {
        return;
    }
    note(|record| {
        let maps = [&mut record.sidecar.labels, &mut record.pending.labels];
        insert(maps, key, bounded(value, MAX_TEXT));
    });
}

/// Records that the test cannot do its work here, and why: its outcome is `skipped` where it then
/// returns without a failure.
///
/// It does not end the test; return right after it. The harness counts the test as passed, because
/// it knows no other word for it, and the sidecar tells the truth. The first reason counts. Outside
/// a tracked test, nothing happens.
///
/// ```standalone_crate
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "skip", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// use heap_runtime::heap_tracked;
/// use heap_runtime::sidecar::Outcome;
///
/// # fn may_use_realtime() -> bool { false }
/// #[heap_tracked]
/// fn a_realtime_thread_starves_the_others() {
///     if !may_use_realtime() {
///         return heap_runtime::skip("needs CAP_SYS_NICE");
///     }
///     // ...
/// }
/// a_realtime_thread_starves_the_others();
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// assert_eq!(sidecars[0].outcome, Some(Outcome::Skipped));
/// assert_eq!(sidecars[0].skip_reason.as_deref(), Some("needs CAP_SYS_NICE"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn skip(reason: impl AsRef<str>) {
    let reason = reason.as_ref();
    note(|record| {
        let said = &mut record.sidecar.skip_reason;
        if said.is_none() {
            // That it was skipped is told by a reason.
            let is_left_out = redaction().is_some_and(|all| all.leaves_out("skip_reason"));
            let reason = if is_left_out {
                Redaction::LEFT_OUT
            } else {
                reason
            };
            *said = Some(bounded(reason, Failure::MAX_MESSAGE_BYTES));
            record.pending.skip_reason.clone_from(said);
        }
    });
}

/// Records the own tier at this moment, under a name: where in the test the memory went.
///
/// The numbers are those of all the test's threads, from its start up to now, and what they have spent on a CPU and waiting
/// for one is among them. It is on the disk at once,
/// together with the labels and metrics so far: of a test that is killed, all checkpoints are known. Each
/// appends a line to a file, which takes some 20 µs, the first and the thousandth; neither its time nor its
/// memory is in the test's numbers. Outside a tracked test, nothing happens.
///
/// ```standalone_crate
/// # heap_runtime::use_jemalloc!();
/// # let folder = std::env::temp_dir().join(format!("heap-runtime-{}-{}", "checkpoint", std::process::id()));
/// # // SAFETY: no other thread has been started.
/// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
/// #[heap_runtime::heap_tracked]
/// fn a_cache_stays_small() {
///     let cache = vec![0_u8; 4096];
///     heap_runtime::checkpoint("filled");
///     drop(cache);
///     heap_runtime::checkpoint("emptied");
/// }
/// a_cache_stays_small();
///
/// // `folder` is HEAP_SIDECAR_DIR.
/// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
/// let retained = |own: heap_runtime::sidecar::OwnTier| own.retained_bytes;
/// let checkpoints = &sidecars[0].heap.checkpoints;
/// assert_eq!(checkpoints[0].label, "filled");
/// assert_eq!(checkpoints[0].own.map(retained), Some(4096));
/// assert_eq!(checkpoints[1].own.map(retained), Some(0));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn checkpoint(label: impl AsRef<str>) {
    let label = label.as_ref();
    if redaction().is_some_and(|all| all.leaves_out("checkpoints")) {
        return;
    }
    with_current(|notes| notes.checkpoint(bounded(label, MAX_TEXT)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded_in_length_and_number() {
        let (mut metrics, mut pending) = (BTreeMap::new(), BTreeMap::new());
        let mut number = |key: &str, value| insert([&mut metrics, &mut pending], key, value);
        for key in 0..=MAX_ENTRIES {
            number(&format!("{key:0>600}"), 0.0);
        }
        for key in 0..2 * MAX_ENTRIES {
            number(&key.to_string(), 1.0);
        }
        number("0", 2.0);
        assert_eq!(metrics, pending);
        assert_eq!(metrics.len(), MAX_ENTRIES);
        // Cut keys are the same key.
        assert_eq!(metrics.values().filter(|value| **value < 1.0).count(), 1);
        assert!(metrics["0"] > 1.0);
        assert_eq!(bounded("äö", 3), "ä…");
    }
}

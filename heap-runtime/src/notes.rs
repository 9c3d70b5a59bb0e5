//! What a test says about itself while it runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::own::{self, Own};
use crate::sidecar::Checkpoint;

/// What one execution has noted so far. Shared with the test's threads.
pub(crate) struct Notes {
    noted: Mutex<Noted>,
    own: Own,
}

/// The notes themselves.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) skip_reason: Option<String>,
    pub(crate) checkpoints: Vec<Checkpoint>,
}

impl Notes {
    pub(crate) fn new(own: Own) -> Self {
        Self {
            noted: Mutex::default(),
            own,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(add: impl FnOnce(&mut Noted, &Notes)) {
    // The notes are ours, not the test's.
    own::unmeasured(|| {
        if let Some(notes) = own::current_notes() {
            add(&mut notes.lock(), &notes);
        }
    });
}

/// Records a number that the test has measured, such as a latency, in its sidecar.
///
/// The unit belongs in the name, as in `wakeup_p99_us`. The last value of a name counts. A value
/// that is not finite cannot be written as JSON and is left out. Outside a tracked test, nothing
/// happens.
///
/// ```
/// use std::time::Duration;
///
/// let latency = Duration::from_micros(41);
/// heap_runtime::metric("wakeup_p99_us", latency.as_secs_f64() * 1e6);
/// ```
pub fn metric(name: impl Into<String>, value: f64) {
    if value.is_finite() {
        note(|noted, _| {
            noted.metrics.insert(name.into(), value);
        });
    }
}

/// Records a label that is known only at run time, beside those of the attribute.
///
/// The last value of a key counts, also over one of the attribute. Outside a tracked test, nothing
/// happens.
///
/// ```
/// heap_runtime::label("cpus", "2");
/// ```
pub fn label(key: impl Into<String>, value: impl Into<String>) {
    note(|noted, _| {
        noted.labels.insert(key.into(), value.into());
    });
}

/// Records that the test cannot do its work here, and why: its outcome is `skipped` where it then
/// returns without a failure.
///
/// It does not end the test; return right after it. The harness counts the test as passed, because
/// it knows no other word for it, and the sidecar tells the truth. The first reason counts. Outside
/// a tracked test, nothing happens.
///
/// ```
/// # fn may_use_realtime() -> bool { false }
/// fn a_realtime_thread_starves_the_others() {
///     if !may_use_realtime() {
///         return heap_runtime::skip("needs CAP_SYS_NICE");
///     }
///     // ...
/// }
/// # a_realtime_thread_starves_the_others();
/// ```
pub fn skip(reason: impl Into<String>) {
    note(|noted, _| {
        noted.skip_reason.get_or_insert_with(|| reason.into());
    });
}

/// Records the own tier at this moment, under a name: where in the test the memory went.
///
/// The numbers are those of all the test's threads, from its start up to now. Outside a tracked
/// test, nothing happens.
///
/// ```
/// # heap_runtime::use_jemalloc!();
/// # #[heap_runtime::heap_tracked]
/// fn a_cache_stays_small() {
///     let cache = vec![0_u8; 4096];
///     heap_runtime::checkpoint("filled");
///     drop(cache);
///     heap_runtime::checkpoint("emptied");
/// }
/// # a_cache_stays_small();
/// ```
pub fn checkpoint(label: impl Into<String>) {
    note(|noted, notes| {
        let (own, at_ns) = notes.own.so_far();
        noted.checkpoints.push(Checkpoint {
            label: label.into(),
            at_ns,
            own,
        });
    });
}

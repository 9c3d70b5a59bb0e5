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

fn note(text: &str, add: impl FnOnce(&mut Noted, String, &Notes)) {
    // The notes are ours, not the test's. A text that the test has allocated is the test's to free,
    // so it is copied, and never moved in.
    own::unmeasured(|| {
        if let Some(notes) = own::current_notes() {
            add(&mut notes.lock(), text.to_owned(), &notes);
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
pub fn metric(name: impl AsRef<str>, value: f64) {
    if value.is_finite() {
        note(name.as_ref(), |noted, name, _| {
            noted.metrics.insert(name, value);
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
pub fn label(key: impl AsRef<str>, value: impl AsRef<str>) {
    let value = value.as_ref();
    note(key.as_ref(), |noted, key, _| {
        noted.labels.insert(key, value.to_owned());
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
pub fn skip(reason: impl AsRef<str>) {
    note(reason.as_ref(), |noted, reason, _| {
        noted.skip_reason.get_or_insert(reason);
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
pub fn checkpoint(label: impl AsRef<str>) {
    note(label.as_ref(), |noted, label, notes| {
        let (own, at_ns) = notes.own.so_far();
        noted.checkpoints.push(Checkpoint { label, at_ns, own });
    });
}

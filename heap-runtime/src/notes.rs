//! What a test says about itself while it runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one execution has noted so far. Shared with the test's threads.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    noted: Mutex<Noted>,
}

/// The notes themselves.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) skip_reason: Option<String>,
}

impl Notes {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// The executions that this thread is in, the innermost last.
    static CURRENT: RefCell<Vec<Arc<Notes>>> = const { RefCell::new(Vec::new()) };
}

/// Makes `notes` the current ones of this thread until the guard is dropped.
pub(crate) fn enter(notes: Arc<Notes>) -> Entered {
    CURRENT.with_borrow_mut(|current| current.push(notes));
    Entered(())
}

/// Takes the thread's current notes back at its end.
pub(crate) struct Entered(());

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(Vec::pop);
    }
}

fn note(add: impl FnOnce(&mut Noted)) {
    let current = CURRENT.with_borrow(|current| current.last().cloned());
    if let Some(notes) = current {
        add(&mut notes.lock());
    }
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
        note(|noted| {
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
    note(|noted| {
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
    note(|noted| {
        noted.skip_reason.get_or_insert_with(|| reason.into());
    });
}

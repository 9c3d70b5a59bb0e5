//! What is handed to other threads together with the test that it is of.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::handle::Handle;

impl Handle {
    /// The future, measured as the test's wherever and whenever it is polled, and where it is dropped.
    ///
    /// What a task of a runtime does is the test's then, on whichever thread. The runtime's own memory for the task is
    /// not: that is whose thread allocates and frees it.
    ///
    /// ```standalone_crate
    /// # heap_runtime::use_jemalloc!();
    /// # let folder = std::env::temp_dir().join(format!("heap-runtime-instrument-{}", std::process::id()));
    /// # // SAFETY: no other thread has been started.
    /// # unsafe { std::env::set_var("HEAP_SIDECAR_DIR", &folder) };
    /// // A runtime that was there before the test.
    /// let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    ///
    /// heap_runtime::track("gives_a_task", || {
    ///     let task = heap_runtime::current().instrument(async {
    ///         let held = vec![1_usize; 1 << 17];
    ///         tokio::task::yield_now().await;
    ///         held.iter().sum::<usize>()
    ///     });
    ///     let sum = runtime.block_on(runtime.spawn(task));
    ///     assert_eq!(sum.expect("it does not panic"), 1 << 17);
    /// });
    ///
    /// // `folder` is HEAP_SIDECAR_DIR.
    /// let (sidecars, _) = heap_sidecar::read_run(&folder)?;
    /// let own = sidecars[0].heap.own.expect("jemalloc counts");
    /// assert!(own.allocated_bytes >= 1 << 20);
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a future does nothing unless it is polled"]
    pub fn instrument<F: Future>(&self, future: F) -> Instrumented<F> {
        Instrumented::new(self.clone(), future)
    }

    /// The closure, measured as the test's wherever it is called, or dropped uncalled.
    ///
    /// ```
    /// let job = heap_runtime::current().wrap(|| 6 * 7);
    /// assert_eq!(std::thread::spawn(job).join().unwrap(), 42);
    /// ```
    ///
    /// What it goes on to give to other threads of a pool needs a handle too: rayon's parallel iterators call their
    /// closures on whichever thread is free. `map_init` gives each of them a guard:
    ///
    /// ```
    /// use rayon::prelude::*;
    ///
    /// let test = heap_runtime::current();
    /// let texts: Vec<String> = (0..100)
    ///     .into_par_iter()
    ///     .map_init(|| test.enter(), |_in_the_test, number: i32| number.to_string())
    ///     .collect();
    /// assert_eq!(texts[42], "42");
    /// ```
    #[must_use = "a closure does nothing unless it is called"]
    pub fn wrap<R, F: FnOnce() -> R>(&self, closure: F) -> impl FnOnce() -> R + use<R, F> {
        wrap(self.clone(), closure)
    }
}

/// A future that is measured as a test's wherever it is polled or dropped: see [`Handle::instrument`].
///
/// ```
/// use heap_runtime::{Instrumented, current};
///
/// struct Task<F> {
///     future: Instrumented<F>,
/// }
///
/// let task = Task {
///     future: current().instrument(std::future::ready(42)),
/// };
/// assert_eq!(format!("{:?}", task.future), "Instrumented { in_a_test: false, .. }");
/// ```
#[must_use = "a future does nothing unless it is polled"]
pub struct Instrumented<F>(WithHandle<F>);

impl<F: Future> Instrumented<F> {
    fn new(handle: Handle, future: F) -> Self {
        Self(WithHandle::new(handle, future))
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: what is instrumented stays where it is until it is dropped there: `Instrumented` never takes it.
        let (handle, future) = unsafe {
            let WithHandle { handle, what } = &mut self.get_unchecked_mut().0;
            (handle, Pin::new_unchecked(what))
        };
        let _in_the_test = handle.enter();
        match future.as_pin_mut() {
            Some(future) => future.poll(context),
            // Only `wrap` leaves nothing.
            None => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for Instrumented<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented")
            .field("in_a_test", &self.0.handle.is_in_a_test())
            .finish_non_exhaustive()
    }
}

/// See [`Handle::wrap`].
fn wrap<R, F: FnOnce() -> R>(handle: Handle, closure: F) -> impl FnOnce() -> R + use<R, F> {
    let mut instrumented = WithHandle::new(handle, closure);
    move || {
        let WithHandle { handle, what } = &mut instrumented;
        let _in_the_test = handle.enter();
        let closure = what.take().expect("it is called once");
        closure()
    }
}

/// Something of a test's, which is dropped as the test's.
struct WithHandle<T> {
    handle: Handle,
    what: Option<T>,
}

impl<T> WithHandle<T> {
    fn new(handle: Handle, what: T) -> Self {
        Self {
            handle,
            what: Some(what),
        }
    }
}

impl<T> Drop for WithHandle<T> {
    fn drop(&mut self) {
        if self.what.is_some() {
            let _in_the_test = self.handle.enter();
            // In its place.
            self.what = None;
        }
    }
}

//! What is handed to other threads together with the test that it is of.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::handle::Handle;

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
    pub(super) fn new(handle: Handle, future: F) -> Self {
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
pub(super) fn wrap<R, F: FnOnce() -> R>(
    handle: Handle,
    closure: F,
) -> impl FnOnce() -> R + use<R, F> {
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

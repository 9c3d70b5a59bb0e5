//! Two threads that take turns on one CPU.

use std::io;
use std::panic::resume_unwind;
use std::thread;

use super::cpu::{OwnedCpu, pin_this_thread};

/// Runs both on threads of their own, pinned to this CPU, and hands on what they return.
///
/// # Errors
///
/// The first error of the two.
pub fn pair<A: Send, B: Send>(
    cpu: &OwnedCpu,
    first: impl FnOnce() -> io::Result<A> + Send,
    second: impl FnOnce() -> io::Result<B> + Send,
) -> io::Result<(A, B)> {
    let number = cpu.number();
    thread::scope(|scope| {
        let first = scope.spawn(move || pin_this_thread(number).and_then(|()| first()));
        let second = scope.spawn(move || pin_this_thread(number).and_then(|()| second()));
        // Both have ended before a panic of one goes on.
        let (first, second) = (first.join(), second.join());
        let first = first.unwrap_or_else(|panic| resume_unwind(panic));
        let second = second.unwrap_or_else(|panic| resume_unwind(panic));
        Ok((first?, second?))
    })
}

//! The least that runs a body in a call, and tells that call which test it is and where: what no attribute
//! that does so can be compiled faster than.

use std::hint::black_box;
use std::panic::Location;

/// Runs it.
#[inline(never)]
#[track_caller]
pub fn run(test: &'static str, body: fn()) {
    black_box((test, Location::caller()));
    body();
}

//! Support for the tests in `tests/`.

pub mod sched;
pub mod scratch;

//! Support for the tests in `tests/`.

pub mod bed;
pub mod damage;
pub mod memory_group;
pub mod options;
pub mod project;
pub mod rerun;
pub mod resizes;
pub mod sched;
pub mod scratch;
pub mod suite;
pub mod trace;

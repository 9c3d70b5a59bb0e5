//! What no test may do to the machine that it runs on, done in a virtual one (`tests/vm`).
//!
//! ```text
//!  tests/bed.rs      boots the guest once ──▶ tests/in_guest.rs: each case, one after the other
//!      │                                          │ a cgroup, a hog, a scheduler; then a tracked test of its own
//!      │                                          ▼
//!      └── asserts what the reports say ◀── share/CASE/  sidecars/  STEP.end  before/  after/
//! ```
//!
//! The files of the guest's own kernel lie beside the sidecars, so that one can be held against the other.

pub mod case;
pub mod group;
pub mod machine;
pub mod schedulers;

//! The side of the bed that is in the guest: what is done to tests, and the tests that it is done to.
//!
//! Everything here is ignored, and `cases` is for the guest alone: it takes all the memory that there is. See
//! `tests/bed.rs`, which boots the guest, runs `cases` in it, and asserts what is left.

heap_runtime::use_jemalloc!();

#[path = "in_guest/cases.rs"]
mod cases;
#[path = "in_guest/subjects.rs"]
mod subjects;

use std::path::Path;

/// Runs every case, one after the other. The share is what `tests/vm/boot` mounts.
#[test]
#[ignore = "is for the guest of the bed"]
fn cases() {
    let share = Path::new("/share");
    assert!(
        Path::new("/run/control/command").exists() && share.is_dir(),
        "this is no guest of tests/vm/boot"
    );
    cases::run_all(share);
}

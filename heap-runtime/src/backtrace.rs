//! What a short backtrace shows of a test that panics: what it would without tracking, nothing of ours.
//!
//! std prints a backtrace from the innermost frame out. One whose name has `__rust_begin_short_backtrace` in it ends what is
//! shown, and one with `__rust_end_short_backtrace` begins it again (`_print_fmt` in std's `sys/backtrace.rs`); libtest
//! and std's own threads rely on the names. So everything between the two below is left out, and who called the test stays.
//! `RUST_BACKTRACE=full` shows all frames.

use std::hint::black_box;

/// Calls what is the test's own.
#[inline(never)]
pub(crate) fn __rust_begin_short_backtrace<R>(theirs: impl FnOnce() -> R) -> R {
    let returned = theirs();
    // Something is left to do after the call, or its frame could take the place of this one.
    black_box(());
    returned
}

/// Calls what is ours.
#[inline(never)]
pub(crate) fn __rust_end_short_backtrace<R>(ours: impl FnOnce() -> R) -> R {
    let returned = ours();
    // As above.
    black_box(());
    returned
}

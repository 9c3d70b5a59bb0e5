//! Has the test in `tests`.

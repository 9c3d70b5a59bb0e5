//! What libtest is told by its arguments and variables, where that is the harness.

use std::env;
use std::ffi::OsString;

/// Whether it keeps what tests print until they end.
pub(crate) fn output_is_kept() -> bool {
    let asked_not_to = |argument: OsString| argument == "--nocapture" || argument == "--no-capture";
    let is_set = env::var_os("RUST_TEST_NOCAPTURE").is_some_and(|value| value != "0");
    !is_set && !env::args_os().any(asked_not_to)
}

/// Whether it runs one test at a time: what its argument says, or else the variable.
pub(crate) fn runs_one_at_a_time() -> bool {
    let mut arguments = env::args_os().skip_while(|argument| argument != "--test-threads");
    let of_two = arguments.nth(1);
    let joined =
        |argument: OsString| Some(argument.to_str()?.strip_prefix("--test-threads=")?.into());
    let count = of_two.or_else(|| env::args_os().find_map(joined));
    count
        .or_else(|| env::var_os("RUST_TEST_THREADS"))
        .is_some_and(|count| count == "1")
}

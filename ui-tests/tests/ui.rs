//! Compiles every file of `tests/ui`: those in `pass` run, those in `fail` are refused with exactly
//! the messages beside them.
//!
//! `TRYBUILD=overwrite cargo test -p ui-tests` writes the messages anew. Read them as a user would:
//! one error for each mistake, at the token that is wrong, saying what to write instead.
//!
//! trybuild compiles programs, and there `#[test]` removes the function it stands on. So most cases
//! are plain functions, which is what the attribute sees below `#[test]` anyway.

#[test]
fn misuse_is_refused_with_one_message_for_each_mistake() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*.rs");
}

#[test]
fn what_can_be_tracked_compiles_and_runs() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

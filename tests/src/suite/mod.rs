//! Suites of other people's crates, run as they are and with every test tracked.
//!
//! ```text
//! package   ── from the registry ──▶ original/   as it is
//!                 │                  tracked/    dependency, and `cargo heap init --all`
//!                 │                  depending/  dependency alone
//! execution ── each test binary of both, run ──▶ verdicts, sidecars, times
//! comparison ── what differs, and a line of the table
//! unamended  ── the sources as they are, beside heap-runtime: what the compiler says, and the harness
//! ```

pub mod comparison;
pub mod execution;
pub mod package;
pub mod unamended;

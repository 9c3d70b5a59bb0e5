//! Suites of other people's crates, run as they are and with every test tracked.
//!
//! ```text
//! package   ── newest version, from the registry ──▶ original/   as it is
//!                 │                                  tracked/    dependency, and `cargo heap init --all`
//! execution ── each test binary of both, run ──▶ verdicts, sidecars, times
//! comparison ── what differs, and a line of the table
//! unamended  ── the sources as they are, beside heap-runtime: what the compiler says
//! ```

pub mod comparison;
pub mod execution;
pub mod package;
pub mod unamended;

//! Suites of other people's crates, run as they are and with every test tracked.
//!
//! ```text
//! package   ── newest version, from the registry ──▶ original/   as it is
//!                 │                                  tracked/    attribute, allocator, dependency
//! attribute ──────┘
//! execution ── each test binary of both, run ──▶ verdicts, sidecars, times
//! comparison ── what differs, and a line of the table
//! ```

pub mod attribute;
pub mod comparison;
pub mod execution;
pub mod package;
